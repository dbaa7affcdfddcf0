import { formatCursor, type SyncFrame, syncSubscriptions } from '@trunkline/protocol'
import { type FramePage, toPages } from '../machine/pages.ts'
import { forgetBeyond, isBehind, newestKnown } from '../machine/sequencer.ts'
import { type Subscription, takesFrames } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { retrySubscription, shortestGapMs } from './subscriptions.ts'

const longestGapMs = 2_000
const envelopeBytes = 100 // of a `sync`, around its entries
const answerMs = 5_000 // after this an unanswered fetch is taken for lost and asked again

/** A hole is open: fetch if it does not close by itself soon, since posts race. */
export function armFetch(turn: Turn, subscription: Subscription): void {
  const { id, phase, fetch, gapMs } = subscription
  if (phase !== 'live' || fetch !== 'none') return
  turn.putSubscription({ ...subscription, fetch: 'armed' })
  turn.arm({ kind: 'gap', id }, gapMs)
}

/** Fetches when the turn ends, unless an answer is awaited already. */
export function fetchNow(turn: Turn, subscription: Subscription): void {
  if (subscription.phase === 'live' && subscription.fetch !== 'asked') turn.wanted.add(subscription.id)
}

/** The hole stayed open, or the answer did not come. */
export function takeGapTimer(turn: Turn, subscription: Subscription) {
  const idle: Subscription = { ...subscription, fetch: 'none' }
  turn.putSubscription(idle)
  if (isBehind(subscription.order) || subscription.fetch === 'asked') fetchNow(turn, idle)
}

/** An answer is read to its end. Short of the head, the rest is fetched at once [TL-SYNC-3]; one that brought nothing means that pushes are late rather than lost, so the next fetch waits longer. */
export function settleAnswer(turn: Turn, subscription: Subscription) {
  if (subscription.snapshotAt !== null) return retrySubscription(turn, subscription) // the snapshot that was announced did not come
  const { order, askedFrom, askedKnown, answeredHead, gapMs } = subscription
  if (order.position?.offset === answeredHead && askedKnown > answeredHead) {
    // [TL-SYNC-4] The log ends below what existed when it was asked: it was rewound, and what is held may be gone.
    const rewound = { ...subscription, order: forgetBeyond(order) }
    turn.putSubscription(rewound)
    return fetchNow(turn, rewound)
  }
  if (!isBehind(order)) return turn.putSubscription({ ...subscription, gapMs: Math.max(shortestGapMs, gapMs / 2) })
  if (order.position?.offset !== askedFrom) return fetchNow(turn, subscription)
  armFetch(turn, { ...subscription, gapMs: Math.min(longestGapMs, gapMs * 2) })
}

/** Asks where every live log stands, those too that were asked already if `afresh`. False when there is none. */
export function syncAll(turn: Turn, afresh?: 'afresh'): boolean {
  let any = false
  for (const each of turn.state.subscriptions.values()) {
    if (each.phase !== 'live' || each.kind === 'generator' || each.order.position === null) continue
    any = true
    const subscription = afresh ? endFetch(turn, each) : each
    turn.putSubscription(subscription)
    fetchNow(turn, subscription)
  }
  return any
}

/** Sends what the turn wants fetched, in as many frames as the server and the gateway want. */
export function flushFetches(turn: Turn): void {
  if (turn.wanted.size === 0 || !takesFrames(turn.state)) return
  const entries = [...turn.wanted].flatMap((id) => entryOf(turn, id) ?? [])
  // [TL-SYNC-7]
  const most = { count: syncSubscriptions.value, maxBytes: turn.state.frameBytes - envelopeBytes }
  for (const page of toPages(entries, most)) ask(turn, page)
}

/** The server has said all that it says to a `sync`. What it left out for want of room is asked for at once. [TL-SYNC-3] */
export function takeSyncEnd(turn: Turn, syncId: string): void {
  for (const subscription of turn.state.subscriptions.values()) {
    if (subscription.fetch !== 'asked' || subscription.askedBy !== syncId) continue
    const idle = endFetch(turn, subscription)
    turn.putSubscription(idle)
    fetchNow(turn, idle)
  }
}

interface Entry {
  readonly id: number
  readonly text: string
}

function entryOf(turn: Turn, id: number): Entry | undefined {
  const subscription = turn.state.subscriptions.get(id)
  const position = subscription?.order.position
  if (subscription?.phase !== 'live' || subscription.kind === 'generator' || !position) return undefined
  const entry = { id, ref: subscription.ref, from: formatCursor(position) }
  return { id, text: JSON.stringify(entry satisfies SyncFrame['params']['subscriptions'][number]) }
}

function ask(turn: Turn, { items, text }: FramePage<Entry>): void {
  const askedBy = turn.nextId('sync')
  for (const { id } of items) {
    const subscription = turn.state.subscriptions.get(id)
    if (subscription === undefined) continue
    turn.putSubscription({
      ...subscription,
      fetch: 'asked',
      askedBy,
      askedFrom: subscription.order.position?.offset ?? null,
      askedKnown: newestKnown(subscription.order),
      answeredHead: -1,
    })
    turn.arm({ kind: 'gap', id }, answerMs)
  }
  turn.send(`{"id":"${askedBy}","method":"sync","params":{"subscriptions":[${text}]}}`, [askedBy])
}

/** The answer came: nothing is awaited any more. */
export function endFetch(turn: Turn, subscription: Subscription): Subscription {
  if (subscription.fetch === 'none') return subscription
  turn.cancel({ kind: 'gap', id: subscription.id })
  return { ...subscription, fetch: 'none' }
}
