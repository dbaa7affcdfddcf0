import { initTRPC } from '@trpc/server'
import { formatCursor, parseCursor, type SyncFrame } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous } from '../../define/identity.ts'
import { createTestLine, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import { chunked } from '../requests/chunked.suite.ts'

const line = createLine()
const channel = line.channel('log', { key: z.object({ of: z.number() }), event: z.object({ text: z.string() }) })
const t = initTRPC.create()
let evaluated = 0
const router = t.router({
  all: t.procedure.input(z.object({ of: z.number() })).subscription(({ input }) => channel.subscribe(input)),
  none: t.procedure.input(z.object({ of: z.number() })).subscription(({ input }) =>
    channel.subscribe(input).filter(() => {
      evaluated += 1
      return false
    }),
  ),
  broken: t.procedure.input(z.object({ of: z.number() })).subscription(({ input }) =>
    channel.subscribe(input).filter(() => {
      throw new Error('the filter failed')
    }),
  ),
})

const topicOf = (of: number) => `log?of=n:${of}`
const unitBytes = 4_096

/** A line that counts what its store reads. */
function createWorld() {
  const counts = { requests: 0, slots: 0, units: 0, pages: 0 }
  const failures: { readonly message: string; readonly count: number | undefined }[] = []
  const sizeOf = ({ data = '' }: Slot) => data.length + 200
  const isSlot = (value: unknown): value is Slot => Object(value) === value && Object.hasOwn(Object(value), 'publishId')
  function count(name: string, result: unknown): void {
    const slots = name.startsWith('readSlots') ? (result as { slots: readonly Slot[] }).slots : statesOf(name, result)
    const size = slots.reduce((sum, slot) => sum + sizeOf(slot), 0)
    counts.requests += 1
    counts.slots += slots.length
    counts.pages += name === 'readSlots' && slots.length > 1 ? 1 : 0
    counts.units += Math.ceil(size / unitBytes)
  }
  function statesOf(name: string, result: unknown): readonly Slot[] {
    if (name !== 'readSyncStates') return []
    const slots = (result as readonly object[]).flatMap((state) => Object.values(state) as unknown[])
    return [...new Set(slots.filter(isSlot))] // memory returns one object for a slot that several need
  }
  const world = createTestLine({
    line,
    router,
    authorize: () => anonymous,
    anonymousMay: 'everything',
    onError: ({ error, count: times }) => failures.push({ message: error.message, count: times }),
    store: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function' || typeof name !== 'string') return member
          return async (...args: readonly unknown[]) => {
            const result = (await Reflect.apply(member, target, args)) as unknown
            count(name, result)
            return result
          }
        },
      }) as Store,
  })
  const took = () => {
    const taken = { ...counts }
    Object.assign(counts, { requests: 0, slots: 0, units: 0, pages: 0 })
    return taken
  }

  /** Appends events to a log. */
  async function append(of: number, number: number, size = 10): Promise<void> {
    const { store, clock } = world
    const [head] = (await store.readSlotsBefore(topicOf(of), undefined, 1)).slots
    const { offset = 0, epoch = 'e1' } = head ?? {}
    const time = clock.now()
    const expires = Math.ceil(time / 1_000) + 7 * 86_400
    const data = JSON.stringify({ text: 'x'.repeat(size) })
    for (let n = offset + 1; n <= offset + number; n++)
      await store.putSlot(topicOf(of), { offset: n, epoch, publishId: `p${n}`, time, expires, data })
  }

  /** Subscribes once for each log that is given, and returns what a sync of them asks. */
  async function subscribe(client: TestClient, path: string, logs: readonly number[]): Promise<Entries> {
    const frames = logs.map((of, index) => ({
      id: index + 1,
      method: 'subscription',
      params: { path, input: { of }, ref: 1 },
    }))
    const answers: unknown[] = []
    for (let at = 0; at < frames.length; at += 100) {
      answers.push(await client.send(frames.slice(at, at + 100)))
      world.clock.time += 1_000 // a function posts at most so much a second
    }
    const started = [...answers, ...client.frames()].flat() as { readonly id: number; readonly result?: Range }[]
    const fromOf = new Map(started.flatMap(({ id, result }) => (result?.head ? [[id, result.head] as const] : [])))
    return logs.map((_, index) => ({ id: index + 1, ref: 1, from: fromOf.get(index + 1) ?? '' }))
  }
  return { ...world, failures, took, append, subscribe }
}

interface Range {
  readonly type: string
  readonly id?: string
  readonly from?: string
  readonly head?: string
}
type Entries = SyncFrame['params']['subscriptions']

const sync = (id: string, subscriptions: Entries) => ({ id, method: 'sync', params: { subscriptions } })
const same = (count: number, value: number) => Array.from({ length: count }, () => value)

/** Sends a message and returns the frames that answer it. */
async function answersTo(client: TestClient, message: unknown): Promise<readonly Answer[]> {
  const before = client.frames().length
  const answer = await client.send(message)
  return [...client.frames().slice(before), answer]
    .flat()
    .filter((frame) => frame !== undefined) as unknown as readonly Answer[]
}

interface Answer {
  readonly id: number | string
  readonly result?: Range
  readonly error?: { readonly message: string; readonly data: { readonly code: string } }
}

const syncedIds = (answers: readonly Answer[]) =>
  answers.flatMap(({ id, result }) => (result?.type === 'synced' ? [id] : []))

/** The positions after an answer, as the client moves them. */
function moved(entries: Entries, answers: readonly Answer[]): Entries {
  return entries.map((entry) => {
    const last = answers.findLast(({ id, result }) => id === entry.id && result?.id !== undefined)
    return last?.result?.id === undefined ? entry : { ...entry, from: last.result.id }
  })
}

describe('a sync that names a subscription twice', () => {
  test('is refused with the id before anything is read [TL-SYNC-9]', async () => {
    const world = createWorld()
    const client = await world.connect()
    const [entry] = await world.subscribe(client, 'none', [1])
    if (entry === undefined) throw new Error('no entry')
    await world.append(1, 300)
    world.took()
    const answers = await answersTo(
      client,
      sync(
        'y1',
        Array.from({ length: 200 }, () => entry),
      ),
    )
    expect(answers).toMatchObject([
      { id: 'y1', error: { message: expect.stringContaining('got 1 twice'), data: { code: 'BAD_REQUEST' } } },
    ])
    expect(world.took()).toEqual({ requests: 0, slots: 0, units: 0, pages: 0 })
    expect(world.failures).toEqual([{ message: expect.stringContaining('twice'), count: undefined }])
  })

  test('has ids that differ as a number and a text do', async () => {
    const world = createWorld()
    const client = await world.connect()
    const entries = [7, '7'].map((id) => ({ id, ref: 1, from: formatCursor({ epoch: '0.e', offset: 1 }) }))
    const answers = await answersTo(client, sync('y1', entries))
    expect(answers.map(({ id }) => id)).toEqual([7, '7', 'y1'])
  })
})

describe('the slots that the syncs of one message read [TL-SYNC-8]', () => {
  /** 200 subscriptions with one filter at one log, which is 1,000 slots of a kilobyte ahead. */
  async function behind() {
    const world = createWorld()
    const client = await world.connect()
    await world.append(1, 1)
    const entries = await world.subscribe(client, 'none', same(200, 1))
    await world.append(1, 1_000, 1_000)
    world.took()
    evaluated = 0
    return { world, client, entries }
  }

  test('are at most 1,000 for 200 subscriptions with one filter; each slot is evaluated once', async () => {
    const { world, client, entries } = await behind()
    const answers = await answersTo(client, sync('y1', entries))
    const { requests, slots, units, pages } = world.took()
    expect(slots).toBeLessThanOrEqual(1_000)
    expect(units).toBeLessThanOrEqual(350)
    expect(requests).toBeLessThanOrEqual(16)
    expect(evaluated).toBeLessThanOrEqual(slots)
    expect(evaluated).toBeGreaterThan(900)
    expect(syncedIds(answers)).toHaveLength(pages)
    expect(answers.at(-1)).toEqual({ id: 'y1', result: { type: 'data' } })
  })

  test('are at most 1,000 for three such syncs in one array, which read the connection’s rows once', async () => {
    const { world, client, entries } = await behind()
    const answers = await answersTo(
      client,
      ['y1', 'y2', 'y3'].map((id) => sync(id, entries)),
    )
    const { requests, slots, units } = world.took()
    expect(slots).toBeLessThanOrEqual(1_000)
    expect(units).toBeLessThanOrEqual(350)
    expect(requests).toBeLessThanOrEqual(20)
    expect(evaluated).toBeLessThanOrEqual(slots)
    expect(answers.filter(({ id }) => typeof id === 'string')).toHaveLength(3)
  })

  test('are none for 45 syncs in chunks: each is refused, and one error is reported [TL-SYNC-9]', async () => {
    const { world, client, entries } = await behind()
    const frames = Array.from({ length: 45 }, (_, index) => sync(`y${index}`, entries))
    const answers: Answer[] = []
    for (const part of chunked({ id: 'y0' }, { text: JSON.stringify(frames) }))
      answers.push(...(await answersTo(client, part)))
    expect(answers).toHaveLength(45)
    for (const answer of answers)
      expect(answer.error).toMatchObject({
        message: expect.stringContaining('outside of chunks'),
        data: { code: 'BAD_REQUEST' },
      })
    expect(world.took().slots).toBe(0)
    expect(evaluated).toBe(0)
    expect(world.failures).toEqual([{ message: expect.stringContaining('outside of chunks'), count: 45 }])
  })

  test('end after 2 MB, but the first log that is behind gets a page', async () => {
    const world = createWorld()
    const client = await world.connect()
    const logs = Array.from({ length: 100 }, (_, index) => index)
    for (const of of logs) await world.append(of, 1)
    const entries = await world.subscribe(client, 'none', logs)
    for (const of of logs) await world.append(of, 3, 380_000)
    world.took()
    const answers = await answersTo(client, sync('y1', entries))
    const { units } = world.took()
    expect(units).toBeLessThanOrEqual((19 * 381_000) / unitBytes)
    expect(syncedIds(answers)).toEqual([1])
    expect(answers.find(({ result }) => result?.type === 'advance')).toMatchObject({ id: 1 })
  })

  test('let the rest of an answer be the subscriptions that are at the head', async () => {
    const world = createWorld()
    const client = await world.connect()
    await world.append(1, 1)
    await world.append(2, 1)
    const entries = await world.subscribe(client, 'none', [...same(12, 1), ...same(4, 2)])
    await world.append(1, 1_000)
    const answers = await answersTo(client, sync('y1', entries))
    expect(syncedIds(answers)).toEqual([1, 2, 3, expect.anything(), 13, 14, 15, 16])
  })

  test('let 2,000 subscriptions that are all behind catch up, by syncs of 200 one after another', async () => {
    const world = createWorld()
    const client = await world.connect()
    const logs = Array.from({ length: 2_000 }, (_, index) => index % 500)
    for (const of of new Set(logs)) await world.append(of, 1)
    let entries = await world.subscribe(client, 'all', logs)
    for (const of of new Set(logs)) await world.append(of, 3)
    const isBehind = ({ from }: Entries[number]) => parseCursor(from)?.offset !== 4
    let syncs = 0
    for (let waiting = entries.filter(isBehind); waiting.length > 0; waiting = entries.filter(isBehind)) {
      world.took()
      const answers = await answersTo(client, sync(`y${syncs}`, waiting.slice(0, 200)))
      const { slots } = world.took()
      expect(slots).toBeLessThanOrEqual(1_000)
      expect(syncedIds(answers)).toContain(waiting[0]?.id)
      entries = moved(entries, answers)
      syncs += 1
    }
    expect(syncs).toBeLessThanOrEqual(20)
  })
})

test('the errors of a sync are reported as one, with their number and the first message [TL-SYNC-8]', async () => {
  const world = createWorld()
  const client = await world.connect()
  await world.append(1, 1)
  const entries = await world.subscribe(client, 'broken', same(200, 1))
  await world.append(1, 4)
  await answersTo(client, sync('y1', entries))
  expect(world.failures).toHaveLength(1)
  expect(world.failures[0]).toMatchObject({ message: 'the filter failed' })
  expect(world.failures[0]?.count).toBeGreaterThan(100)
})
