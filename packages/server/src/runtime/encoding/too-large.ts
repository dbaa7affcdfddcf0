import { limits } from '@trunkline/protocol'
import { TrunklineError } from '../context/trunkline-error.ts'

/**
 * The maximum size of a result to a stock client, in UTF-8 bytes: it does not know chunks. Leaves room for the frame's
 * id.
 */
export const stockBytes = limits.messageBytes.value - 1_024

/** The error that ends a stock client's subscription at an event or a state that is too large. */
// [TL-CHUNK-11]
export function oversized(text: string): TrunklineError {
  const bytes = Buffer.byteLength(text)
  return new TrunklineError(
    'TOO_LARGE',
    `An event has ${bytes} bytes; at most ${stockBytes} can be sent to a client without trunkline.1. Publish smaller events, or connect with @trunkline/client.`,
    { mayHaveRun: true },
  )
}
