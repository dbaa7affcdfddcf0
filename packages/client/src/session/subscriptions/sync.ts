import { formatCursor, type SyncFrame, syncSubscriptions } from '@trunkline/protocol'
import { type FramePage, toPages } from '../machine/pages.ts'
import { dropBeyondPosition, isBehind, newestKnown } from '../machine/sequencer.ts'
import { acceptsRequests, type Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { retrySubscription, shortestGapMs } from './subscriptions.ts'

const longestGapMs = 2_000
const envelopeBytes = 100 // of a `sync`, around its entries
const answerMs = 5_000 // after this an unanswered fetch is taken for lost and asked again

/** A hole is open: fetch if it does not close by itself soon, since posts race. */
export function armFetch(transition: Transition, subscription: Subscription): void {
  const { id, phase, fetch, gapMs } = subscription
  if (phase !== 'live' || fetch !== 'none') return
  transition.putSubscription({ ...subscription, fetch: 'armed' })
  transition.arm({ kind: 'gap', id }, gapMs)
}

/** Fetches when the transition ends, unless an answer is awaited already. */
export function fetchNow(transition: Transition, subscription: Subscription): void {
  if (subscription.phase === 'live' && subscription.fetch !== 'asked') transition.pendingSyncs.add(subscription.id)
}

/** The hole stayed open, or the answer did not come. */
export function onGapTimer(transition: Transition, subscription: Subscription) {
  const idle: Subscription = { ...subscription, fetch: 'none' }
  transition.putSubscription(idle)
  if (isBehind(subscription.order) || subscription.fetch === 'asked') fetchNow(transition, idle)
}

/** An answer is read to its end. Short of the head, the rest is fetched at once [TL-SYNC-3]; one that brought nothing means that pushes are late rather than lost, so the next fetch waits longer. */
export function settleAnswer(transition: Transition, subscription: Subscription) {
  if (subscription.snapshotAt !== null) return retrySubscription(transition, subscription) // the snapshot that was announced did not come
  const { order, askedFrom, askedKnown, answeredHead, gapMs } = subscription
  if (order.position?.offset === answeredHead && askedKnown > answeredHead) {
    // [TL-SYNC-4] The log ends below what existed when it was asked: it was rewound, and what is held may be gone.
    const rewound = { ...subscription, order: dropBeyondPosition(order) }
    transition.putSubscription(rewound)
    return fetchNow(transition, rewound)
  }
  if (!isBehind(order))
    return transition.putSubscription({ ...subscription, gapMs: Math.max(shortestGapMs, gapMs / 2) })
  if (order.position?.offset !== askedFrom) return fetchNow(transition, subscription)
  armFetch(transition, { ...subscription, gapMs: Math.min(longestGapMs, gapMs * 2) })
}

/** Asks where every live log stands, those too that were asked already if `afresh`. False when there is none. */
export function syncAll(transition: Transition, afresh?: 'afresh'): boolean {
  let any = false
  for (const each of transition.state.subscriptions.values()) {
    if (each.phase !== 'live' || each.kind === 'generator' || each.order.position === null) continue
    any = true
    const subscription = afresh ? endFetch(transition, each) : each
    transition.putSubscription(subscription)
    fetchNow(transition, subscription)
  }
  return any
}

/** Sends what the transition wants fetched, in as many frames as the server and the gateway want. */
export function flushFetches(transition: Transition): void {
  if (transition.pendingSyncs.size === 0 || !acceptsRequests(transition.state)) return
  const entries = [...transition.pendingSyncs].flatMap((id) => entryOf(transition, id) ?? [])
  // [TL-SYNC-7]
  const most = { count: syncSubscriptions.value, maxBytes: transition.state.frameBytes - envelopeBytes }
  for (const page of toPages(entries, most)) ask(transition, page)
}

/** The server has said all that it says to a `sync`. What it left out for want of room is asked for at once. [TL-SYNC-3] */
export function onSyncEnd(transition: Transition, syncId: string): void {
  for (const subscription of transition.state.subscriptions.values()) {
    if (subscription.fetch !== 'asked' || subscription.askedBy !== syncId) continue
    const idle = endFetch(transition, subscription)
    transition.putSubscription(idle)
    fetchNow(transition, idle)
  }
}

interface Entry {
  readonly id: number
  readonly text: string
}

function entryOf(transition: Transition, id: number): Entry | undefined {
  const subscription = transition.state.subscriptions.get(id)
  const position = subscription?.order.position
  if (subscription?.phase !== 'live' || subscription.kind === 'generator' || !position) return undefined
  const entry = { id, ref: subscription.ref, from: formatCursor(position) }
  return { id, text: JSON.stringify(entry satisfies SyncFrame['params']['subscriptions'][number]) }
}

function ask(transition: Transition, { items, text }: FramePage<Entry>): void {
  const askedBy = transition.nextId('sync')
  for (const { id } of items) {
    const subscription = transition.state.subscriptions.get(id)
    if (subscription === undefined) continue
    transition.putSubscription({
      ...subscription,
      fetch: 'asked',
      askedBy,
      askedFrom: subscription.order.position?.offset ?? null,
      askedKnown: newestKnown(subscription.order),
      answeredHead: -1,
    })
    transition.arm({ kind: 'gap', id }, answerMs)
  }
  transition.send(`{"id":"${askedBy}","method":"sync","params":{"subscriptions":[${text}]}}`, [askedBy])
}

/** The answer came: nothing is awaited any more. */
export function endFetch(transition: Transition, subscription: Subscription): Subscription {
  if (subscription.fetch === 'none') return subscription
  transition.cancel({ kind: 'gap', id: subscription.id })
  return { ...subscription, fetch: 'none' }
}
