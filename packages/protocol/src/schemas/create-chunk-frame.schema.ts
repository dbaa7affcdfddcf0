import * as z from 'zod/mini'
import { flawText, textFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'
import { checkedText, frameId } from './wire-text.schema.ts'

/** Creates the schema of a chunk. */
export function createChunkFrame() {
  const count = z.int().check(z.gte(1))
  return z.object({
    id: frameId,
    method: z.literal('chunk'),
    params: z
      .object({
        message: checkedText((name) => textFlaw('a message name in a chunk', name, { most: 64, least: 1 })),
        part: z.int().check(z.gte(0)),
        of: count,
        bytes: count,
        text: checkedText((text) => textFlaw('a text in a chunk', text, { most: limits.messageBytes.value })),
      })
      .check(({ value, issues }) => {
        const { part, of, bytes } = value
        const most = Math.floor(1 + bytes / limits.partBytes.value)
        if (part < of && of <= most) return
        const expected = `a chunk whose part is below its count, and a count of at most ${most} for ${bytes} bytes`
        issues.push({ code: 'custom', input: value, message: flawText(expected, `part ${part} of ${of}`) })
      }),
  })
}
