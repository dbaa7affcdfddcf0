import type { KickedFrame } from '@trunkline/protocol'
import { closeCalls, endFormerCalls, requeueCalls } from '../calls/calls.ts'
import { backoffMs } from '../machine/backoff.ts'
import type { ConnectionCause } from '../machine/connection-state.ts'
import { isDraining } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { endSubscription, suspendSubscriptions } from '../subscriptions/subscriptions.ts'
import { finishClosing, refusedError } from './close.ts'
import { dropOldSocket } from './handover.ts'

/** Handles the loss of a socket. The loss of a hand-over's new socket, before the switch, drops both. [TL-HAND-3] */
export function onSocketLost(transition: Transition, cause: ConnectionCause) {
  const { state } = transition
  if (cause.code === 'invalid-options') return onRefusal(transition, cause)
  if (transition.from === state.socket) return scheduleReconnect(transition, cause)
  if (isDraining(state)) dropOldSocket(transition)
  else dropSocket(transition, cause)
}

/** Drops a socket that has not reported a loss, and reconnects. */
export function dropSocket(transition: Transition, cause: ConnectionCause): void {
  transition.emit({ type: 'replace', socket: transition.state.socket })
  scheduleReconnect(transition, cause)
}

/**
 * Closes the connection until the application connects again: another attempt would also fail. [TL-HELLO-4] [TL-AUTH-4]
 * [TL-SIGN-3]
 */
export function onRefusal(transition: Transition, cause: ConnectionCause) {
  if (transition.state.phase === 'closing') return finishClosing(transition)
  const line = refusedError(cause)
  transition.patch({ phase: 'refused' })
  transition.setStatus({ status: 'closed', cause })
  closeCalls(transition, line)
  if (cause.until === undefined)
    for (const subscription of transition.state.subscriptions.values())
      endSubscription(transition, subscription, { line })
  transition.disconnect()
}

const minMs = 1_000 // 1 s
const longestMs = 2 ** 31 - 1 // about 25 days: a longer timer fires at once

/**
 * [TL-KICK-5] Closes the connection. After a ban it connects again, and its subscriptions resume; without a ban it stays
 * closed until the application connects again.
 */
export function onKicked(transition: Transition, { reason: message, time, until }: KickedFrame['params']): void {
  if (until !== undefined) suspendSubscriptions(transition, true)
  onRefusal(transition, { code: 'kicked', message, ...(until !== undefined && { until }) })
  if (until === undefined || transition.state.phase !== 'refused') return
  transition.arm({ kind: 'retry' }, Math.min(longestMs, Math.max(minMs, until - time)))
}

/**
 * The number of the next attempt, for the back-off. An open socket that the network lost is no sign of an overloaded
 * server, so repeated losses, such as on a train, keep the delay short.
 */
function nextAttempt({ state }: Transition, cause: ConnectionCause): number {
  const flapped = state.phase === 'open' && cause.code === 'network'
  return (flapped ? Math.min(state.attempt, 1) : state.attempt) + 1
}

/** Suspends calls and subscriptions, and schedules the next attempt after the back-off. */
function scheduleReconnect(transition: Transition, cause: ConnectionCause) {
  const { phase, handover } = transition.state
  if (phase === 'idle' || phase === 'refused' || phase === 'closed') return
  if (phase === 'closing') return finishClosing(transition)
  const attempt = nextAttempt(transition, cause)
  const ms = backoffMs(transition, attempt)
  if (handover !== null) transition.emit({ type: 'drop', socket: handover.socket })
  endFormerCalls(transition) // they must not run under another identity [TL-SIGN-2]
  requeueCalls(transition, cause.message)
  suspendSubscriptions(transition, true)
  transition.cancelSocketTimers()
  transition.patch({ phase: 'connecting', attempt, handover: null, probing: false, incoming: [] })
  transition.setStatus({ status: 'reconnecting', cause, attempt, retryAt: transition.wall + ms })
  transition.arm({ kind: 'retry' }, ms)
}
