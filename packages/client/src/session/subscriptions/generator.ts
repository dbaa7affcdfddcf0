import type { AliveResult, DataResult, ErrorFrame, StartedResult, StoppedResult } from '@trunkline/protocol'
import {
  type Failed,
  isBehind,
  type OrderResult,
  receive,
  recordHead,
  setPosition,
  unchanged,
} from '../machine/sequencer.ts'
import type { Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { toTrunklineError } from '../machine/trunkline-error.ts'
import { onSubscriptionError } from './on-subscription-error.ts'
import { endSubscription, retrySubscription } from './subscriptions.ts'

type Counted<R> = R & { readonly n: number }

const silenceMs = 10_000 // 10 s: a live run sends a frame every 4 s
const lateMs = 15_000 // 15 s: a timer that fires later was suspended with its machine, and frames may arrive late too
const holeMs = 1_000 // 1 s: a run posts its values one after another, so a value that is missing for longer is lost

/** Handles the start of a run, whose next value is n + 1. A frame of an earlier attempt is ignored. [TL-GEN-10] */
export function onRunStart(
  transition: Transition,
  subscription: Subscription,
  { ref, n }: Counted<StartedResult>,
): void {
  const { id, order } = subscription
  if (ref !== subscription.ref) return
  transition.cancel({ kind: 'started', id })
  if (!subscription.announced) transition.emit({ type: 'started', id })
  const live: Subscription = { ...subscription, kind: 'generator', phase: 'live', announced: true, failures: 0 }
  const from = { epoch: String(ref), offset: n }
  settleRun(
    transition,
    recordActivity(transition, live),
    order.position === null ? setPosition(order, from) : unchanged(order),
  )
}

/** Handles a value or the end of a run. Each is applied once, in the order of its number. [TL-GEN-10] */
export function onValue(
  transition: Transition,
  subscription: Subscription,
  result: Counted<DataResult | StoppedResult | Failed>,
): void {
  const { ref, n } = result
  if (ref !== subscription.ref) return
  const frame = { epoch: String(ref), offset: n, prev: n - 1, size: transition.frameSize, result }
  settleRun(transition, recordActivity(transition, subscription), receive(subscription.order, frame))
}

/**
 * Handles the failure of a run: after its last value, or at once when the frame has no number. [TL-GEN-3] [TL-GEN-10]
 */
export function onRunFailure(transition: Transition, subscription: Subscription, frame: ErrorFrame): void {
  if (isCounted(frame)) onValue(transition, subscription, { ...frame, type: 'failed', frame })
  else if (frame.ref === subscription.ref) onSubscriptionError(transition, subscription, frame)
}

/** Whether a frame belongs to a generator's run, whose frames are numbered. */
export function isCounted<F extends { readonly n?: number }>(frame: F): frame is Counted<F> {
  return frame.n !== undefined
}

/** Handles a sign of life of a run. Its number shows whether an earlier value is missing. */
export function onAlive(transition: Transition, subscription: Subscription, { ref, n }: AliveResult): void {
  if (ref !== subscription.ref) return
  const order = recordHead(subscription.order, { epoch: String(ref), offset: n })
  settleRun(transition, recordActivity(transition, subscription), unchanged(order))
}

/** Ends a run whose missing value did not arrive in time. */
export function onHoleTimer(transition: Transition, subscription: Subscription): void {
  if (isBehind(subscription.order)) onRunLost(transition, subscription, 'A value was lost.')
}

/** Ends a run that sent nothing for 10 s, unless this timer itself was suspended. */
export function onSilence(transition: Transition, subscription: Subscription): void {
  if (subscription.kind !== 'generator' || subscription.phase !== 'live') return
  if (transition.now - subscription.receivedAt > lateMs)
    transition.putSubscription(recordActivity(transition, subscription))
  else onRunLost(transition, subscription, 'The generator sent nothing.')
}

/** [TL-GEN-11] Resumes tracked values after the last one. Other runs cannot be resumed, so the subscription ends. */
function onRunLost(transition: Transition, subscription: Subscription, message: string) {
  if (subscription.plainId !== null) return retrySubscription(transition, subscription)
  endSubscription(transition, subscription, { line: toTrunklineError('GENERATOR_LOST', `${message} Subscribe again.`) })
}

function recordActivity(transition: Transition, subscription: Subscription): Subscription {
  transition.arm({ kind: 'alive', id: subscription.id }, silenceMs)
  return { ...subscription, receivedAt: transition.now }
}

function settleRun(transition: Transition, subscription: Subscription, { order, applied, verdict }: OrderResult) {
  let next = { ...subscription, order }
  for (const { result } of applied) {
    // `waiting`: no stop is sent, since the server ended it
    if (result.type === 'stopped') return endSubscription(transition, { ...next, phase: 'waiting' })
    if (result.type === 'failed') return onSubscriptionError(transition, next, result.frame)
    if (result.type !== 'data') continue
    next = { ...next, plainId: result.id ?? next.plainId }
    transition.emit({ type: 'deliver', id: next.id, result })
  }
  if (verdict === 'overflow') return onRunLost(transition, next, 'A value was lost.')
  watchHole(transition, next)
}

function watchHole(transition: Transition, subscription: Subscription): void {
  const { id, fetch, order } = subscription
  const isOpen = isBehind(order)
  if (isOpen && fetch === 'none') transition.arm({ kind: 'gap', id }, holeMs)
  if (!isOpen && fetch !== 'none') transition.cancel({ kind: 'gap', id })
  transition.putSubscription({ ...subscription, fetch: isOpen ? 'armed' : 'none' })
}
