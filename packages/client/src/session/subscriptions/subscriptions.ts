import { formatCursor, type SubscribeFrame, utf8Bytes } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import type { NewSubscription } from '../machine/events.ts'
import { sendFrame, sizeProblem } from '../machine/send-frame.ts'
import { emptyOrder, newestKnown } from '../machine/sequencer.ts'
import { acceptsRequests, canSend, isDraining, type Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { type Failure, toTrunklineError } from '../machine/trunkline-error.ts'

/** The gap timer's first wait. */
export const shortestGapMs = 300
const startedMs = 10_000 // 10 s: a cold function, with room
const startedSpread = 0.5 // + 50 % at most, so that many subscriptions of one message are not repeated at the same moment
const restopMs = 5_000 // 5 s: pushes that were on their way when a stop was sent need no stop of their own

/** Takes a new subscription and asks for it as soon as the socket allows. */
export function addSubscription(transition: Transition, wanted: NewSubscription): void {
  const subscription: Subscription = {
    ...wanted,
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
    gapMs: shortestGapMs,
  }
  transition.putSubscription(subscription)
  if (acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/** Subscribes, or resumes after the position. */
export function sendSubscribe(transition: Transition, subscription: Subscription) {
  const text = nextAttempt(transition, subscription)
  if (text !== undefined) sendFrame(transition, subscription.id, text, `>${subscription.id}`)
}

/** The frame of the next attempt: same id, next ref [TL-SUB-13]. Undefined where it is too large, which ends the subscription. */
export function nextAttempt(transition: Transition, subscription: Subscription): string | undefined {
  const { id, path, input } = subscription
  const ref = subscription.ref + 1
  const lastEventId = lastEventIdOf(subscription)
  const params = { path, input, ref, ...(lastEventId !== null && { lastEventId }) }
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
    // Each attempt's run of a generator counts from its own first. Events that are held without a position were put before
    // this is asked, so the answer has them, unless the log was rewound and they are gone. [TL-SYNC-4]
    ...((subscription.kind === 'generator' || subscription.order.position === null) && { order: emptyOrder }),
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

/** Subscribes again unless an attempt is under way already: what that one brings is the answer. */
export function resume(transition: Transition, subscription: Subscription): void {
  if (subscription.phase === 'live' && acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/** Begins anew, with a snapshot: what could not be replayed is in it. [TL-SNAP-2] */
export function startOver(transition: Transition, subscription: Subscription): void {
  const unset = { ...subscription, order: emptyOrder }
  transition.putSubscription(unset)
  if (acceptsRequests(transition.state)) sendSubscribe(transition, unset)
}

/** Subscribes again after a while: at once the first time, then after a growing one. */
export function retrySubscription(transition: Transition, subscription: Subscription, retryAfterMs?: number): void {
  const failures = subscription.failures + 1
  const ms = retryAfterMs ?? (failures === 1 ? 0 : backoffMs(failures, transition.chance))
  transition.cancel({ kind: 'gap', id: subscription.id })
  transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures })
  transition.arm({ kind: 'started', id: subscription.id }, ms)
}

/** The attempt brought no `started` in time, or its transition has come again. Whatever it waits for, it keeps no other waiting. */
export function onStartedTimer(transition: Transition, subscription: Subscription): void {
  transition.resumeSlots += 1
  if (subscription.phase !== 'live' && acceptsRequests(transition.state)) sendSubscribe(transition, subscription)
}

/** The socket is gone, and the server's registrations with it. A break that the application can see makes the next `started` worth telling. */
export function suspendSubscriptions(transition: Transition, isSeen: boolean): void {
  for (const subscription of transition.state.subscriptions.values()) {
    transition.cancelOf(subscription.id, 'started', 'gap')
    const announced = subscription.announced && !isSeen
    transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: 0, announced })
  }
  transition.patch({ ended: new Map() })
}

/** Forgets every position: another user may stand behind the next session. */
export function resetPositions(transition: Transition): void {
  for (const subscription of transition.state.subscriptions.values()) {
    transition.putSubscription({ ...subscription, kind: 'unknown', order: emptyOrder, plainId: null, snapshots: false })
  }
}

/** Ends a subscription with a failure, or, without one, by itself. */
export function endSubscription(transition: Transition, subscription: Subscription, failure?: Failure): void {
  const { id } = subscription
  dropSubscription(transition, subscription)
  transition.emit(failure === undefined ? { type: 'complete', id } : { type: 'fail', id, failure })
}

/** Ends a subscription without a word to the application, and tells the server if it may know of it. [TL-STOP-1] */
export function dropSubscription(transition: Transition, subscription: Subscription): void {
  const { id, ref, phase } = subscription
  transition.dropSubscription(id)
  if (phase === 'waiting' || !canSend(transition.state)) return
  transition.patch({ ended: new Map(transition.state.ended).set(id, { ref, stoppedAt: transition.now }) })
  sendStop(transition, id, ref, transition.state.socket)
  const { handover } = transition.state
  if (handover !== null && isDraining(transition.state)) sendStop(transition, id, ref, handover.socket) // [TL-HAND-2]
}

function sendStop(transition: Transition, id: number, ref: number, socket: number): void {
  transition.send({ id, method: 'subscription.stop', params: { ref } }, [`.${id}`], socket)
}

/** Answers a push for a subscription that ended, unless the last stop is so recent that the push was on its way: else the stop was lost. [TL-STOP-4] */
export function stopAgain(transition: Transition, id: number): void {
  const end = transition.state.ended.get(id)
  if (end === undefined || transition.now - end.stoppedAt < restopMs) return
  transition.patch({ ended: new Map(transition.state.ended).set(id, { ...end, stoppedAt: transition.now }) })
  sendStop(transition, id, end.ref, transition.from)
}

/** Null where there is no log: an ephemeral subscription is asked for anew [TL-EPH-2]. */
function lastEventIdOf({ kind, order, plainId }: Subscription): string | null {
  return order.position === null || kind === 'generator' ? plainId : formatCursor(order.position)
}
