import { randomName } from '../../ports/clock.ts'
import type { ShardLeaseHolder, ShardLeaseRow } from '../../ports/leases.ts'
import type { Slot } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { type DeliveryPayload, type JobRun, toDeliveries } from './deliver-job.ts'
import {
  type Asked,
  acquiredLease,
  atRest,
  ended,
  requestLease,
  requestRest,
  type ShardLease,
  slotsFor,
} from './shard-lease.ts'

/** A shard of a topic, and the job that is to deliver there. */
export interface LeaseName {
  readonly topic: string
  readonly shard: number
  /** The job's name. */
  readonly by: string
  /** Names the taking of the turn, where it was taken. */
  readonly taking: string | undefined
}

/** A run and its events. */
export interface Reading {
  readonly run: JobRun
  readonly deliveries: DeliveryPayload
}

/** A holder that is silent for so long counts as dead. */
const leaseMs = 45_000
const renewMs = leaseMs / 3
const lifeSeconds = 24 * 3_600
/** Slots that are delivered in one turn. */
const leaseSlots = 100
const attempts = 100 // of writes that met another's

/**
 * Takes the turn for a run of a log, and gives what is to be delivered: the run with whatever the log has after it. Undefined when others have delivered it
 * or are at it: they go on with what it asks for, and whose function dies is made good by the platform's repeat of that function or by the next one.
 */
export async function acquireLease(
  scope: InvocationContext,
  place: LeaseName,
  run: JobRun,
): Promise<Reading | undefined> {
  const asked = await readAsked(scope, place, run)
  const taking = randomName(scope.clock, 12)
  return follow<Reading>(scope, place, async (row, isAnother) => {
    if (run.from !== undefined && holds(row, place))
      return [renewed(scope, row), { run, deliveries: await toDeliveries(scope, run) }]
    const now = scope.clock.now()
    const answer = asked === undefined ? requestRest(row, place.by, now) : requestLease(row, asked, now, isAnother)
    if (answer.status === 'left') return undefined
    if (answer.status === 'note') return row && [{ ...row, nextOffset: answer.nextOffset }, undefined]
    return begin(scope, { ...place, taking }, row, answer.start)
  })
}

/** What a run is of; undefined when its slots are gone. */
async function readAsked(
  { store }: InvocationContext,
  { topic, by }: LeaseName,
  run: JobRun,
): Promise<Asked | undefined> {
  const { offset = 0, through = offset } = run
  const [slot] = (await store.readSlots(topic, offset - 1, 1)).slots
  return slot === undefined || slot.offset > through
    ? undefined
    : { by, epoch: slot.epoch, offset: slot.offset, through }
}

/** Ends a turn whose events are delivered, and gives the next one where more was asked for meanwhile. */
export async function completeLease(scope: InvocationContext, place: LeaseName): Promise<Reading | undefined> {
  const next = { ...place, taking: randomName(scope.clock, 12) }
  return follow<Reading>(scope, place, async (row) => {
    if (holds(row, next)) return begin(scope, next, row, atRest(row).nextOffset ?? row.holder.start) // its own write, whose answer was lost
    if (!holds(row, place)) return undefined // it took so long that another began, or its job is run twice
    const begun = row.nextOffset === undefined ? undefined : await begin(scope, next, ended(row), row.nextOffset)
    return begun ?? [ended(row), undefined]
  })
}

/** Says that one is still at it. False when another began, or ended it. */
export async function renewLease(scope: InvocationContext, place: LeaseName): Promise<boolean> {
  const kept = await follow<true>(scope, place, async (row) =>
    holds(row, place) ? [renewed(scope, row), true] : undefined,
  )
  return kept === true
}

/** Does what may take longer than a lease, and says meanwhile that one is still at it. */
export async function renewingLeases<T>(
  scope: InvocationContext,
  places: readonly LeaseName[],
  work: Promise<T>,
): Promise<T> {
  const done = new AbortController()
  const keep = async () => {
    for (;;) {
      await scope.clock.sleep(renewMs, done.signal)
      if (done.signal.aborted) return
      await Promise.all(places.map((place) => renewLease(scope, place).catch(() => {}))) // then the next one does, or the lease ends
    }
  }
  void keep()
  return work.finally(() => done.abort(null))
}

/** Leaves what was begun to whoever comes next. */
export async function releaseLease(scope: InvocationContext, place: LeaseName): Promise<void> {
  await follow(scope, place, async (row) => (row?.holder?.jobId === place.by ? [atRest(row), undefined] : undefined))
}

/** A turn to put over the one that was seen, and what comes of it; undefined: nothing to put. */
type Move<T> = readonly [ShardLease, T | undefined] | undefined

/** Puts what follows from the turn that stands, again while another's write comes between: then `isAnother` tells that it came since this began. */
async function follow<T>(
  { store, clock }: InvocationContext,
  { topic, shard }: LeaseName,
  next: (row: ShardLeaseRow | undefined, isAnother: boolean) => Promise<Move<T>>,
): Promise<T | undefined> {
  let row = await store.readShardLease(topic, shard)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const move = await next(row, attempt > 0)
    if (move === undefined) return undefined
    const [{ epoch, from, through, holder, nextOffset }, outcome] = move
    const optional = { ...(holder && { holder }), ...(nextOffset !== undefined && { nextOffset }) }
    const base = { topic, shard, version: randomName(clock, 12), expires: Math.ceil(clock.now() / 1_000) + lifeSeconds }
    const put = await store.putShardLease({ ...base, epoch, from, through, ...optional }, row?.version)
    if (put.status === 'put') return outcome
    row = put.row
  }
  throw new Error(`The turn of ${topic} could not be written: ${attempts} others came between.`)
}

/** The turn from an offset on, as far as the log goes by now or to what was delivered already; undefined when it has nothing there any more. */
async function begin(
  scope: InvocationContext,
  { topic, by, taking }: LeaseName & { readonly taking: string },
  row: ShardLease | undefined,
  start: number,
): Promise<Move<Reading>> {
  const turn = row && atRest(row)
  const { slots, more } = await scope.store.readSlots(topic, start - 1, slotsFor(turn, start, leaseSlots)) // before the audience is read [LAW-REGISTER-THEN-READ]
  const [first, last] = [slots[0], slots.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const { offset: through } = last
  const taken = { jobId: by, leaseId: taking, expiresAt: scope.clock.now() + leaseMs, epoch: first.epoch, start }
  const run = { topic, offset: start, ...(through > start && { through }), taking }
  return [acquiredLease(turn, taken, { through, more }), { run, deliveries: toSending(topic, slots) }]
}

/** Whether it is still the turn that was taken, and not another one, be it of the same job. */
function holds(
  row: ShardLeaseRow | undefined,
  { taking }: LeaseName,
): row is ShardLeaseRow & { readonly holder: ShardLeaseHolder } {
  return row?.holder !== undefined && row.holder.leaseId === taking
}

function toSending(topic: string, slots: readonly Slot[]): DeliveryPayload {
  return slots.filter(({ data }) => data !== undefined).map((slot) => ({ topic, slot }))
}

function renewed({ clock }: InvocationContext, { holder, ...row }: ShardLeaseRow): ShardLease {
  return { ...row, ...(holder && { holder: { ...holder, expiresAt: clock.now() + leaseMs } }) }
}
