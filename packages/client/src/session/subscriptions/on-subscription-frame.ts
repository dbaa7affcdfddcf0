import {
  type AnswerFrame,
  type Cursor,
  type DataResult,
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
import { isCounted, onAlive, onRunStart, onValue } from './generator.ts'
import { reportGap } from './report-gap.ts'
import { endSubscription, resume, startOver } from './subscriptions.ts'
import { armFetch, endFetch, fetchNow } from './sync.ts'

/**
 * Handles an answer or a push of a live subscription; `size` is in characters. Returns `head` for the head of an answer,
 * and `keepalive` for a head that changed the keepalive interval too.
 */
export function onSubscriptionFrame(
  transition: Transition,
  subscription: Subscription,
  frame: AnswerFrame,
  size: number,
): 'head' | 'keepalive' | undefined {
  const { result } = frame
  switch (result.type) {
    case 'started':
      if (!isCounted(result)) return onStarted(transition, subscription, result)
      onRunStart(transition, subscription, result)
      break
    case 'synced':
      onHead(transition, endFetch(transition, subscription), result, subscription.fetch === 'asked')
      return 'head'
    case 'alive':
      onAlive(transition, subscription, result)
      break
    case 'stopped':
      if (isCounted(result)) onValue(transition, subscription, result, size, result)
      else endSubscription(transition, subscription)
      break
    case 'data':
      if (isCounted(result)) onValue(transition, subscription, result, size, result)
      else onEvent(transition, subscription, result, size)
      break
    case 'advance':
    case 'fault':
      onEvent(transition, subscription, result, size)
      break
    case 'snapshot':
      onSnapshot(transition, subscription, result)
  }
  return undefined // an answer of another type is nothing that a subscription understands
}

/** Of the socket that is being left, only events with a place in a log are taken: their order and their ids make them harmless. A value without one would be shown twice, and every answer is the new socket's to give. */
export function onFromOldSocket(
  transition: Transition,
  subscription: Subscription,
  frame: AnswerFrame | ErrorFrame,
  size: number,
) {
  if ('error' in frame || subscription.kind === 'plain') return
  const { result } = frame
  const isEvent = result.type === 'data' || result.type === 'advance' || result.type === 'fault'
  if (isEvent && !('n' in result) && parseCursor(result.id) !== undefined)
    onEvent(transition, subscription, result, size)
}

function onStarted(transition: Transition, subscription: Subscription, result: StartedResult): 'head' | 'keepalive' {
  const { id } = subscription
  const ref = result.ref ?? subscription.ref
  const answeredRef = Math.max(ref, subscription.answeredRef)
  transition.cancel({ kind: 'started', id })
  const live: Subscription = { ...subscription, phase: 'live', announced: true, failures: 0, answeredRef }
  if (!subscription.announced) transition.emit({ type: 'started', id })
  if (parseCursor(result.from) === undefined) onPlainStart(transition, live)
  else onHead(transition, { ...live, kind: 'log' }, result, ref > subscription.answeredRef)
  const keepaliveMs = result.keepaliveMs ?? null
  const current = transition.state.subscriptions.get(id)
  if (current === undefined || keepaliveMs === subscription.keepaliveMs) return 'head'
  transition.putSubscription({ ...current, keepaliveMs })
  return 'keepalive'
}

/** [TL-EPH-1] No position: what was held back is shown as it came. */
function onPlainStart(transition: Transition, subscription: Subscription): void {
  transition.putSubscription({ ...subscription, kind: 'plain', order: emptyOrder })
  for (const { result } of subscription.order.held)
    if (result.type === 'data') showPlain(transition, subscription.id, result)
}

/** The head of an answer moves the position only where it surely may, and only when it is awaited: a doubled gap is one gap. The frames behind it speak for themselves. */
function onHead(
  transition: Transition,
  subscription: Subscription,
  result: StartedResult | SyncedResult,
  awaited: boolean,
) {
  const [from, head] = [parseCursor(result.from), parseCursor(result.head)]
  const { position } = subscription.order
  // [TL-SYNC-4] An answer that ends below what was known when it was asked is a page of more, or the log was rewound.
  const isShort = awaited && result.gap === undefined && head !== undefined && head.offset < subscription.askedKnown
  const own = isShort ? dropHeld(subscription.order) : subscription.order
  const noted = { ...subscription, order: recordHead(own, head) }
  if (from === undefined || !awaited || !mayMovePosition(position, from, result.gap)) {
    const answeredHead = awaited && head !== undefined ? head.offset : subscription.answeredHead
    return settleOrdered(transition, { ...noted, answeredHead }, unchanged(noted.order))
  }
  const goesBack = isBack(position, from)
  const begun = {
    ...noted,
    answeredHead: -1,
    order: goesBack ? recordHead(dropBeyondPosition(subscription.order), head) : noted.order,
  }
  if (result.type === 'started' && result.snapshot === true) {
    // [TL-SNAP-1] The position moves with the state, so that nothing held back is shown before it.
    return transition.putSubscription({ ...begun, snapshots: true, snapshotAt: result.from ?? null })
  }
  if (result.gap !== undefined && noted.snapshots) {
    // [TL-SNAP-2] Without a cursor where the log was rewound: by then it may have reached that cursor again.
    return goesBack ? startOver(transition, begun) : resume(transition, begun)
  }
  if (result.gap !== undefined && !reportGap(transition, begun, result.gap, position)) return
  settleOrdered(transition, begun, setPositionOrRefetch(begun.order, from))
}

/** [TL-SNAP-1] The state at the position, then what is known of the tail. */
function onSnapshot(transition: Transition, subscription: Subscription, { id: at, data }: SnapshotResult): void {
  const { id, snapshotAt, order } = subscription
  const from = parseCursor(at)
  if (from === undefined || at !== snapshotAt) return // not asked for, or doubled
  transition.emit({ type: 'deliver', id, result: { type: 'data', id: at, data } })
  settleOrdered(transition, { ...subscription, snapshotAt: null }, setPositionOrRefetch(order, from))
}

/** Puts the position at `from`. One that goes back is fetched from at once: pushes up to the old one were dropped. */
function setPositionOrRefetch(order: Order, from: Cursor): OrderResult {
  const begun = setPosition(order, from)
  return isBack(order.position, from) ? { ...begun, verdict: 'overflow' } : begun
}

/** [TL-SYNC-4] A fresh answer sets a position that is unset; a gap moves it forward, or into another epoch, and back only where the log was rewound. */
function mayMovePosition(position: Cursor | null, from: Cursor, gap: GapReason | undefined): boolean {
  if (position === null) return true
  return gap !== undefined && (gap === 'new-epoch' || !isBack(position, from))
}

/** Whether a cursor of the position's own epoch is behind it. */
function isBack(position: Cursor | null, from: Cursor): boolean {
  return position !== null && position.epoch === from.epoch && from.offset < position.offset
}

function onEvent(
  transition: Transition,
  subscription: Subscription,
  result: Exclude<OrderedFrame['result'], StoppedResult | Failed>,
  size: number,
): void {
  const at = parseCursor(result.id)
  if (at === undefined || subscription.kind === 'plain') {
    // A value without a place in a log may come before `started`: nothing would be gained by holding it back.
    if (result.type === 'data') showPlain(transition, subscription.id, result)
    return
  }
  const prev = typeof result.prev === 'number' ? result.prev : at.offset - 1
  settleOrdered(transition, subscription, receive(subscription.order, { ...at, prev, size, result }))
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
  const next = { ...subscription, order }
  transition.putSubscription(next)
  for (const frame of applied) if (!showOrdered(transition, next, frame)) return
  if (verdict === 'other-epoch') resume(transition, next)
  else if (verdict === 'overflow') fetchNow(transition, next)
  else if (verdict === 'hole') armFetch(transition, next)
}

/** Shows one event; false when the subscription ended by it. [TL-SUB-10] An advance shows nothing. */
function showOrdered(transition: Transition, subscription: Subscription, frame: OrderedFrame): boolean {
  const { result, epoch, offset } = frame
  if (result.type === 'data') transition.emit({ type: 'deliver', id: subscription.id, result })
  if (result.type !== 'fault') return true
  if (subscription.snapshots) {
    startOver(transition, subscription)
    return false
  }
  // [TL-SUB-11] One event is lost to the application and cannot be replayed: that is a gap, and told as one.
  return reportGap(transition, subscription, 'not-resumable', { epoch, offset: offset - 1 })
}
