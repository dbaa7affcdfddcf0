import type { NewCall } from './events.ts'
import type { SessionState } from './state.ts'
import type { Transition } from './transition.ts'

const resendMs = 5_000 // an unanswered `hello` is sent again, since mutations without a key wait for its answer
const maxClockSkewMs = 1_000 // a larger change means that the wall clock was set or the monotonic clock was suspended

/** Whether the wall clock was set, or the machine suspended the monotonic clock, since the last step. */
export function wasClockSet(transition: Transition): boolean {
  const wallAheadMs = transition.wall - transition.now
  if (Math.abs(wallAheadMs - transition.state.wallAheadMs) <= maxClockSkewMs) return false
  transition.patch({ wallAheadMs })
  return true
}

/** Asks for the server's time by another `hello` on an open socket. [TL-HELLO-5] */
export function requestServerTime(transition: Transition): void {
  const id = transition.nextId('hello')
  transition.patch({ timeRequestId: id })
  transition.arm({ kind: 'hello' }, resendMs)
  transition.send({ id, method: 'hello' }, [id])
}

/** Whether the call waits for the server's time, since its key contains it. */
export function awaitsServerTime(
  { timeRequestId }: SessionState,
  { nonce, key }: Pick<NewCall, 'nonce' | 'key'>,
): boolean {
  return timeRequestId !== null && nonce !== null && key === null
}
