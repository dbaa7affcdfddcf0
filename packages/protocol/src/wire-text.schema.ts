import * as z from 'zod/mini'
import { parseCursor } from './cursor.ts'
import { limits } from './limits.ts'

const encoder = new TextEncoder()
const loneSurrogate = /\p{Surrogate}/u

/**
 * Text that survives the way through UTF-8 unchanged, of at most `maxBytes` there. A lone surrogate would come back as
 * U+FFFD, so that two ids became one.
 */
export function wellFormedText(maxBytes: number) {
  return z
    .string()
    .check(
      z.refine(
        (text) => text.length <= maxBytes && encoder.encode(text).length <= maxBytes && !loneSurrogate.test(text),
      ),
    )
}

/** A finite number, or a string of bounded bytes [TL-BAD-7] [TL-LIM-4]. zod's `number` refuses the infinity that `1e999` parses to. */
export const frameId = z.union([wellFormedText(limits.idBytes.value), z.number()])

/** `epoch:offset` [TL-CUR-1]. */
export const cursorText = z.string().check(z.refine((text) => parseCursor(text) !== undefined))
