import * as z from 'zod/mini'
import { limits } from './limits.ts'
import { frameId, wellFormedText } from './wire-text.schema.ts'

const count = z.int().check(z.gte(1))

/** A part of a message that is larger than the socket carries. [TL-CHUNK-2] Its place is within its count, and its count within what its bytes may need. */
export const chunkFrame = z.object({
  id: frameId,
  method: z.literal('chunk'),
  params: z
    .object({
      message: wellFormedText(64).check(z.minLength(1)),
      part: z.int().check(z.gte(0)),
      of: count,
      bytes: count,
      text: wellFormedText(limits.messageBytes.value),
    })
    .check(z.refine(({ part, of, bytes }) => part < of && of <= 1 + bytes / limits.partBytes.value)),
})
