import { topicOf } from '../records/application.ts'
import type { SubscriptionRecord } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { SubscriptionResponse } from '../records/subscription-responses.ts'
import type { World } from '../world/world.ts'

/**
 * The limitation of a log that was rewound while its restore number stayed the same. Whether a client cannot learn of
 * an event of the new history. That is so if the client had received events of the old history up to at least the
 * event's offset, and no response reached the client between the restore and the put that brought the log to that
 * offset again. A response before that put shows the client a log that ends before the client's position; a response
 * after it shows nothing unusual.
 *
 * For an event of the old history (`seen`: the number of commits when it was received), whether it may have been held
 * back until then.
 */
export function isUndetectable(
  world: World,
  record: SubscriptionRecord,
  { index, seen = Number.POSITIVE_INFINITY }: { readonly index: number; readonly seen?: number },
): boolean {
  const { table, responses } = world
  const topic = topicOf(record.room)
  const published = table.published.of(topic)
  const { epoch, offset } = published[index]?.slot ?? { epoch: '', offset: 0 }
  const isOld = published[index]?.undone === true
  return table.published.rewinds.some(({ at, lengths }) => {
    const length = lengths.get(topic) ?? 0
    if (isOld ? index >= length || seen <= length : index < length) return false
    const received = highestReceivedOffset(world, record, { length, epoch })
    if (!isOld && received < offset) return false
    const again = published.find(({ slot }, place) => place >= length && slot.epoch === epoch && slot.offset >= offset)
    const until = again?.at ?? Number.POSITIVE_INFINITY
    const isOwn = (each: SubscriptionResponse) =>
      each.device === record.device && each.path === record.path && each.room === record.room
    return !responses.some((each) => isOwn(each) && each.at >= at && each.at < until)
  })
}

/**
 * The highest offset of the epoch that a subscription received from the history with these commits. A filtered
 * subscription advances without receiving events.
 */
function highestReceivedOffset(
  world: World,
  { entries, path, room }: SubscriptionRecord,
  { length, epoch }: { readonly length: number; readonly epoch: string },
): number {
  const topic = topicOf(room)
  const published = world.table.published.of(topic)
  const received = entries.flatMap((entry): readonly (Committed | undefined)[] => {
    if (entry.kind === 'data') return [published[world.table.published.indexOf(topic, entry.id, entry)]]
    return entry.kind === 'started' ? [published[entry.seen - 1]] : []
  })
  const known = path === 'thirds' ? published.slice(0, length) : received
  const offsets = known.flatMap((each) => (each?.undone && each.slot.epoch === epoch ? [each.slot.offset] : []))
  return Math.max(0, ...offsets)
}
