import { type Cursor, formatCursor } from '@trunkline/protocol'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { errorShape } from './error-response.ts'

/** A frame as text. `id` and `result` are JSON text, so that one event is serialised once for all its subscribers. */
export function frameText(id: string, result: string): string {
  return `{"id":${id},"result":${result}}`
}

/**
 * `[TL-SUB-5]` `{"type":"data","id":"e:n","data":{"id":"e:n","data":…},"prev"?:m}` through the router's transformer.
 */
function dataResult(server: Server, cursor: Cursor, event: unknown, prev?: number): string {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: event })
  return JSON.stringify({ type: 'data', id, data, ...prevMember(cursor, prev) })
}

/** `[TL-SUB-10]` Nothing in (`prev`, offset] is for this subscription. */
export function advanceResult(cursor: Cursor, prev: number): string {
  return JSON.stringify({ type: 'advance', id: formatCursor(cursor), prev })
}

const frameBytes = 4_096 // the frame's id, and `started` and an end in the same message

/** The maximum size of one result, so that it fits a chunked message together with the other frames. */
export function resultBytes({ maxMessageBytes }: Pick<Server, 'maxMessageBytes'>): number {
  return maxMessageBytes - frameBytes
}

/** An event's result, or a fault when the transformer throws or the result fits no message [TL-LIM-3]. */
export function eventResult(server: Server, cursor: Cursor, path: string, event: unknown, prev?: number): string {
  try {
    const result = dataResult(server, cursor, event, prev)
    const bytes = Buffer.byteLength(result)
    if (bytes <= resultBytes(server)) return result
    throw new TrunklineError(
      'TOO_LARGE',
      `An event's result has ${bytes} bytes; at most ${resultBytes(server)} can be sent. Publish smaller events.`,
    )
  } catch (thrown) {
    return faultResult(server, cursor, path, thrown, prev)
  }
}

/**
 * `[TL-SUB-11]` The result of an event that could not be evaluated: the position moves, and the client gets the error.
 */
export function faultResult(server: Server, cursor: Cursor, path: string, thrown: unknown, prev?: number): string {
  const error = toTRPCError(thrown)
  server.report({ error, path, cause: 'delivery' })
  const shape = errorShape(server, { type: 'subscription', path }, error)
  return JSON.stringify({ type: 'fault', id: formatCursor(cursor), error: shape, ...prevMember(cursor, prev) })
}

/** `[TL-SNAP-1]` The state that a subscription starts with. Its events follow after the cursor. */
export function snapshotResult(server: Server, cursor: Cursor, state: unknown): string {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: state })
  return JSON.stringify({ type: 'snapshot', id, data })
}

/** An event of an ephemeral channel, without a cursor. */
export function ephemeralResult(server: Server, event: unknown): string {
  return JSON.stringify({ type: 'data', data: server.router._def._config.transformer.output.serialize(event) })
}

// [TL-SUB-5] an absent `prev` means offset − 1
function prevMember(cursor: Cursor, prev: number | undefined): { readonly prev?: number } {
  return prev === undefined || prev === cursor.offset - 1 ? {} : { prev }
}
