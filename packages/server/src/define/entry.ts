import { defined } from '@trunkline/protocol'
import type { ChannelDefinition } from './definition.ts'
import type { PartitionKey } from './partitions.ts'

const entryKey: unique symbol = Symbol.for('trunkline.entry')

/** An event to publish, with its channel and key, as a value. `publishBatch` validates and publishes it. */
export interface Entry {
  readonly [entryKey]: {
    readonly definition: ChannelDefinition
    readonly key: unknown
    readonly event: unknown
  } & PartitionKey
  readonly channel: string
}

export function createEntry(
  definition: ChannelDefinition,
  { key, event, partitionKey }: { readonly key: unknown; readonly event: unknown } & PartitionKey,
): Entry {
  return { [entryKey]: { definition, key, event, ...defined({ partitionKey }) }, channel: definition.name }
}

/** The channel, key and event of an entry. */
export function contentOf(entry: Entry): Entry[typeof entryKey] {
  return entry[entryKey]
}
