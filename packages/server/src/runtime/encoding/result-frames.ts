import { TRPCError } from '@trpc/server'
import {
  type AdvanceResult,
  type AnewResult,
  type ChunkCursor,
  type ClosedResult,
  type Cursor,
  type DataResult,
  type FaultResult,
  formatChunkCursor,
  formatCursor,
  limits,
  type SnapshotResult,
} from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import { applyPipe, type PipeStep } from '../../define/subscription.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot } from '../../ports/log.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { SkippedChunks } from '../log/replay.ts'
import { cursorOf } from '../log/retention.ts'
import { eventOf } from '../log/stored-event.ts'
import { parseState } from '../streams/state.ts'
import { sizeOf } from './encode.ts'
import { errorShape, silentErrorBody } from './error-response.ts'

/** The result of evaluating one slot for one subscription. */
export type Evaluated =
  | { readonly status: 'match'; readonly event: unknown }
  | ({ readonly status: 'chunks' } & Chunks)
  | { readonly status: 'anew' }
  | { readonly status: 'closed'; readonly outcome: Outcome }
  | { readonly status: 'no-match' }
  | { readonly status: 'failed'; readonly thrown: unknown }

/** The chunks of one slot that a subscription gets. */
export interface Chunks {
  /** The chunks that match, in their order. */
  readonly chunks: readonly unknown[]
  /** The place of each of them in the slot, from 1. */
  readonly places: readonly number[]
  /** How many chunks the slot has. */
  readonly of: number
}

/** The topic of a subscription, and its steps. */
export interface PipedTopic {
  readonly topic: string
  readonly pipe: readonly PipeStep[]
  /** Of a stream: the chunks that the reader has. */
  readonly skip?: SkippedChunks | undefined
}

/**
 * Runs a slot's event through the pipe. A slot without data matches no subscription. Data that is not JSON, an event
 * that cannot be parsed and a pipe that throws are `failed`, never a non-match [LAW-COVERAGE].
 */
export function evaluate(context: RuntimeContext, of: PipedTopic, slot: Slot): Evaluated {
  const { topic, pipe } = of
  if (isStreamTopic(context, topic)) return evaluateStream(context, of, slot)
  if (slot.data === undefined) return { status: 'no-match' }
  return evaluateEvent(pipe, () => eventOf(context, topic, slot))
}

/** Whether the log of a topic is that of a stream. */
export function isStreamTopic({ channelOf }: RuntimeContext, topic: string): boolean {
  return channelOf(channelOfTopic(topic))?.stream !== undefined
}

/**
 * A slot of a stream. A new beginning and the close match every subscription, whatever its filter. A slot without a
 * state, as a script may put it, is not of the stream.
 */
// [TL-STREAM-4]
function evaluateStream(context: RuntimeContext, { topic, pipe, skip }: PipedTopic, slot: Slot): Evaluated {
  const state = parseState(slot.state)
  if (state === undefined) return { status: 'no-match' }
  if (state.outcome !== undefined) return { status: 'closed', outcome: state.outcome }
  if (state.anew === true && state.first === slot.offset) return { status: 'anew' }
  if (slot.data === undefined) return { status: 'no-match' }
  const had = skip?.offset === slot.offset ? skip.chunks : 0
  try {
    const all = eventOf(context, topic, slot) as readonly unknown[]
    const matching = all.flatMap((chunk, index) => {
      const result = index < had ? undefined : applyPipe(pipe, chunk)
      return result === undefined ? [] : [{ place: index + 1, chunk: result.event }]
    })
    if (matching.length === 0) return { status: 'no-match' }
    const places = matching.map(({ place }) => place)
    return { status: 'chunks', chunks: matching.map(({ chunk }) => chunk), places, of: all.length }
  } catch (thrown) {
    return { status: 'failed', thrown }
  }
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
export type EventResult = DataResult | FaultResult | AdvanceResult | AnewResult | ClosedResult

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
  readonly cursor: ChunkCursor
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
): Exclude<EventResult, AdvanceResult> | undefined {
  switch (evaluated.status) {
    case 'no-match':
      return undefined
    case 'failed':
      return faultResult(server, place, evaluated.thrown)
    case 'match':
      return eventResult(server, place, evaluated.event)
    case 'chunks':
      return fittingResult(server, place, () => chunksResult(server, place, evaluated))
    case 'anew':
      return { type: 'anew', id: formatCursor(place.cursor), prev: 0 } // [TL-STREAM-8]
    case 'closed':
      return closedResult(server, place, evaluated.outcome)
  }
}

/** An event's result, or a fault when the transformer throws or the result fits no message [TL-LIM-3]. */
export function eventResult(server: Server, place: EventPlace, event: unknown): DataResult | FaultResult {
  return fittingResult(server, place, () => dataResult(server, place, event))
}

function fittingResult(server: Server, place: EventPlace, make: () => DataResult): DataResult | FaultResult {
  try {
    const result = make()
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
  const id = formatChunkCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: event })
  return { type: 'data', id, data, ...prevMember(cursor, prev) }
}

/** `[TL-STREAM-1]` `{"type":"data","id":"e:k","data":[…],"of":m,"places"?:[…],"prev"?:…}` */
function chunksResult(server: Server, { cursor, prev }: EventPlace, { chunks, places, of }: Chunks): DataResult {
  const data = server.router._def._config.transformer.output.serialize(chunks)
  const isWhole = places.length === of
  return { type: 'data', id: formatCursor(cursor), data, of, ...(!isWhole && { places }), ...prevMember(cursor, prev) }
}

/** `[TL-STREAM-6]` `{"type":"closed","id":"e:k","outcome":"done"}` */
function closedResult(server: Server, { cursor, path, prev }: EventPlace, outcome: Outcome): ClosedResult {
  const thrown = outcomeError(outcome)
  const failure = thrown && silentErrorBody(server, { type: 'subscription', path }, thrown)
  return {
    ...{ type: 'closed', id: formatCursor(cursor), outcome: outcome.type, ...prevMember(cursor, prev) },
    ...(failure && { failure }),
  } as const
}

/** The error of a stream that failed or was lost; undefined for one that ended well. */
export function outcomeError(outcome: Outcome): TRPCError | undefined {
  if (outcome.type === 'lost')
    return new TrunklineError(
      'STREAM_LOST',
      'The function that produced this stream was lost before the stream had ended. Start it again under another key.',
    )
  if (outcome.type !== 'failed') return undefined
  const { code, message } = outcome
  return new TRPCError({ code: code as TRPCError['code'], message }) // `codeOf` made it
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

/** What a client that merges partitions needs to know, as a value without an id. */
// [TL-PART-6]
export function partitionsValue(
  server: Server,
  partitions: { readonly count: number; readonly at?: string },
): DataResult {
  return ephemeralResult(server, { partitions })
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
