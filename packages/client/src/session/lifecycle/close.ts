import { closeCalls, hasCallsInFlight } from '../calls/calls.ts'
import type { ConnectionCause } from '../machine/connection-state.ts'
import { isLeaving } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { type LineError, toLineError } from '../machine/trunkline-error.ts'
import { endSubscription } from '../subscriptions/subscriptions.ts'

const closingMs = 5_000 // what calls in flight are given when the application closes

/** Refuses what was not sent, ends the subscriptions, waits a while for the calls in flight. */
export function close(turn: Turn) {
  if (turn.state.phase === 'closed') return turn.emit({ type: 'closed' })
  closeCalls(turn, closedByYou(), 'unsent')
  const { handover } = turn.state
  if (handover !== null && !isLeaving(turn.state)) turn.emit({ type: 'drop', socket: handover.socket })
  const waits = hasCallsInFlight(turn)
  turn.patch({ phase: waits ? 'closing' : 'closed', handover: isLeaving(turn.state) ? handover : null })
  for (const subscription of turn.state.subscriptions.values()) endSubscription(turn, subscription)
  if (!waits) return finishClosing(turn)
  turn.arm({ kind: 'close' }, closingMs)
}

/** Goes on closing once nothing is in flight. */
export function continueClosing(turn: Turn): void {
  if (turn.state.phase === 'closing' && !hasCallsInFlight(turn)) finishClosing(turn)
}

/** [TL-HAND-4] No socket, no timer and nothing unsettled is left. */
export function finishClosing(turn: Turn): void {
  closeCalls(turn, closedByYou())
  turn.patch({ phase: 'closed' })
  turn.show({ status: 'closed', cause: { code: 'closed-by-you', message: closedByYou().message } })
  turn.disconnect()
  turn.emit({ type: 'closed' })
}

/** Why nothing new is taken, or undefined when it is. */
export function closedError({ phase, status }: Turn['state']): LineError | undefined {
  if (phase === 'closing' || phase === 'closed')
    return toLineError('CLOSED', closedByYou().message, { mayHaveRun: false })
  return phase === 'refused' && status.status === 'closed' ? refusedError(status.cause) : undefined
}

/** The error of everything that is asked of a connection that does not connect again by itself. */
export function refusedError({ code, message }: ConnectionCause): LineError {
  const what = code === 'refused' ? 'The server refused the connection' : 'The connection is closed'
  const retry = code === 'invalid-options' ? 'never' : 'after-auth'
  return toLineError('CLOSED', `${what}: ${message}`, { retry, mayHaveRun: false })
}

function closedByYou(): LineError {
  return toLineError('CLOSED', 'The connection was closed by the application.')
}
