import { toPages } from '../machine/pages.ts'
import { sendFrame } from '../machine/send-frame.ts'
import { acceptsRequests, type Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { reportGap } from './report-gap.ts'
import { nextAttempt } from './subscriptions.ts'

const maxStarting = 200 // subscriptions that were sent and have not started

/** Queues all waiting subscriptions, on a socket that was just opened or authorized again. */
export function resumeAll(transition: Transition): void {
  const resumes: number[] = []
  for (const subscription of transition.state.subscriptions.values())
    if (subscription.phase === 'waiting' && mayResume(transition, subscription)) resumes.push(subscription.id)
  transition.patch({ resumes })
}

/**
 * Sends the queued subscriptions in as few messages as possible. At most 200 start at the same time, since each makes
 * several requests to the table, most of them to the connection's partition. [TL-SUB-15]
 */
export function flushResumes(transition: Transition): void {
  const { resumes, batchSize, frameBytes } = transition.state
  const room = resumes.length > 0 && acceptsRequests(transition.state) ? roomFor(transition) : 0
  const attempts: { readonly id: number; readonly text: string }[] = []
  for (const id of resumes.slice(0, room)) {
    const subscription = transition.state.subscriptions.get(id)
    const text = subscription?.phase === 'waiting' ? nextAttempt(transition, subscription) : undefined
    if (text !== undefined) attempts.push({ id, text })
  }
  if (room > 0) transition.patch({ resumes: resumes.slice(room) })
  for (const { items, text } of toPages(attempts, { count: batchSize, maxBytes: frameBytes - 2 })) {
    const [first] = items
    const names = items.map(({ id }) => `>${id}`)
    if (items.length > 1) transition.send(`[${text}]`, names)
    else if (first !== undefined) sendFrame(transition, text, { id: first.id, name: names[0] })
  }
}

/** How many more may be sent: none until they fill an array, except one for each that took too long to start. */
function roomFor({ state, resumeSlots }: Transition): number {
  let room = maxStarting
  for (const { phase } of state.subscriptions.values()) if (phase === 'subscribing') room -= 1
  return room < Math.min(state.batchSize, state.resumes.length) ? resumeSlots : room
}

/** A generator without tracked values ended with its socket. This is a gap, and without `onGap` the end. [TL-GEN-11] */
function mayResume(transition: Transition, subscription: Subscription): boolean {
  if (subscription.kind !== 'generator' || subscription.plainId !== null) return true
  return reportGap(transition, subscription, { reason: 'not-resumable', after: null })
}
