import type { PendingCall } from '../machine/state.ts'

const outboxCalls = 1_000
const outboxBytes = 4_194_304 // 4 MB: the largest message that any server takes; the third bound, age, is each call's own deadline

/** Why one more call cannot wait to be sent, or undefined when it can. Calls that were sent do not count. */
export function outboxProblem(calls: ReadonlyMap<number, PendingCall>, bytes: number): string | undefined {
  let waiting = 0
  let waitingBytes = bytes
  for (const call of calls.values()) {
    if (call.phase !== 'waiting') continue
    waiting += 1
    waitingBytes += call.bytes
  }
  if (waiting >= outboxCalls) return `${waiting} calls wait to be sent; the limit is ${outboxCalls}.`
  if (waitingBytes > outboxBytes) return `${waitingBytes} bytes would wait to be sent; the limit is ${outboxBytes}.`
  return undefined
}
