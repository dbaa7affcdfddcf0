import { type Cursor, formatCursor } from '@trunkline/protocol'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { errorShape } from './error-response.ts'

/** A frame as text. `id` is JSON text already; `result` too, so that one event is serialised once for all its subscribers. */
export function frameText(id: string, result: string): string {
  return `{"id":${id},"result":${result}}`
}

/** `[TL-SUB-5]` `{"type":"data","id":"e:n","data":{"id":"e:n","data":…},"prev"?:m}` through the router's transformer. */
function dataResult(server: Server, cursor: Cursor, event: unknown, prev?: number): string {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: event })
  return JSON.stringify({ type: 'data', id, data, ...prevMember(cursor, prev) })
}

/** `[TL-SUB-10]` Nothing in (`prev`, offset] is for this subscription. */
export function advanceResult(cursor: Cursor, prev: number): string {
  return JSON.stringify({ type: 'advance', id: formatCursor(cursor), prev })
}

const besideBytes = 4_096 // a result's id, `started` before it and an end after it

/** What one result may have, so that it fits a message of chunks with what stands beside it. */
export function resultBytes({ maxMessageBytes }: Pick<Server, 'maxMessageBytes'>): number {
  return maxMessageBytes - besideBytes
}

/** `dataResult`, or a fault in its place when the transformer cannot carry the event or the result fits no message [TL-LIM-3]. */
export function eventResult(server: Server, cursor: Cursor, path: string, event: unknown, prev?: number): string {
  try {
    const result = dataResult(server, cursor, event, prev)
    const bytes = Buffer.byteLength(result)
    if (bytes <= resultBytes(server)) return result
    throw new TrunklineError('TOO_LARGE', `An event became ${bytes} bytes; at most ${resultBytes(server)} can be sent.`)
  } catch (thrown) {
    return faultResult(server, cursor, path, thrown, prev)
  }
}

/** `[TL-SUB-11]` An event that could not be evaluated: the position moves and the client is told. */
export function faultResult(server: Server, cursor: Cursor, path: string, thrown: unknown, prev?: number): string {
  const error = toTRPCError(thrown)
  server.report({ error, path, cause: 'delivery' })
  const shape = errorShape(server, { type: 'subscription', path }, error)
  return JSON.stringify({ type: 'fault', id: formatCursor(cursor), error: shape, ...prevMember(cursor, prev) })
}

/** `[TL-SNAP-1]` The state that a subscription begins with, at the cursor after which its events follow. */
export function snapshotResult(server: Server, cursor: Cursor, state: unknown): string {
  const id = formatCursor(cursor)
  const data = server.router._def._config.transformer.output.serialize({ id, data: state })
  return JSON.stringify({ type: 'snapshot', id, data })
}

/** An event of an ephemeral channel: bare, without id. */
export function ephemeralResult(server: Server, event: unknown): string {
  return JSON.stringify({ type: 'data', data: server.router._def._config.transformer.output.serialize(event) })
}

// [TL-SUB-5] `prev` left out means offset − 1
function prevMember(cursor: Cursor, prev: number | undefined): { readonly prev?: number } {
  return prev === undefined || prev === cursor.offset - 1 ? {} : { prev }
}
