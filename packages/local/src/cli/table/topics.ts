import { defined, formatCursor, formatPartitionId } from '@trunkline/protocol'
import {
  channelOfTopic,
  formatTopic,
  keyOfTopic,
  partitionOfTopic,
  topicOfPartition,
  writtenPartitions,
} from '@trunkline/server/internal'
import type { Backend, Slot } from '@trunkline/server/ports'
import type { Stage } from '../../stage/stage.ts'
import { UsageError } from '../../stage/usage-error.ts'
import { parseKey } from '../definition/options.ts'
import { type Scanned, type ScanRequest, scanTable } from './scan-table.ts'

/** A topic, as JSON shows it. */
export interface ListedTopic {
  /** The name in the table. A topic with partitions has one for each. */
  readonly topic: string
  /** The number of the partition. Absent for the first one, whose log has the name of the topic. */
  readonly partition?: number
  readonly channel: string
  readonly key: Readonly<Record<string, string | number>>
  /** The offset and the time of its newest event. Absent without events, such as of an ephemeral channel. */
  readonly newest?: number
  readonly newestAt?: string
  readonly subscribers: number
}

/** How the user names a topic. */
export interface TopicName {
  readonly channel?: string | undefined
  /** JSON of the key. */
  readonly key?: string | undefined
  /** The name in the table, such as `chat?room=s:7`. */
  readonly topic?: string | undefined
  /** The number of a partition. @default 0 */
  readonly partition?: number | undefined
}

/** The name of a topic in the table. Throws a `UsageError` with an example for anything else. */
export function toTopic({ channel, key, topic, partition = 0 }: TopicName): string {
  if (topic !== undefined) {
    if (channel !== undefined) throw new UsageError(`Expected either --topic or a channel, got both. Leave one out.`)
    return topicOfPartition(checked(topic), partition)
  }
  if (channel === undefined || key === undefined)
    throw new UsageError(
      `Expected a channel and the key of a topic, such as room.messages '{"room":"7"}', or --topic, got ${channel === undefined ? 'neither' : `the channel ${channel} alone`}.`,
    )
  return topicOfPartition(formatTopic(channel, parseKey(key, 'the key')), partition)
}

function checked(topic: string): string {
  if (topic.includes('?')) {
    try {
      keyOfTopic(topic)
      return topic
    } catch {
      // the error below says it
    }
  }
  throw new UsageError(`Expected the name of a topic, such as room.messages?room=s:7, got ${topic}.`)
}

/** One topic, by its own rows: each of its partitions, or the one that the name has. */
export async function describeTopic(stage: Stage, topic: string): Promise<readonly ListedTopic[]> {
  const { store } = await stage.backend()
  const isPart = partitionOfTopic(topic).index > 0
  const count = isPart ? 1 : Math.max(1, await writtenPartitions(store, channelOfTopic(topic)))
  const names = Array.from({ length: count }, (_, index) => (isPart ? topic : topicOfPartition(topic, index)))
  return Promise.all(names.map((name) => describeLog(store, name)))
}

async function describeLog(store: Backend['store'], topic: string): Promise<ListedTopic> {
  const [slots, subscribers] = await Promise.all([store.readSlotsBefore(topic, undefined, 1), countOf(store, topic)])
  return toListed(topic, { subscribers, ...defined({ newest: slots.slots[0] }) })
}

async function countOf(store: Backend['store'], topic: string): Promise<number> {
  let [count, shards] = [0, 1]
  for (let shard = 0; shard < shards; shard++)
    for (let from: string | undefined, more = true; more; more = from !== undefined) {
      const page = await store.readSubscribers(topic, shard, defined({ from }))
      shards = page.shards ?? shards
      count += page.subscribers.length
      from = page.next
    }
  return count
}

interface Seen {
  newest?: Pick<Slot, 'offset' | 'time'>
  subscribers: number
}

/** All topics, or those of a channel, by a scan of the table. */
export async function allTopics(
  request: Pick<ScanRequest, 'stage' | 'io' | 'max' | 'yes'>,
  channel: string | undefined,
): Promise<{ readonly topics: readonly ListedTopic[]; readonly scanned: Scanned }> {
  const seen = new Map<string, Seen>()
  const of = (topic: string) => {
    const known = seen.get(topic) ?? { subscribers: 0 }
    seen.set(topic, known)
    return known
  }
  const prefix = channel === undefined ? '' : `${encodeURIComponent(channel)}?`
  const scanned = await scanTable({
    ...request,
    what: channel === undefined ? 'the topics' : `the topics of ${channel}`,
    instead: 'With a channel and a key it reads only the rows of one topic.',
    filter: 'begins_with(#pk, :log) OR (begins_with(#pk, :subscriber) AND #on = :true)',
    values: { ':log': { S: `LOG#${prefix}` }, ':subscriber': { S: `SUBS#${prefix}` }, ':true': { BOOL: true } },
    attributes: ['pk', 'sk', 'time', 'on'],
    onRow({ pk, sk, time }) {
      const name = pk?.S ?? ''
      if (!name.startsWith('LOG#')) of(name.slice('SUBS#'.length, name.lastIndexOf('#'))).subscribers += 1
      else {
        if (Number.isNaN(partitionOfTopic(name).index)) return // the log of the numbers of partitions
        const topic = of(name.slice('LOG#'.length))
        const offset = Number(sk?.S)
        if (offset > (topic.newest?.offset ?? 0)) topic.newest = { offset, time: Number(time?.N) }
      }
    },
  })
  const names = [...seen.keys()].sort()
  return { topics: names.map((topic) => toListed(topic, of(topic))), scanned }
}

function toListed(topic: string, { newest, subscribers }: Seen): ListedTopic {
  return {
    topic,
    ...defined({ partition: partitionOfTopic(topic).index || undefined }),
    channel: channelOfTopic(topic),
    key: keyOfTopic(topic),
    ...defined({ newest: newest?.offset, newestAt: newest && new Date(newest.time).toISOString() }),
    subscribers,
  }
}

/** An event of a log, as JSON shows it. */
export interface ListedEvent {
  readonly offset: number
  /** The id that subscribers get, for `--last-event-id`. */
  readonly id: string
  readonly time: string
  /** The event. Absent if it was erased. */
  readonly data?: unknown
  readonly erased?: true
}

export interface EventRange {
  /** The first and the last offset. Without `from`, the newest `limit` events. */
  readonly from?: number
  readonly to?: number
  readonly limit: number
}

/** The events of a topic in the order of the log. Slots that only begin a log are left out. */
export async function readEvents(
  { store, restore = 0 }: Pick<Backend, 'store' | 'restore'>,
  topic: string,
  { from, to = Number.MAX_SAFE_INTEGER, limit }: EventRange,
): Promise<readonly ListedEvent[]> {
  const found: Slot[] = []
  for (let at = from === undefined ? to + 1 : from - 1; found.length < limit; ) {
    const { slots, more } = await (from === undefined
      ? store.readSlotsBefore(topic, at, limit)
      : store.readSlots(topic, at, limit))
    found.push(...slots.filter(({ offset, data, erased }) => offset <= to && (data ?? erased) !== undefined))
    const last = slots.at(-1)
    if (last === undefined || !more || last.offset > to) break
    at = last.offset
  }
  const taken = found.slice(0, limit)
  return (from === undefined ? taken.reverse() : taken).map((slot) =>
    toEvent(slot, { restore, partition: partitionOfTopic(topic).index }),
  )
}

function toEvent(
  { offset, epoch, time, data, erased }: Slot,
  { restore, partition }: { readonly restore: number; readonly partition: number },
): ListedEvent {
  return {
    offset,
    id: formatPartitionId(partition, formatCursor({ epoch: `${restore}.${epoch}`, offset })),
    time: new Date(time).toISOString(),
    ...(erased !== undefined ? { erased: true } : { data: JSON.parse(data ?? 'null') as unknown }),
  }
}
