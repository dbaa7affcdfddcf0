import { toPages } from '../machine/pages.ts'
import { sendFrame } from '../machine/send-frame.ts'
import { acceptsRequests, type Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { reportGap } from './report-gap.ts'
import { nextAttempt } from './subscriptions.ts'

const resumesAtOnce = 200 // subscriptions that were asked for and have not started

/** Asks for all that waits, on a socket that was just opened. */
export function resumeAll(transition: Transition): void {
  const resumes: number[] = []
  for (const subscription of transition.state.subscriptions.values())
    if (subscription.phase === 'waiting' && mayResume(transition, subscription)) resumes.push(subscription.id)
  transition.patch({ resumes })
}

/** Asks for what is to be resumed, in as few messages as carry it; the rest when most of those have started, since each is some requests to the table, most under the connection's one key. [TL-SUB-15] */
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
    else if (first !== undefined) sendFrame(transition, first.id, text, names[0])
  }
}

/** How many more may be asked for: none until an array would be full, save the resumeSlots of those that take too long. */
function roomFor({ state, resumeSlots }: Transition): number {
  let room = resumesAtOnce
  for (const { phase } of state.subscriptions.values()) if (phase === 'subscribing') room -= 1
  return room < Math.min(state.batchSize, state.resumes.length) ? resumeSlots : room
}

/** A generator without tracked values ended with its socket: that is a gap, and where nobody handles it the end. [TL-GEN-11] */
function mayResume(transition: Transition, subscription: Subscription): boolean {
  if (subscription.kind !== 'generator' || subscription.plainId !== null) return true
  return reportGap(transition, subscription, 'not-resumable', null)
}
