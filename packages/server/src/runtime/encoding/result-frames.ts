import {
  type AdvanceResult,
  type Cursor,
  type DataResult,
  type FaultResult,
  formatCursor,
  limits,
  type SnapshotResult,
} from '@trunkline/protocol'
import { applyPipe, type PipeStep } from '../../define/subscription.ts'
import type { Slot } from '../../ports/log.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { cursorOf } from '../log/retention.ts'
import { eventOf } from '../log/stored-event.ts'
import { sizeOf } from './encode.ts'
import { errorShape } from './error-response.ts'

/** The result of evaluating one slot for one subscription. */
export type Evaluated =
  | { readonly status: 'match'; readonly event: unknown }
  | { readonly status: 'no-match' }
  | { readonly status: 'failed'; readonly thrown: unknown }

/** The topic of a subscription, and its steps. */
export interface PipedTopic {
  readonly topic: string
  readonly pipe: readonly PipeStep[]
}

/**
 * Runs a slot's event through the pipe. A slot without data matches no subscription. Data that is not JSON, an event
 * that cannot be parsed and a pipe that throws are `failed`, never a non-match [LAW-COVERAGE].
 */
export function evaluate(context: RuntimeContext, { topic, pipe }: PipedTopic, slot: Slot): Evaluated {
  if (slot.data === undefined) return { status: 'no-match' }
  return evaluateEvent(pipe, () => eventOf(context, topic, slot))
}

/** The same for the event that `read` returns. */
export function evaluateEvent(pipe: readonly PipeStep[], read: () => unknown): Evaluated {
  try {
    const result = applyPipe(pipe, read())
    return result === undefined ? { status: 'no-match' } : { status: 'match', event: result.event }
  } catch (thrown) {
    return { status: 'failed', thrown }
  }
}

/** What moves a subscription's position: an event, an event that failed, or no event up to an offset. */
export type EventResult = DataResult | FaultResult | AdvanceResult

/** Where a replay begins, and how much it may send. */
export interface ReplayRange extends PipedTopic {
  /** The path of the subscription's procedure. */
  readonly path: string
  /** The offset of the subscription's position. */
  readonly from: number
  /** The maximum size of all results, in UTF-8 bytes. */
  readonly maxBytes: number
  /** What a frame adds to each of them. @default 0 */
  readonly envelope?: number
}

/**
 * The results that move a subscription's position over `slots`. Each result says what it covers, and the last one ends
 * at the last slot that is included. Stops before `maxBytes`.
 */
export function replayResults(
  context: InvocationContext,
  range: ReplayRange,
  slots: readonly Slot[],
): readonly EventResult[] {
  const results: EventResult[] = []
  let bytes = 0
  let position = range.from
  let last: Slot | undefined
  for (const slot of slots) {
    const place = { cursor: cursorOf(context, slot), path: range.path, prev: position }
    const result = resultOf(context.server, place, evaluate(context, range, slot))
    if (result !== undefined) {
      const size = sizeOf(result) + (range.envelope ?? 0)
      if (bytes > 0 && bytes + size > range.maxBytes) break
      bytes += size
      results.push(result)
      position = slot.offset
    }
    last = slot
  }
  if (last !== undefined && last.offset > position) results.push(advanceResult(cursorOf(context, last), position))
  return results
}

/** An event of a log, on its way to one subscription. */
export interface EventPlace {
  readonly cursor: Cursor
  /** The path of the subscription's procedure. */
  readonly path: string
  /** No event after this offset and before the cursor is for the subscription. @default the cursor's offset − 1 */
  readonly prev?: number | undefined
}

/** The result of an evaluated slot; undefined for one that does not match. */
export function resultOf(
  server: Server,
  place: EventPlace,
  evaluated: Evaluated,
): DataResult | FaultResult | undefined {
  if (evaluated.status === 'no-match') return undefined
  if (evaluated.status === 'failed') return faultResult(server, place, evaluated.thrown)
  return eventResult(server, place, evaluated.event)
}

/** An event's result, or a fault when the transformer throws or the result fits no message [TL-LIM-3]. */
export function eventResult(server: Server, place: EventPlace, event: unknown): DataResult | FaultResult {
  try {
    const result = dataResult(server, place, event)
    const bytes = sizeOf(result)
    if (bytes <= resultBytes(server)) return result
    throw new TrunklineError(
      'TOO_LARGE',
      `An event's result has ${bytes} bytes; at most ${resultBytes(server)} can be sent. Publish smaller events.`,
    )
  } catch (thrown) {
    return faultResult(server, place, thrown)
  }
}

/**
 * `[TL-SUB-5]` `{"type":"data","id":"e:n","data":{"id":"e:n","data":…},"prev"?:m}` through the router's transformer.
 */
function dataResult(server: Server, { cursor, prev }: EventPlace, event: unknown): DataResult {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: event })
  return { type: 'data', id, data, ...prevMember(cursor, prev) }
}

/**
 * `[TL-SUB-11]` The result of an event that could not be evaluated: the position moves, and the client gets the error.
 */
export function faultResult(server: Server, { cursor, path, prev }: EventPlace, thrown: unknown): FaultResult {
  const error = toTRPCError(thrown)
  server.report({ error, path, cause: 'delivery' })
  const shape = errorShape(server, { type: 'subscription', path }, error)
  return { type: 'fault', id: formatCursor(cursor), error: shape, ...prevMember(cursor, prev) }
}

// [TL-SUB-5] an absent `prev` means offset − 1
function prevMember(cursor: Cursor, prev: number | undefined): { readonly prev?: number } {
  return prev === undefined || prev === cursor.offset - 1 ? {} : { prev }
}

/** `[TL-SUB-10]` Nothing in (`prev`, offset] is for this subscription. */
export function advanceResult(cursor: Cursor, prev: number): AdvanceResult {
  return { type: 'advance', id: formatCursor(cursor), prev }
}

/** `[TL-SNAP-1]` The state that a subscription starts with. Its events follow after the cursor. */
export function snapshotResult(server: Server, cursor: Cursor, state: unknown): SnapshotResult {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: state })
  return { type: 'snapshot', id, data }
}

/** An event of an ephemeral channel, without a cursor. */
export function ephemeralResult(server: Server, event: unknown): DataResult {
  return { type: 'data', data: server.router._def._config.transformer.output.serialize(event) }
}

const frameBytes = 4_096 // the frame's id, and `started` and an end in the same message

/** The maximum size of one result, so that it fits a chunked message together with the other frames. */
export function resultBytes({ maxMessageBytes }: Pick<Server, 'maxMessageBytes'>): number {
  return maxMessageBytes - frameBytes
}

/**
 * The maximum size of a result to a stock client, in UTF-8 bytes: it does not know chunks. Leaves room for the frame's
 * id.
 */
export const stockBytes = limits.messageBytes.value - 1_024

/** The error that ends a stock client's subscription at an event or a state that is too large. */
// [TL-CHUNK-11]
export function oversized(bytes: number): TrunklineError {
  return new TrunklineError(
    'TOO_LARGE',
    `An event has ${bytes} bytes; at most ${stockBytes} can be sent to a client without trunkline.1. Publish smaller events, or connect with @trunkline/client.`,
    { mayHaveRun: true },
  )
}
