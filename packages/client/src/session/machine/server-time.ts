import type { NewCall } from './events.ts'
import type { SessionState } from './state.ts'
import type { Transition } from './transition.ts'

const resendMs = 5_000 // an unanswered `hello` is sent again, since keys wait for it
const maxClockSkewMs = 1_000 // clocks that disagree by more were set, or one of them slept

/** Whether the wall clock was set since the last step, or the monotonic one slept with its machine. */
export function wasClockSet(transition: Transition): boolean {
  const wallAheadMs = transition.wall - transition.now
  if (Math.abs(wallAheadMs - transition.state.wallAheadMs) <= maxClockSkewMs) return false
  transition.patch({ wallAheadMs })
  return true
}

/** Asks for the server's time on a socket that was greeted before. [TL-HELLO-5] */
export function requestServerTime(transition: Transition): void {
  const id = transition.nextId('hello')
  transition.patch({ timeRequestId: id })
  transition.arm({ kind: 'hello' }, resendMs)
  transition.send({ id, method: 'hello' }, [id])
}

/** Whether the call waits for the server's time, of which its key is made. */
export function awaitsServerTime(
  { timeRequestId }: SessionState,
  { nonce, key }: Pick<NewCall, 'nonce' | 'key'>,
): boolean {
  return timeRequestId !== null && nonce !== null && key === null
}
