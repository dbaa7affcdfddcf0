import type { NewCall } from './events.ts'
import type { SessionState } from './state.ts'
import type { Turn } from './transition.ts'

const askAgainMs = 5_000 // an unanswered `hello` is sent again, since keys wait for it
const mostApartMs = 1_000 // clocks that disagree by more were set, or one of them slept

/** Whether the wall clock was set since the last step, or the monotonic one slept with its machine. */
export function wasClockSet(turn: Turn): boolean {
  const wallAheadMs = turn.wall - turn.now
  if (Math.abs(wallAheadMs - turn.state.wallAheadMs) <= mostApartMs) return false
  turn.patch({ wallAheadMs })
  return true
}

/** Asks for the server's time on a socket that was greeted before. [TL-HELLO-5] */
export function askTime(turn: Turn): void {
  const id = turn.nextId('hello')
  turn.patch({ timeAskedBy: id })
  turn.arm({ kind: 'hello' }, askAgainMs)
  turn.send({ id, method: 'hello' }, [id])
}

/** Whether the call waits for the server's time, of which its key is made. */
export function awaitsTime({ timeAskedBy }: SessionState, { nonce, key }: Pick<NewCall, 'nonce' | 'key'>): boolean {
  return timeAskedBy !== null && nonce !== null && key === null
}
