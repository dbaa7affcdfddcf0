import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Store } from '../../ports/store.ts'
import { replayNewest } from '../log/replay.ts'
import { accessOf } from '../subscriptions/store-access.suite.ts'
import {
  answering,
  awayIfAll,
  changesOf,
  checkPresence,
  createPresenceWorld,
  join,
  leave,
  log,
  look,
  type PresenceWorld,
  times,
  update,
} from './presence-world.suite.ts'
import { endSession } from './rows/disconnect-session.ts'
import { entryOf } from './session.ts'
import { readMembersNow, snapshotCount, snapshotMembers } from './snapshot.ts'
import { toTextMerge } from './validate-member.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const here = line.presence('here', { key, data: z.object({ away: z.boolean().default(false) }) })
const brief = line.presence('brief', { key, data: z.object({}), leaseMs: 60_000 })
const t = initTRPC.create()
const router = t.router({
  here: t.procedure.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
  brief: t.procedure.input(key).subscription(({ input }) => brief.join(input, { member: 'ann', data: {} })),
  watch: t.procedure.input(key).subscription(({ input }) => here.watch(input)),
})

/** A line that counts what is written of presence and its log. */
function counted() {
  const calls: string[] = []
  const made = createTestLine({
    line,
    router,
    store: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function' || typeof name !== 'string') return member
          return (...args: readonly unknown[]) => {
            if (accessOf(name as keyof Store, args).writes) calls.push(name)
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
  })
  return { made, took: () => calls.splice(0) }
}

interface Started {
  readonly result?: { readonly type: string; readonly head: string; readonly keepaliveMs?: number }
}

const hour = 3_600_000

describe('the cost of presence', () => {
  test.each([
    ['here', 270_000, { putPresence: 13, moveSweep: 2 * 8 }],
    ['brief', 22_500, { putPresence: 160, moveSweep: 2 * 80 }],
  ] as const)(
    'of a member-hour of %s with a keepalive each %i ms is a write for each keepalive and two for each sweep',
    async (path, everyMs, most) => {
      const { made, took } = counted()
      const ann = await made.connect()
      const start = () => ann.send({ id: 1, method: 'subscription', params: { path, input: { room: 'x' }, ref: 1 } })
      await start()
      const started = (ann.frames() as readonly Started[]).findLast(({ result }) => result?.type === 'started')
      expect(started?.result?.keepaliveMs).toBe(path === 'brief' ? everyMs : undefined) // [TL-PRES-5]
      const from = started?.result?.head
      took()
      for (let ms = everyMs; ms <= hour; ms += everyMs) {
        await made.clock.advance(everyMs)
        await ann.send({ id: 'y', method: 'sync', params: { subscriptions: [{ id: 1, ref: 1, from }] } })
      }
      const writes = took()
      const count = (name: string) => writes.filter((each) => each === name).length
      console.info(
        `${path}: ${count('putPresence')} renewals and ${count('moveSweep')} writes for the sweep in a member-hour`,
      )
      expect(new Set(writes)).toEqual(new Set(['putPresence', 'moveSweep']))
      expect(count('putPresence')).toBe(most.putPresence)
      expect(count('moveSweep')).toBeLessThanOrEqual(most.moveSweep)
    },
  )

  test('of a join is four writes more than a subscribe, of a quiet return two', async () => {
    const { made, took } = counted()
    const eve = await made.connect()
    await eve.send({ id: 1, method: 'subscription', params: { path: 'watch', input: { room: 'x' }, ref: 1 } })
    const ann = await made.connect()
    took()
    const start = (ref: number) =>
      ann.send({ id: 1, method: 'subscription', params: { path: 'here', input: { room: 'x' }, ref } })
    await start(1)
    expect(took()).toEqual([
      ...['addToCount', 'claimSubscription', 'putSubscriber'],
      'putPresenceSession',
      ...['putPresence', 'putSlot', 'putPresence'], // the row, the log, the note
      'putReceipt',
    ])
    await start(2)
    expect(took()).toEqual([
      ...['addToCount', 'claimSubscription', 'putSubscriber'],
      ...['putPresenceSession', 'putPresence'],
      'addToCount', // it was live, so its place is given back
    ])
  })
})

/** Joins as a subscribe does: with the row of the session first. */
async function joinNamed(world: PresenceWorld, principal: string | null): Promise<void> {
  const entry = entryOf({ principal, sessionId: 's' }, '1')
  await world.store.putPresenceSession({ topic: log.topic, entry, member: 'ann', ref: 1, expires: 9e9 })
  await join('ann', entry)(world)
}

describe('new data', () => {
  test('of a session whose lease has expired but was not swept is rejected and not shown [TL-PRES-8]', async () => {
    const world = await createPresenceWorld(answering)
    await joinNamed(world, null)
    expect(await update('s', '{"away":true}')(world)).toBe(true)
    await world.clock.advance(times.leaseMs)
    expect(await update('s', '{"away":false}')(world)).toBe(false)
    expect((await changesOf(world)).map(({ change }) => change?.type)).toEqual([undefined, 'join', 'update'])
  })

  test('comes from the session and the principal that joined, and from no other [TL-PRES-8]', async () => {
    const world = await createPresenceWorld(answering)
    await joinNamed(world, 'ann')
    expect(await update('s', '{}', 'bob')(world)).toBe(false)
    expect(await update('s', '{}')(world)).toBe(false)
    expect(await update('t', '{}', 'ann')(world)).toBe(false)
    expect(await update('s', '{}', 'ann')(world)).toBe(true)
  })
})

describe('several sessions of one member', () => {
  const hidden = '{"away":true}'
  const toldOf = async (world: PresenceWorld) => (await changesOf(world)).flatMap(({ change }) => change ?? [])

  test.each([
    ['the newest said', undefined, ['join', 'update']],
    ['all come to, where they are merged', awayIfAll, ['join']],
  ])('are shown as %s [TL-PRES-2]', async (_, merge, types) => {
    const world = await createPresenceWorld(answering, { merge })
    await join('ann', 'front')(world)
    await join('ann', 'back', 1, hidden)(world)
    expect((await toldOf(world)).map(({ type }) => type)).toEqual(types)
  })

  test('change what is shown when one of them leaves [TL-PRES-2]', async () => {
    const world = await createPresenceWorld(answering, { merge: awayIfAll })
    await join('ann', 'front')(world)
    await join('ann', 'back', 1, hidden)(world)
    await leave('ann', 'front')(world)
    expect((await toldOf(world)).at(-1)).toMatchObject({ type: 'update', data: { away: true } })
    await leave('ann', 'back')(world)
    expect((await toldOf(world)).at(-1)).toMatchObject({ type: 'leave' })
  })

  const throwing = () => {
    throw new Error('no')
  }
  const growing = toTextMerge({ name: 'here', key, event: z.object({}) }, () => ({ text: 'x'.repeat(3_000) }))
  test.each([
    ['that throws', throwing],
    ['that makes more than fits', growing],
  ])('are shown as the newest said by a merge %s, and can leave', async (_, merge) => {
    const world = await createPresenceWorld(answering, { merge })
    await join('ann', 'front')(world)
    await leave('ann', 'front')(world)
    expect((await toldOf(world)).map(({ type }) => type)).toEqual(['join', 'leave'])
  })
})

describe('a snapshot of a topic without watchers', () => {
  test('shows expired members beyond its limit until their leave is in the log, and keeps those who return [TL-PRES-1]', async () => {
    const world = await createPresenceWorld(answering)
    for (let n = 0; n < 250; n++) await join(`m${n}`, 't')(world)
    await world.clock.advance(times.leaseMs)
    await look(world)
    expect(world.seen[0]?.members.size).toBe(50)
    // Late, and before watchers saw them leave.
    for (const member of world.seen[0]?.members.keys() ?? []) await join(member, 't', 2)(world)
    await look(world)
    expect(world.seen[1]?.members.size).toBe(50)
    await checkPresence(world, { killed: undefined, lost: undefined, thrown: new Map(), returned: new Map() })
  })
})

describe('a topic of ten thousand', () => {
  test('is listed in pages and counted by one read, and a list beyond the limit names the limit', async () => {
    const world = await createPresenceWorld(answering)
    const member = (n: number) => `m${String(n).padStart(5, '0')}`
    for (let n = 0; n < 10_000; n++) await join(member(n), 't')(world)
    const { context } = world
    const begun = await replayNewest(context, log, 0)
    const { state } = await snapshotMembers(context, log, begun)
    expect(state.members).toHaveLength(10_000)
    expect((await snapshotCount(context, log, begun)).state).toBe(10_000)
    await join(member(10_000), 't')(world)
    const again = snapshotMembers(context, log, await replayNewest(context, log, 0))
    await expect(again).rejects.toThrow(/10001 members are here; a list shows 10000 \(listedMembers\)\. Use count\./)
    expect((await snapshotCount(context, log, await replayNewest(context, log, 0))).state).toBe(10_001)
    await world.clock.advance(times.leaseMs)
    expect(await readMembersNow(context, log.topic)).toEqual([])
  })
})

describe('outside of a line, as on tRPC’s own adapters', () => {
  const dataOf = (result: unknown) => (result as { readonly value: readonly [string, unknown] }).value[1]

  test('a join yields the state and the changes after it, and stays present until the grace period after its end', async () => {
    const { made } = counted()
    const [ann, eve] = made.asScript(() => {
      const joined = here.join({ room: 'x' }, { member: 'ann', data: {} })
      return [joined, here.watch({ room: 'x' })].map((each) => each[Symbol.asyncIterator]())
    })
    const present = [{ member: 'ann', data: { away: false } }]
    expect(dataOf(await ann?.next())).toEqual({ type: 'here', members: present })
    expect(dataOf(await eve?.next())).toEqual({ type: 'here', members: present })
    await ann?.return?.()
    const next = eve?.next()
    await made.clock.advance(14_000)
    expect(await made.asScript(() => here.read({ room: 'x' }))).toEqual(present)
    for (let second = 0; second < 10; second++) await made.clock.advance(1_000)
    expect(dataOf(await next)).toEqual({ type: 'leave', member: 'ann' })
    await eve?.return?.()
  })

  test('a lease that expired while the table was unreachable is acquired again', async () => {
    let isDown = false
    const made = createTestLine({
      line,
      router,
      store: (inner) => ({
        ...inner,
        readPresence: (...args) => (isDown ? Promise.reject(new Error('down')) : inner.readPresence(...args)),
      }),
    })
    const read = () => made.asScript(() => here.read({ room: 'x' }))
    const ann = made.asScript(() => here.join({ room: 'x' }, { member: 'ann', data: {} })[Symbol.asyncIterator]())
    await ann.next()
    isDown = true
    for (let minute = 0; minute < 13; minute++) await made.clock.advance(60_000)
    isDown = false
    const eve = made.asScript(() => here.watch({ room: 'x' })[Symbol.asyncIterator]())
    expect(dataOf(await eve.next())).toEqual({ type: 'here', members: [] })
    for (let minute = 0; minute < 5; minute++) await made.clock.advance(60_000)
    expect(await read()).toMatchObject([{ member: 'ann' }])
    await Promise.all([ann, eve].map((each) => each.return?.()))
  })
})

describe('presence rejects', () => {
  const join = (me: { member: string; data: unknown }) => () => here.join({ room: 'x' }, me as never)
  test('data that does not match the schema, with the issues', () => {
    expect(join({ member: 'ann', data: { away: 'yes' } })).toThrow(/^This data does not fit channel here: away: /)
  })
  test('new data that does not match the schema, with the issues', async () => {
    const { made } = counted()
    const update = made.asScript(() => here.update({ room: 'x' }, { away: 1 as never }))
    await expect(update).rejects.toThrow(/^This data does not fit channel here: away: /)
  })
  test('a member with an empty or too long name, with the limit', () => {
    expect(join({ member: '', data: {} })).toThrow(/text of 1 to 256 bytes \(memberBytes\), got 0 bytes/)
    expect(join({ member: 'é'.repeat(129), data: {} })).toThrow(/got 258 bytes/)
  })
  test('data that is too large, with the limit', () => {
    const big = createLine().presence('big', { key, data: z.object({ text: z.string() }) })
    const joining = () => big.join({ room: 'x' }, { member: 'ann', data: { text: 'x'.repeat(3_000) } })
    expect(joining).toThrow(/at most 2048 bytes \(dataBytes\), got 3011/)
  })
  test('times outside of the limits', () => {
    const declare = (given: object) => () => createLine().presence('p', { key, data: z.object({}), ...given })
    expect(declare({ leaseMs: 9_999 })).toThrow(/leaseMs of presence p of at least 10000, got 9999/)
    expect(declare({ graceMs: 900_001 })).toThrow(/graceMs of presence p from 0 to 900000, got 900001/)
  })
})

describe('the session of a subscription that ended', () => {
  const bound = z.object({ room: z.string(), as: z.string().optional(), pad: z.number().optional() })
  const roomy = line.presence('roomy', { key, data: z.object({ pad: z.string() }), leaseMs: 12 * 60_000 })
  const router = t.router({
    be: t.procedure.input(bound).subscription(({ input: { room, as = 'ann', pad = 0 } }) => {
      const data = { pad: 'x'.repeat(pad) }
      return as === 'watcher' ? roomy.watch({ room }) : roomy.join({ room }, { member: as, data })
    }),
  })
  const start = (client: TestClient, ref: number, input: z.infer<typeof bound>, id = 1) =>
    client.send({ id, method: 'subscription', params: { path: 'be', input, ...(ref > 0 && { ref }) } })
  const headOf = (client: TestClient) =>
    (client.frames() as readonly Started[]).findLast(({ result }) => result?.type === 'started')?.result?.head
  const here = async (made: TestLine, room = 'x') =>
    (await made.asScript(() => roomy.read({ room }))).map(({ member }) => member)

  test('by the server ends at once, by a check [TL-PRES-3]', async () => {
    const world = await createPresenceWorld(answering)
    await join('ann', 't', 2)(world)
    const row = (ref: number) => ({ topic: log.topic, connectionId: 't2', ref, presence })
    const presence = { view: 'members', seat: { member: 'ann', entry: 't' } } as const
    await endSession(world.context, row(1)) // an earlier attempt
    expect(await readMembersNow(world.context, log.topic)).toHaveLength(1)
    await endSession(world.context, row(2))
    expect(await readMembersNow(world.context, log.topic)).toEqual([])
    expect(world.later.at(-1)).toEqual({ presence: { topic: log.topic, member: 'ann' } })
  })

  test.each([
    ['as another member', 'bob', ['bob']],
    ['as a watcher', 'watcher', []],
  ])('because its id joins %s on the same connection ends at once [TL-PRES-3]', async (_, as, left) => {
    const made = createTestLine({ line, router })
    const ann = await made.connect()
    await start(ann, 1, { room: 'x' })
    expect(await here(made)).toEqual(['ann'])
    await start(ann, 2, { room: 'x', as })
    expect(await here(made)).toEqual(left)
    await ann.send({ id: 'y', method: 'sync', params: { subscriptions: [{ id: 1, ref: 2, from: headOf(ann) }] } })
    expect(JSON.stringify(ann.frames())).not.toContain('CONNECTION_LOST') // the session that it left is not its own
  })

  test('because it returns another topic ends at once [TL-SUB-14]', async () => {
    const made = createTestLine({ line, router })
    const ann = await made.connect()
    await start(ann, 1, { room: 'x' })
    await start(ann, 2, { room: 'z' })
    expect(ann.frames().at(-1)).toMatchObject({ id: 1, line: { code: 'TOPIC_CHANGED' } })
    expect([await here(made), await here(made, 'z')]).toEqual([[], []])
  })

  test('because its state is too large ends at once', async () => {
    const made = createTestLine({ line, router })
    const [eve, ann] = [await made.connect(), await made.connect({ stock: true })]
    for (let n = 0; n < 70; n++) await start(eve, 1, { room: 'x', as: `m${n}`, pad: 1_900 }, 100 + n)
    await start(ann, 0, { room: 'x' })
    expect(JSON.stringify(ann.frames().at(-1))).toContain('at most')
    expect(await here(made)).not.toContain('ann')
  })
})

describe('a burst of 500 joins in a second', () => {
  const crowd = line.presence('crowd', { key, data: z.object({}) })
  const gathering = t.router({
    join: t.procedure
      .input(key.extend({ as: z.string() }))
      .subscription(({ input: { room, as } }) => crowd.join({ room }, { member: as, data: {} })),
    watch: t.procedure.input(key).subscription(({ input }) => crowd.watch(input)),
  })
  const topic = 'crowd?room=s:x'
  const batch = 100 // of the table's stream, as deployed

  test('reaches a watcher completely and in order, in far fewer posts', async () => {
    const made = createTestLine({ line, router: gathering })
    const eve = await made.connect()
    await eve.send({ id: 1, method: 'subscription', params: { path: 'watch', input: { room: 'x' }, ref: 1 } })
    const before = made.gateway.posted(eve.connectionId).length
    for (let n = 0; n < 500; n++) {
      const client = await made.connect()
      const params = { path: 'join', input: { room: 'x', as: `m${n}` }, ref: 1 }
      await client.send({ id: 1, method: 'subscription', params })
      const row = { topic, shard: 0, connectionId: client.connectionId, id: '1', ref: 1 }
      await made.store.deleteSubscriber(row) // what is posted to the watcher is counted, and nothing else
      await made.clock.advance(2)
    }
    const { slots } = await made.store.readSlots(topic, 0, 1_000)
    for (let at = 0; at < slots.length; at += batch)
      await made.stream(slots.slice(at, at + batch).map((slot) => ({ topic, slot })))
    const posts = made.gateway.posted(eve.connectionId).length - before
    console.info(`500 joins within a second reach a watcher in ${posts} posts`)
    expect(posts).toBeLessThan(50)
    expect(JSON.stringify(eve.frames()).match(/"type":"join"/g)).toHaveLength(500)
  })
})

describe('a watcher that resumes', () => {
  test('ends leases that expired meanwhile, without waiting for a sync [TL-PRES-6]', async () => {
    const { made } = counted()
    const [ann, eve] = [await made.connect(), await made.connect()]
    const start = (client: TestClient, path: string, more: object) =>
      client.send({ id: 1, method: 'subscription', params: { path, input: { room: 'x' }, ...more } })
    await start(ann, 'here', { ref: 1 })
    await start(eve, 'watch', { ref: 1 })
    const head = (eve.frames() as readonly Started[]).findLast(({ result }) => result?.type === 'started')?.result?.head
    await made.clock.advance(12 * 60_000)
    const back = await made.connect()
    await start(back, 'watch', { ref: 2, lastEventId: head })
    expect(JSON.stringify(back.frames())).toContain('"data":{"type":"leave","member":"ann"}')
  })
})

describe('a gap', () => {
  test('is repaired by a fresh state that is exact at its cursor, and other watchers see no more than a join [TL-PRES-1]', async () => {
    const { made } = counted()
    const ann = await made.connect()
    const start = (client: TestClient, path: string, more: object) =>
      client.send({ id: 1, method: 'subscription', params: { path, input: { room: 'x' }, ...more } })
    await start(ann, 'here', { ref: 1 })
    const { id } = (ann.frames() as readonly { result?: { type: string; id?: string } }[]).flatMap(({ result }) =>
      result?.type === 'snapshot' ? [result] : [],
    )[0] ?? { id: '' }
    await ann.disconnect()
    await made.clock.advance(80 * 3_600_000) // longer than the log and its head are kept
    const eve = await made.connect()
    await start(eve, 'watch', { ref: 1 })
    const back = await made.connect()
    await start(back, 'here', { ref: 2, lastEventId: id })
    const answers = back.frames().map((frame) => (frame as { readonly result: { readonly type: string } }).result)
    expect(answers.filter(({ type }) => type !== 'data')).toMatchObject([
      { type: 'started', ref: 2, gap: expect.any(String), snapshot: true },
      { type: 'snapshot', data: { data: { type: 'here', members: [{ member: 'ann' }] } } },
    ])
    const shown = (eve.frames() as readonly { result: { data?: { data: object } } }[]).map(
      ({ result }) => result.data?.data,
    )
    expect(shown.slice(1)).toMatchObject([
      { type: 'here', members: [] },
      { type: 'join', member: 'ann' },
    ])
  })
})
