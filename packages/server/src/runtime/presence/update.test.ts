import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createTestLine, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Store } from '../../ports/store.ts'
import { accessOf } from '../subscriptions/store-access.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const here = line.presence('here', { key, data: z.object({ away: z.boolean().default(false) }) })
const t = initTRPC.create()
const router = t.router({
  here: t.procedure
    .input(key.extend({ as: z.string() }))
    .subscription(({ input: { as, ...room } }) => here.join(room, { member: as, data: {} })),
  mark: t.procedure.input(key).mutation(({ input }) => here.update(input, { away: true })),
})
const topic = 'here?room=s:x'

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
            calls.push(`${accessOf(name as keyof Store, args).writes ? 'write' : 'read'} ${name}`)
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
  })
  return { made, took: () => calls.splice(0) }
}
const input = { room: 'x' }
const start = (client: TestClient, as: string, { id = 1, ref = 1 } = {}) =>
  client.send({ id, method: 'subscription', params: { path: 'here', input: { ...input, as }, ref } })
const mark = (client: TestClient) => client.send({ id: 9, method: 'mutation', params: { path: 'mark', input } })
const answer = (data: boolean) => ({ id: 9, result: { type: 'data', data } })

/** 1,000 members, as their rows have them. */
async function fill({ store, clock }: ReturnType<typeof counted>['made']): Promise<void> {
  const { slots } = await store.readSlotsBefore(topic, undefined, 1)
  for (let n = 0; n < 1_000; n++) {
    const lease = clock.now() + 720_000
    const session = { ref: 1, connectionId: `m${n}`, leaving: false, lease, joined: '{}', data: '{}', since: 1 }
    const said = { id: `m${n}`, base: 0, type: 'join' as const, data: '{}' }
    const row = { topic, member: `m${n}`, v: 1, mark: `m${n}`, sessions: { [`other.${n}`]: session }, said }
    await store.putPresence({ ...row, pending: false, epoch: slots[0]?.epoch ?? '', expires: 9e9 }, undefined)
  }
}

describe('new data of a session, next to 1,000 members', () => {
  test('that never joined is refused after one read, and an array of 100 after 100 [TL-PRES-8]', async () => {
    const { made, took } = counted()
    await start(await made.connect(), 'ann')
    await fill(made)
    const eve = await made.connect()
    took()
    expect(await mark(eve)).toEqual(answer(false))
    expect(took()).toEqual(['read readPresenceSessions'])
    await eve.send(
      Array.from({ length: 100 }, (_, id) => ({ id, method: 'mutation', params: { path: 'mark', input } })),
    )
    expect(took()).toEqual(Array.from({ length: 100 }, () => 'read readPresenceSessions'))
  })

  test('that never joined is refused after one read more on a connection whose row has the caller [TL-KICK-4]', async () => {
    const { made, took } = counted()
    const eve = await made.connect({ query: { explain: '1' } })
    took()
    expect(await mark(eve)).toEqual(answer(false))
    expect(took()).toEqual(['read readConnection', 'read readPresenceSessions'])
  })

  test('that joined is one read to find it, and the reads and writes of a change', async () => {
    const { made, took } = counted()
    const ann = await made.connect()
    await start(ann, 'ann')
    await fill(made)
    took()
    expect(await mark(ann)).toEqual(answer(true))
    expect(took().sort()).toEqual(
      [
        'read readPresenceSessions',
        ...['read readPresence', 'read readSlotsBefore'],
        ...['write putPresence', 'write putSlot', 'write putPresence'],
        ...['read readSubscribers', 'write putReceipt'],
      ].sort(),
    )
  })
})

describe('new data of a session', () => {
  test('is refused after a stop, which deletes the row of the session', async () => {
    const { made, took } = counted()
    const ann = await made.connect()
    await start(ann, 'ann')
    await ann.send({ id: 1, method: 'subscription.stop', params: { ref: 1 } })
    took()
    expect(await mark(ann)).toEqual(answer(false))
    expect(took()).toEqual(['read readPresenceSessions'])
  })

  test('follows the member that its latest attempt joined', async () => {
    const { made } = counted()
    const ann = await made.connect()
    await start(ann, 'ann')
    await start(ann, 'bob', { ref: 2 })
    expect(await mark(ann)).toEqual(answer(true))
    expect((await made.store.readPresence(topic, 'bob'))?.said.data).toBe('{"away":true}')
  })

  test('of a connection that an older deployment authorized is found by the connection’s own row', async () => {
    const { made } = counted()
    const ann = await made.connect({ olderDeployment: true })
    await start(ann, 'ann')
    const [row] = await made.store.readSubscriptions(ann.connectionId)
    await made.store.deletePresenceSession({ topic, entry: row?.seat?.entry ?? '', member: 'ann', ref: 1 })
    expect(await mark(ann)).toEqual(answer(true))
  })
})
