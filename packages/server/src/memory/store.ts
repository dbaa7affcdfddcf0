import type { Backend } from '../ports/backend.ts'
import { type Clock, systemClock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { createConnections } from './connections.ts'
import { createErasure } from './erasure.ts'
import { createIdempotency } from './idempotency.ts'
import { createLeases } from './leases.ts'
import { createLog } from './log.ts'
import { type Operations, toStore } from './operations.ts'
import { createPresence } from './presence.ts'
import { createPrincipals } from './principals.ts'
import { createRates } from './rates.ts'
import { createStreams } from './streams.ts'
import { createSubscribers } from './subscribers.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createUploads } from './uploads.ts'

const sweepEvery = 1_024 // operations between two deletions of expired rows

const ttlDelayMs = 48 * 3_600_000 // 48 h: DynamoDB may keep an expired row for so long
const ttlIgnoredMs = 5 * 365 * 86_400_000 // 5 years: DynamoDB keeps a row whose `expires` is older than that

/**
 * The store in this process's memory: the executable specification of the ports, for tests, simulations and a line that
 * runs in one process. A row is deleted 48 hours or more after its `expires`, by `clock`, as a table with TTL does it.
 * @default clock is the machine's clock
 */
export function createMemoryStore(options: { readonly clock?: Clock } = {}): Store {
  return createStores(options).store
}

function createStores({
  clock = systemClock,
}: {
  readonly clock?: Clock
}): Required<Pick<Backend, 'store' | 'erasure'>> {
  const rows = createRows()
  let operations = 0
  const store = toStore('memory', rows.operations, () => {
    operations += 1
    if (operations % sweepEvery !== 0) return
    const now = clock.now()
    rows.deleteExpired((expires) => {
      const expiredMs = now - expires * 1_000
      return expiredMs > ttlDelayMs && expiredMs < ttlIgnoredMs
    })
  })
  return { store, erasure: rows.erasure }
}

/** A backend whose state is in this process. It has no gateway and no invoker: add those that a test needs. */
export function memoryBackend(options: { readonly clock?: Clock } = {}): Backend & Required<Pick<Backend, 'erasure'>> {
  return { ...createStores(options), ...options }
}

/** All rows of a store, with its operations as synchronous functions. */
export function createRows() {
  const log = createLog()
  const subscribers = createSubscribers()
  const ports = {
    log,
    connections: createConnections(subscribers.shardsOf),
    subscriptions: createSubscriptions({ log, subscribers }),
    subscribers,
    idempotency: createIdempotency(),
    uploads: createUploads(),
    presence: createPresence(),
    leases: createLeases(),
    rates: createRates(),
    principals: createPrincipals(),
    streams: createStreams(),
  }
  const operations: Operations = {
    ...ports.log.operations,
    ...ports.connections.operations,
    ...ports.subscriptions.operations,
    ...ports.subscribers.operations,
    ...ports.idempotency.operations,
    ...ports.uploads.operations,
    ...ports.presence.operations,
    ...ports.leases.operations,
    ...ports.rates.operations,
    ...ports.principals.operations,
    ...ports.streams.operations,
  }
  return {
    operations,
    erasure: createErasure(ports),
    slotAt: log.slotAt,
    /** Deletes the rows whose `expires` (epoch seconds) is due. */
    deleteExpired(isDue: (expires: number) => boolean): void {
      for (const port of Object.values(ports)) port.deleteExpired(isDue)
    },
  }
}
