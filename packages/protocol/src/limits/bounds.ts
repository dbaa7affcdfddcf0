import { jsonDepth, keyBytes, pathBytes, tokenBytes } from './limits.ts'

const encoder = new TextEncoder()

/** The size of a text in UTF-8 bytes. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length
}

// The functions below check a value and return an error message, or undefined for a valid value. The message names what
// was expected, the limit and what came. It quotes no value, so it may be sent. Client and server use the same
// messages.

/** The error message for a value that is not as expected. */
export function flawText(expected: string, got: string): string {
  return `Expected ${expected}, got ${got}.`
}

/** The error message for a message that is larger than `most` bytes. */
export function sizeText(bytes: number, most: number): string {
  return flawText(`a message of at most ${most} bytes`, `${bytes} bytes`)
}

/**
 * Checks that a text has `least` to `most` UTF-8 bytes and no lone surrogate. UTF-8 replaces lone surrogates by U+FFFD,
 * so different texts would become equal.
 */
export function textFlaw(
  what: string,
  text: string,
  { most, least = 0 }: { readonly most: number; readonly least?: number },
): string | undefined {
  // a unit of UTF-16 has at most three bytes in UTF-8
  if (text.length >= least && text.length * 3 <= most && !surrogate.test(text)) return undefined
  const bytes = utf8Bytes(text)
  const fits = bytes <= most && bytes >= least
  if (fits && !/[\ud800-\udfff]/u.test(text)) return undefined
  return flawText(
    `${what} of ${least ? `${least} to` : 'at most'} ${most} bytes of well-formed Unicode`,
    fits ? 'half of a surrogate pair' : `${bytes} bytes`,
  )
}

const surrogate = /[\ud800-\udfff]/

/** [TL-LIM-4] Checks the path of a procedure. */
export function pathFlaw(path: string): string | undefined {
  return textFlaw('a path', path, { most: pathBytes })
}

/** [TL-LIM-4] Checks a token, for the handshake and for `auth`. */
export function tokenFlaw(token: string): string | undefined {
  return textFlaw('a token', token, { most: tokenBytes, least: 1 })
}

const ownPrefix = 'own.'

/** A key that the client generated. The group is the server's time in base 36. */
export const autoKey = /^auto\.([0-9a-z]{1,11})\.[0-9A-Za-z_-]{16,64}$/

/** [TL-KEY-4] Checks an idempotency key in the form of the wire. */
export function keyFlaw(key: string): string | undefined {
  if (key.startsWith(ownPrefix)) return ownKeyFlaw(key.slice(ownPrefix.length))
  if (autoKey.test(key)) return undefined
  return flawText('an idempotency key own.<text> or auto.<time>.<random>', 'a text of another form')
}

/** [TL-KEY-4] Checks a caller's key without its prefix. */
export function ownKeyFlaw(text: string): string | undefined {
  return textFlaw('an idempotency key', text, { most: keyBytes - ownPrefix.length, least: 1 })
}

/** [TL-LIM-4] Checks the nesting of one frame, as `depthsOf` counts it. */
export function depthFlaw(depth: number | string): string | undefined {
  if (Number(depth) <= jsonDepth) return undefined
  return flawText(`at most ${jsonDepth} levels of nesting in a frame (${jsonDepth - 2} in its input)`, `${depth}`)
}
