import { TRPCError } from '@trpc/server'
import { type AnswerFrame, defined, type HelloResult, limits } from '@trunkline/protocol'
import { lazyPart, withPart } from '../../ports/lazy-part.ts'
import { answerCall, type ClientCall, cancelCall } from '../calls/answer-call.ts'
import type { Client } from '../calls/worker-job.ts'
import { closeConnection } from '../connections/http-connection.ts'
import { holdAuthority, renewAuthority } from '../connections/renew-auth.ts'
import { type ConnectionCaller, isExpired } from '../context/caller.ts'
import { keepParams } from '../context/kept-params.ts'
import { copyContext, type InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Frame } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { checkAnonymous, isOpenTo } from '../procedures/check-anonymous.ts'
import { withLastEventId } from '../procedures/last-event-id.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { foreignInput, hasTransformer } from '../procedures/transformer-mismatch.ts'
import { countCall } from '../rates/count-call.ts'
import type { SubscribeRequest } from '../subscriptions/subscription-hooks.ts'
import type { MessageSender } from './message-sender.ts'
import { type ParsedElement, type Request, requestInfoOf } from './parse-request.ts'
import type { RunTask, Task } from './plan-batch.ts'

const subscriptions = lazyPart([], () => import('../subscriptions/methods.ts'))

/** The client of a frame: a job of the worker has no secret session id, and a frame needs it for `hello`. */
interface FrameClient extends Client {
  readonly caller: ConnectionCaller
}

/** One request on its way to its handler. */
interface Dispatched<M extends Request['method']> extends FrameClient {
  readonly context: InvocationContext
  readonly request: Request & { readonly method: M }
  readonly task: RunTask
  readonly sender: MessageSender
}

interface Method<M extends Request['method']> {
  /**
   * `caller`: the handler gets a caller whose authority holds, and the parameters of the connection. `identity`: it gets
   * the caller, whose authority may have ended, and no parameters. `none`: it gets the caller as the platform handed it
   * over and no parameters, and nothing is read before it.
   */
  readonly needs: 'caller' | 'identity' | 'none'
  /** The frames that answer. */
  run(on: Dispatched<M>): Promise<readonly Frame[]> | readonly Frame[]
}

const methods: { readonly [M in Request['method']]: Method<M> } = {
  // {"id":0,"result":{"type":"hello",…}}
  hello: { needs: 'none', run: ({ context, caller, request }) => [helloFrame(context, request.id, caller)] },
  // {"pong":true}; a ping that comes alone is answered by the gateway [TL-PING-1]
  ping: { needs: 'none', run: () => [{ pong: true }] },
  // {"id":7,"result":{"type":"stopped"}}
  'subscription.stop': {
    needs: 'none',
    run: async ({ context, caller, expires, request, task, sender: { counts } }) => {
      const stop = { ...request, leftOut: task.leftOut === true }
      const { unsubscribe } = subscriptions.loaded ?? (await subscriptions.load())
      const result = await unsubscribe(context, { ...caller, expires, counts }, stop)
      return result === undefined ? [] : [{ id: request.id, result }]
    },
  },
  // [{"id":7,"result":{"type":"synced",…}}, …, {"id":9,"result":{"type":"data"}}]
  sync: {
    needs: 'caller',
    run: ({ sender: { syncs }, request, ...client }) =>
      withPart(subscriptions, ({ sync }) => sync(syncs, client, request)),
  },
  // {"id":4,"result":{"type":"authorized",…}}
  auth: {
    needs: 'none',
    run: ({ context, caller, request }) => renewAuthority(context, caller, request),
  },
  // no answer [TL-HTTP-14]
  close: {
    needs: 'none',
    run: async ({ context, caller, expires }) => {
      if (caller.via === undefined)
        throw new TrunklineError('MALFORMED', 'Expected close over HTTP, got it over a socket. Close the socket.')
      await closeConnection(context, { ...caller, expires })
      return []
    },
  },
  // no answer
  cancel: {
    needs: 'identity', // a key belongs to its principal
    run: async ({ context, caller, expires, request, sender: { counts } }) => {
      await cancelCall(context, { caller, expires, counts }, request)
      return []
    },
  },
  // [{"id":7,"result":{"type":"started",…}}, …]
  subscription: {
    needs: 'caller',
    run: async ({ context, request, task, caller, params, expires, sender: { counts } }) => {
      if (!(await isCounted(context, caller, request))) return []
      const { subscribe } = subscriptions.loaded ?? (await subscriptions.load())
      return subscribe(context, { caller, params, expires, counts }, toSubscribe(caller, request, task))
    },
  },
  // {"id":1,"result":{"type":"data","data":…}}
  query: { needs: 'caller', run: runCall },
  mutation: { needs: 'caller', run: runCall },
}

/** The frames that answer one element of a message. Never throws. */
export async function answerTask(
  context: InvocationContext,
  sender: MessageSender,
  task: Task,
): Promise<readonly Frame[]> {
  if ('instead' in task) return [rejectRequest(task.ofSync ? sender.syncs.context : context, task.asked, task.instead)]
  try {
    return await dispatch(context, sender, task)
  } catch (thrown) {
    return [rejectRequest(context, requestInfoOf(task.request), thrown)]
  }
}

/** Waits only for what the caller needs: most callers are known, and their authority holds. */
function dispatch(
  outer: InvocationContext,
  sender: MessageSender,
  task: RunTask,
): Promise<readonly Frame[]> | readonly Frame[] {
  const { request } = task
  const { caller, expires } = sender
  const context = copyContext(outer)
  if ('traceparent' in request && request.traceparent !== undefined) context.traceparent = request.traceparent
  const foreign = 'rawInput' in request ? foreignInput(context.server, request.rawInput) : undefined
  if (foreign !== undefined) throw foreign
  const method: Method<Request['method']> = methods[request.method]
  const dispatched = { context, caller, params: null, expires, request, task, sender }
  if (method.needs === 'none') return method.run(dispatched)
  if (method.needs === 'identity' || sender.params.isAwaited || !isSettled(context, caller, request))
    return settleAndRun(dispatched, method)
  context.starter = caller
  return method.run(dispatched)
}

/** Whether nothing needs to be read to know that the caller may send the request. */
function isSettled({ server, clock }: InvocationContext, caller: ConnectionCaller, request: Request): boolean {
  if (isExpired(caller, clock.now())) return false
  return !('path' in request) || isOpenTo(server, caller)
}

async function settleAndRun(
  dispatched: Dispatched<Request['method']>,
  method: Method<Request['method']>,
): Promise<readonly Frame[]> {
  const { context, request, sender } = dispatched
  const settled = await sender.params.read()
  if (method.needs === 'identity') return method.run({ ...dispatched, caller: settled.caller, params: null })
  const caller = await holdAuthority(context, settled.caller)
  const params = keepParams(context.server, settled.params)
  if ('path' in request) await checkAnonymous(context, caller, request.path)
  return method.run({ ...dispatched, context: { ...context, starter: caller }, caller, params })
}

type Call = Request & { readonly method: 'query' | 'mutation' | 'subscription' }

async function runCall(dispatched: Dispatched<'query' | 'mutation'>): Promise<readonly Frame[]> {
  const { context, request, caller, params, expires, task } = dispatched
  const { id, jsonrpc } = request
  const call: ClientCall = {
    id,
    jsonrpc,
    type: request.method,
    path: request.path,
    input: inputOf(caller, request),
    rawInput: request.rawInput,
    key: request.key,
    resend: request.resend,
    traceparent: request.traceparent,
    batchIndex: task.batchIndex,
  }
  const answer = await answerCall(context, { caller, params, expires }, call)
  return answer === undefined ? [] : [{ id, jsonrpc, ...answer }]
}

/**
 * Counts a subscribe to a procedure with a `rate`. False for one beyond it that an earlier frame has begun already: an
 * error would end the subscription. Throws RATE_LIMITED for any other one. [TL-RATE-4]
 */
async function isCounted(
  context: InvocationContext,
  caller: ConnectionCaller,
  { id, ref, path }: Call,
): Promise<boolean> {
  try {
    await loadProcedure(context, path)
    await countCall(context, caller, path)
    return true
  } catch (thrown) {
    const isLimited = thrown instanceof TrunklineError && thrown.line === 'RATE_LIMITED'
    if (!isLimited || !caller.extensions) throw thrown
    const existing = await context.store.readSubscription(caller.connectionId, JSON.stringify(id))
    if (existing === undefined || existing.ref < ref) throw thrown
    return false
  }
}

function toSubscribe(caller: ConnectionCaller, request: Call, { batchIndex }: RunTask): SubscribeRequest {
  return { ...request, input: inputOf(caller, request), batchIndex }
}

/** tRPC merges a stock client's cursor into the input of every request, a query too. [TL-STOCK-3] */
function inputOf(
  { extensions }: ConnectionCaller,
  { input, lastEventId }: { readonly input: unknown; readonly lastEventId: string | undefined },
): unknown {
  return extensions ? input : withLastEventId(input, lastEventId)
}

/**
 * The answer of a refused connection to one element: the reason. No frame for an element without an id, and nothing
 * runs.
 */
export function refusedAnswer(
  context: InvocationContext,
  caller: ConnectionCaller,
  parsed: ParsedElement,
): readonly Frame[] {
  const thrown = new TRPCError({ code: 'UNAUTHORIZED', message: caller.refused ?? caller.kicked?.reason ?? 'refused' })
  if (parsed.status === 'malformed')
    return parsed.asked.id === null ? [] : [rejectRequest(context, parsed.asked, thrown)]
  if (parsed.request.method === 'hello') return [helloFrame(context, parsed.request.id, caller)]
  return [rejectRequest(context, requestInfoOf(parsed.request), thrown)]
}

const socketLimits = {
  frameBytes: limits.frameBytes.value,
  messageBytes: limits.messageBytes.value,
  idleMs: limits.idleMs.value,
  lifetimeMs: limits.lifetimeMs.value,
}

/** Nothing ends a silent connection over HTTP before its lifetime. */
const pollLimits = {
  messageBytes: limits.responseBytes.value,
  idleMs: limits.lifetimeMs.value,
  lifetimeMs: limits.lifetimeMs.value,
  pollMs: limits.pollMs.value,
  waitMs: 0,
}

/** `{"id":0,"result":{"type":"hello","session":…,"time":…,"limits":{…}}}` [TL-HELLO-2] */
function helloFrame({ server, clock }: InvocationContext, id: AnswerFrame['id'], caller: ConnectionCaller): Frame {
  const result: HelloResult = {
    type: 'hello',
    session: caller.session,
    time: clock.now(),
    limits: {
      ...(caller.via === undefined ? socketLimits : { frameBytes: server.maxMessageBytes, ...pollLimits }),
      maxMessageBytes: server.maxMessageBytes,
      batchSize: server.maxBatchSize,
    },
    transformer: hasTransformer(server), // [TL-HELLO-6]
    ...defined({ authExpires: caller.authExp, refused: caller.refused }),
  }
  return { id, result }
}
