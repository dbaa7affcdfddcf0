import { limits } from '@trunkline/protocol'
import { TrunklineError } from '../context/trunkline-error.ts'

/** What a frame to a stock client may have, in UTF-8 bytes: it knows no chunks. An id's room is kept. */
export const stockBytes = limits.messageBytes.value - 1_024

/** Why a stock client's subscription ends at this event or state. */
// [TL-CHUNK-11]
export function oversized(text: string): TrunklineError {
  const bytes = Buffer.byteLength(text)
  return new TrunklineError(
    'TOO_LARGE',
    `An event has ${bytes} bytes; a client that did not offer trunkline.1 is sent at most ${stockBytes}.`,
    { mayHaveRun: true },
  )
}
