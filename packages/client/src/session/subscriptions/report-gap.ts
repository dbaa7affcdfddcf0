import { type Cursor, formatCursor, type GapReason } from '@trunkline/protocol'
import type { Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { toTrunklineError } from '../machine/trunkline-error.ts'
import { endSubscription } from './subscriptions.ts'

/** [TL-SUB-12] Reports a gap, or ends the subscription when there is no `onGap`. Returns false when it ended. */
export function reportGap(
  transition: Transition,
  subscription: Subscription,
  { reason, after }: { readonly reason: GapReason; readonly after: Cursor | null },
): boolean {
  const { id } = subscription
  const lastEventId = after === null ? null : formatCursor(after)
  if (subscription.handlesGaps) {
    transition.emit({ type: 'gap', id, reason, lastEventId })
    return true
  }
  const message = `Events after ${lastEventId ?? 'the beginning'} are lost (${reason}). Pass onGap to continue.`
  endSubscription(transition, subscription, { line: toTrunklineError('GAP', message) })
  return false
}
