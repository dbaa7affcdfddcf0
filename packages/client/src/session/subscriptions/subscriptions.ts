import { formatCursor, type SubscribeFrame, utf8Bytes } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import type { NewSubscription } from '../machine/events.ts'
import { sendFrame, sizeRefusal } from '../machine/send-frame.ts'
import { newestKnown, unordered } from '../machine/sequencer.ts'
import { hasSocket, isLeaving, type Subscription, takesFrames } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { type Failure, toLineError } from '../machine/trunkline-error.ts'

/** The gap timer's first wait. */
export const shortestGapMs = 300
const startedMs = 10_000 // 10 s: a cold function, with room
const startedSpread = 0.5 // + 50 % at most, so that many subscriptions of one message are not repeated at the same moment
const restopMs = 5_000 // 5 s: pushes that were on their way when a stop was sent need no stop of their own

/** Takes a new subscription and asks for it as soon as the socket allows. */
export function addSubscription(turn: Turn, wanted: NewSubscription): void {
  const subscription: Subscription = {
    ...wanted,
    ref: 0,
    phase: 'waiting',
    kind: 'unknown',
    order: unordered,
    socket: turn.state.socket,
    snapshots: false,
    snapshotAt: null,
    heardAt: 0,
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
  turn.putSubscription(subscription)
  if (takesFrames(turn.state)) sendSubscribe(turn, subscription)
}

/** Subscribes, or resumes after the position. */
export function sendSubscribe(turn: Turn, subscription: Subscription) {
  const text = nextAttempt(turn, subscription)
  if (text !== undefined) sendFrame(turn, subscription.id, text, `>${subscription.id}`)
}

/** The frame of the next attempt: same id, next ref [TL-SUB-13]. Undefined where it is too large, which ends the subscription. */
export function nextAttempt(turn: Turn, subscription: Subscription): string | undefined {
  const { id, path, input } = subscription
  const ref = subscription.ref + 1
  const lastEventId = lastEventIdOf(subscription)
  const params = { path, input, ref, ...(lastEventId !== null && { lastEventId }) }
  const text = JSON.stringify({ id, method: 'subscription', params } satisfies SubscribeFrame)
  const tooLarge = sizeRefusal(utf8Bytes(text), turn.state.messageBytes)
  if (tooLarge !== undefined) {
    endSubscription(turn, subscription, { line: toLineError('TOO_LARGE', tooLarge) })
    return undefined
  }
  turn.cancel({ kind: 'gap', id })
  const { socket } = turn.state
  turn.putSubscription({
    ...subscription,
    // Each attempt's run of a generator counts from its own first. Events that are held without a position were put before
    // this is asked, so the answer has them, unless the log was rewound and they are gone. [TL-SYNC-4]
    ...((subscription.kind === 'generator' || subscription.order.position === null) && { order: unordered }),
    ref,
    socket,
    phase: 'subscribing',
    fetch: 'none',
    askedFrom: null,
    askedKnown: newestKnown(subscription.order),
    answeredHead: -1,
    snapshotAt: null,
  })
  turn.arm({ kind: 'started', id }, Math.round(startedMs * (1 + startedSpread * ((id * 0.618 + turn.chance) % 1))))
  return text
}

/** Subscribes again unless an attempt is under way already: what that one brings is the answer. */
export function resume(turn: Turn, subscription: Subscription): void {
  if (subscription.phase === 'live' && takesFrames(turn.state)) sendSubscribe(turn, subscription)
}

/** Begins anew, with a snapshot: what could not be replayed is in it. [TL-SNAP-2] */
export function startOver(turn: Turn, subscription: Subscription): void {
  const unset = { ...subscription, order: unordered }
  turn.putSubscription(unset)
  if (takesFrames(turn.state)) sendSubscribe(turn, unset)
}

/** Subscribes again after a while: at once the first time, then after a growing one. */
export function retrySubscription(turn: Turn, subscription: Subscription, retryAfterMs?: number): void {
  const failures = subscription.failures + 1
  const ms = retryAfterMs ?? (failures === 1 ? 0 : backoffMs(failures, turn.chance))
  turn.cancel({ kind: 'gap', id: subscription.id })
  turn.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures })
  turn.arm({ kind: 'started', id: subscription.id }, ms)
}

/** The attempt brought no `started` in time, or its turn has come again. Whatever it waits for, it keeps no other waiting. */
export function takeStartedTimer(turn: Turn, subscription: Subscription): void {
  turn.places += 1
  if (subscription.phase !== 'live' && takesFrames(turn.state)) sendSubscribe(turn, subscription)
}

/** The socket is gone, and the server's registrations with it. A break that the application can see makes the next `started` worth telling. */
export function loseSubscriptions(turn: Turn, isSeen: boolean): void {
  for (const subscription of turn.state.subscriptions.values()) {
    turn.cancelOf(subscription.id, 'started', 'gap')
    const announced = subscription.announced && !isSeen
    turn.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: 0, announced })
  }
  turn.patch({ ended: new Map() })
}

/** Forgets every position: another user may stand behind the next session. */
export function startAfresh(turn: Turn): void {
  for (const subscription of turn.state.subscriptions.values()) {
    turn.putSubscription({ ...subscription, kind: 'unknown', order: unordered, plainId: null, snapshots: false })
  }
}

/** Ends a subscription with a failure, or, without one, by itself. */
export function endSubscription(turn: Turn, subscription: Subscription, failure?: Failure): void {
  const { id } = subscription
  dropSubscription(turn, subscription)
  turn.emit(failure === undefined ? { type: 'complete', id } : { type: 'fail', id, failure })
}

/** Ends a subscription without a word to the application, and tells the server if it may know of it. [TL-STOP-1] */
export function dropSubscription(turn: Turn, subscription: Subscription): void {
  const { id, ref, phase } = subscription
  turn.dropSubscription(id)
  if (phase === 'waiting' || !hasSocket(turn.state)) return
  turn.patch({ ended: new Map(turn.state.ended).set(id, { ref, stoppedAt: turn.now }) })
  sendStop(turn, id, ref, turn.state.socket)
  const { handover } = turn.state
  if (handover !== null && isLeaving(turn.state)) sendStop(turn, id, ref, handover.socket) // [TL-HAND-2]
}

function sendStop(turn: Turn, id: number, ref: number, socket: number): void {
  turn.send({ id, method: 'subscription.stop', params: { ref } }, [`.${id}`], socket)
}

/** Answers a push for a subscription that ended, unless the last stop is so recent that the push was on its way: else the stop was lost. [TL-STOP-4] */
export function stopAgain(turn: Turn, id: number): void {
  const end = turn.state.ended.get(id)
  if (end === undefined || turn.now - end.stoppedAt < restopMs) return
  turn.patch({ ended: new Map(turn.state.ended).set(id, { ...end, stoppedAt: turn.now }) })
  sendStop(turn, id, end.ref, turn.from)
}

/** Null where there is no log: an ephemeral subscription is asked for anew [TL-EPH-2]. */
function lastEventIdOf({ kind, order, plainId }: Subscription): string | null {
  return order.position === null || kind === 'generator' ? plainId : formatCursor(order.position)
}
