import type { ErrorFrame } from '@trunkline/protocol'
import { renewAuthority } from './authority.ts'
import { fromWire } from './line-error.ts'
import type { Subscription } from './session-state.ts'
import { endSubscription, retrySubscription } from './subscriptions.ts'
import type { Turn } from './turn.ts'

const failuresTaken = 5 // in a row, about 15 s: after that the application should know
const refusalsTaken = 2 // by expired authority: the second may be the first frame's, which came twice

/** [TL-ERR-4] An error ends the subscription, unless the line failed in a way that asking again mends. */
export function takeSubscriptionError(turn: Turn, subscription: Subscription, frame: ErrorFrame) {
  const line = frame.line === undefined ? undefined : fromWire(frame.line, frame.error)
  const isRun = subscription.kind === 'generator' || line?.code === 'GENERATOR_LOST'
  const mayBegin = !isRun || subscription.plainId !== null // a generator is never silently run again [TL-GEN-11]
  const mends = line?.code === 'CONNECTION_LOST' || line?.code === 'GENERATOR_LOST' || line?.retry === 'later'
  if (mends && mayBegin && subscription.failures < failuresTaken) {
    return retrySubscription(turn, subscription, line.retryAfterMs) // [TL-SYNC-2]
  }
  if (line?.code === 'AUTH_EXPIRED' && mayBegin && subscription.failures < refusalsTaken)
    return awaitAuthority(turn, subscription)
  // what is no run's own word, as of a subscribe that came twice, leaves a run that nobody wants: it is stopped
  const phase = subscription.kind === 'generator' && frame.ref === undefined ? subscription.phase : 'waiting'
  endSubscription(turn, { ...subscription, phase }, { shape: frame.error, ...(line && { line }) })
}

/** It is asked for again under a fresh authority; one that waits for that already goes on waiting. */
function awaitAuthority(turn: Turn, subscription: Subscription) {
  const { id, failures, phase } = subscription
  if (phase === 'waiting') return renewAuthority(turn)
  turn.cancelOf(id, 'started', 'gap')
  turn.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: failures + 1 })
  renewAuthority(turn)
}
