import type { ErrorFrame } from '@trunkline/protocol'
import type { Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { fromWire } from '../machine/trunkline-error.ts'
import { endSubscription, retrySubscription } from './subscriptions.ts'

const maxFailures = 5 // in a row, about 15 s: after that the application should know
const refusalsTaken = 2 // by expired authority: the second may be the first frame's, which came twice

/** [TL-ERR-4] An error ends the subscription, unless a repeat can succeed. Returns what the connection should do next. */
export function onSubscriptionError(
  transition: Transition,
  subscription: Subscription,
  frame: ErrorFrame,
): 'renew-auth' | undefined {
  const line = frame.line === undefined ? undefined : fromWire(frame.line, frame.error)
  const isRun = subscription.kind === 'generator' || line?.code === 'GENERATOR_LOST'
  const mayBegin = !isRun || subscription.plainId !== null // a generator is never silently run again [TL-GEN-11]
  const mends = line?.code === 'CONNECTION_LOST' || line?.code === 'GENERATOR_LOST' || line?.retry === 'later'
  if (mends && mayBegin && subscription.failures < maxFailures) {
    retrySubscription(transition, subscription, line.retryAfterMs) // [TL-SYNC-2]
    return undefined
  }
  if (line?.code === 'AUTH_EXPIRED' && mayBegin && subscription.failures < refusalsTaken)
    return awaitRenewal(transition, subscription)
  // what is no run's own word, as of a subscribe that came twice, leaves a run that nobody wants: it is stopped
  const phase = subscription.kind === 'generator' && frame.ref === undefined ? subscription.phase : 'waiting'
  endSubscription(transition, { ...subscription, phase }, { shape: frame.error, ...(line && { line }) })
  return undefined
}

/** It is asked for again under a fresh authority; one that waits for that already goes on waiting. */
function awaitRenewal(transition: Transition, subscription: Subscription): 'renew-auth' {
  const { id, failures, phase } = subscription
  if (phase === 'waiting') return 'renew-auth'
  transition.cancelOf(id, 'started', 'gap')
  transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: failures + 1 })
  return 'renew-auth'
}
