import { toPages } from './pages.ts'
import { reportGap } from './report-gap.ts'
import { sendFrame } from './send-frame.ts'
import type { Subscription } from './session-state.ts'
import { nextAttempt } from './subscriptions.ts'
import type { Turn } from './turn.ts'

/** Asks for all that waits, on a socket that was just opened, in as few messages as carry it. [TL-SUB-15] */
export function resumeAll(turn: Turn): void {
  const attempts: { readonly id: number; readonly text: string }[] = []
  for (const subscription of turn.state.subscriptions.values()) {
    const resumes = subscription.phase === 'waiting' && mayResume(turn, subscription)
    const text = resumes ? nextAttempt(turn, subscription) : undefined
    if (text !== undefined) attempts.push({ id: subscription.id, text })
  }
  const { batchSize, frameBytes } = turn.state
  for (const { items, text } of toPages(attempts, { count: batchSize, maxBytes: frameBytes - 2 })) {
    const [first] = items
    if (items.length > 1) turn.send(`[${text}]`)
    else if (first !== undefined) sendFrame(turn, first.id, text)
  }
}

/** A generator without tracked values ended with its socket: that is a gap, and where nobody handles it the end. [TL-GEN-11] */
function mayResume(turn: Turn, subscription: Subscription): boolean {
  if (subscription.kind !== 'generator' || subscription.plainId !== null) return true
  return reportGap(turn, subscription, 'not-resumable', null)
}
