import { TRPCError } from '@trpc/server'
import { decodeClientMessage, type FrameId, flawText } from '@trunkline/protocol'
import { connectionExpires, readCaller } from './connections/connect.ts'
import { receiveConnectionParams } from './connections/connection-params.ts'
import { noticeAgeing } from './connections/reconnect-notice.ts'
import type { ConnectionCaller } from './context/caller.ts'
import type { InvocationContext } from './context/scope.ts'
import { rejectRequest } from './encoding/reject-request.ts'
import { type Answering, answerTasks, answerText, emptyResponse } from './requests/answer-message.ts'
import { onChunk } from './requests/assemble-chunks.ts'
import { refusalText } from './requests/dispatch.ts'
import {
  askedOfElement,
  type Elements,
  malformed,
  methodOf,
  parseChunk,
  parseElements,
  parseError,
  parseStockElements,
} from './requests/parse-request.ts'
import { toTasks } from './requests/plan-batch.ts'
import { rejectConnection } from './requests/reject-connection.ts'

/** One message of a client, as the gateway handed it over. */
export interface InboundMessage {
  readonly connectionId: string
  /** What the authorizer told the gateway; absent when no authorizer stands before it: then the connection's row is read. */
  readonly caller: ConnectionCaller | undefined
  /** Epoch milliseconds. */
  readonly connectedAt: number
  readonly text: unknown
  /** The route answers with what the function returns. */
  readonly twoWay: boolean
}

/**
 * Takes one message and gives the text to return to the gateway; whatever else there is to answer has been posted.
 * Never throws for what a client sent. Throws when there is no caller because the table could not be reached: the gateway tells the client.
 */
export async function receive(scope: InvocationContext, message: InboundMessage): Promise<string> {
  const caller = message.caller ?? (await readCaller(scope, message.connectionId))
  if (caller === undefined) return emptyResponse // closed meanwhile, or never connected: nobody hears
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

/** `fallbackId` is that of the chunks that carried the message. */
async function answerElements(
  answering: Answering,
  decoded: Decoded,
  fallbackId: FrameId | null = null,
): Promise<string> {
  const { scope, caller, connectedAt } = answering
  const judged = caller.extensions
    ? parseElements(scope.server, decoded, fallbackId)
    : parseStockElements(scope.server, decoded).map((request) => ({ status: 'request', request }) as const)
  const returned = await answerTasks(answering, toTasks(judged, decoded.overfull))
  await noticeAgeing(scope, { ...caller, expires: connectionExpires(connectedAt) })
  return returned
}

/** A part of a message, which runs where this one completes it. [TL-CHUNK-3] What is wrong with the message is answered under its id. */
async function receiveChunk(answering: Answering, decoded: Decoded): Promise<string> {
  const { scope, caller } = answering
  const frame = parseChunk(decoded)
  if (typeof frame === 'string') {
    if (!caller.extensions) throw parseError(frame)
    return answerText(answering, rejectRequest(scope, askedOfElement(decoded.elements[0]), malformed(frame)))
  }
  try {
    const text = await onChunk(scope, caller.connectionId, frame)
    return text === undefined ? emptyResponse : await receiveWhole(answering, frame.id, text)
  } catch (thrown) {
    return answerText(answering, refusalText(answering.scope, thrown, frame.id))
  }
}

/** [TL-CHUNK-2] A message of chunks holds no chunk. */
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
