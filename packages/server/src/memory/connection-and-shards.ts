import type { createConnections } from './connections.ts'
import type { Operations } from './operations.ts'
import type { createSubscribers } from './subscribers.ts'

/** What a subscribe asks for last: its connection, and the shards of its topic. */
export function createConnectionAndShards({
  connections,
  subscribers,
}: {
  readonly connections: ReturnType<typeof createConnections>
  readonly subscribers: ReturnType<typeof createSubscribers>
}): Operations<'readConnectionAndShards'> {
  return {
    readConnectionAndShards(connectionId, topic) {
      const connection = connections.operations.readConnection(connectionId)
      return { ...(connection && { connection }), shards: subscribers.shardsOf(topic) }
    },
  }
}
