import { guardedRooms, topicOf } from '../records/application.ts'
import type { World } from '../world/world.ts'

/** After quiescence: each row of a guarded room has the claims of its connection, and they allow the room. */
export function checkRights({ table, report }: World): void {
  for (const room of guardedRooms) {
    const topic = topicOf(room)
    const { shards = 1 } = table.operations.readSubscribers(topic, 0, {})
    for (let shard = 0; shard < shards; shard++)
      for (const { connectionId, id, piped } of table.operations.readSubscribers(topic, shard, {}).subscribers) {
        const connection = table.operations.readConnection(connectionId)
        if (connection?.state !== 'OPEN' || connection.claimsPending) continue // the next auth does the rest
        const { rooms } = JSON.parse(connection.claims ?? '{}') as { readonly rooms?: readonly string[] }
        if (rooms?.includes(room) !== true)
          report.break('H18', `${topic}: ${connectionId} ${id} is live without a right`)
        if (piped !== undefined && piped.claims !== connection.claims)
          report.break('H18', `${topic}: the row of ${connectionId} ${id} holds older claims`)
      }
  }
}
