import { type Clock, systemClock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { createConnectionAndShards } from './connection-and-shards.ts'
import { createConnections } from './connections.ts'
import { createKeyRows } from './key-rows.ts'
import { createLog } from './log.ts'
import { toStore } from './operations.ts'
import { createPresence } from './presence.ts'
import { createShardLeases } from './shard-leases.ts'
import { createSubscribers } from './subscribers.ts'
import { createSyncStates } from './sync-states.ts'
import { createUploads } from './uploads.ts'

/** How often rows that are long expired are dropped, in operations. */
const sweepEvery = 1_024

const ttlDelayMs = 48 * 3_600_000 // 48 h: a table may keep an expired row for so long
const ttlIgnoredMs = 5 * 365 * 86_400_000 // five years: a table takes an older stamp for a mistake and keeps the row

/**
 * The store in this process's memory: the executable specification of the port, for tests, simulations and a line of one process.
 * Rows vanish two days or more after they expired by `clock`, as in a table with TTL; never sooner.
 */
export function createMemoryStore({ clock = systemClock }: { readonly clock?: Clock } = {}): Store {
  const parts = {
    log: createLog(),
    connections: createConnections(),
    subscribers: createSubscribers(),
    keyRows: createKeyRows(),
    uploads: createUploads(),
    presence: createPresence(),
    turns: createShardLeases(),
  }
  let operations = 0

  function sweep(): void {
    operations += 1
    if (operations % sweepEvery !== 0) return
    const tables = Object.values(parts).flatMap((part): readonly Rows[] => part.tables())
    for (const rows of tables) dropExpired(rows, clock.now())
  }
  return toStore(
    'memory',
    {
      ...parts.log.operations,
      ...parts.connections.operations,
      ...parts.subscribers.operations,
      ...createSyncStates(parts),
      ...createConnectionAndShards(parts),
      ...parts.keyRows.operations,
      ...parts.uploads.operations,
      ...parts.presence.operations,
      ...parts.turns.operations,
    },
    sweep,
  )
}

/** Any of the store's maps, seen without the type of its keys. */
interface Rows {
  entries(): Iterable<[unknown, { readonly expires: number }]>
  delete(key: never): boolean
}

function dropExpired(rows: Rows, now: number): void {
  for (const [key, { expires }] of rows.entries()) {
    const expiredMs = now - expires * 1_000
    if (expiredMs > ttlDelayMs && expiredMs < ttlIgnoredMs) rows.delete(key as never)
  }
}
