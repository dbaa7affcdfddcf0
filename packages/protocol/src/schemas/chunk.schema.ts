import * as z from 'zod/mini'
import { flawText, textFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'
import { checkedText, frameId } from './wire-text.schema.ts'

const count = z.int().check(z.gte(1))

/**
 * A chunk of a message that is larger than one frame may be. [TL-CHUNK-2] `part` is below `of`, and `of` is at most the
 * number of parts that `bytes` can need.
 */
export const chunkFrame = z.object({
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
