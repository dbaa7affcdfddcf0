import { decodeClientMessage, flawText, limits } from '@trunkline/protocol'
import { announcedParams } from './connections/connection-params.ts'
import type { HttpSender } from './connections/http-connection.ts'
import { watchKick } from './connections/watch-kick.ts'
import { reportingCaller } from './context/failure-source.ts'
import { mapConcurrent } from './context/map-concurrent.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import type { Server } from './context/served-application.ts'
import { TrunklineError } from './context/trunkline-error.ts'
import { encode, type Frame } from './encoding/encode.ts'
import { plainFailure, rejectRequest } from './encoding/error-response.ts'
import { countFrames } from './rates/count-frames.ts'
import { checkConnectionless } from './requests/connectionless.ts'
import { answerTask, refusedAnswer } from './requests/dispatch.ts'
import { MessageSender } from './requests/message-sender.ts'
import { methodOf, parseElements, requestInfoOf } from './requests/parse-request.ts'
import { type Task, toTasks } from './requests/plan-batch.ts'
import { ResponseRoom, replacementBytes } from './requests/response-room.ts'
import { withinRate } from './requests/within-rate.ts'

/** The frames of one HTTP request, decoded and not validated. */
export interface DecodedRequest {
  readonly elements: readonly unknown[]
  readonly tooDeep: ReadonlyMap<number, string>
  readonly overfull: boolean
  /** One of the frames opens a connection. */
  readonly hasHello: boolean
}

/** Subscribes of one request that run at once, as of one message over a socket. */
const subscribesAtOnce = 8

/** What is served over HTTP: messages that fit a request and a response. [TL-HTTP-15] */
export function toHttpServer(server: Server): Server {
  return { ...server, maxMessageBytes: Math.min(server.maxMessageBytes, limits.httpMessageBytes.value) }
}

/** Decodes the body of a request: a JSON array of frames. Never throws. */
// [TL-HTTP-1]
export function decodeRequest(
  text: string,
  { maxBatchSize }: Pick<Server, 'maxBatchSize'>,
): { readonly ok: true; readonly request: DecodedRequest } | { readonly ok: false; readonly reason: string } {
  const decoded = decodeClientMessage(text, { maxBatchSize })
  const expected = 'a JSON array of frames as the body'
  if (!decoded.ok) return { ok: false, reason: `${flawText(expected, 'a text that is not JSON')}` }
  if (!('elements' in decoded) || !decoded.batch)
    return { ok: false, reason: `${flawText(expected, 'another value')} Put a single frame into an array too.` }
  const { elements, tooDeep, overfull } = decoded
  const hasHello = !overfull && elements.some((element) => methodOf(element) === 'hello')
  return { ok: true, request: { elements, tooDeep, overfull, hasHello } }
}

/**
 * Answers the frames of one HTTP request. The body of the response is a JSON array. All frames run at once,
 * within the invocation's deadline; only subscribes are limited, syncs come one after another, and `close` is the last.
 * Never throws for what a client sent.
 */
export async function receiveRequest(
  invocation: InvocationContext,
  { caller, expires }: HttpSender,
  decoded: DecodedRequest,
): Promise<HttpAnswer> {
  const context = { ...reportingCaller(invocation, () => caller), server: toHttpServer(invocation.server) }
  const params = announcedParams(context, caller)
  const elements = parseElements(context.server, decoded, { extensions: true })
  const allowed = caller.via === 'request' ? elements.map((each) => checkConnectionless(caller, each)) : elements
  const rates = await countFrames(context, { caller, params }, decoded.elements.map(methodOf))
  const parsed = allowed.map((each, index) => withinRate(each, rates, index))
  const room = new ResponseRoom(parsed.length)
  if (caller.refused !== undefined) {
    for (const each of parsed) {
      const frames = refusedAnswer(context, caller, each)
      room.add(frames, () => frames[0] ?? { pong: true })
    }
    return { status: 'answered', body: room.text() }
  }
  const mayBeKicked = caller.via === 'http' || caller.principal !== null
  using watch = mayBeKicked ? watchKick(context, caller) : undefined
  const running = watch === undefined ? context : { ...context, running: watch }
  const tasks = toTasks(parsed, { overfull: decoded.overfull, inChunks: false })
  context.telemetry.measure('frames', tasks.length)
  const sender = new MessageSender(running, { caller, expires, params }, tasks)
  await answerTasks(running, { sender, room }, tasks)
  sender.expectNone()
  await sender.settle()
  sender.reportSyncs()
  await rates.end()
  return watch?.isKicked === true ? { status: 'kicked' } : { status: 'answered', body: room.text() }
}

/** The body of a response. `kicked`: the server has ended its connection or its caller meanwhile, so nothing is answered. */
export type HttpAnswer = { readonly status: 'answered'; readonly body: string } | { readonly status: 'kicked' }

interface Answering {
  readonly sender: MessageSender
  readonly room: ResponseRoom
}

async function answerTasks(context: InvocationContext, answering: Answering, tasks: readonly Task[]): Promise<void> {
  const { sender, room } = answering
  const run = async (task: Task) => {
    const replacement = () => replacementOf(context, task)
    if (!isOf(task, 'subscription')) return room.add(await answerTask(context, sender, task), replacement)
    // What has no room is not begun.
    if (!room.hasPage()) return room.add([replacement()], replacement)
    return room.addSubscription(await answerTask(context, sender, task), replacement)
  }
  const later = ['subscription', 'sync', 'close'] as const
  await Promise.all([
    ...tasks.filter((task) => !later.some((method) => isOf(task, method))).map(run),
    mapConcurrent(
      tasks.filter((task) => isOf(task, 'subscription')),
      subscribesAtOnce,
      run,
    ),
    mapConcurrent(
      tasks.filter((task) => isOf(task, 'sync')),
      1,
      run,
    ),
  ])
  for (const task of tasks.filter((each) => isOf(each, 'close'))) await run(task)
}

/** What answers a frame whose own answer has no room. A `sync` that names nothing left everything out [TL-SYNC-3]. */
// [TL-HTTP-15]
function replacementOf(context: InvocationContext, task: Task): Frame {
  const asked = 'request' in task ? requestInfoOf(task.request) : task.asked
  if (isOf(task, 'sync')) return { id: asked.id, result: { type: 'data' } }
  const frame = rejectRequest(context, asked, isOf(task, 'subscription') ? noRoom() : tooLarge())
  if (Buffer.byteLength(encode(frame)) <= replacementBytes) return frame
  return { id: asked.id, failure: plainFailure(isOf(task, 'subscription') ? noRoom() : tooLarge()) }
}

function noRoom(): TrunklineError {
  const message = 'The response has no room for this subscription. Subscribe again.'
  return new TrunklineError('CONNECTION_LOST', message, { retry: 'now' })
}

function tooLarge(): TrunklineError {
  const message = `Expected answers of at most ${limits.responseBytes.value} bytes together, got more. Send this frame in a request of its own.`
  return new TrunklineError('TOO_LARGE', message, { mayHaveRun: true })
}

function isOf(task: Task, method: string): boolean {
  return 'request' in task && task.request.method === method
}
