import { expect, test } from 'vitest'
import { createRoom, subscribe, topic } from './room.suite.ts'

const hour = 3_600_000

test('a sync takes the expiry in a row for a lower bound: under a renewed authority it answers as before [TL-SYNC-2]', async () => {
  let expiresAt = new Date(1_800_000_000_000 + hour)
  const room = createRoom({ authorize: () => ({ principal: 'ann', claims: null, expiresAt }) })
  const ann = await room.connect()
  await subscribe(ann)
  const { from } = (ann.frames().at(-1) as { readonly result: { readonly from: string } }).result
  const sync = () => ann.send({ id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from }] } })
  expect(await sync()).toMatchObject([{ result: { type: 'synced' } }, { id: 's' }])
  await room.clock.advance(hour + 1)
  expect(await sync()).toMatchObject({ line: { code: 'AUTH_EXPIRED' } })
  expiresAt = new Date(1_800_000_000_000 + 2 * hour)
  await ann.send({ id: 'a', method: 'auth', params: { token: 't' } })
  const { subscribers } = await room.store.readSubscribers(topic, 0)
  expect(subscribers.map(({ authExp }) => authExp)).toEqual([1_800_000_000_000 + hour])
  expect(await sync()).toMatchObject([{ result: { type: 'synced' } }, { id: 's' }])
})
