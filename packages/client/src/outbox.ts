import type { PendingCall } from './session-state.ts'

const outboxCalls = 1_000
const outboxBytes = 1_048_576 // 1 MB; the third bound, age, is each call's own deadline

/** Why one more call cannot wait to be sent, or undefined when it can. Calls that were sent do not count. */
export function outboxRefusal(calls: ReadonlyMap<number, PendingCall>, bytes: number): string | undefined {
  let waiting = 0
  let waitingBytes = bytes
  for (const call of calls.values()) {
    if (call.phase !== 'waiting') continue
    waiting += 1
    waitingBytes += call.bytes
  }
  if (waiting >= outboxCalls) return `${waiting} calls wait to be sent already; the outbox takes ${outboxCalls}.`
  if (waitingBytes > outboxBytes) return `${waitingBytes} bytes would wait to be sent; the outbox takes ${outboxBytes}.`
  return undefined
}

/** The size of `text` on the wire. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** What to say of a frame that the gateway would close the socket for, or undefined when it fits. */
export function sizeRefusal(bytes: number, frameBytes: number): string | undefined {
  if (bytes <= frameBytes) return undefined // [TL-LIM-1]
  return `A frame of ${bytes} bytes was to be sent; the gateway takes ${frameBytes}.`
}
