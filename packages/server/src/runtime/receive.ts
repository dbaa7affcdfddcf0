import { TRPCError } from '@trpc/server'
import { type DecodedClientMessage, decodeClientMessage, type FrameId, flawText } from '@trunkline/protocol'
import { connectionExpires, noticeAgeing, readCaller } from './connections/connect.ts'
import { announcedParams, receiveConnectionParams } from './connections/connection-params.ts'
import { endKicked } from './connections/end-kicked.ts'
import type { ConnectionCaller } from './context/caller.ts'
import { reportingCaller } from './context/failure-source.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { encode, type Frame } from './encoding/encode.ts'
import { rejectRequest } from './encoding/error-response.ts'
import { deleteConnection } from './posting/post.ts'
import { allMayRun, type CountedFrames, countFrames } from './rates/count-frames.ts'
import { type AnsweredMessage, answerTasks, emptyResponse } from './requests/answer-tasks.ts'
import { onChunk } from './requests/assemble-chunks.ts'
import { refusedAnswer } from './requests/dispatch.ts'
import { packAnswers, postAll } from './requests/message-answers.ts'
import { type Elements, flawError, methodOf, parseChunk, parseElements } from './requests/parse-request.ts'
import { type Task, toTasks } from './requests/plan-batch.ts'
import { withinRate } from './requests/within-rate.ts'

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

/** A message whose frames may be counted. */
interface Answering extends AnsweredMessage {
  /** What the rates decide. Before the frames are counted, all may run. */
  readonly rates: CountedFrames
}

/**
 * Handles one message and returns the text that answers it on a two-way route. All other answers have been posted.
 * Never throws for what a client sent. Throws when the caller cannot be read from the table; then the gateway answers the
 * client with an error of its own.
 */
export async function receive(invocation: InvocationContext, message: InboundMessage): Promise<string> {
  const caller = isKnown(message.caller) ? message.caller : await readCaller(invocation, message.connectionId)
  if (caller === undefined) return emptyResponse // the connection was closed, or it never existed
  const params = announcedParams(invocation, caller)
  const context = reportingCaller(invocation, () => params.caller)
  const expires = connectionExpires(message.connectedAt)
  const answering = { context, caller, expires, twoWay: message.twoWay, params, rates: allMayRun }
  try {
    if (caller.refused === undefined && caller.kicked === undefined) return await receiveFrom(answering, message.text)
    await rejectConnection(context, caller, message.text)
    return emptyResponse
  } catch (thrown) {
    return refuse(answering, null, thrown)
  }
}

/** Whether the authorizer's caller is enough. The row is read for one that may be banned, too. [TL-KICK-4] */
function isKnown(caller: ConnectionCaller | undefined): caller is ConnectionCaller {
  return caller !== undefined && (caller.explains === undefined || caller.refused !== undefined)
}

function receiveFrom(answering: Answering, text: unknown): Promise<string> {
  const { maxBatchSize, rates } = answering.context.server
  const decoded = decodeClientMessage(text, { maxBatchSize })
  if (rates.length === 0) return receiveDecoded(answering, decoded)
  return withinRates(answering, decoded, (counted) => receiveDecoded(counted, decoded))
}

/**
 * Counts the frames of a message, and runs `receiveCounted` with what the rates decide. Above twice a rate everything is
 * posted, and then the connection is deleted. [TL-RATE-2]
 */
async function withinRates(
  answering: Answering,
  decoded: DecodedClientMessage,
  receiveCounted: (answering: Answering) => Promise<string>,
): Promise<string> {
  const { context, twoWay } = answering
  const elements = decoded.ok && 'elements' in decoded ? decoded.elements : []
  // a message without elements, such as a text that is not JSON, counts as one frame
  const rates = await countFrames(context, answering, elements.length === 0 ? [undefined] : elements.map(methodOf))
  try {
    return await receiveCounted({ ...answering, twoWay: twoWay && !rates.isFlood, rates })
  } catch (thrown) {
    if (!rates.isFlood) throw thrown
    return emptyResponse
  } finally {
    await rates.end()
  }
}

/** Throws PARSE_ERROR for a text that is not JSON. */
function receiveDecoded(answering: Answering, decoded: DecodedClientMessage): Promise<string> {
  if (!decoded.ok) throw new TRPCError({ code: 'PARSE_ERROR', message: decoded.reason }) // [TL-BAD-1]
  if ('text' in decoded) return receiveKeepalive(answering, decoded.text)
  const method = decoded.batch ? undefined : methodOf(decoded.elements[0])
  if (method === 'connectionParams' && decoded.tooDeep.size === 0)
    return receiveParams(answering, decoded.elements[0] as { readonly data?: unknown })
  return method === 'chunk' ? receiveChunk(answering, decoded) : answerElements(answering, decoded, null)
}

/** Answers the text `PING` or `PONG`. [TL-PING-2] */
async function receiveKeepalive(answering: Answering, text: 'PING' | 'PONG'): Promise<string> {
  const { context, caller, expires, rates } = answering
  if (rates.isFlood) return emptyResponse
  await noticeAgeing(context, { ...caller, expires })
  return text === 'PING' ? 'PONG' : emptyResponse
}

async function receiveParams(answering: Answering, element: { readonly data?: unknown }): Promise<string> {
  const { context, caller, rates } = answering
  const refusal = rates.isFlood ? rates.refusal(0, 'connectionParams') : undefined
  if (refusal !== undefined) return refuse(answering, null, refusal) // [TL-RATE-2]
  await receiveConnectionParams(context, caller, element)
  return emptyResponse
}

/** A message of one or more elements. */
type Decoded = Elements & { readonly overfull: boolean }

/** `fallbackId` is the id of the chunks that carried the message. */
function answerElements(answering: Answering, decoded: Decoded, fallbackId: FrameId | null): Promise<string> {
  const { context, caller, rates } = answering
  const { extensions } = caller
  const elements = parseElements(context.server, decoded, { extensions, fallbackId })
  const parsed = rates === allMayRun ? elements : elements.map((each, index) => withinRate(each, rates, index))
  const tasks = toTasks(parsed, { overfull: decoded.overfull, inChunks: fallbackId !== null })
  return extensions ? answerTasks(answering, tasks) : answerStock(answering, tasks)
}

async function answerStock(answering: Answering, tasks: readonly Task[]): Promise<string> {
  const { context, caller, expires } = answering
  const returned = await answerTasks(answering, tasks)
  await noticeAgeing(context, { ...caller, expires })
  return returned
}

/** Stores a part of a message; the last part runs the message. [TL-CHUNK-3] Errors answer under the chunk's id. */
async function receiveChunk(answering: Answering, decoded: Decoded): Promise<string> {
  const { context, caller, expires } = answering
  const parsed = parseChunk(decoded, caller)
  if (parsed.status === 'malformed') return answerWith(answering, rejectRequest(context, parsed.asked, parsed.thrown))
  const { frame } = parsed
  try {
    const refusal = answering.rates.refusal(0, frame.method)
    if (refusal !== undefined) throw refusal // [TL-RATE-1]
    const text = await onChunk(context, { connectionId: caller.connectionId, expires }, frame)
    return text === undefined ? emptyResponse : await receiveWhole(answering, frame.id, text)
  } catch (thrown) {
    return refuse(answering, frame.id, thrown)
  }
}

/** Answers a message that came in chunks. Such a message contains no chunk itself. [TL-CHUNK-2] */
async function receiveWhole(answering: Answering, id: FrameId, text: string): Promise<string> {
  const { context, caller } = answering
  const decoded = decodeClientMessage(text, { maxBatchSize: context.server.maxBatchSize })
  if (decoded.ok && 'elements' in decoded)
    return withinRates(answering, decoded, (counted) => answerElements(counted, decoded, id))
  const flaw = flawText('frames in the chunks', decoded.ok ? decoded.text : decoded.reason)
  throw flawError(flaw, caller.extensions)
}

/** Answers a message that could not be parsed. */
function refuse(answering: Answering, id: FrameId | null, thrown: unknown): Promise<string> {
  return answerWith(answering, rejectRequest(answering.context, { id, type: 'unknown', cause: 'frame' }, thrown))
}

/** Answers with one frame: as the route's own answer, or by a post. */
async function answerWith(answering: Answering, frame: Frame): Promise<string> {
  const text = encode(frame)
  if (answering.twoWay) return text
  await postAll(answering.context, answering.caller, [text])
  return emptyResponse
}

/** Answers a refused connection with the reason, then deletes it. Nothing that it sent runs. [TL-HELLO-3] */
async function rejectConnection(context: InvocationContext, caller: ConnectionCaller, text: unknown): Promise<void> {
  if (caller.kicked !== undefined && caller.extensions) return void (await endKicked(context, caller, caller.kicked))
  const { maxBatchSize } = context.server
  const decoded = decodeClientMessage(text, { maxBatchSize })
  const elements = decoded.ok && 'elements' in decoded ? decoded.elements.slice(0, maxBatchSize) : []
  const tooDeep = decoded.ok && 'elements' in decoded ? decoded.tooDeep : new Map()
  const parsed = parseElements(context.server, { elements, tooDeep }, { extensions: true })
  const answers = parsed.map((each) => refusedAnswer(context, caller, each))
  for (const messages of packAnswers(caller, answers)) await postAll(context, caller, messages)
  await deleteConnection(context, caller.connectionId)
}
