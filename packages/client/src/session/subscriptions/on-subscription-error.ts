import { defined, type ErrorFrame } from '@trunkline/protocol'
import { emptyOrder } from '../machine/sequencer.ts'
import type { Subscription } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { fromWire, type TrunklineError } from '../machine/trunkline-error.ts'
import { endSubscription, retrySubscription } from './subscriptions.ts'

const maxFailures = 5 // in a row, about 15 s: then the application gets the error
const maxRefusals = 2 // with AUTH_EXPIRED: the second may be a duplicate of the first

/**
 * [TL-ERR-4] [TL-RIGHT-6] An error ends the subscription, unless a repeat can succeed. Returns what the session must do
 * next.
 */
export function onSubscriptionError(
  transition: Transition,
  subscription: Subscription,
  frame: ErrorFrame,
): 'renew-auth' | undefined {
  const line = frame.line === undefined ? undefined : fromWire(frame.line, frame.error)
  if (line?.code === 'NEEDS_SOCKET') {
    if (transition.state.mayUseSocket) awaitSocket(transition, subscription, line)
    else endSubscription(transition, { ...subscription, phase: 'waiting' }, { line, shape: frame.error })
    return undefined
  }
  const isRun = subscription.kind === 'generator' || line?.code === 'GENERATOR_LOST'
  // a generator is never run again without notice [TL-GEN-11]
  const mayRestart = !isRun || subscription.plainId !== null
  const isTemporary = line?.code === 'CONNECTION_LOST' || line?.code === 'GENERATOR_LOST' || line?.retry === 'later'
  // Of many subscribes over HTTP, only some have room in a response, and the others come again [TL-HTTP-15].
  const hadNoRoom = transition.state.polls && line?.code === 'CONNECTION_LOST'
  if (isTemporary && mayRestart && (hadNoRoom || subscription.failures < maxFailures)) {
    retrySubscription(transition, subscription, line.retryAfterMs) // [TL-SYNC-2] [TL-RUN-2] [TL-RATE-6]
    return undefined
  }
  if (line?.code === 'AUTH_EXPIRED' && mayRestart && subscription.failures < maxRefusals)
    return awaitRenewal(transition, subscription)
  // An error without a ref, such as that of a duplicate subscribe, does not end a running generator: it must be
  // stopped.
  const phase = subscription.kind === 'generator' && frame.ref === undefined ? subscription.phase : 'waiting'
  endSubscription(transition, { ...subscription, phase }, defined({ shape: frame.error, line }))
  return undefined
}

/**
 * Keeps the subscription waiting until `hello` is answered on a socket, and reports the reason. The gap of a run
 * that was lost is reported already. [TL-MOVE-6]
 */
function awaitSocket(transition: Transition, subscription: Subscription, line: TrunklineError): void {
  const { id } = subscription
  transition.cancelOf(id, 'started', 'gap', 'alive')
  const waiting = { phase: 'waiting', kind: 'unknown', order: emptyOrder, fetch: 'none', announced: false } as const
  transition.putSubscription({ ...subscription, ...waiting })
  transition.emit({ type: 'pending', id, line })
}

/** Keeps the subscription waiting until the authorization is renewed, and then sends it again. */
function awaitRenewal(transition: Transition, subscription: Subscription): 'renew-auth' {
  const { id, failures, phase } = subscription
  if (phase === 'waiting') return 'renew-auth'
  transition.cancelOf(id, 'started', 'gap')
  transition.putSubscription({ ...subscription, phase: 'waiting', fetch: 'none', failures: failures + 1 })
  return 'renew-auth'
}
