import type { ConnectionRow } from '../../ports/connections.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { isExpired } from '../context/caller.ts'
import type { InvocationContext } from '../context/scope.ts'
import { deleteConnection } from '../posting/post.ts'

/**
 * Why a run is to end before its time.
 * - `stopped`: its subscription was stopped, or its call cancelled, or another run has its claim
 * - `gone`: its connection is closed
 * - `unauthorized`: the authority of its connection has expired
 */
export type RunEnd = 'stopped' | 'gone' | 'unauthorized'

/** What a run looks after: its row, and its connection where nobody else would hear it. */
export interface Watched {
  readonly row: Pick<ConnectionSubscription, 'connectionId' | 'id'>
  /** Whether the run goes on under what stands there. */
  readonly holds: (row: ConnectionSubscription | undefined) => boolean
  /** Absent: the run goes on whatever becomes of the connection. */
  readonly connectionId?: string
  /** The claim, to be renewed while the run lives. */
  readonly claim?: RunClaim
}

/** What a run has written into its row. */
export type RunClaim = Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease'>>

/** A run's watch. `signal` aborts when the run is to end, with a `RunEnd` as its reason. */
export interface RunWatch extends Disposable {
  readonly signal: AbortSignal
  /** Ends the run: a post found its connection gone. */
  end(why: RunEnd): void
  /** Called before each post. Where posts follow each other within 250 ms, reads the run's row every 100 ms, so that a stop costs few of them. */
  look(): void
}

/** How often the rows are read: a stop is heard within a second. Two strong reads each time, which is a twentieth of what the function itself costs meanwhile. */
const pollMs = 750
/** A claim that was not renewed for so long is a dead function's. Lambda tries a failed invocation again a minute later, when it surely is over. */
export const leaseMs = 45_000
const renewMs = 15_000
const lookMs = 100
const flowMs = 250

/** Watches over a run until disposed: reads its rows and renews its claim. A table that cannot be reached ends nothing. */
export function watchRun(scope: InvocationContext, watched: Watched): RunWatch {
  const over = new AbortController()
  const done = new AbortController()
  const end = (why: RunEnd) => over.abort(why)
  let lookedAt = scope.clock.now()
  let postedAt = Number.NEGATIVE_INFINITY
  void watch(scope, watched, { end, signal: done.signal })
  return {
    signal: over.signal,
    end,
    look() {
      const now = scope.clock.now()
      const flows = now - postedAt < flowMs
      postedAt = now
      if (!flows || now - lookedAt < lookMs) return
      lookedAt = now
      void readRow(scope, watched).then(
        (row) => watched.holds(row) || done.signal.aborted || end('stopped'),
        () => {}, // the watch reads it again
      )
    },
    [Symbol.dispose]: () => done.abort(null),
  }
}

/** Whether the run of this attempt died: it is on, and did not renew its claim. */
export function isDead(row: ConnectionSubscription | undefined, ref: number, now: number): boolean {
  return row?.on === true && row.ref === ref && (row.lease ?? 0) <= now
}

interface Watching {
  readonly end: (why: RunEnd) => void
  readonly signal: AbortSignal
}

async function watch(scope: InvocationContext, watched: Watched, { end, signal }: Watching): Promise<void> {
  let lease = watched.claim?.lease ?? 0
  while (!signal.aborted) {
    try {
      const why = await findEnd(scope, watched)
      if (signal.aborted) return
      if (why !== undefined) return end(why)
      lease = await renew(scope, watched, lease)
    } catch {
      // read again soon; what cannot be renewed lapses, and then nobody else runs either
    }
    await scope.clock.sleep(pollMs, signal)
  }
}

function readRow({ store }: InvocationContext, { row }: Watched): Promise<ConnectionSubscription | undefined> {
  return store.readSubscription(row.connectionId, row.id)
}

async function findEnd(scope: InvocationContext, watched: Watched): Promise<RunEnd | undefined> {
  const { holds, connectionId } = watched
  const [standing, connection] = await Promise.all([
    readRow(scope, watched),
    connectionId === undefined ? undefined : scope.store.readConnection(connectionId),
  ])
  if (!holds(standing)) return 'stopped'
  if (connectionId !== undefined && connection === undefined) await deleteConnection(scope, connectionId) // as after a restore of the table [TL-SUB-16]
  return connectionId === undefined ? undefined : endOf(connection, scope.clock.now())
}

function endOf(connection: ConnectionRow | undefined, now: number): RunEnd | undefined {
  if (connection?.state !== 'OPEN' || connection.expires * 1_000 <= now) return 'gone'
  return isExpired(connection, now) ? 'unauthorized' : undefined // [TL-ERR-6]
}

async function renew(scope: InvocationContext, { row, claim }: Watched, lease: number): Promise<number> {
  const now = scope.clock.now()
  if (claim === undefined || lease - now > leaseMs - renewMs) return lease
  const renewed = { ...row, ref: claim.ref, from: claim.run, run: claim.run, lease: now + leaseMs }
  await scope.store.passRun(renewed) // one that was refused shows in the next read
  return renewed.lease
}
