import { formatCursor, type PollResult, type SyncFrame, syncSubscriptions } from '@trunkline/protocol'
import { type FramePage, toPages } from '../machine/pages.ts'
import { dropBeyondPosition, isBehind, newestKnown } from '../machine/sequencer.ts'
import type { SessionState, Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { retrySubscription } from './subscriptions.ts'

const maxGapMs = 2_000 // 2 s, or `gapWaitMs` if that is longer
const envelopeBytes = 100 // of a `sync` frame, around its entries
/** How long the answer to a `sync` is awaited: 5 s. Then it counts as lost and is sent again. Over HTTP, 30 s. */
const answerMs = ({ polls }: SessionState) => (polls ? 30_000 : 5_000)

/** Schedules a fetch of missing events. Posts race, so they may still arrive by themselves. */
export function armFetch(transition: Transition, subscription: Subscription): void {
  const { id, phase, fetch, gapMs } = subscription
  if (phase !== 'live' || fetch !== 'none') return
  transition.putSubscription({ ...subscription, fetch: 'armed' })
  transition.arm({ kind: 'gap', id }, gapMs)
}

/** Fetches events at the end of the step, unless an answer is already awaited. */
export function fetchNow(transition: Transition, subscription: Subscription): void {
  if (subscription.phase === 'live' && subscription.fetch !== 'asked') transition.pendingSyncs.push(subscription.id)
}

/** Fetches when the missing events or the answer to a `sync` did not arrive in time. */
export function onGapTimer(transition: Transition, subscription: Subscription) {
  const idle: Subscription = { ...subscription, fetch: 'none' }
  transition.putSubscription(idle)
  if (isBehind(subscription.order) || subscription.fetch === 'asked') fetchNow(transition, idle)
}

/**
 * Decides what follows a complete answer. If it ended before the head, the rest is fetched at once [TL-SYNC-3]. If it
 * brought nothing, pushes are late rather than lost, so the next fetch waits longer.
 */
export function settleAnswer(transition: Transition, subscription: Subscription) {
  // its snapshot did not arrive
  if (subscription.snapshotAt !== null) return retrySubscription(transition, subscription)
  const { order, askedFrom, askedKnown, answeredHead, gapMs } = subscription
  if (order.position?.offset === answeredHead && askedKnown > answeredHead) {
    // [TL-SYNC-4] The log ends before an offset that existed: it was rewound, and the held events may no longer exist.
    const rewound = { ...subscription, order: dropBeyondPosition(order) }
    transition.putSubscription(rewound)
    return fetchNow(transition, rewound)
  }
  if (!isBehind(order))
    return transition.putSubscription({
      ...subscription,
      gapMs: Math.max(transition.state.settings.gapWaitMs, gapMs / 2),
    })
  if (order.position?.offset !== askedFrom) return fetchNow(transition, subscription)
  armFetch(transition, { ...subscription, gapMs: Math.max(gapMs, Math.min(maxGapMs, gapMs * 2)) })
}

/**
 * Fetches for every live log. With `repeat`, it repeats requests that await an answer. Returns false when there is no
 * live log.
 */
export function syncAll(transition: Transition, repeat?: 'repeat'): boolean {
  let any = false
  if (repeat) transition.patch({ fetches: [] })
  for (const each of transition.state.subscriptions.values()) {
    if (each.phase !== 'live' || each.kind === 'generator' || each.order.position === null) continue
    any = true
    const subscription = repeat ? endFetch(transition, each) : each
    transition.putSubscription(subscription)
    fetchNow(transition, subscription)
  }
  return any
}

/**
 * Sends the fetches of this step. What does not fit into one frame waits until the frame before is answered or counts
 * as lost. [TL-SYNC-7] Over HTTP, one `sync` is out at a time. [TL-MOVE-3]
 */
export function flushFetches(transition: Transition): void {
  const { pendingSyncs, state } = transition
  if ((pendingSyncs.length === 0 && state.fetches.length === 0) || state.phase !== 'open') return
  const fetches = [...new Set([...state.fetches, ...pendingSyncs])]
  if ((state.polls || state.fetches.length > 0) && isSyncAwaited(transition)) {
    transition.patch({ fetches })
    return
  }
  const entries = fetches.flatMap((id) => entryOf(transition, id) ?? [])
  const limits = { count: syncSubscriptions, maxBytes: state.frameBytes - envelopeBytes }
  const [page, ...others] = toPages(entries, limits)
  if (page !== undefined) sendSync(transition, page)
  transition.patch({ fetches: others.flatMap(({ items }) => items.map(({ id }) => id)) })
}

function isSyncAwaited({ state, now }: Transition): boolean {
  return state.unanswered.some(
    ({ frame, socket, at }) =>
      socket === state.socket && now - at < answerMs(state) && String(frame).startsWith('sync'),
  )
}

/**
 * Handles the end of the answer to a `sync`. Subscriptions that it left out for lack of room are fetched at once.
 * [TL-SYNC-3] The answer to a poll names them, since it also leaves out those without news. [TL-HTTP-9]
 */
export function onSyncEnd(transition: Transition, syncId: string, data?: unknown): void {
  const more = (data as Partial<PollResult> | undefined)?.more
  for (const subscription of transition.state.subscriptions.values()) {
    if (subscription.fetch !== 'asked' || subscription.askedBy !== syncId) continue
    const idle = endFetch(transition, subscription)
    transition.putSubscription(idle)
    if (more?.includes?.(idle.id) ?? true) fetchNow(transition, idle)
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

function sendSync(transition: Transition, { items, text }: FramePage<Entry>): void {
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
    transition.arm({ kind: 'gap', id }, answerMs(transition.state))
  }
  transition.send(`{"id":"${askedBy}","method":"sync","params":{"subscriptions":[${text}]}}`, [askedBy])
}

/** Ends the wait for events or an answer. */
export function endFetch(transition: Transition, subscription: Subscription): Subscription {
  if (subscription.fetch === 'none') return subscription
  transition.cancel({ kind: 'gap', id: subscription.id })
  return { ...subscription, fetch: 'none' }
}
