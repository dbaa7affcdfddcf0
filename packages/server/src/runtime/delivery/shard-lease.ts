import { defined } from '@trunkline/protocol'
import type { ShardLeaseHolder, ShardLeaseRow } from '../../ports/leases.ts'

/** The rules of shard leases (decision 33), without the store: which job delivers the events of a shard. */

/** The state of a shard's lease, as its row holds it. */
export type ShardLease = Pick<ShardLeaseRow, 'epoch' | 'from' | 'through' | 'holder' | 'nextOffset'>

/** The events that a job asks to deliver. */
export interface OffsetRange {
  /** The id of the job that asks. */
  readonly jobId: string
  readonly epoch: string
  readonly offset: number
  readonly through: number
}

/**
 * The answer to a job.
 * - `covered`: the events are delivered, or another job delivers them.
 * - `queued`: the job records `nextOffset` in the row, and the holder continues from there when it is done.
 * - `acquired`: the job takes the lease and delivers from `start` on.
 */
export type LeaseResult =
  | { readonly status: 'covered' }
  | { readonly status: 'queued'; readonly nextOffset: number }
  | { readonly status: 'acquired'; readonly start: number }

/**
 * Jobs of neighbouring events arrive in any order. A job whose events are at most this far ahead also delivers the
 * events before its own; the jobs of those events then find them delivered.
 */
const reorderWindow = 10

/**
 * Decides whether a job may deliver. If another job holds the lease, this job records its first offset in the row. A
 * recorded offset is sufficient only if it was written after our events were appended (`wasWrittenSince`); otherwise
 * the holder may already have read the log, so we write again and make the holder read once more.
 */
export function requestLease(
  lease: ShardLease | undefined,
  requested: OffsetRange,
  { now, wasWrittenSince = false }: { readonly now: number; readonly wasWrittenSince?: boolean },
): LeaseResult {
  const { jobId, epoch, offset } = requested
  if (lease === undefined || lease.epoch !== epoch) return { status: 'acquired', start: offset }
  if (isHeld(lease, now) && lease.holder?.jobId !== jobId) {
    if (covers(lease, requested)) return { status: 'covered' }
    const nextOffset = offset < lease.from ? offset : Math.max(offset, lease.through + 1)
    const isNoted = lease.nextOffset !== undefined && lease.nextOffset <= nextOffset
    if (isNoted && wasWrittenSince) return { status: 'covered' }
    return { status: 'queued', nextOffset: isNoted ? (lease.nextOffset ?? nextOffset) : nextOffset }
  }
  const free = withoutHolder(lease)
  if (free.nextOffset === undefined && covers(free, requested)) return { status: 'covered' }
  const next = free.through + 1
  const own = offset >= free.from && offset <= next + reorderWindow ? next : offset
  return { status: 'acquired', start: Math.min(own, free.nextOffset ?? own) }
}

/** Decides about a job whose own events have expired: it still delivers what an earlier holder left undelivered. */
export function requestUndelivered(lease: ShardLease | undefined, jobId: string, now: number): LeaseResult {
  if (lease === undefined || (isHeld(lease, now) && lease.holder?.jobId !== jobId)) return { status: 'covered' }
  const { nextOffset } = withoutHolder(lease)
  return nextOffset === undefined ? { status: 'covered' } : { status: 'acquired', start: nextOffset }
}

/**
 * How many slots a lease from `start` on reads: up to the first event that is delivered already, and at most `limit`.
 */
export function slotLimit(lease: ShardLease | undefined, start: number, limit: number): number {
  return lease === undefined || start >= lease.from ? limit : Math.min(limit, lease.from - start)
}

/**
 * The state after a job acquired a lease without a holder, to deliver `start` to `through`. `more`: the log continues
 * after `through`, so the holder has to read again.
 */
export function acquiredLease(
  lease: ShardLease | undefined,
  { epoch, ...holder }: ShardLeaseHolder & { readonly epoch: string },
  { through, more }: { readonly through: number; readonly more: boolean },
): ShardLease {
  const { start } = holder
  const joins = lease?.epoch === epoch && start <= lease.through + 1 && through >= lease.from - 1
  if (!joins) return { epoch, from: start, through, holder, ...defined({ nextOffset: more ? through + 1 : undefined }) }
  const end = Math.max(lease.through, through)
  return {
    epoch,
    from: Math.min(lease.from, start),
    through: end,
    holder,
    ...defined({ nextOffset: more ? end + 1 : undefined }),
  }
}

/** The state after the holder gave up or died: the events from its `start` on count as undelivered. */
export function withoutHolder({ holder, ...lease }: ShardLease): ShardLease {
  if (holder === undefined) return lease
  const { start } = holder
  return {
    epoch: lease.epoch,
    from: Math.min(lease.from, start),
    through: start - 1,
    nextOffset: Math.min(start, lease.nextOffset ?? start),
  }
}

/** The state after the holder delivered every event that was requested and that the log still has. */
export function completedLease({ epoch, from, through }: ShardLease): ShardLease {
  return { epoch, from, through }
}

function isHeld({ holder }: ShardLease, now: number): boolean {
  return holder !== undefined && now < holder.expiresAt
}

function covers({ from, through }: ShardLease, requested: OffsetRange): boolean {
  return from <= requested.offset && requested.through <= through
}
