import { TRPCError } from '@trpc/server'
import { decodeClientMessage, type FrameId, flawText } from '@trunkline/protocol'
import { connectionExpires, readCaller } from './connections/connect.ts'
import { receiveConnectionParams } from './connections/connection-params.ts'
import { noticeAgeing } from './connections/reconnect-notice.ts'
import type { ConnectionCaller } from './context/caller.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { rejectRequest } from './encoding/reject-request.ts'
import { type Answering, answerTasks, answerText, emptyResponse } from './requests/answer-message.ts'
import { onChunk } from './requests/assemble-chunks.ts'
import { refusalText } from './requests/dispatch.ts'
import {
  type Elements,
  elementInfoOf,
  malformed,
  methodOf,
  parseChunk,
  parseElements,
  parseError,
  parseStockElements,
} from './requests/parse-request.ts'
import { toTasks } from './requests/plan-batch.ts'
import { rejectConnection } from './requests/reject-connection.ts'

/** One message of a client, as the gateway delivered it. */
export interface InboundMessage {
  readonly connectionId: string
  /** The caller as the authorizer resolved it. Absent without an authorizer; then the connection's row is read. */
  readonly caller: ConnectionCaller | undefined
  /** Epoch milliseconds. */
  readonly connectedAt: number
  readonly text: unknown
  /** The route answers with what the function returns. */
  readonly twoWay: boolean
}

/**
 * Handles one message and returns the text that answers it on a two-way route. All other answers have been posted.
 * Never throws for what a client sent. Throws when the caller cannot be read from the table; then the gateway answers the
 * client with an error of its own.
 */
export async function receive(scope: InvocationContext, message: InboundMessage): Promise<string> {
  const caller = message.caller ?? (await readCaller(scope, message.connectionId))
  if (caller === undefined) return emptyResponse // the connection was closed, or it never existed
  const answering = { scope, caller, connectedAt: message.connectedAt, twoWay: message.twoWay }
  try {
    if (caller.refused === undefined) return await receiveFrom(answering, message.text)
    await rejectConnection(scope, caller, message.text)
    return emptyResponse
  } catch (thrown) {
    return answerText(answering, refusalText(answering.scope, thrown))
  }
}

async function receiveFrom(answering: Answering, text: unknown): Promise<string> {
  const { scope, caller } = answering
  const decoded = decodeClientMessage(text, { maxBatchSize: scope.server.maxBatchSize })
  if (!decoded.ok) throw new TRPCError({ code: 'PARSE_ERROR', message: decoded.reason }) // [TL-BAD-1]
  if ('text' in decoded) {
    await noticeAgeing(scope, { ...caller, expires: connectionExpires(answering.connectedAt) })
    return decoded.text === 'PING' ? 'PONG' : emptyResponse // [TL-PING-2]
  }
  const [first] = decoded.elements
  if (!decoded.batch && isConnectionParams(first) && decoded.tooDeep.size === 0) {
    await receiveConnectionParams(scope, caller, first)
    return emptyResponse
  }
  if (!decoded.batch && isChunk(first)) return receiveChunk(answering, decoded)
  return answerElements(answering, decoded)
}

/** A message of one or more elements. */
type Decoded = Elements & { readonly overfull: boolean }

/** `fallbackId` is the id of the chunks that carried the message. */
async function answerElements(
  answering: Answering,
  decoded: Decoded,
  fallbackId: FrameId | null = null,
): Promise<string> {
  const { scope, caller, connectedAt } = answering
  const parsed = caller.extensions
    ? parseElements(scope.server, decoded, fallbackId)
    : parseStockElements(scope.server, decoded).map((request) => ({ status: 'request', request }) as const)
  const returned = await answerTasks(answering, toTasks(parsed, decoded.overfull))
  await noticeAgeing(scope, { ...caller, expires: connectionExpires(connectedAt) })
  return returned
}

/** Stores a part of a message; the last part runs the message. [TL-CHUNK-3] Errors answer under the chunk's id. */
async function receiveChunk(answering: Answering, decoded: Decoded): Promise<string> {
  const { scope, caller } = answering
  const frame = parseChunk(decoded)
  if (typeof frame === 'string') {
    if (!caller.extensions) throw parseError(frame)
    return answerText(answering, rejectRequest(scope, elementInfoOf(decoded.elements[0]), malformed(frame)))
  }
  try {
    const text = await onChunk(scope, caller.connectionId, frame)
    return text === undefined ? emptyResponse : await receiveWhole(answering, frame.id, text)
  } catch (thrown) {
    return answerText(answering, refusalText(answering.scope, thrown, frame.id))
  }
}

/** Answers a message that came in chunks. Such a message contains no chunk itself. [TL-CHUNK-2] */
async function receiveWhole(answering: Answering, id: FrameId, text: string): Promise<string> {
  const { scope, caller } = answering
  const decoded = decodeClientMessage(text, { maxBatchSize: scope.server.maxBatchSize })
  if (decoded.ok && 'elements' in decoded) return answerElements(answering, decoded, id)
  const flaw = flawText('frames in the chunks', decoded.ok ? decoded.text : decoded.reason)
  throw caller.extensions ? malformed(flaw) : parseError(flaw)
}

function isConnectionParams(element: unknown): element is { readonly data?: unknown } {
  return methodOf(element) === 'connectionParams'
}

function isChunk(element: unknown): boolean {
  return methodOf(element) === 'chunk'
}
