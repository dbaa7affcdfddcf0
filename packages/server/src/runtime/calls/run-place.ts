import type { FrameId } from '@trunkline/protocol'
import type { RunPlace } from '../../ports/leases.ts'
import type { Caller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { digest, ownerOf, rowNameOf } from './idempotency-key.ts'

/** A run's place among the runs of its caller, and until when it is held without a renewal (epoch milliseconds). */
export interface HeldPlace extends Pick<RunPlace, 'owner' | 'run'> {
  readonly lease: number
}

/**
 * The result of `takeRunPlace`.
 * - `taken`: the caller must release the place if the run does not start
 * - `held`: the same request has taken it before, and its run may go on
 * - `full`: as many runs go on as may
 */
export type PlaceResult =
  | { readonly status: 'taken' | 'held'; readonly place: HeldPlace }
  | { readonly status: 'full'; readonly retryAfterMs: number }

/** A place that is not renewed for this long is free: its function died. */
const placeMs = 45_000
/** A place is renewed when this much of its lease has passed. */
const renewPlaceMs = 15_000
/** Time in which a function that lives has surely renewed its place. */
const slackMs = 5_000
/** When a refused start is worth another try while every run lives. */
const retryAfterMs = 5_000
/** Tries to take over places of dead runs. A try fails only if another function has taken them over. */
const maxTries = 5
/** An owner's row outlives its last lease. */
const rowMs = 3_600_000
/** More than any bound: for a run that goes on already. */
const unbounded = 1_000_000

/**
 * The place of a generator. A principal has its runs counted on all its connections, an anonymous caller those of its
 * session. A frame that comes twice names the same place.
 */
export function placeOfGenerator(
  caller: Caller,
  { id, ref }: { readonly id: FrameId; readonly ref: number },
): Pick<RunPlace, 'owner' | 'run'> {
  return placeOf(caller, `generator\n${caller.connectionId}\n${JSON.stringify(id)}\n${ref}`)
}

/** The place of a long call: that of its key, or of its frame if it has none. `askedAt` is when the frame came. */
export function placeOfCall(
  caller: Caller,
  { id, key, askedAt }: { readonly id: FrameId; readonly key: string | undefined; readonly askedAt: number },
): Pick<RunPlace, 'owner' | 'run'> {
  if (key !== undefined) return placeOf(caller, `key\n${rowNameOf(caller, key)}`)
  return placeOf(caller, `call\n${caller.connectionId}\n${JSON.stringify(id)}\n${askedAt}`)
}

/** 96 bits name a run within its owner's row, so that twenty places are less than 1 KB. */
function placeOf(caller: Caller, run: string): Pick<RunPlace, 'owner' | 'run'> {
  return { owner: ownerOf(caller), run: digest(run).slice(0, 16) }
}

/**
 * Takes a place for a run that is about to start: one conditional write, and one more for each function that removes
 * places of dead runs. `isCounted` is false for a run that goes on already: it gets a place whatever the bound is.
 */
export async function takeRunPlace(
  { store, clock, server }: InvocationContext,
  of: Pick<RunPlace, 'owner' | 'run'>,
  { isCounted = true }: { readonly isCounted?: boolean } = {},
): Promise<PlaceResult> {
  const max = isCounted ? server.maxRuns : unbounded
  let over: readonly { readonly run: string; readonly lease: number }[] = []
  for (let tries = 1; ; tries++) {
    const now = clock.now()
    const place = { ...of, lease: now + placeMs }
    const result = await store.takeRunPlace({ ...place, expires: expiresOf(place), max, over })
    if (result.status === 'taken') return { status: 'taken', place }
    const { places } = result
    const own = places.find(({ run, lease }) => run === of.run && lease > now)
    if (own !== undefined) return { status: 'held', place: { ...of, lease: own.lease } }
    over = places.filter(({ lease }) => lease <= now)
    const isFull = places.length - over.length >= max
    if (isFull || tries === maxTries) return { status: 'full', retryAfterMs: waitOf(places, now) }
  }
}

/** A place whose lease ends sooner than that of a run that lives is free at that time. */
function waitOf(places: readonly { readonly lease: number }[], now: number): number {
  const soonest = Math.min(...places.map(({ lease }) => lease)) - now
  return soonest < placeMs - renewPlaceMs - slackMs ? Math.max(soonest, 1_000) : retryAfterMs
}

/**
 * Renews the place of a run that goes on, and returns the end of its lease. A run whose place is gone, since its
 * function could not renew it in time, gets another one, so that no run is uncounted. It gets none after `signal` aborts:
 * the run has ended, and its place was released.
 */
export async function renewRunPlace(
  context: InvocationContext,
  { owner, run, lease }: HeldPlace,
  signal: AbortSignal,
): Promise<number> {
  const now = context.clock.now()
  if (lease - now > placeMs - renewPlaceMs) return lease
  const renewed = { owner, run, lease: now + placeMs }
  const found = await context.store.renewRunPlace({ ...renewed, expires: expiresOf(renewed) })
  if (found === 'absent' && !signal.aborted) await takeRunPlace(context, renewed, { isCounted: false })
  return renewed.lease
}

/**
 * The place that a worker's run holds. A place whose lease ended before its function started is taken again: `full` if
 * other runs have taken all places meanwhile, unless the run has gone on before in another function.
 */
export async function holdRunPlace(
  context: InvocationContext,
  place: HeldPlace,
  { goesOn }: { readonly goesOn: boolean },
): Promise<PlaceResult> {
  if (place.lease > context.clock.now()) return { status: 'held', place }
  return takeRunPlace(context, place, { isCounted: !goesOn })
}

/** Frees the place of a run that has ended. A place that cannot be freed is free when its lease ends. Never throws. */
export async function releaseRunPlace(
  { store }: Pick<InvocationContext, 'store'>,
  place: HeldPlace | undefined,
): Promise<void> {
  if (place !== undefined) await store.releaseRunPlace({ owner: place.owner, run: place.run }).catch(() => {})
}

/** [TL-RUN-1] The error of a run that is not started. */
export function tooManyRuns({ server }: InvocationContext, afterMs: number): TrunklineError {
  const message =
    `Expected at most ${server.maxRuns} long calls, generators and streams of one caller at the same time, and as many run now. ` +
    'End one of them, or try again later.'
  return new TrunklineError('RATE_LIMITED', message, { retryAfterMs: afterMs })
}

function expiresOf({ lease }: { readonly lease: number }): number {
  return Math.ceil((lease + rowMs) / 1_000)
}
