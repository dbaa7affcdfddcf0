import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { ShardLeaseHolder, ShardLeaseRow } from '../../ports/leases.ts'
import type { Slot } from '../../ports/log.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { isDeliverable } from '../recipients/delivery.ts'
import { type DeliveryPayload, type JobRun, toDeliveries } from './deliver-job.ts'
import {
  acquiredLease,
  completedLease,
  type OffsetRange,
  requestLease,
  requestUndelivered,
  type ShardLease,
  slotLimit,
  withoutHolder,
} from './shard-lease.ts'

/** A shard of a topic, and the job that delivers there. */
export interface LeaseName {
  readonly topic: string
  readonly shard: number
  readonly jobId: string
  /** The id of the lease that the job holds; undefined before it holds one. */
  readonly leaseId: string | undefined
}

/** A run and its events. */
export interface LeasedRun {
  readonly run: JobRun
  readonly deliveries: DeliveryPayload
}

/** A holder that does not renew its lease for this long counts as dead. */
const leaseMs = 45_000
const renewMs = leaseMs / 3
const rowSeconds = 24 * 3_600
/** Slots that are delivered under one lease. */
const leaseSlots = 100
const maxAttempts = 100 // of a conditional write

/**
 * Acquires the lease for a run of a log. Returns the run to deliver, extended by the events that the log has after it.
 * Undefined when another job has delivered the run, or holds the lease and delivers it. If that job's function dies,
 * the platform repeats it, or the next job for the shard delivers what it left.
 */
export async function acquireLease(
  context: InvocationContext,
  name: LeaseName,
  run: JobRun,
): Promise<LeasedRun | undefined> {
  const requested = await readRequested(context, name, run)
  const leaseId = randomName(context.clock, 12)
  return updateLease<LeasedRun>(context, name, async (row, wasWrittenSince) => {
    if (run.from !== undefined && holdsLease(row, name))
      return [renewed(context, row), { run, deliveries: await toDeliveries(context, run) }]
    const now = context.clock.now()
    const result =
      requested === undefined
        ? requestUndelivered(row, name.jobId, now)
        : requestLease(row, requested, { now, wasWrittenSince })
    if (result.status === 'covered') return undefined
    if (result.status === 'queued') return row && [{ ...row, nextOffset: result.nextOffset }, undefined]
    return startLease(context, { ...name, leaseId }, { row, start: result.start })
  })
}

/** The events of a run; undefined when its slots have expired. */
async function readRequested(
  { store }: InvocationContext,
  { topic, jobId }: LeaseName,
  run: JobRun,
): Promise<OffsetRange | undefined> {
  const { offset = 0, through = offset } = run
  const [slot] = (await store.readSlots(topic, offset - 1, 1)).slots
  return slot === undefined || slot.offset > through
    ? undefined
    : { jobId, epoch: slot.epoch, offset: slot.offset, through }
}

/**
 * Completes a lease whose events are delivered. If other jobs recorded an offset, starts and returns the next lease.
 */
export async function completeLease(context: InvocationContext, name: LeaseName): Promise<LeasedRun | undefined> {
  const next = { ...name, leaseId: randomName(context.clock, 12) }
  return updateLease<LeasedRun>(context, name, async (row) => {
    // The row already names the next lease: our own write succeeded and its response was lost.
    if (holdsLease(row, next))
      return startLease(context, next, { row, start: withoutHolder(row).nextOffset ?? row.holder.start })
    if (!holdsLease(row, name)) return undefined // the lease expired and another job took it, or this job runs twice
    const { nextOffset } = row
    const started =
      nextOffset === undefined
        ? undefined
        : await startLease(context, next, { row: completedLease(row), start: nextOffset })
    return started ?? [completedLease(row), undefined]
  })
}

/** Extends a lease. False when the job does not hold it any more. */
export async function renewLease(context: InvocationContext, name: LeaseName): Promise<boolean> {
  const kept = await updateLease<true>(context, name, async (row) =>
    holdsLease(row, name) ? [renewed(context, row), true] : undefined,
  )
  return kept === true
}

/** Waits for `work`, which may take longer than a lease, and renews the leases meanwhile. */
export async function renewingLeases<T>(
  context: InvocationContext,
  names: readonly LeaseName[],
  work: Promise<T>,
): Promise<T> {
  const done = new AbortController()
  const renewUntilDone = async () => {
    for (;;) {
      await context.clock.sleep(renewMs, done.signal)
      if (done.signal.aborted) return
      // If a renewal fails, the next one may succeed; otherwise the lease expires.
      await Promise.all(names.map((name) => renewLease(context, name).catch(() => {})))
    }
  }
  void renewUntilDone()
  return work.finally(() => done.abort(null))
}

/** Gives up a lease. The next job for the shard delivers its events. */
export async function releaseLease(context: InvocationContext, name: LeaseName): Promise<void> {
  await updateLease(context, name, async (row) =>
    row?.holder?.jobId === name.jobId ? [withoutHolder(row), undefined] : undefined,
  )
}

/** The lease to write over the one that was read, and the result of the write; undefined to write nothing. */
type LeaseWrite<T> = readonly [ShardLease, T | undefined] | undefined

/**
 * Reads the lease, computes the next one and writes it on the condition that the row is unchanged; repeats when another
 * write came first. `wasWrittenSince` is true in a repetition: the row was written after this call began.
 */
async function updateLease<T>(
  { store, clock }: InvocationContext,
  { topic, shard }: LeaseName,
  next: (row: ShardLeaseRow | undefined, wasWrittenSince: boolean) => Promise<LeaseWrite<T>>,
): Promise<T | undefined> {
  let row = await store.readShardLease(topic, shard)
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const write = await next(row, attempt > 0)
    if (write === undefined) return undefined
    const [{ epoch, from, through, holder, nextOffset }, result] = write
    const base = { topic, shard, version: randomName(clock, 12), expires: Math.ceil(clock.now() / 1_000) + rowSeconds }
    const put = await store.putShardLease(
      { ...base, epoch, from, through, ...defined({ holder, nextOffset }) },
      row?.version,
    )
    if (put.status === 'put') return result
    row = put.row
  }
  throw new Error(
    `The lease of shard ${shard} of topic ${topic} could not be written: ${maxAttempts} attempts conflicted with other writes. Invoke the job again.`,
  )
}

/**
 * A lease from `start` on, up to the end of the log or to the first event that is delivered already. Undefined when the
 * log has no events there any more.
 */
async function startLease(
  context: InvocationContext,
  { topic, jobId, leaseId }: LeaseName & { readonly leaseId: string },
  { row, start }: { readonly row: ShardLease | undefined; readonly start: number },
): Promise<LeaseWrite<LeasedRun>> {
  const lease = row && withoutHolder(row)
  // The slots are read before the subscribers are [LAW-REGISTER-THEN-READ].
  const { slots, more } = await context.store.readSlots(topic, start - 1, slotLimit(lease, start, leaseSlots))
  const [first, last] = [slots[0], slots.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const { offset: through } = last
  const holder = { jobId, leaseId, expiresAt: context.clock.now() + leaseMs, epoch: first.epoch, start }
  const run = { topic, offset: start, ...defined({ through: through > start ? through : undefined }), taking: leaseId }
  return [acquiredLease(lease, holder, { through, more }), { run, deliveries: deliveriesOf(topic, slots) }]
}

/** Whether the row holds exactly this lease, and not another one of the same job. */
function holdsLease(
  row: ShardLeaseRow | undefined,
  { leaseId }: LeaseName,
): row is ShardLeaseRow & { readonly holder: ShardLeaseHolder } {
  return row?.holder !== undefined && row.holder.leaseId === leaseId
}

function deliveriesOf(topic: string, slots: readonly Slot[]): DeliveryPayload {
  return slots.filter(isDeliverable).map((slot) => ({ topic, slot }))
}

function renewed({ clock }: InvocationContext, { holder, ...row }: ShardLeaseRow): ShardLease {
  return { ...row, ...defined({ holder: holder && { ...holder, expiresAt: clock.now() + leaseMs } }) }
}
