import { limits } from './limits.ts'

/** A message from a client, taken apart, or the words to refuse it with. */
export type DecodedClientMessage =
  | {
      readonly ok: true
      /** The message itself, or the elements of an array; not parsed yet, see `parseClientFrame`. */
      readonly elements: readonly unknown[]
      /** The message was an array. */
      readonly batch: boolean
      /** The array has more elements than the batch limit: run none of them, answer each. */
      readonly overfull: boolean
    }
  | { readonly ok: true; readonly text: 'PING' | 'PONG' }
  | { readonly ok: false; readonly reason: string }

/**
 * Takes a message of a client apart. Never throws [TL-BAD-5].
 *
 * A key `__proto__` in the text becomes an own property of the element, which is harmless as long as nobody copies
 * elements key by key: no `Object.assign`, no `target[key] = …`. Read named members, spread, or keep the element whole [TL-BAD-4].
 */
export function decodeClientMessage(
  text: unknown,
  { maxBatchSize = limits.batchSize.value }: { readonly maxBatchSize?: number } = {},
): DecodedClientMessage {
  if (typeof text !== 'string')
    return { ok: false, reason: `Expected text, got ${text === null ? 'null' : typeof text}` }
  if (text === 'PING' || text === 'PONG') return { ok: true, text }
  // Before the parser: what is deeply nested parses, but overflows the stack of whoever walks it later. [TL-LIM-4]
  if (isDeeperThan(text, limits.jsonDepth.value)) {
    return { ok: false, reason: `Expected at most ${limits.jsonDepth.value} levels of nesting, got more` }
  }
  try {
    const value: unknown = JSON.parse(text)
    const batch = Array.isArray(value)
    const elements: readonly unknown[] = batch ? value : [value]
    return { ok: true, elements, batch, overfull: batch && elements.length > maxBatchSize } // [TL-BATCH-3]
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'Not JSON' } // [TL-BAD-1] tRPC answers the engine's words too
  }
}

const quote = 34
const backslash = 92
const lower = 32 // the bit that makes [ and ] into { and }
const opening = 123
const closing = 125

/** Counts brackets outside strings, without recursion and without regard to whether the text is JSON. */
function isDeeperThan(text: string, bound: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at + 1)
    else if ((code | lower) === opening && ++depth > bound) return true
    else if ((code | lower) === closing) depth--
  }
  return false
}

/** Where the string that begins at `from` has its closing quote, or the text its end. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return at
  }
  return text.length
}
