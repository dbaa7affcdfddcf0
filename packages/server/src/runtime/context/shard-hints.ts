import type { Store } from '../../ports/store.ts'

/**
 * The number of shards by topic, as deliveries and subscribes have read it. Only a hint for writers; readers read K
 * strongly consistent.
 */
export type ShardHints = Map<string, number>

const hintsKept = 10_000
// By store, since two tables may have the same topic: K of another table would put a row into a shard that is not read.
const hints = new WeakMap<Store, ShardHints>()

/** The hints of this process for a store. */
export function shardHintsOf(store: Store): ShardHints {
  const known = hints.get(store) ?? new Map<string, number>()
  hints.set(store, known)
  return known
}

/** The number of partitions of a channel. */
export interface KnownCount {
  readonly partitions: number
  /** When it was read, in epoch milliseconds. */
  readonly readAt: number
  /** It is in the table, so events may be published to each of them. */
  readonly isWritten: boolean
}

const counts = new WeakMap<Store, Map<string, KnownCount>>()

/**
 * The number of partitions by channel, as this process has read it. It only grows, so an old number is a lower bound.
 */
export function partitionCountsOf(store: Store): Map<string, KnownCount> {
  const known = counts.get(store) ?? new Map<string, KnownCount>()
  counts.set(store, known)
  return known
}

/**
 * The shard of a new subscription. Any shard below a K that was read, however old, is correct [PROOF-GROWING-SHARDS].
 * Until a topic grows, K is 1.
 */
export function firstShard(known: ShardHints, topic: string, connectionId: string): number {
  return hash(connectionId) % (known.get(topic) ?? 1)
}

/** Notes the number of shards from a strongly consistent read. */
export function rememberShards(known: ShardHints, topic: string, shards: number): void {
  if (shards <= 1) return
  if (known.size >= hintsKept) known.clear() // shard 0 is always valid
  known.set(topic, shards)
}

/** FNV-1a: spreads connection ids evenly. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}
