import type { createLog } from './log.ts'
import type { Operations } from './operations.ts'
import type { createSubscribers } from './subscribers.ts'

/** What syncs ask for, of the log and of the topics' rows of subscriptions. */
export function createSyncStates({
  log,
  subscribers,
}: {
  readonly log: ReturnType<typeof createLog>
  readonly subscribers: ReturnType<typeof createSubscribers>
}): Operations<'readSyncStates'> {
  return {
    readSyncStates: (asked) =>
      asked.map(({ topic, shard, connectionId, id, offset }) => {
        const subscriber = subscribers.operations.readSubscriber(topic, shard, connectionId, id)
        const [at, after] = [log.slotAt(topic, offset), log.slotAt(topic, offset + 1)]
        return { ...(subscriber && { subscriber }), ...(at && { at }), ...(after && { after }) }
      }),
  }
}
