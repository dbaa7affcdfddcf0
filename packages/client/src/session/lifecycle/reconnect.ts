import { closeCalls, loseCalls } from '../calls/calls.ts'
import { backoffMs } from '../machine/backoff.ts'
import type { ConnectionCause } from '../machine/connection-state.ts'
import { isLeaving } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { endSubscription, loseSubscriptions } from '../subscriptions/subscriptions.ts'
import { finishClosing, refusedError } from './close.ts'
import { leave } from './handover.ts'

/** A socket is gone: the one that is used, the one that was being left, or the one that was to come. [TL-HAND-3] The failure of that one costs both. */
export function takeLoss(turn: Turn, cause: ConnectionCause) {
  const { state } = turn
  if (cause.code === 'invalid-options') return takeRefusal(turn, cause)
  if (turn.from === state.socket) return loseSocket(turn, cause)
  if (isLeaving(state)) leave(turn)
  else giveUpSocket(turn, cause)
}

/** The socket is as good as gone, though it does not know. */
export function giveUpSocket(turn: Turn, cause: ConnectionCause): void {
  turn.emit({ type: 'replace', socket: turn.state.socket })
  loseSocket(turn, cause)
}

/** [TL-HELLO-4] [TL-AUTH-4] Another attempt would fail alike: nothing is tried until the application says so. */
export function takeRefusal(turn: Turn, cause: ConnectionCause) {
  if (turn.state.phase === 'closing') return finishClosing(turn)
  const line = refusedError(cause)
  turn.patch({ phase: 'refused' })
  turn.show({ status: 'closed', cause })
  closeCalls(turn, line)
  for (const subscription of turn.state.subscriptions.values()) endSubscription(turn, subscription, { line })
  turn.disconnect()
}

/** A socket that was greeted and then lost by the network says nothing against the server: a train in a tunnel must not wait half a minute. */
function nextAttempt({ state }: Turn, cause: ConnectionCause): number {
  const flapped = state.phase === 'open' && cause.code === 'network'
  return (flapped ? Math.min(state.attempt, 1) : state.attempt) + 1
}

/** The socket wants another connection: it gets one when the back-off has passed. */
function loseSocket(turn: Turn, cause: ConnectionCause) {
  const { phase, handover } = turn.state
  if (phase === 'idle' || phase === 'refused' || phase === 'closed') return
  if (phase === 'closing') return finishClosing(turn)
  const attempt = nextAttempt(turn, cause)
  const ms = backoffMs(attempt, turn.chance)
  if (handover !== null) turn.emit({ type: 'drop', socket: handover.socket })
  loseCalls(turn, cause.message)
  loseSubscriptions(turn, true)
  turn.cancelSocketTimers()
  turn.patch({ phase: 'connecting', attempt, handover: null, probing: false, incoming: [] })
  turn.show({ status: 'reconnecting', cause, attempt, retryAt: turn.wall + ms })
  turn.arm({ kind: 'retry' }, ms)
}
