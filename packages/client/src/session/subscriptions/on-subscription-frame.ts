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
  begin,
  dropHeld,
  type Failed,
  forgetBeyond,
  noteHead,
  type Order,
  type Ordered,
  type OrderedFrame,
  receive,
  unmoved,
  unordered,
} from '../machine/sequencer.ts'
import type { Subscription } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { isCounted, takeAlive, takeRunStart, takeValue } from './generator.ts'
import { reportGap } from './report-gap.ts'
import { endSubscription, resume, startOver } from './subscriptions.ts'
import { armFetch, endFetch, fetchNow } from './sync.ts'

/**
 * Handles an answer or a push of a live subscription; `size` is in characters. Returns `head` for the head of an answer,
 * and `keepalive` for a head that changed the keepalive interval too.
 */
export function takeSubscriptionFrame(
  turn: Turn,
  subscription: Subscription,
  frame: AnswerFrame,
  size: number,
): 'head' | 'keepalive' | undefined {
  const { result } = frame
  switch (result.type) {
    case 'started':
      if (!isCounted(result)) return takeStarted(turn, subscription, result)
      takeRunStart(turn, subscription, result)
      break
    case 'synced':
      takeHead(turn, endFetch(turn, subscription), result, subscription.fetch === 'asked')
      return 'head'
    case 'alive':
      takeAlive(turn, subscription, result)
      break
    case 'stopped':
      if (isCounted(result)) takeValue(turn, subscription, result, size, result)
      else endSubscription(turn, subscription)
      break
    case 'data':
      if (isCounted(result)) takeValue(turn, subscription, result, size, result)
      else takeEvent(turn, subscription, result, size)
      break
    case 'advance':
    case 'fault':
      takeEvent(turn, subscription, result, size)
      break
    case 'snapshot':
      takeSnapshot(turn, subscription, result)
  }
  return undefined // an answer of another type is nothing that a subscription understands
}

/** Of the socket that is being left, only events with a place in a log are taken: their order and their ids make them harmless. A value without one would be shown twice, and every answer is the new socket's to give. */
export function takeFromOldSocket(
  turn: Turn,
  subscription: Subscription,
  frame: AnswerFrame | ErrorFrame,
  size: number,
) {
  if ('error' in frame || subscription.kind === 'plain') return
  const { result } = frame
  const isEvent = result.type === 'data' || result.type === 'advance' || result.type === 'fault'
  if (isEvent && !('n' in result) && parseCursor(result.id) !== undefined) takeEvent(turn, subscription, result, size)
}

function takeStarted(turn: Turn, subscription: Subscription, result: StartedResult): 'head' | 'keepalive' {
  const { id } = subscription
  const ref = result.ref ?? subscription.ref
  const answeredRef = Math.max(ref, subscription.answeredRef)
  turn.cancel({ kind: 'started', id })
  const live: Subscription = { ...subscription, phase: 'live', announced: true, failures: 0, answeredRef }
  if (!subscription.announced) turn.emit({ type: 'started', id })
  if (parseCursor(result.from) === undefined) takePlainStart(turn, live)
  else takeHead(turn, { ...live, kind: 'log' }, result, ref > subscription.answeredRef)
  const keepaliveMs = result.keepaliveMs ?? null
  const current = turn.state.subscriptions.get(id)
  if (current === undefined || keepaliveMs === subscription.keepaliveMs) return 'head'
  turn.putSubscription({ ...current, keepaliveMs })
  return 'keepalive'
}

/** [TL-EPH-1] No position: what was held back is shown as it came. */
function takePlainStart(turn: Turn, subscription: Subscription): void {
  turn.putSubscription({ ...subscription, kind: 'plain', order: unordered })
  for (const { result } of subscription.order.held) if (result.type === 'data') showPlain(turn, subscription.id, result)
}

/** The head of an answer moves the position only where it surely may, and only when it is awaited: a doubled gap is one gap. The frames behind it speak for themselves. */
function takeHead(turn: Turn, subscription: Subscription, result: StartedResult | SyncedResult, awaited: boolean) {
  const [from, head] = [parseCursor(result.from), parseCursor(result.head)]
  const { position } = subscription.order
  // [TL-SYNC-4] An answer that ends below what was known when it was asked is a page of more, or the log was rewound.
  const isShort = awaited && result.gap === undefined && head !== undefined && head.offset < subscription.askedKnown
  const own = isShort ? dropHeld(subscription.order) : subscription.order
  const noted = { ...subscription, order: noteHead(own, head) }
  if (from === undefined || !awaited || !mayBegin(position, from, result.gap)) {
    const answeredHead = awaited && head !== undefined ? head.offset : subscription.answeredHead
    return settleOrdered(turn, { ...noted, answeredHead }, unmoved(noted.order))
  }
  const goesBack = isBack(position, from)
  const begun = {
    ...noted,
    answeredHead: -1,
    order: goesBack ? noteHead(forgetBeyond(subscription.order), head) : noted.order,
  }
  if (result.type === 'started' && result.snapshot === true) {
    // [TL-SNAP-1] The position moves with the state, so that nothing held back is shown before it.
    return turn.putSubscription({ ...begun, snapshots: true, snapshotAt: result.from ?? null })
  }
  if (result.gap !== undefined && noted.snapshots) {
    // [TL-SNAP-2] Without a cursor where the log was rewound: by then it may have reached that cursor again.
    return goesBack ? startOver(turn, begun) : resume(turn, begun)
  }
  if (result.gap !== undefined && !reportGap(turn, begun, result.gap, position)) return
  settleOrdered(turn, begun, beginAt(begun.order, from))
}

/** [TL-SNAP-1] The state at the position, then what is known of the tail. */
function takeSnapshot(turn: Turn, subscription: Subscription, { id: at, data }: SnapshotResult): void {
  const { id, snapshotAt, order } = subscription
  const from = parseCursor(at)
  if (from === undefined || at !== snapshotAt) return // not asked for, or doubled
  turn.emit({ type: 'deliver', id, result: { type: 'data', id: at, data } })
  settleOrdered(turn, { ...subscription, snapshotAt: null }, beginAt(order, from))
}

/** Puts the position at `from`. One that goes back is fetched from at once: pushes up to the old one were dropped. */
function beginAt(order: Order, from: Cursor): Ordered {
  const begun = begin(order, from)
  return isBack(order.position, from) ? { ...begun, verdict: 'overflow' } : begun
}

/** [TL-SYNC-4] A fresh answer sets a position that is unset; a gap moves it forward, or into another epoch, and back only where the log was rewound. */
function mayBegin(position: Cursor | null, from: Cursor, gap: GapReason | undefined): boolean {
  if (position === null) return true
  return gap !== undefined && (gap === 'new-epoch' || !isBack(position, from))
}

/** Whether a cursor of the position's own epoch is behind it. */
function isBack(position: Cursor | null, from: Cursor): boolean {
  return position !== null && position.epoch === from.epoch && from.offset < position.offset
}

function takeEvent(
  turn: Turn,
  subscription: Subscription,
  result: Exclude<OrderedFrame['result'], StoppedResult | Failed>,
  size: number,
): void {
  const at = parseCursor(result.id)
  if (at === undefined || subscription.kind === 'plain') {
    // A value without a place in a log may come before `started`: nothing would be gained by holding it back.
    if (result.type === 'data') showPlain(turn, subscription.id, result)
    return
  }
  const prev = typeof result.prev === 'number' ? result.prev : at.offset - 1
  settleOrdered(turn, subscription, receive(subscription.order, { ...at, prev, size, result }))
}

function showPlain(turn: Turn, id: number, result: DataResult): void {
  const subscription = turn.state.subscriptions.get(id)
  if (subscription === undefined) return
  if (typeof result.id === 'string') turn.putSubscription({ ...subscription, plainId: result.id })
  turn.emit({ type: 'deliver', id, result })
}

function settleOrdered(turn: Turn, subscription: Subscription, { order, applied, verdict }: Ordered): void {
  const next = { ...subscription, order }
  turn.putSubscription(next)
  for (const frame of applied) if (!showOrdered(turn, next, frame)) return
  if (verdict === 'other-epoch') resume(turn, next)
  else if (verdict === 'overflow') fetchNow(turn, next)
  else if (verdict === 'hole') armFetch(turn, next)
}

/** Shows one event; false when the subscription ended by it. [TL-SUB-10] An advance shows nothing. */
function showOrdered(turn: Turn, subscription: Subscription, frame: OrderedFrame): boolean {
  const { result, epoch, offset } = frame
  if (result.type === 'data') turn.emit({ type: 'deliver', id: subscription.id, result })
  if (result.type !== 'fault') return true
  if (subscription.snapshots) {
    startOver(turn, subscription)
    return false
  }
  // [TL-SUB-11] One event is lost to the application and cannot be replayed: that is a gap, and told as one.
  return reportGap(turn, subscription, 'not-resumable', { epoch, offset: offset - 1 })
}
