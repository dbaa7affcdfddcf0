import type { ChannelDefinition } from './definition.ts'

const entryKey: unique symbol = Symbol.for('trunkline.entry')

/** A publication as a value. Validated when it is published. */
export interface Entry {
  readonly [entryKey]: { readonly definition: ChannelDefinition; readonly key: unknown; readonly event: unknown }
  readonly channel: string
}

export function createEntry(definition: ChannelDefinition, key: unknown, event: unknown): Entry {
  return { [entryKey]: { definition, key, event }, channel: definition.name }
}

/** What stands in an entry. */
export function contentOf(entry: Entry): Entry[typeof entryKey] {
  return entry[entryKey]
}
