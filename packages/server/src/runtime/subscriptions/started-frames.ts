import { type Cursor, formatCursor, type GapReason, limits } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { chainOf } from '../encoding/replay-results.ts'
import { frameText } from '../encoding/result-frames.ts'
import type { Replay } from '../log/replay.ts'
import { shownSlots } from '../presence/rows/views.ts'

/** The frames that answer a subscribe, as texts: `started`, a snapshot where there is one, then what the log has after `from`. A stock client's is on an ephemeral channel: of a log it is posted a chain. */
export function startedFrames(
  scope: InvocationContext,
  request: { readonly path: string; readonly ref: number },
  { topic, pipe, presence }: Pick<SubscriptionDescriptor, 'topic' | 'pipe' | 'presence'>,
  { id, found, begun, extensions, keepaliveMs }: Begun,
): readonly string[] {
  const started = extensions
    ? startedResult(request.ref, found, { snapshot: begun !== undefined, keepaliveMs })
    : stockStarted
  const room = limits.pageBytes.value - (begun === undefined ? 0 : Buffer.byteLength(begun))
  const slots = shownSlots(presence?.view, found?.slots ?? [])
  const chain =
    found === undefined ? [] : chainOf(scope, { topic, pipe, path: request.path }, found.from.offset, slots, room)
  return [started, ...(begun === undefined ? [] : [begun]), ...chain].map((result) => frameText(id, result))
}

/** What tRPC says when a subscription begins. */
export const stockStarted = '{"type":"started"}'

interface Begun {
  /** JSON text of the subscription's id. */
  readonly id: string
  readonly found: Replay | undefined
  /** The snapshot's result, as text. */
  readonly begun: string | undefined
  readonly extensions: boolean
  /** Milliseconds between the client's keepalives; undefined where the client's own interval is enough. */
  readonly keepaliveMs: number | undefined
}

// [TL-SUB-1] [TL-EPH-1] [TL-PRES-5]
function startedResult(
  ref: number,
  found: Replay | undefined,
  { snapshot, keepaliveMs }: { readonly snapshot: boolean; readonly keepaliveMs: number | undefined },
): string {
  const covered = found === undefined ? {} : toWire(found)
  return JSON.stringify({ type: 'started', ref, ...covered, ...(snapshot ? { snapshot } : {}), keepaliveMs })
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
