import { describe, expect, test } from 'vitest'
import { createRoom, stop, subscribe, withOperations } from '../subscriptions/room.suite.ts'

/** A room whose table loses its rows of connections, as one that is restored to a copy from before they came. */
async function restored() {
  let isRestored = false
  const room = createRoom({
    store: (inner) =>
      withOperations(inner, (store) => ({
        readConnection: async (id) => (isRestored ? undefined : store.readConnection(id)),
        readConnectionAndShards: async (id, topic) =>
          isRestored ? { shards: 1 } : store.readConnectionAndShards(id, topic),
        renewConnection: async (id, authority) => (isRestored ? 'absent' : store.renewConnection(id, authority)),
      })),
  })
  const ann = await room.connect({ connectionId: 'a' })
  const isOpen = async () => (await room.gateway.post('a', '{}')).status === 'posted'
  return { room, ann, isOpen, restore: () => (isRestored = true) }
}

describe('a connection that the table does not know', () => {
  test('is deleted by a subscribe, which would get no pushes [TL-SUB-16]', async () => {
    const { ann, isOpen, restore } = await restored()
    restore()
    await subscribe(ann, 1)
    expect(await isOpen()).toBe(false)
  })

  test('is not deleted by a subscribe on a closed connection, nor by a stop', async () => {
    const { room, ann, isOpen, restore } = await restored()
    await room.store.closeConnection('a', 2_000_000_000)
    await subscribe(ann, 1)
    expect(await isOpen()).toBe(true) // the gateway has ended it already
    restore()
    await stop(ann, 1)
    expect(await isOpen()).toBe(true)
  })
})
