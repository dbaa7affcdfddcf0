import { closeCalls, hasCallsInFlight } from '../calls/calls.ts'
import type { ConnectionCause } from '../machine/connection-state.ts'
import { isDraining } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { type TrunklineError, toTrunklineError } from '../machine/trunkline-error.ts'
import { endSubscription } from '../subscriptions/subscriptions.ts'

export const closingMs = 5_000 // 5 s: how long `close` and `signIn` wait for the calls in flight

/** Fails the calls that were not sent, ends the subscriptions, and waits up to 5 s for the calls in flight. */
export function close(transition: Transition) {
  if (transition.state.phase === 'closed') return transition.emit({ type: 'closed' })
  closeCalls(transition, closedByYou(), 'unsent')
  const { handover } = transition.state
  if (handover !== null && !isDraining(transition.state)) transition.emit({ type: 'drop', socket: handover.socket })
  const waits = hasCallsInFlight(transition)
  transition.patch({ phase: waits ? 'closing' : 'closed', handover: isDraining(transition.state) ? handover : null })
  for (const subscription of transition.state.subscriptions.values()) endSubscription(transition, subscription)
  if (!waits) return finishClosing(transition)
  transition.arm({ kind: 'close' }, closingMs)
}

/** Finishes closing when no call is in flight. */
export function finishClosingWhenIdle(transition: Transition): void {
  if (transition.state.phase === 'closing' && !hasCallsInFlight(transition)) finishClosing(transition)
}

/** [TL-HAND-4] Fails the remaining calls, cancels all timers and closes all sockets. */
export function finishClosing(transition: Transition): void {
  closeCalls(transition, closedByYou())
  transition.patch({ phase: 'closed' })
  transition.setStatus({ status: 'closed', cause: { code: 'closed-by-you', message: closedByYou().message } })
  transition.disconnect()
  transition.emit({ type: 'closed' })
}

/** The error for a new call or subscription on a closed connection; undefined when the connection accepts it. */
export function closedError({ phase, status }: Transition['state']): TrunklineError | undefined {
  if (phase === 'closing' || phase === 'closed')
    return toTrunklineError('CLOSED', closedByYou().message, { mayHaveRun: false })
  return phase === 'refused' && status.status === 'closed' ? refusedError(status.cause) : undefined
}

/** The error for calls and subscriptions of a connection that will not reconnect by itself. */
export function refusedError({ code, message }: ConnectionCause): TrunklineError {
  const reason = code === 'refused' ? 'The server refused the connection' : 'The connection is closed'
  const retry = code === 'invalid-options' ? 'never' : 'after-auth'
  return toTrunklineError('CLOSED', `${reason}: ${message}`, { retry, mayHaveRun: false })
}

function closedByYou(): TrunklineError {
  return toTrunklineError('CLOSED', 'The application closed the connection.')
}
