import { defined } from '@trunkline/protocol'
import type { Published } from '../define/channel.ts'
import { contentOf, type Entry } from '../define/entry.ts'
import type { RuntimeContext } from '../runtime/context/runtime-context.ts'
import { partitionKeyOf } from '../runtime/log/choose-partition.ts'
import { fittingNow } from '../runtime/log/validate-event.ts'
import { publish, publishEphemeral } from '../runtime/publish.ts'
import { internalsOf } from './internals.ts'
import type { Line } from './line.ts'

/**
 * Publishes several entries. Entries of one channel are published in order, and channels at the same time; of a
 * channel with partitions, entries of one partition key are published in order. A failure
 * does not stop the others. The results are in the order of the entries; an ephemeral channel's value is undefined.
 */
export async function publishBatch(
  line: Line,
  entries: readonly Entry[],
): Promise<readonly PromiseSettledResult<Published | undefined>[]> {
  const { context } = internalsOf(line)
  const last = new Map<string, Promise<unknown>>()
  const all = entries.map((entry, index) => {
    const queue = queueOf(entry, index, () => context(entry.channel))
    const before = last.get(queue) ?? Promise.resolve()
    const done = before.then(() => publishEntry(context(entry.channel), entry))
    last.set(
      queue,
      done.catch(() => {}), // `allSettled` reports it
    )
    return done
  })
  return Promise.allSettled(all)
}

/**
 * Entries of one queue are published in order. A channel with partitions has a queue for each partition key, and none
 * for an entry without one. Inside a keyed mutation all entries of a channel have one: their publishes are counted.
 */
function queueOf(entry: Entry, index: number, contextOf: () => RuntimeContext): string {
  try {
    const { definition, key, event, partitionKey } = contentOf(entry)
    if (definition.partitions === undefined || contextOf().keyed !== undefined) return entry.channel
    const placed = { key: fittingNow(definition, 'key', key), event: fittingNow(definition, 'event', event) }
    const own = partitionKeyOf(definition, { ...placed, ...defined({ partitionKey }) })
    return own === undefined ? `${index}` : `${entry.channel}\n${own}`
  } catch {
    return entry.channel // an asynchronous schema, or an entry whose publish fails
  }
}

async function publishEntry(context: RuntimeContext, entry: Entry): Promise<Published | undefined> {
  const { definition, ...publication } = contentOf(entry)
  if (definition.retentionMs !== undefined) return publish(context, definition, publication)
  await publishEphemeral(context, definition, publication)
  return undefined
}
