import type { FrameId } from '@trunkline/protocol'
import { answerCall, type ClientCall } from '../calls/answer-call.ts'
import { cancelCall } from '../calls/cancel-call.ts'
import type { Client } from '../calls/worker-job.ts'
import { connectionExpires } from '../connections/connect.ts'
import { awaitConnectionParams } from '../connections/connection-params.ts'
import { holdAuthority, renewAuthority } from '../connections/renew-auth.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { withLastEventId } from '../procedures/last-event-id.ts'
import { foreignInput } from '../procedures/transformer-mismatch.ts'
import { subscribe } from '../subscriptions/subscribe.ts'
import type { SubscribeRequest } from '../subscriptions/subscribe-request.ts'
import { sync } from '../subscriptions/sync.ts'
import { unsubscribe } from '../subscriptions/unsubscribe.ts'
import { helloFrame } from './hello.ts'
import { type Request, requestInfoOf } from './parse-request.ts'
import type { RunTask, Task } from './plan-batch.ts'

/** The connection that a frame came from. */
export interface Sender {
  /** As the platform handed it over: its authority may have expired. */
  readonly caller: ConnectionCaller
  /** Epoch milliseconds. */
  readonly connectedAt: number
}

/** One request on its way to its handler. */
interface Dispatched<M extends Request['method']> extends Client {
  readonly scope: InvocationContext
  readonly request: Request & { readonly method: M }
  readonly task: RunTask
}

interface Method<M extends Request['method']> {
  /**
   * `caller`: the handler gets a caller whose authority holds, and the parameters of the connection. `none`: it gets the
   * caller as the platform handed it over and no parameters, and nothing is read before it.
   */
  readonly needs: 'caller' | 'none'
  /** The frames that answer, each as JSON text. */
  run(on: Dispatched<M>): Promise<readonly string[]> | readonly string[]
}

const methods: { readonly [M in Request['method']]: Method<M> } = {
  // {"id":0,"result":{"type":"hello",…}}
  hello: { needs: 'none', run: ({ scope, caller, request }) => [helloFrame(scope, request.id, caller)] },
  // {"pong":true}; a ping that comes alone is answered by the gateway [TL-PING-1]
  ping: { needs: 'none', run: () => ['{"pong":true}'] },
  // {"id":7,"result":{"type":"stopped"}}
  'subscription.stop': {
    needs: 'none',
    run: async ({ scope, caller, expires, request, task }) => {
      const stopped = await unsubscribe(scope, { ...caller, expires }, { ...request, leftOut: task.leftOut === true })
      return stopped === undefined ? [] : [stopped]
    },
  },
  // [{"id":7,"result":{"type":"synced",…}}, …, {"id":9,"result":{"type":"data"}}]
  sync: { needs: 'caller', run: ({ scope, caller, params, request }) => sync(scope, caller, params, request) },
  // {"id":4,"result":{"type":"authorized",…}}
  auth: { needs: 'none', run: async ({ scope, caller, request }) => [await renewAuthority(scope, caller, request)] },
  // no answer
  cancel: {
    needs: 'none',
    run: async ({ scope, caller, expires, request }) => {
      await cancelCall(scope, { caller, expires }, request)
      return []
    },
  },
  // [{"id":7,"result":{"type":"started",…}}, …]
  subscription: {
    needs: 'caller',
    run: ({ scope, request, task, ...client }) =>
      subscribe(scope, client, toSubscribe(client, request, task), scope.deadline.signal),
  },
  // {"id":1,"result":{"type":"data","data":…}}
  query: {
    needs: 'caller',
    run: ({ scope, request, task, ...client }) => answerCall(scope, client, toCall(client, request, task)),
  },
  mutation: {
    needs: 'caller',
    run: ({ scope, request, task, ...client }) => answerCall(scope, client, toCall(client, request, task)),
  },
}

/** The frames that answer one element of a message. Never throws. */
export async function answerTask(scope: InvocationContext, sender: Sender, task: Task): Promise<readonly string[]> {
  if ('instead' in task) return [rejectRequest(scope, task.asked, task.instead)]
  try {
    return await dispatch(scope, sender, task)
  } catch (thrown) {
    return [rejectRequest(scope, requestInfoOf(task.request), thrown)]
  }
}

async function dispatch(
  outer: InvocationContext,
  { caller, connectedAt }: Sender,
  task: RunTask,
): Promise<readonly string[]> {
  const { request } = task
  const scope = 'traceparent' in request ? { ...outer, traceparent: request.traceparent } : outer
  const foreign = 'rawInput' in request ? foreignInput(scope.server, request.rawInput) : undefined
  if (foreign !== undefined) throw foreign
  const expires = connectionExpires(connectedAt)
  const method: Method<Request['method']> = methods[request.method]
  if (method.needs === 'none') return method.run({ scope, caller, params: null, expires, request, task })
  const current = await holdAuthority(scope, caller)
  const params = await awaitConnectionParams(scope, current)
  return method.run({ scope, caller: current, params, expires, request, task })
}

type Call = Request & { readonly method: 'query' | 'mutation' | 'subscription' }

function toCall(
  { caller }: Client,
  request: Call & { readonly method: 'query' | 'mutation' },
  task: RunTask,
): ClientCall {
  return { ...request, input: inputOf(caller, request), type: request.method, batchIndex: task.batchIndex }
}

function toSubscribe({ caller }: Client, request: Call, { batchIndex }: RunTask): SubscribeRequest {
  return { ...request, input: inputOf(caller, request), batchIndex }
}

/** tRPC merges a stock client's cursor into the input of every request, a query too. [TL-STOCK-3] */
function inputOf(
  { extensions }: ConnectionCaller,
  { input, lastEventId }: { readonly input: unknown; readonly lastEventId: string | undefined },
): unknown {
  return extensions ? input : withLastEventId(input, lastEventId)
}

/** The answer to a message that could not be parsed. */
export function refusalText(scope: InvocationContext, thrown: unknown, id: FrameId | null = null): string {
  return rejectRequest(scope, { id, type: 'unknown', cause: 'frame' }, thrown)
}
