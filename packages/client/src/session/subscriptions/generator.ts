import type { AliveResult, ErrorFrame, StartedResult } from '@trunkline/protocol'
import { begin, isBehind, noteHead, type Ordered, type OrderedFrame, receive, unmoved } from '../machine/sequencer.ts'
import type { Subscription } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { toLineError } from '../machine/trunkline-error.ts'
import { takeSubscriptionError } from './on-subscription-error.ts'
import { endSubscription, retrySubscription } from './subscriptions.ts'

type Counted<R> = R & { readonly n: number }

const silenceMs = 10_000 // a live run says something every 4 s
const lateMs = 15_000 // a timer that came so late slept with its machine, and so may have what was said meanwhile
const holeMs = 1_000 // posts of one run are made one after another, so what is missing after a second is lost

/** A run began: its next value is n + 1. Of an attempt that was given up there is nothing to take. [TL-GEN-10] */
export function takeRunStart(turn: Turn, subscription: Subscription, { ref, n }: Counted<StartedResult>): void {
  const { id, order } = subscription
  if (ref !== subscription.ref) return
  turn.cancel({ kind: 'started', id })
  if (!subscription.announced) turn.emit({ type: 'started', id })
  const live: Subscription = { ...subscription, kind: 'generator', phase: 'live', announced: true, failures: 0 }
  const from = { epoch: String(ref), offset: n }
  settleRun(turn, hear(turn, live), order.position === null ? begin(order, from) : unmoved(order))
}

/** A value of a run, or its end: taken in the order of its number, once. [TL-GEN-10] */
export function takeValue(
  turn: Turn,
  subscription: Subscription,
  { ref, n }: { readonly ref?: number; readonly n: number },
  size: number,
  result: OrderedFrame['result'],
): void {
  if (ref !== subscription.ref) return
  const frame = { epoch: String(ref), offset: n, prev: n - 1, size, result }
  settleRun(turn, hear(turn, subscription), receive(subscription.order, frame))
}

/** A run failed: its end behind its last value, or at once where nobody knows of that. [TL-GEN-3] [TL-GEN-10] */
export function takeRunFailure(turn: Turn, subscription: Subscription, frame: ErrorFrame, size: number): void {
  if (isCounted(frame)) takeValue(turn, subscription, frame, size, { type: 'failed', frame })
  else if (frame.ref === subscription.ref) takeSubscriptionError(turn, subscription, frame)
}

/** Whether a frame is of a run: then its values are counted. */
export function isCounted<F extends { readonly n?: number }>(frame: F): frame is Counted<F> {
  return frame.n !== undefined
}

/** A run has nothing to say; what it said before may not have come. */
export function takeAlive(turn: Turn, subscription: Subscription, { ref, n }: AliveResult): void {
  if (ref !== subscription.ref) return
  const order = noteHead(subscription.order, { epoch: String(ref), offset: n })
  settleRun(turn, hear(turn, subscription), unmoved(order))
}

/** A hole stayed open. */
export function takeHoleTimer(turn: Turn, subscription: Subscription): void {
  if (isBehind(subscription.order)) loseRun(turn, subscription, 'A value did not come.')
}

/** Nothing was heard for too long. */
export function takeSilence(turn: Turn, subscription: Subscription): void {
  if (subscription.kind !== 'generator' || subscription.phase !== 'live') return
  if (turn.now - subscription.heardAt > lateMs) turn.putSubscription(hear(turn, subscription))
  else loseRun(turn, subscription, 'The generator fell silent.')
}

/** [TL-GEN-11] Tracked values go on after the last one; of others nobody knows where they were. */
function loseRun(turn: Turn, subscription: Subscription, why: string) {
  if (subscription.plainId !== null) return retrySubscription(turn, subscription)
  endSubscription(turn, subscription, { line: toLineError('GENERATOR_LOST', why) })
}

function hear(turn: Turn, subscription: Subscription): Subscription {
  turn.arm({ kind: 'alive', id: subscription.id }, silenceMs)
  return { ...subscription, heardAt: turn.now }
}

function settleRun(turn: Turn, subscription: Subscription, { order, applied, verdict }: Ordered) {
  let next = { ...subscription, order }
  for (const { result } of applied) {
    if (result.type === 'stopped') return endSubscription(turn, { ...next, phase: 'waiting' }) // the server knows
    if (result.type === 'failed') return takeSubscriptionError(turn, next, result.frame)
    if (result.type !== 'data') continue
    next = { ...next, plainId: result.id ?? next.plainId }
    turn.emit({ type: 'deliver', id: next.id, result })
  }
  if (verdict === 'overflow') return loseRun(turn, next, 'A value did not come, and too many came after it.')
  watchHole(turn, next)
}

function watchHole(turn: Turn, subscription: Subscription): void {
  const { id, fetch, order } = subscription
  const isOpen = isBehind(order)
  if (isOpen && fetch === 'none') turn.arm({ kind: 'gap', id }, holeMs)
  if (!isOpen && fetch !== 'none') turn.cancel({ kind: 'gap', id })
  turn.putSubscription({ ...subscription, fetch: isOpen ? 'armed' : 'none' })
}
