import type { Store } from '../../ports/store.ts'

/** The numbers of shards that deliveries and subscribes found, by topic. Only ever a hint to writers: readers read K strongly. */
export type ShardHints = Map<string, number>

const hintsKept = 10_000
// By store, since the same topic may stand in two tables: a K of another table would put a row where nobody reads.
const hints = new WeakMap<Store, ShardHints>()

/** What this process has seen of a store's shards. */
export function shardHintsOf(store: Store): ShardHints {
  const known = hints.get(store) ?? new Map<string, number>()
  hints.set(store, known)
  return known
}

/**
 * The shard of a new subscription. Any shard below a K that was read, however old, is correct [PROOF-GROWING-SHARDS].
 * Until a topic grows, K is 1.
 */
export function firstShard(known: ShardHints, topic: string, connectionId: string): number {
  return hash(connectionId) % (known.get(topic) ?? 1)
}

/** Remembers how many shards a strong read found. */
export function rememberShards(known: ShardHints, topic: string, shards: number): void {
  if (shards <= 1) return
  if (known.size >= hintsKept) known.clear() // forgetting is lawful: 1 is below every K
  known.set(topic, shards)
}

/** FNV-1a: spreads connection ids evenly. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}
