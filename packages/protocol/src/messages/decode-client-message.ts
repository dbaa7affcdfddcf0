import { depthFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'
import { depthsOf } from './depth.ts'

/** A decoded message of a client, or the reason why it was refused. */
export type DecodedClientMessage =
  | {
      readonly ok: true
      /** The message, or the elements of an array. They are not validated; see `parseClientFrame`. */
      readonly elements: readonly unknown[]
      /** The error messages of elements that are nested too deeply, by index. Do not process them by recursion. */
      readonly tooDeep: ReadonlyMap<number, string>
      /** The message was an array. */
      readonly batch: boolean
      /**
       * The array had more elements than the batch limit. Run none and answer each of `elements` with an error: those
       * are the first ones with an id, at most `overfullAnswers` times the limit, and one of the others.
       */
      readonly overfull: boolean
    }
  | { readonly ok: true; readonly text: 'PING' | 'PONG' }
  | { readonly ok: false; readonly reason: string }

/**
 * Decodes a message of a client. Never throws [TL-BAD-5].
 *
 * A key `__proto__` in the text becomes an own property of the element. It is harmless unless the element is copied key
 * by key, by `Object.assign` or `target[key] = …`. Read named members, spread the element, or keep it whole [TL-BAD-4].
 */
export function decodeClientMessage(
  text: unknown,
  { maxBatchSize = limits.batchSize.value }: { readonly maxBatchSize?: number } = {},
): DecodedClientMessage {
  if (typeof text !== 'string')
    return { ok: false, reason: `Expected text, got ${text === null ? 'null' : typeof text}` }
  if (text === 'PING' || text === 'PONG') return { ok: true, text }
  try {
    const value: unknown = JSON.parse(text) // V8 parses without recursion, so deep nesting is harmless here
    const batch = Array.isArray(value)
    const elements: readonly unknown[] = batch ? value : [value]
    const tooDeep = tooDeepIn(text)
    if (!batch || elements.length <= maxBatchSize) return { ok: true, elements, tooDeep, batch, overfull: false }
    return { ok: true, ...answerable(elements, tooDeep, maxBatchSize), batch, overfull: true }
  } catch (error) {
    // [TL-BAD-1] tRPC also answers with the engine's message
    return { ok: false, reason: error instanceof Error ? error.message : 'Expected JSON, got another text' }
  }
}

const overfullAnswers = 4

/** The elements of an overfull array that are answered. A message of 1 MB can hold 500,000. [TL-BATCH-3] */
function answerable(elements: readonly unknown[], tooDeep: ReadonlyMap<number, string>, maxBatchSize: number) {
  let named = 0
  let nameless = 0
  const kept = elements.flatMap((element, index) => {
    const isAnswered = hasId(element) ? ++named <= overfullAnswers * maxBatchSize : ++nameless === 1
    return isAnswered ? [{ element, flaw: tooDeep.get(index) }] : []
  })
  const flaws = kept.flatMap(({ flaw }, at): [number, string][] => (flaw === undefined ? [] : [[at, flaw]]))
  return { elements: kept.map(({ element }) => element), tooDeep: new Map(flaws) }
}

function hasId(element: unknown): boolean {
  if (typeof element !== 'object' || element === null || !Object.hasOwn(element, 'id')) return false
  const { id } = element as { readonly id: unknown }
  return typeof id === 'string' || typeof id === 'number'
}

const none: ReadonlyMap<number, string> = new Map()

// [TL-LIM-4]
function tooDeepIn(text: string): ReadonlyMap<number, string> {
  if (text.length <= 2 * limits.jsonDepth.value) return none // each level has two brackets
  let flaws: Map<number, string> | undefined
  for (const [index, depth] of depthsOf(text).entries()) {
    const flaw = depthFlaw(depth)
    if (flaw !== undefined) flaws = (flaws ?? new Map<number, string>()).set(index, flaw)
  }
  return flaws ?? none
}
