import type { NewCall } from './events.ts'
import type { SessionState } from './state.ts'
import type { Transition } from './transition.ts'

const askAgainMs = 5_000 // an unanswered `hello` is sent again, since keys wait for it
const mostApartMs = 1_000 // clocks that disagree by more were set, or one of them slept

/** Whether the wall clock was set since the last step, or the monotonic one slept with its machine. */
export function wasClockSet(transition: Transition): boolean {
  const wallAheadMs = transition.wall - transition.now
  if (Math.abs(wallAheadMs - transition.state.wallAheadMs) <= mostApartMs) return false
  transition.patch({ wallAheadMs })
  return true
}

/** Asks for the server's time on a socket that was greeted before. [TL-HELLO-5] */
export function askTime(transition: Transition): void {
  const id = transition.nextId('hello')
  transition.patch({ timeAskedBy: id })
  transition.arm({ kind: 'hello' }, askAgainMs)
  transition.send({ id, method: 'hello' }, [id])
}

/** Whether the call waits for the server's time, of which its key is made. */
export function awaitsTime({ timeAskedBy }: SessionState, { nonce, key }: Pick<NewCall, 'nonce' | 'key'>): boolean {
  return timeAskedBy !== null && nonce !== null && key === null
}
