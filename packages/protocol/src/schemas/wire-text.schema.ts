import * as z from 'zod/mini'
import { parseCursor } from '../frames/cursor.ts'
import { flawText, textFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'

/** A text that `flawOf` accepts. Its error message becomes the message of the issue. */
export function checkedText(flawOf: (text: string) => string | undefined) {
  return z.string().check(({ value, issues }) => {
    const flaw = flawOf(value)
    if (flaw !== undefined) issues.push({ code: 'custom', input: value, message: flaw })
  })
}

/**
 * A finite number, or a string of bounded bytes [TL-BAD-7] [TL-LIM-4]. zod's `number` rejects Infinity, which `1e999`
 * parses to.
 */
export const frameId = z.union([checkedText((id) => textFlaw('an id', id, { most: limits.idBytes.value })), z.number()])

/** `epoch:offset` [TL-CUR-1]. */
export const cursorText = checkedText((text) =>
  parseCursor(text) === undefined ? flawText('a cursor <epoch>:<offset>', 'a text of another form') : undefined,
)
