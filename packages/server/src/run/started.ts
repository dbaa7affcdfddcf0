import { type Cursor, formatCursor, type GapReason, limits } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../define/subscription.ts'
import { chainOf } from './chain.ts'
import { frameText } from './frames.ts'
import { LineFailure } from './line-failure.ts'
import { oversized, stockBytes } from './oversized.ts'
import type { Replay } from './replay.ts'
import type { ServedScope } from './scope.ts'

/** The frames that answer a subscribe, as texts: `started`, a snapshot where there is one, then what the log has after `from`. Throws GAP for a stock client that missed something. */
export function startedFrames(
  scope: ServedScope,
  request: { readonly path: string; readonly ref: number },
  { pipe }: Pick<SubscriptionDescriptor, 'pipe'>,
  { id, found, begun, extensions }: Begun,
): readonly string[] {
  if (found?.gap !== undefined && begun === undefined && !extensions) throw gapError(found.gap) // [TL-STOCK-6]
  const started = extensions ? startedResult(request.ref, found, begun !== undefined) : '{"type":"started"}'
  const page = limits.pageBytes.value - (begun === undefined ? 0 : Buffer.byteLength(begun))
  const room = extensions ? page : Number.POSITIVE_INFINITY // a stock client cannot fetch the rest
  const chain = found === undefined ? [] : chainOf(scope, pipe, request.path, found.from.offset, found.slots, room)
  const tooLarge = extensions ? undefined : chain.find((result) => Buffer.byteLength(result) > stockBytes)
  if (tooLarge !== undefined) throw oversized(tooLarge) // [TL-CHUNK-11]
  const first = begun === undefined ? [] : [extensions ? begun : begun.replace('"snapshot"', '"data"')]
  return [started, ...first, ...(extensions ? chain : chain.filter(isData))].map((result) => frameText(id, result))
}

interface Begun {
  /** JSON text of the subscription's id. */
  readonly id: string
  readonly found: Replay | undefined
  /** The snapshot's result, as text. */
  readonly begun: string | undefined
  readonly extensions: boolean
}

/** What a client without a word for gaps gets. */
export function gapError(reason: GapReason): LineFailure {
  return new LineFailure('GAP', `Events were lost and cannot be replayed (${reason}).`)
}

/** Stock clients know neither `advance` nor `fault`. */
function isData(result: string): boolean {
  return result.startsWith('{"type":"data"')
}

// [TL-SUB-1] [TL-EPH-1]
function startedResult(ref: number, found: Replay | undefined, snapshot: boolean): string {
  const covered = found === undefined ? {} : toWire(found)
  return JSON.stringify({ type: 'started', ref, ...covered, ...(snapshot ? { snapshot } : {}) })
}

/** The members of `started` and `synced` that say what is covered. */
export function toWire({ from, head, gap }: Replay): {
  readonly from: string
  readonly head: string
  readonly gap?: GapReason
} {
  const text = (cursor: Cursor) => formatCursor(cursor)
  return { from: text(from), head: text(head), ...(gap === undefined ? {} : { gap }) }
}
