import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createFakeClock, createTestLine, type FakeClock } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Backend } from '../../ports/backend.ts'
import { type Contention, createContention } from '../contended-line.suite.ts'
import { backOff } from '../context/back-off.ts'
import { type RuntimeContext, toRuntimeContext } from '../context/runtime-context.ts'
import { log, times } from '../presence/presence-world.suite.ts'
import { disconnectSession } from '../presence/rows/disconnect-session.ts'
import { joinSession } from '../presence/session.ts'
import { createRoom, type Room, slotsOf, subscribe, withOperations } from '../subscriptions/room.suite.ts'

const publishes = 100
const tabOf = (n: number) => ({ log, key: { member: `m${n}`, entry: 'tab' }, ref: 1, connectionId: `c${n}` })

/** A room whose store takes time. */
function createContendedRoom(wrap?: Parameters<typeof withOperations>[1]): { room: Room; contention: Contention } {
  const contention = createContention((): FakeClock => room.clock)
  const room: Room = createRoom({
    store: (store) => contention.wrap(wrap === undefined ? store : withOperations(store, wrap)),
  })
  return { room, contention }
}

const batch = (name: string, more: (n: number) => object = () => ({}), length = publishes) =>
  Array.from({ length }, (_, n) => ({
    id: n,
    method: 'mutation',
    params: { path: 'post', input: { room: 'x', text: `${name}${n}` }, ...more(n) },
  }))
const keyed = (name: string) => (n: number) => ({ key: `own.${name}${n}` })

interface AnswerLike {
  readonly result?: unknown
  readonly error?: { readonly message: string }
}
/** Many answers are posted in chunks, so what failed is found by what is missing from the log as well. */
const errorsOf = (answers: unknown) =>
  [answers].flat().filter((answer) => (answer as AnswerLike | undefined)?.error !== undefined)

async function expectDense(room: Room, length: number): Promise<void> {
  const slots = (await slotsOf(room)).filter(({ data }) => data !== undefined)
  expect(slots).toHaveLength(length)
  expect(new Set(slots.map(({ data }) => data)).size).toBe(length)
}

describe('[LAW-BACK-OFF]: 100 publishes to one topic in one frame', () => {
  test.each([
    ['without keys', undefined, 2],
    ['under keys', keyed('a'), 5],
  ])('%s take no more write units than one by one, since they do not race each other', async (_, key, each) => {
    const { room, contention } = createContendedRoom()
    const client = await room.connect()
    contention.took()
    const { result, ms } = await contention.finish(room.clock, client.send(batch('a', key)))
    const took = contention.took()
    console.info(`${publishes} publishes in one frame: ${JSON.stringify({ ...took, ms })}`)
    expect(errorsOf(result)).toEqual([])
    expect(took).toMatchObject({ units: each * publishes, lost: 0 })
    await expectDense(room, publishes)
  })

  test.each([
    ['without keys', undefined],
    ['under keys', keyed],
  ])('%s in each of four functions at once take at most 6 write units each', async (_, key) => {
    const { room, contention } = createContendedRoom()
    const clients = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => ({ name, client: await room.connect() })),
    )
    contention.took()
    const sent = Promise.all(clients.map(({ name, client }) => client.send(batch(name, key?.(name)))))
    const { result, ms } = await contention.finish(room.clock, sent)
    const took = contention.took()
    console.info(`4 × ${publishes} publishes at once: ${JSON.stringify({ ...took, ms })}`)
    expect(result.flatMap(errorsOf)).toEqual([])
    expect(took.units / (4 * publishes)).toBeLessThanOrEqual(6)
    expect(ms).toBeLessThan(20_000)
    await expectDense(room, 4 * publishes)
  })

  test('leave for a subscriber in few posts, each event once and in order, and none of them waits long', async () => {
    const { room, contention } = createContendedRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    const before = room.gateway.posted(ann.connectionId).length
    await contention.finish(room.clock, bob.send(batch('a')))
    const posts = room.gateway.posted(ann.connectionId).slice(before)
    const offsets = posts.flatMap((text) => [JSON.parse(text) as object].flat()).map(offsetOf)
    const [first = 0] = offsets
    expect(offsets).toEqual(Array.from({ length: publishes }, (_, n) => first + n))
    expect(posts.length).toBeLessThanOrEqual(publishes / 4)
  })

  test('an event alone is posted at once', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    const before = room.gateway.posted(ann.connectionId).length
    await bob.send(batch('a', undefined, 1))
    expect(room.gateway.posted(ann.connectionId)).toHaveLength(before + 1)
  })
})

const offsetOf = (frame: object) => Number(/:(\d+)"/.exec(JSON.stringify(frame))?.[1])

describe('the appends of one function to one topic', () => {
  test('go on after one that failed', async () => {
    let puts = 0
    const { room, contention } = createContendedRoom((store) => ({
      putSlot: async (topic, slot) => {
        puts += 1
        if (puts === 2) throw new Error('The table is away.')
        return store.putSlot(topic, slot)
      },
    }))
    const client = await room.connect()
    await contention.finish(room.clock, client.send(batch('a', undefined, 5)))
    await expectDense(room, 4)
  })
})

describe('the pauses of a writer that loses races', () => {
  async function pauses(random: number): Promise<readonly number[]> {
    const slept: number[] = []
    const clock = { ...createFakeClock(), random: () => random, sleep: async (ms: number) => void slept.push(ms) }
    for (let lost = 1; lost <= 12; lost++)
      await backOff({ clock, deadline: undefined } as unknown as RuntimeContext, lost)
    return slept
  }
  test('are random from zero to a bound that doubles up to 2 s, and the first retry does not wait', async () => {
    expect(await pauses(1)).toEqual([20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, 2_000, 2_000])
    expect(await pauses(0)).toEqual(Array.from({ length: 11 }, () => 0))
  })
})

describe('[LAW-BACK-OFF]: 1,000 members that lose their sockets at once', () => {
  const line = createLine()
  line.presence('here', { key: z.object({ room: z.string() }), data: z.object({}) })
  const router = initTRPC.create().router({})
  const members = 1_000
  const concurrency = 10 // of the delay queue's event source, as deployed

  test('leave for at most 6 write units each, in batches of 10, ten batches at once', async () => {
    const delayed: unknown[] = []
    const contention = createContention((): FakeClock => made.clock)
    const made = createTestLine({
      line,
      router,
      store: (store) => contention.wrap(store),
      invoker: (inner) => ({ ...inner, invokeDelayed: async (payload) => void delayed.push(payload) }),
    })
    const context = toRuntimeContext({ ...made.backend, gateway: undefined } as unknown as Backend, {
      retentionOf: () => log.retentionMs,
      presenceOf: () => times,
      channelOf: () => undefined,
      enter: (_, fn) => fn(),
    })
    for (let n = 0; n < members; n++)
      await joinSession(context, tabOf(n), { data: '{}', lease: (now) => now + times.leaseMs })
    contention.took()
    for (let n = 0; n < members; n++) await disconnectSession(context, tabOf(n))
    const disconnects = contention.took().units
    expect(delayed).toHaveLength(members)
    await made.clock.advance(16_000)
    const batches = Array.from({ length: members / 10 }, (_, n) => delayed.slice(n * 10, n * 10 + 10))
    const run = (payloads: readonly unknown[]) => {
      const Records = payloads.map((payload, n) => ({
        ...{ eventSource: 'aws:sqs', messageId: String(n), body: JSON.stringify(payload) },
      }))
      return made.line.withBackend(made.backend, () =>
        made.handlers.deliver({ Records }, { getRemainingTimeInMillis: () => 30_000 }),
      )
    }
    const remaining = batches.values()
    const workers = Array.from({ length: concurrency }, async () => {
      const failed: unknown[] = []
      for (const payloads of remaining)
        failed.push(...((await run(payloads)) as { readonly batchItemFailures: readonly unknown[] }).batchItemFailures)
      return failed
    })
    const { result, ms } = await contention.finish(made.clock, Promise.all(workers))
    const took = contention.took()
    console.info(`${members} leaves: ${JSON.stringify({ ...took, disconnects, ms })}`)
    expect(result.flat()).toEqual([])
    const { rows } = await made.store.readPresences(log.topic)
    expect(rows).toEqual([])
    expect((took.units + disconnects) / members).toBeLessThanOrEqual(6)
    expect(ms).toBeLessThan(30_000)
  })
})
