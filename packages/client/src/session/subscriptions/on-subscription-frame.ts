// One file over 200 lines: the handlers of a log subscription share the rules that move its position.

import {
  type AnswerFrame,
  type ClosedResult,
  type Cursor,
  type DataResult,
  defined,
  type ErrorFrame,
  type GapReason,
  parseCursor,
  type SnapshotResult,
  type StartedResult,
  type StoppedResult,
  type SyncedResult,
} from '@trunkline/protocol'
import {
  dropBeyondPosition,
  dropHeld,
  emptyOrder,
  type Failed,
  type Order,
  type OrderedFrame,
  type OrderResult,
  receive,
  recordHead,
  setPosition,
  unchanged,
} from '../machine/sequencer.ts'
import type { Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { fromWire } from '../machine/trunkline-error.ts'
import { isCounted, onAlive, onRunStart, onValue } from './generator.ts'
import { reportGap } from './report-gap.ts'
import { endSubscription, resume, startOver } from './subscriptions.ts'
import { armFetch, endFetch, fetchNow } from './sync.ts'

/**
 * Handles an answer or a push of a live subscription. Returns `head` for the head of an answer, and `keepalive` for a
 * head that changed the keepalive interval too.
 */
export function onSubscriptionFrame(
  transition: Transition,
  subscription: Subscription,
  { result }: AnswerFrame,
): 'head' | 'keepalive' | undefined {
  switch (result.type) {
    case 'started':
      if (!isCounted(result)) return onStarted(transition, subscription, result)
      onRunStart(transition, subscription, result)
      break
    case 'synced':
      onHead(transition, endFetch(transition, subscription), { result, isAwaited: subscription.fetch === 'asked' })
      return 'head'
    case 'alive':
      onAlive(transition, subscription, result)
      break
    case 'stopped':
      if (isCounted(result)) onValue(transition, subscription, result)
      else endSubscription(transition, subscription)
      break
    case 'data':
      if (isCounted(result)) onValue(transition, subscription, result)
      else onEvent(transition, subscription, result)
      break
    case 'advance':
    case 'fault':
    case 'anew':
    case 'closed':
      onEvent(transition, subscription, result)
      break
    case 'snapshot':
      onSnapshot(transition, subscription, result)
  }
  return undefined // a subscription ignores results of other types
}

/**
 * Handles a frame from the old socket of a hand-over. It accepts only log events, whose cursors make duplicates
 * harmless. A value without a cursor would be delivered twice, and answers come from the new socket.
 */
export function onFromOldSocket(transition: Transition, subscription: Subscription, frame: AnswerFrame | ErrorFrame) {
  if ('error' in frame || subscription.kind === 'plain') return
  const { result } = frame
  const isEvent = result.type === 'data' || result.type === 'advance' || result.type === 'fault'
  if (isEvent && !('n' in result) && parseCursor(result.id) !== undefined) onEvent(transition, subscription, result)
}

function onStarted(transition: Transition, subscription: Subscription, result: StartedResult): 'head' | 'keepalive' {
  const { id } = subscription
  const ref = result.ref ?? subscription.ref
  const answeredRef = Math.max(ref, subscription.answeredRef)
  transition.cancel({ kind: 'started', id })
  const live: Subscription = { ...subscription, phase: 'live', announced: true, failures: 0, answeredRef }
  if (!subscription.announced) transition.emit({ type: 'started', id, from: result.from })
  if (parseCursor(result.from) === undefined) onPlainStart(transition, live)
  else onHead(transition, { ...live, kind: 'log' }, { result, isAwaited: ref > subscription.answeredRef })
  const keepaliveMs = result.keepaliveMs ?? null
  const current = transition.state.subscriptions.get(id)
  if (current === undefined || keepaliveMs === subscription.keepaliveMs) return 'head'
  transition.putSubscription({ ...current, keepaliveMs })
  return 'keepalive'
}

/** [TL-EPH-1] Handles the start of a subscription without a log: delivers the held values in the order of arrival. */
function onPlainStart(transition: Transition, subscription: Subscription): void {
  transition.putSubscription({ ...subscription, kind: 'plain', order: emptyOrder })
  for (const { result } of subscription.order.held)
    if (result.type === 'data') showPlain(transition, subscription.id, result)
}

/**
 * Handles the head of an answer to a subscribe or `sync`. It moves the position only when `mayMovePosition` allows it
 * and the answer is awaited, so that a duplicate reports no second gap. The events follow in frames of their own.
 */
function onHead(
  transition: Transition,
  subscription: Subscription,
  { result, isAwaited }: { readonly result: StartedResult | SyncedResult; readonly isAwaited: boolean },
) {
  const [from, head] = [parseCursor(result.from), parseCursor(result.head)]
  const { position } = subscription.order
  // [TL-SYNC-4] An answer that ends below the newest known offset is one page of several, or the log was rewound.
  const isShort = isAwaited && result.gap === undefined && head !== undefined && head.offset < subscription.askedKnown
  const own = isShort ? dropHeld(subscription.order) : subscription.order
  const noted = { ...subscription, order: recordHead(own, head) }
  if (from === undefined || !isAwaited || !mayMovePosition(position, from, result.gap)) {
    const answeredHead = isAwaited && head !== undefined ? head.offset : subscription.answeredHead
    return settleOrdered(transition, { ...noted, answeredHead }, unchanged(noted.order))
  }
  const goesBack = isBack(position, from)
  const begun = {
    ...noted,
    answeredHead: -1,
    order: goesBack ? recordHead(dropBeyondPosition(subscription.order), head) : noted.order,
  }
  if (result.type === 'started' && result.snapshot === true) {
    // [TL-SNAP-1] The position moves with the snapshot, so that no held event is delivered before it.
    return transition.putSubscription({ ...begun, snapshots: true, snapshotAt: result.from ?? null })
  }
  if (result.gap !== undefined && noted.snapshots) {
    // [TL-SNAP-2] A rewound log is resumed without a cursor, since it may reach the old cursor again with other events.
    return goesBack ? startOver(transition, begun) : resume(transition, begun)
  }
  if (result.gap !== undefined && !reportGap(transition, begun, { reason: result.gap, after: position })) return
  settleOrdered(transition, begun, setPositionOrRefetch(begun.order, from))
}

/** [TL-SNAP-1] Delivers the snapshot, then the held events after it. */
function onSnapshot(transition: Transition, subscription: Subscription, { id: at, data }: SnapshotResult): void {
  const { id, snapshotAt, order } = subscription
  const from = parseCursor(at)
  if (from === undefined || at !== snapshotAt) return // unexpected or duplicate
  transition.emit({ type: 'deliver', id, result: { type: 'data', id: at, data } })
  settleOrdered(transition, { ...subscription, snapshotAt: null }, setPositionOrRefetch(order, from))
}

/** Sets the position to `from`. If it moves back, the events are fetched at once, since their pushes were dropped. */
function setPositionOrRefetch(order: Order, from: Cursor): OrderResult {
  const begun = setPosition(order, from)
  return isBack(order.position, from) ? { ...begun, verdict: 'overflow' } : begun
}

/**
 * [TL-SYNC-4] An answer sets a position that is unset. A gap moves it forward or into another epoch, and back only when
 * the log was rewound.
 */
function mayMovePosition(position: Cursor | null, from: Cursor, gap: GapReason | undefined): boolean {
  if (position === null) return true
  return gap !== undefined && (gap === 'new-epoch' || !isBack(position, from))
}

/** Whether `from` is before the position in the same epoch. */
function isBack(position: Cursor | null, from: Cursor): boolean {
  return position !== null && position.epoch === from.epoch && from.offset < position.offset
}

function onEvent(
  transition: Transition,
  subscription: Subscription,
  result: Exclude<OrderedFrame['result'], StoppedResult | Failed>,
): void {
  const at = parseCursor(result.id)
  if (at === undefined || subscription.kind === 'plain') {
    // A value without a cursor may arrive before `started`. It is delivered at once, since it needs no order.
    if (result.type === 'data') showPlain(transition, subscription.id, result)
    return
  }
  const prev = typeof result.prev === 'number' ? result.prev : at.offset - 1
  settleOrdered(
    transition,
    subscription,
    receive(subscription.order, { epoch: at.epoch, offset: at.offset, prev, size: transition.frameSize, result }),
  )
}

function showPlain(transition: Transition, id: number, result: DataResult): void {
  const subscription = transition.state.subscriptions.get(id)
  if (subscription === undefined) return
  if (typeof result.id === 'string') transition.putSubscription({ ...subscription, plainId: result.id })
  transition.emit({ type: 'deliver', id, result })
}

function settleOrdered(
  transition: Transition,
  subscription: Subscription,
  { order, applied, verdict }: OrderResult,
): void {
  const next = transition.putOrder(subscription, order)
  for (const frame of applied) if (!showOrdered(transition, next, frame)) return
  if (verdict === 'other-epoch') resume(transition, next)
  else if (verdict === 'overflow') fetchNow(transition, next)
  else if (verdict === 'hole') armFetch(transition, next)
}

/**
 * Delivers one event. Returns false when the subscription ended or restarted. [TL-SUB-10] An advance delivers nothing.
 */
function showOrdered(transition: Transition, subscription: Subscription, frame: OrderedFrame): boolean {
  const { result, epoch, offset } = frame
  if (result.type === 'data') transition.emit({ type: 'deliver', id: subscription.id, result })
  if (result.type === 'closed') {
    onClosed(transition, subscription, result)
    return false
  }
  if (result.type !== 'fault' && result.type !== 'anew') return true
  if (subscription.snapshots) {
    startOver(transition, subscription)
    return false
  }
  // [TL-SUB-11] The server could not evaluate one event and cannot replay it, or a stream begins again [TL-STREAM-8]: the
  // client reports a gap.
  const reason = result.type === 'fault' ? 'not-resumable' : 'restarted'
  return reportGap(transition, subscription, { reason, after: { epoch, offset: offset - 1 } })
}

/** [TL-STREAM-6] Ends a subscription with its stream. The server has none to stop if it says `off`. */
function onClosed(transition: Transition, subscription: Subscription, { outcome, failure, off }: ClosedResult): void {
  const line = failure?.line && fromWire(failure.line, failure.error)
  endSubscription(
    transition,
    off ? { ...subscription, phase: 'waiting' } : subscription,
    failure || outcome === 'failed' || outcome === 'lost' ? defined({ shape: failure?.error, line }) : outcome,
  )
}
