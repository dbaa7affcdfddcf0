import { depthFlaw } from './bounds.ts'
import { depthsOf } from './depth.ts'
import { limits } from './limits.ts'

/** A message from a client, taken apart, or the words to refuse it with. */
export type DecodedClientMessage =
  | {
      readonly ok: true
      /** The message itself, or the elements of an array; not parsed yet, see `parseClientFrame`. */
      readonly elements: readonly unknown[]
      /** What is wrong with elements nested beyond the limit, by their index. Nothing may walk them by recursion. */
      readonly tooDeep: ReadonlyMap<number, string>
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
  try {
    const value: unknown = JSON.parse(text) // iterative in V8, so depth does no harm here
    const batch = Array.isArray(value)
    const elements: readonly unknown[] = batch ? value : [value]
    return { ok: true, elements, tooDeep: tooDeepIn(text), batch, overfull: batch && elements.length > maxBatchSize } // [TL-BATCH-3]
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'Not JSON' } // [TL-BAD-1] tRPC answers the engine's words too
  }
}

// [TL-LIM-4]
function tooDeepIn(text: string): ReadonlyMap<number, string> {
  const flaws = depthsOf(text).flatMap((depth, index): [number, string][] => {
    const flaw = depthFlaw(depth)
    return flaw === undefined ? [] : [[index, flaw]]
  })
  return new Map(flaws)
}
