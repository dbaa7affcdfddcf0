import { TRPCError } from '@trpc/server'
import { type DecodedClientMessage, decodeClientMessage, type FrameId, flawText } from '@trunkline/protocol'
import { connectionExpires, noticeAgeing, readCaller } from './connections/connect.ts'
import { type AnnouncedParams, announcedParams, receiveConnectionParams } from './connections/connection-params.ts'
import { endKicked } from './connections/end-kicked.ts'
import { watchKick } from './connections/watch-kick.ts'
import type { ConnectionCaller } from './context/caller.ts'
import { messageCounts } from './context/connection-counts.ts'
import { reportingCaller } from './context/failure-source.ts'
import { mapConcurrent } from './context/map-concurrent.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { encode, type Frame } from './encoding/encode.ts'
import { rejectRequest } from './encoding/error-response.ts'
import { deleteConnection } from './posting/post.ts'
import { type CountedFrames, countFrames } from './rates/count-frames.ts'
import { onChunk } from './requests/assemble-chunks.ts'
import { answerTask, refusedAnswer } from './requests/dispatch.ts'
import { MessageAnswers, packAnswers, postAll } from './requests/message-answers.ts'
import { type Elements, flawError, methodOf, parseChunk, parseElements } from './requests/parse-request.ts'
import { type Task, toTasks } from './requests/plan-batch.ts'
import { withinRate } from './requests/within-rate.ts'
import { MessageSyncs } from './subscriptions/message-syncs.ts'

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

/** Answers nothing: a two-way route must return something, and every client ignores this. [TL-STOCK-8] */
const emptyResponse = '{}'

/**
 * Subscribes of one message that run at once. A client sends at most two messages at a time, and the table takes a
 * thousand writes a second under one connection's key.
 */
const subscribesAtOnce = 8

/** The sender of a message, and how its answer travels. */
interface Answering {
  readonly context: InvocationContext
  readonly caller: ConnectionCaller
  /** When the rows of the connection expire, in epoch seconds. */
  readonly expires: number
  readonly twoWay: boolean
  readonly params: AnnouncedParams
}

/**
 * Handles one message and returns the text that answers it on a two-way route. All other answers have been posted.
 * Never throws for what a client sent. Throws when the caller cannot be read from the table; then the gateway answers the
 * client with an error of its own.
 */
export async function receive(invocation: InvocationContext, message: InboundMessage): Promise<string> {
  const caller = await callerOf(invocation, message)
  if (caller === undefined) return emptyResponse // the connection was closed, or it never existed
  const params = announcedParams(invocation, caller)
  const context = reportingCaller(invocation, () => params.caller)
  const answering = { context, caller, expires: connectionExpires(message.connectedAt), twoWay: message.twoWay, params }
  try {
    if (caller.refused === undefined && caller.kicked === undefined) return await receiveFrom(answering, message.text)
    await rejectConnection(context, caller, message.text)
    return emptyResponse
  } catch (thrown) {
    return refuse(answering, null, thrown)
  }
}

/** The caller; read from the row of a connection that has no authorizer, or that may be banned. [TL-KICK-4] */
async function callerOf(
  context: InvocationContext,
  { caller, connectionId }: InboundMessage,
): Promise<ConnectionCaller | undefined> {
  const isKnown = caller !== undefined && (caller.explains === undefined || caller.refused !== undefined)
  return isKnown ? caller : readCaller(context, connectionId)
}

async function receiveFrom(answering: Answering, text: unknown): Promise<string> {
  const { context } = answering
  const decoded = decodeClientMessage(text, { maxBatchSize: context.server.maxBatchSize })
  return withinRates(answering, decoded, (counted) => receiveDecoded(counted, decoded))
}

/**
 * Counts the frames of a message, and runs `receiveCounted` with what the rates decide. Above twice a rate everything is
 * posted, and then the connection is deleted. [TL-RATE-2]
 */
async function withinRates(
  answering: Answering,
  decoded: DecodedClientMessage,
  receiveCounted: (answering: Counted) => Promise<string>,
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

/** A message whose frames were counted. */
interface Counted extends Answering {
  readonly rates: CountedFrames
}

async function receiveDecoded(answering: Counted, decoded: DecodedClientMessage): Promise<string> {
  const { context, caller, expires, rates } = answering
  if (!decoded.ok) throw new TRPCError({ code: 'PARSE_ERROR', message: decoded.reason }) // [TL-BAD-1]
  if ('text' in decoded) {
    if (rates.isFlood) return emptyResponse
    await noticeAgeing(context, { ...caller, expires })
    return decoded.text === 'PING' ? 'PONG' : emptyResponse // [TL-PING-2]
  }
  const [first] = decoded.elements
  const method = decoded.batch ? undefined : methodOf(first)
  if (method === 'connectionParams' && decoded.tooDeep.size === 0) {
    const refusal = rates.isFlood ? rates.refusal(0, method) : undefined
    if (refusal !== undefined) return refuse(answering, null, refusal) // [TL-RATE-2]
    await receiveConnectionParams(context, caller, first as { readonly data?: unknown })
    return emptyResponse
  }
  return method === 'chunk' ? receiveChunk(answering, decoded) : answerElements(answering, decoded, null)
}

/** A message of one or more elements. */
type Decoded = Elements & { readonly overfull: boolean }

/** `fallbackId` is the id of the chunks that carried the message. */
async function answerElements(answering: Counted, decoded: Decoded, fallbackId: FrameId | null): Promise<string> {
  const { context, caller, expires, rates } = answering
  const { extensions } = caller
  const elements = parseElements(context.server, decoded, { extensions, fallbackId })
  const parsed = elements.map((each, index) => withinRate(each, rates, index))
  const returned = await answerTasks(
    answering,
    toTasks(parsed, { overfull: decoded.overfull, inChunks: fallbackId !== null }),
  )
  await noticeAgeing(context, { ...caller, expires })
  return returned
}

/** Stores a part of a message; the last part runs the message. [TL-CHUNK-3] Errors answer under the chunk's id. */
async function receiveChunk(answering: Counted, decoded: Decoded): Promise<string> {
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

/**
 * Runs all tasks of a message at once and posts the answers when they are there. The last ones are returned instead
 * where the route is two-way. When the announced parameters are missing or refused, all answers are posted, and then the
 * connection is deleted. [TL-STOCK-5] [TL-STOCK-11]
 */
// [TL-CALL-1] [TL-BATCH-1]
async function answerTasks(answering: Answering, tasks: readonly Task[]): Promise<string> {
  const { caller, twoWay, params, expires } = answering
  using watch = tasks.some(runsProcedure) ? watchKick(answering.context, caller) : undefined
  const context = watch === undefined ? answering.context : { ...answering.context, running: watch.signal }
  context.telemetry.measure('frames', tasks.length)
  const syncs = new MessageSyncs(context)
  const subscribes = tasks.filter((task) => methodOfTask(task) === 'subscription').length
  const counts = messageCounts(context, { connectionId: caller.connectionId, expires }, subscribes)
  const answers = new MessageAnswers(
    {
      ...{ context, caller },
      returnsLast: () => twoWay && !params.endConnection,
      isEnded: () => watch?.isKicked === true, // nothing is posted to it [TL-KICK-2]
      beforeSend: () => counts.settle(),
    },
    tasks.length,
  )
  const sender = { ...answering, syncs, counts }
  const run = async (task: Task) => answers.add(await answerTask(context, sender, task))
  const [only] = tasks
  await (tasks.length === 1 && only !== undefined ? run(only) : runAll(tasks, run))
  counts.expectNone()
  const returned = await answers.end()
  syncs.report()
  if (params.endConnection) await deleteConnection(context, caller.connectionId)
  return returned ?? emptyResponse
}

function methodOfTask(task: Task): string | undefined {
  return 'request' in task ? task.request.method : undefined
}

const procedureMethods: ReadonlySet<unknown> = new Set(['query', 'mutation', 'subscription'])

/** Whether a procedure runs for the task: it may take long. */
function runsProcedure(task: Task): boolean {
  return 'request' in task && procedureMethods.has(task.request.method)
}

/** Runs the tasks of a message at once, but for subscribes and syncs. */
async function runAll(tasks: readonly Task[], run: (task: Task) => Promise<void>): Promise<void> {
  const subscribing = tasks.filter((task) => methodOfTask(task) === 'subscription')
  const syncing = tasks.filter((task) => methodOfTask(task) === 'sync')
  const others = tasks.filter((task) => methodOfTask(task) !== 'subscription' && methodOfTask(task) !== 'sync')
  await Promise.all([
    ...others.map(run),
    mapConcurrent(subscribing, subscribesAtOnce, run),
    mapConcurrent(syncing, 1, run), // each reads what the ones before it have left
  ])
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
