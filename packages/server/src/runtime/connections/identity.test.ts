import { describe, expect, test } from 'vitest'
import type { ConnectionRow } from '../../ports/connections.ts'
import { createRoom, say, subscribe, topic, withOperations } from '../subscriptions/room.suite.ts'

const hour = 3_600_000
const start = 1_800_000_000_000
const ann = (expiresAt: number) => () => ({ principal: 'ann', claims: {}, expiresAt: new Date(expiresAt) })

describe('[LAW-SERVER-IDENTITY]', () => {
  test('a row with older claims is corrected by the second read of the connection', async () => {
    const room = createRoom({
      authorize: ann(start + hour),
      store: (inner) =>
        withOperations(inner, (store) => {
          const renewed = (row: ConnectionRow) => ({ ...row, claims: '"new"', renewedAt: start }) // while the subscribe ran
          return {
            readConnection: async (id) => {
              const row = await store.readConnection(id)
              return row && renewed(row)
            },
            readConnectionAndShards: async (id, name) => {
              const { connection } = await store.readConnectionAndShards(id, name)
              return connection ? { connection: renewed(connection) } : {}
            },
          }
        }),
    })
    await subscribe(await room.connect({ token: 't' }), 1, { path: 'loud' })
    const [row] = (await room.store.readSubscribers(topic, 0)).subscribers
    expect(row?.piped).toMatchObject({ claims: '"new"', renewedAt: start })
  })
  test('authority is checked at each post and not at the read [TL-ERR-6]', async () => {
    const room = createRoom({ authorize: ann(start + hour) })
    const [first, second] = [await room.connect({ token: 't' }), await room.connect({ token: 't' })]
    await subscribe(first)
    await subscribe(second, 1, { path: 'loud' })
    const poster = await room.connect({ token: 't' })
    await room.clock.advance(hour - 1)
    room.gateway.intercept = () => {
      room.clock.time = start + hour // the first post takes its time
      return undefined
    }
    await say(poster, 'LOUD')
    expect(second.frames()).toHaveLength(1)
  })
  test('rows past their connection’s end are not posted to', async () => {
    const room = createRoom()
    const client = await room.connect()
    await subscribe(client)
    await room.clock.advance(2.5 * hour)
    await say(await room.connect(), 'x')
    expect(client.frames()).toHaveLength(1)
  })
  test('neither session nor principal of a frame is read [TL-HS-6]', async () => {
    const room = createRoom({ authorize: ann(start + hour) })
    const client = await room.connect({ token: 't' })
    await client.send({
      id: 7,
      principal: 'bob',
      session: 'x',
      method: 'subscription',
      params: { path: 'loud', input: { room: 'x' }, principal: 'bob' },
    })
    const [row] = (await room.store.readSubscribers(topic, 0)).subscribers
    expect(row?.piped).toMatchObject({ principal: 'ann', sessionId: expect.stringMatching(/^[\w-]{22}$/) })
  })
})
