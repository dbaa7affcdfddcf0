import { defined, formatCursor, type SubscribeFrame, utf8Bytes } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import type { NewSubscription } from '../machine/events.ts'
import { sendFrame, sizeProblem } from '../machine/send-frame.ts'
import { emptyOrder, newestKnown } from '../machine/sequencer.ts'
import { acceptsRequests, canSend, isDraining, type Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { type Failure, toTrunklineError } from '../machine/trunkline-error.ts'

const startedMs = 10_000 // 10 s: allows for a cold start
// up to + 50 %, so that the subscriptions of one message are not all repeated at the same moment
const startedSpread = 0.5
const restopMs = 5_000 // 5 s: pushes that were in flight when a stop was sent need no second stop

/** Adds a new subscription, and sends it as soon as the socket is open. */
export function addSubscription(transition: Transition, request: NewSubscription): void {
  const subscription: Subscription = {
    ...request,
    ref: 0,
    phase: 'waiting',
    kind: 'unknown',
    order: emptyOrder,
    socket: transition.state.socket,
    snapshots: false,
    snapshotAt: null,
    receivedAt: 0,
    keepaliveMs: null,
    plainId: null,
    announced: false,
    failures: 0,
    fetch: 'none',
    askedBy: null,
    askedFrom: null,
    askedKnown: 0,
    answeredHead: -1,
    answeredRef: 0,
    gapMs: transition.state.settings.gapWaitMs,
  }
  transition.putSubscription(subscription)
  if (acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/** Sends a subscribe, with the position to resume after if there is one. */
function sendSubscribe(transition: Transition, subscription: Subscription) {
  const text = nextAttempt(transition, subscription)
  if (text !== undefined) sendFrame(transition, text, { id: subscription.id, name: `>${subscription.id}` })
}

/**
 * The frame of the next attempt: the same id and the next ref [TL-SUB-13]. Undefined when the frame is too large; then
 * the subscription has ended.
 */
export function nextAttempt(transition: Transition, subscription: Subscription): string | undefined {
  const { id, path, input } = subscription
  const ref = subscription.ref + 1
  const params = defined({ path, input, ref, lastEventId: lastEventIdOf(subscription) })
  const text = JSON.stringify({ id, method: 'subscription', params } satisfies SubscribeFrame)
  const tooLarge = sizeProblem(utf8Bytes(text), transition.state.messageBytes)
  if (tooLarge !== undefined) {
    endSubscription(transition, subscription, { line: toTrunklineError('TOO_LARGE', tooLarge) })
    return undefined
  }
  transition.cancel({ kind: 'gap', id })
  const { socket } = transition.state
  transition.putSubscription({
    ...subscription,
    // Each run of a generator has its own numbers. Events that are held without a position were appended before this
    // request, so the answer contains them, unless the log was rewound and they no longer exist. [TL-SYNC-4]
    order: subscription.kind === 'generator' || subscription.order.position === null ? emptyOrder : subscription.order,
    ref,
    socket,
    phase: 'subscribing',
    fetch: 'none',
    askedFrom: null,
    askedKnown: newestKnown(subscription.order),
    answeredHead: -1,
    snapshotAt: null,
  })
  transition.arm(
    { kind: 'started', id },
    Math.round(startedMs * (1 + startedSpread * ((id * 0.618 + transition.chance) % 1))),
  )
  return text
}

/** Subscribes again after the position, unless an attempt is already in progress. */
export function resume(transition: Transition, subscription: Subscription): void {
  if (subscription.phase === 'live' && acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/** Subscribes again without a position. The new snapshot contains what could not be replayed. [TL-SNAP-2] */
export function startOver(transition: Transition, subscription: Subscription): void {
  const unset = { ...subscription, order: emptyOrder }
  transition.putSubscription(unset)
  if (acceptsRequests(transition.state)) sendSubscribe(transition, unset)
}

/** Subscribes again after `retryAfterMs`, or at once the first time and then after a growing back-off. */
export function retrySubscription(transition: Transition, subscription: Subscription, retryAfterMs?: number): void {
  const failures = subscription.failures + 1
  const ms = retryAfterMs ?? (failures === 1 ? 0 : backoffMs(transition, failures))
  transition.cancel({ kind: 'gap', id: subscription.id })
  transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures })
  transition.arm({ kind: 'started', id: subscription.id }, ms)
}

/** Sends a subscribe again: `started` did not arrive in time, or its retry is due. Its slot is free for another one. */
export function onStartedTimer(transition: Transition, subscription: Subscription): void {
  transition.resumeSlots += 1
  if (subscription.phase !== 'live' && acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/**
 * Puts all subscriptions back to `waiting`: the socket was lost or replaced, and the server's registrations with it. If
 * the application sees the interruption (`isSeen`), the next `started` is emitted again.
 */
export function suspendSubscriptions(transition: Transition, isSeen: boolean): void {
  for (const subscription of transition.state.subscriptions.values()) {
    transition.cancelOf(subscription.id, 'started', 'gap')
    const announced = subscription.announced && !isSeen
    transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: 0, announced })
  }
  transition.patch({ ended: new Map() })
}

/** Removes all positions: the next session may belong to another user. */
export function resetPositions(transition: Transition): void {
  for (const subscription of transition.state.subscriptions.values()) {
    transition.putSubscription({ ...subscription, kind: 'unknown', order: emptyOrder, plainId: null, snapshots: false })
  }
}

/** Ends a subscription: with an error when there is a failure, else with the outcome of its stream if it has one. */
export function endSubscription(
  transition: Transition,
  subscription: Subscription,
  end?: Failure | 'done' | 'stopped',
): void {
  const { id } = subscription
  dropSubscription(transition, subscription)
  transition.emit(typeof end === 'object' ? { type: 'fail', id, failure: end } : { type: 'complete', id, outcome: end })
}

/** Removes a subscription without notifying the application, and sends a stop if the server may have it. [TL-STOP-1] */
export function dropSubscription(transition: Transition, subscription: Subscription): void {
  const { id, ref, phase } = subscription
  transition.dropSubscription(id)
  if (phase === 'waiting' || !canSend(transition.state)) return
  transition.patch({ ended: new Map(transition.state.ended).set(id, { ref, stoppedAt: transition.now }) })
  sendStop(transition, subscription, transition.state.socket)
  const { handover } = transition.state
  if (handover !== null && isDraining(transition.state)) sendStop(transition, subscription, handover.socket) // [TL-HAND-2]
}

/** Sends a stop of the subscription's attempts up to `ref`. */
export function sendStop(transition: Transition, { id, ref }: Pick<Subscription, 'id' | 'ref'>, socket: number): void {
  transition.send({ id, method: 'subscription.stop', params: { ref } }, [`.${id}`], socket)
}

/**
 * Sends another stop after a push for a subscription that ended: the first stop was lost. A push within 5 s of the last
 * stop was in flight, and is ignored. [TL-STOP-4]
 */
export function stopAgain(transition: Transition, id: number): void {
  const end = transition.state.ended.get(id)
  if (end === undefined || transition.now - end.stoppedAt < restopMs) return
  transition.patch({ ended: new Map(transition.state.ended).set(id, { ...end, stoppedAt: transition.now }) })
  sendStop(transition, { id, ref: end.ref }, transition.from)
}

/** The id to resume after; undefined when there is none: an ephemeral subscription starts without one [TL-EPH-2]. */
function lastEventIdOf({ kind, order, plainId }: Subscription): string | undefined {
  return order.position === null || kind === 'generator' ? (plainId ?? undefined) : formatCursor(order.position)
}
