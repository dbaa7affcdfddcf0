import { closeCalls, requeueCalls } from '../calls/calls.ts'
import { backoffMs } from '../machine/backoff.ts'
import type { ConnectionCause } from '../machine/connection-state.ts'
import { isDraining } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { endSubscription, suspendSubscriptions } from '../subscriptions/subscriptions.ts'
import { finishClosing, refusedError } from './close.ts'
import { dropOldSocket } from './handover.ts'

/** A socket is gone: the one that is used, the one that was being left, or the one that was to come. [TL-HAND-3] The failure of that one costs both. */
export function onSocketLost(transition: Transition, cause: ConnectionCause) {
  const { state } = transition
  if (cause.code === 'invalid-options') return onRefusal(transition, cause)
  if (transition.from === state.socket) return scheduleReconnect(transition, cause)
  if (isDraining(state)) dropOldSocket(transition)
  else dropSocket(transition, cause)
}

/** The socket is as good as gone, though it does not know. */
export function dropSocket(transition: Transition, cause: ConnectionCause): void {
  transition.emit({ type: 'replace', socket: transition.state.socket })
  scheduleReconnect(transition, cause)
}

/** [TL-HELLO-4] [TL-AUTH-4] Another attempt would fail alike: nothing is tried until the application says so. */
export function onRefusal(transition: Transition, cause: ConnectionCause) {
  if (transition.state.phase === 'closing') return finishClosing(transition)
  const line = refusedError(cause)
  transition.patch({ phase: 'refused' })
  transition.setStatus({ status: 'closed', cause })
  closeCalls(transition, line)
  for (const subscription of transition.state.subscriptions.values())
    endSubscription(transition, subscription, { line })
  transition.disconnect()
}

/** A socket that was greeted and then lost by the network says nothing against the server: a train in a tunnel must not wait half a minute. */
function nextAttempt({ state }: Transition, cause: ConnectionCause): number {
  const flapped = state.phase === 'open' && cause.code === 'network'
  return (flapped ? Math.min(state.attempt, 1) : state.attempt) + 1
}

/** The socket wants another connection: it gets one when the back-off has passed. */
function scheduleReconnect(transition: Transition, cause: ConnectionCause) {
  const { phase, handover } = transition.state
  if (phase === 'idle' || phase === 'refused' || phase === 'closed') return
  if (phase === 'closing') return finishClosing(transition)
  const attempt = nextAttempt(transition, cause)
  const ms = backoffMs(attempt, transition.chance)
  if (handover !== null) transition.emit({ type: 'drop', socket: handover.socket })
  requeueCalls(transition, cause.message)
  suspendSubscriptions(transition, true)
  transition.cancelSocketTimers()
  transition.patch({ phase: 'connecting', attempt, handover: null, probing: false, incoming: [] })
  transition.setStatus({ status: 'reconnecting', cause, attempt, retryAt: transition.wall + ms })
  transition.arm({ kind: 'retry' }, ms)
}
