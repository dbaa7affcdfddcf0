import { parsePartitionId } from '@trunkline/protocol'
import { partedRoom, partedTopics } from '../records/application.ts'
import type { Entry, SubscriptionRecord } from '../records/history.ts'
import { lengthIn } from '../records/room-length.ts'

/** What a subscription received of one log. `topic` is absent for the log of its room. */
type LogRecord = SubscriptionRecord & { readonly topic?: string }

/**
 * What a subscription received of each of its logs. Of a room with partitions each one is checked as a subscription of
 * its own: nothing in it is lost, doubled, out of order or skipped without a gap that names it.
 */
export function partsOf(record: SubscriptionRecord): readonly LogRecord[] {
  if (record.room !== partedRoom) return [record]
  return partedTopics().map((topic, index) => ({
    ...record,
    topic,
    entries: record.entries.flatMap((entry) => entryOf(entry, index)),
  }))
}

function entryOf(entry: Entry, index: number): readonly Entry[] {
  const seen = lengthIn(entry.seen, index)
  if (entry.kind === 'error' || entry.kind === 'started') return [{ ...entry, seen }]
  if (entry.kind === 'gap')
    return entry.partition === undefined || entry.partition === index ? [{ ...entry, seen }] : []
  const id = parsePartitionId(entry.id)
  const state = entry.state === undefined ? undefined : lengthIn(entry.state, index)
  if (state === undefined) return id.index === index ? [{ ...entry, id: id.cursor, seen }] : []
  // The state is of all partitions. In the others than the one that loaded it, events after it follow.
  return id.index === index
    ? [{ ...entry, id: id.cursor, seen, state }]
    : [{ kind: 'gap', seen: state, reason: 'state' }]
}
