import { expect, test } from 'vitest'
import { createRoom, subscribe, topic } from './room.suite.ts'

test('a sync repairs a row that a late `auth` has left with an old expiry and that would get no pushes [TL-SYNC-2]', async () => {
  const expiresAt = new Date(1_800_000_000_000 + 3_600_000)
  const room = createRoom({ authorize: () => ({ principal: 'ann', claims: null, expiresAt }) })
  const ann = await room.connect()
  await subscribe(ann)
  const [row] = (await room.store.readSubscribers(topic, 0)).subscribers
  if (row === undefined) throw new Error('no row')
  const { from } = (ann.frames().at(-1) as { readonly result: { readonly from: string } }).result
  const sync = () => ann.send({ id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from }] } })
  expect(await sync()).toMatchObject([{ result: { type: 'synced' } }, { id: 's' }])
  await room.store.setSubscriberAuthExp({ ...row, authExp: room.clock.now() - 1 })
  expect(await sync()).toMatchObject([{ id: 7, line: { code: 'CONNECTION_LOST', retry: 'now' } }, { id: 's' }])
  await subscribe(ann, 2, { lastEventId: from })
  expect((await room.store.readSubscriber({ topic, shard: 0, connectionId: ann.connectionId, id: '7' }))?.authExp).toBe(
    expiresAt.getTime(),
  )
})
