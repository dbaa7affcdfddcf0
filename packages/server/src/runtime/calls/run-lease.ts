import type { ConnectionRow } from '../../ports/connections.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { isExpired } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { deleteConnection } from '../posting/post.ts'
import { type HeldPlace, renewRunPlace } from './run-place.ts'

/**
 * Why a run must end early.
 * - `stopped`: its subscription was stopped, or its call was cancelled
 * - `passed`: another run has its claim
 * - `gone`: its connection is closed
 * - `unauthorized`: the authority of its connection has expired
 */
export type RunEnd = 'stopped' | 'passed' | 'gone' | 'unauthorized'

/** The rows that are watched for a run: its own, and its connection's if only that connection uses the result. */
export interface Watched {
  readonly row: Pick<ConnectionSubscription, 'connectionId' | 'id'>
  /** Why the run must end, given its row; undefined while it may continue. */
  readonly endOf: (row: ConnectionSubscription | undefined) => 'stopped' | 'passed' | undefined
  /** Absent: the run continues without the connection. */
  readonly connectionId?: string
  /**
   * Whether the server has ended the connection of a run that continues without it. It is asked each 3 s. Absent where
   * `connectionId` is given.
   */
  readonly isKicked?: () => Promise<boolean>
  /** The claim, which is renewed while the run continues. */
  readonly claim?: RunClaim
  /** The place among the runs of the caller, which is renewed too. */
  readonly place?: HeldPlace
}

/** The claim of a run, as its row holds it. */
export type RunClaim = Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease'>>

/** The watch of a run. `signal` aborts when the run must end, with a `RunEnd` as its reason. */
export interface RunWatch extends Disposable {
  readonly signal: AbortSignal
  /** The place, with its current lease. */
  readonly place: HeldPlace | undefined
  /** Ends the run: a post found its connection gone. */
  end(why: RunEnd): void
  /**
   * Called before each post. Where posts follow each other within 250 ms, reads the run's row every 100 ms, so that a
   * stop costs few of them.
   */
  look(): void
}

/**
 * Pause between reads of the rows, so that a stop takes effect within a second. Two strongly consistent reads cost a
 * twentieth of the function's own time.
 */
const pollMs = 750
/**
 * A claim that is not renewed for this long belongs to a dead function. Lambda retries a failed invocation after a
 * minute, when the claim has certainly expired.
 */
export const leaseMs = 45_000
const renewMs = 15_000
/** Pause between reads of whether the connection was kicked, so that the run ends within 5 s. */
const kickedMs = 3_000
const lookMs = 100
const flowMs = 250

/**
 * Watches a run until disposed: reads its rows and renews its claim. A run continues while the table is unreachable.
 */
export function watchRun(context: InvocationContext, watched: Watched): RunWatch {
  const ended = new AbortController()
  const done = new AbortController()
  const end = (why: RunEnd) => ended.abort(why)
  let lookedAt = context.clock.now()
  let postedAt = Number.NEGATIVE_INFINITY
  const leases: Leases = { claim: watched.claim?.lease ?? 0, place: watched.place?.lease ?? 0 }
  void watch(context, watched, { end, signal: done.signal, leases })
  return {
    signal: ended.signal,
    get place() {
      return watched.place && { ...watched.place, lease: leases.place }
    },
    end,
    look() {
      const now = context.clock.now()
      const isFrequent = now - postedAt < flowMs
      postedAt = now
      if (!isFrequent || now - lookedAt < lookMs) return
      lookedAt = now
      void readRow(context, watched).then(
        (row) => {
          const why = watched.endOf(row)
          if (why !== undefined && !done.signal.aborted) end(why)
        },
        () => {}, // the next poll reads it again
      )
    },
    [Symbol.dispose]: () => done.abort(null),
  }
}

/** Whether the run of this attempt died: it has not stopped, and did not renew its claim. */
export function isDead(row: ConnectionSubscription | undefined, ref: number, now: number): boolean {
  return row?.on === true && row.ref === ref && (row.lease ?? 0) <= now
}

interface Watching {
  readonly end: (why: RunEnd) => void
  readonly signal: AbortSignal
  readonly leases: Leases
}

/** The current leases of a run, in epoch milliseconds. */
interface Leases {
  claim: number
  place: number
}

async function watch(context: InvocationContext, watched: Watched, { end, signal, leases }: Watching): Promise<void> {
  let askedAt = context.clock.now()
  while (!signal.aborted) {
    try {
      const asks = watched.isKicked !== undefined && context.clock.now() - askedAt >= kickedMs
      const why = asks && (await watched.isKicked()) ? 'gone' : await findEnd(context, watched)
      if (asks) askedAt = context.clock.now()
      if (signal.aborted) return
      if (why !== undefined) return end(why)
      leases.claim = await renew(context, watched, leases.claim)
      const { place } = watched
      if (place !== undefined) leases.place = await renewRunPlace(context, { ...place, lease: leases.place }, signal)
    } catch {
      // The next poll tries again. A claim that cannot be renewed expires, and no other run can claim it meanwhile.
    }
    await context.clock.sleep(pollMs, signal)
  }
}

function readRow({ store }: InvocationContext, { row }: Watched): Promise<ConnectionSubscription | undefined> {
  return store.readSubscription(row.connectionId, row.id)
}

async function findEnd(context: InvocationContext, watched: Watched): Promise<RunEnd | undefined> {
  const { connectionId } = watched
  const [row, connection] = await Promise.all([
    readRow(context, watched),
    connectionId === undefined ? undefined : context.store.readConnection(connectionId),
  ])
  const why = watched.endOf(row)
  if (why !== undefined) return why
  // The row is missing after a restore of the table. [TL-SUB-16]
  if (connectionId !== undefined && connection === undefined) await deleteConnection(context, connectionId)
  return connectionId === undefined ? undefined : endOf(connection, context.clock.now())
}

function endOf(connection: ConnectionRow | undefined, now: number): RunEnd | undefined {
  if (connection?.state !== 'OPEN' || connection.expires * 1_000 <= now) return 'gone'
  return isExpired(connection, now) ? 'unauthorized' : undefined // [TL-ERR-6]
}

async function renew(context: InvocationContext, { row, claim }: Watched, lease: number): Promise<number> {
  const now = context.clock.now()
  if (claim === undefined || lease - now > leaseMs - renewMs) return lease
  const renewed = { ...row, ref: claim.ref, from: claim.run, run: claim.run, lease: now + leaseMs }
  await context.store.passRun(renewed) // if it was refused, the next read shows that
  return renewed.lease
}
