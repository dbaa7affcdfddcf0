import type { FrameId } from '@trunkline/protocol'
import { cancelCall } from '../calls/cancel-call.ts'
import { answerKeyed } from '../calls/idempotent-call.ts'
import { startLongCall } from '../calls/long-call.ts'
import { answerBytes, isMutation, metaOf, runCall } from '../calls/run-call.ts'
import { connectionExpires } from '../connections/connect.ts'
import { awaitConnectionParams } from '../connections/connection-params.ts'
import { holdAuthority, renewAuthority } from '../connections/renew-auth.ts'
import { type ConnectionCaller, type ConnectionParams, toFacts } from '../context/caller.ts'
import { createDeadline } from '../context/deadline.ts'
import type { ServedScope } from '../context/scope.ts'
import { LineFailure } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { refuse } from '../encoding/reject-request.ts'
import { cut, post } from '../posting/post.ts'
import { withLastEventId } from '../procedures/last-event-id.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { foreignInput } from '../procedures/transformer-mismatch.ts'
import { subscribe } from '../subscriptions/subscribe.ts'
import { sync } from '../subscriptions/sync.ts'
import { unsubscribe } from '../subscriptions/unsubscribe.ts'
import { helloFrame } from './hello.ts'
import { askedOf } from './parse-request.ts'
import type { RunTask, Task } from './plan-batch.ts'

/** Says nothing to anybody: on a two-way route something must be returned, and every client ignores this. [TL-STOCK-8] */
export const silence = '{}'

/** Whose message is answered, and how. */
export interface Answering {
  readonly scope: ServedScope
  readonly caller: ConnectionCaller
  /** Epoch milliseconds. */
  readonly connectedAt: number
  /** The route answers with what the function returns. */
  readonly twoWay: boolean
}

/** For answers posted after the frame's deadline, out of what is kept back before the function's own end. */
const graceMs = 400

/** Runs all tasks of a message at once. Each answer is posted as it comes, save the last, which the route carries where it is two-way: the text to return. */
// [TL-CALL-1] [TL-BATCH-1]
export async function answerAll(answering: Answering, tasks: readonly Task[]): Promise<string> {
  let running = tasks.length
  answering.scope.telemetry.measure('frames', tasks.length)
  let returned = silence
  const send = async (frames: readonly string[]) => {
    running -= 1
    const messages = toMessages(frames, answering.caller.extensions)
    const carried = running === 0 && answering.twoWay ? messages.length - 1 : messages.length
    returned = messages[carried] ?? returned
    await postAll(answering, messages.slice(0, carried))
  }
  const run = (task: Task) => answerTask(answering, task).then(send)
  const isSubscribe = (task: Task) => 'request' in task && task.request.method === 'subscription'
  const inTurn = tasks.filter(isSubscribe)
  const worker = async () => {
    for (let task = inTurn.shift(); task !== undefined; task = inTurn.shift()) await run(task)
  }
  const workers = Array.from({ length: Math.min(subscribesAtOnce, inTurn.length) }, worker)
  await Promise.all([...tasks.filter((task) => !isSubscribe(task)).map(run), ...workers])
  return returned
}

/** Of one message: with a client's two messages at a time that is less than the thousand writes a second which the table takes under one connection's key. */
const subscribesAtOnce = 8

/** Answers with one text: as the route's own answer, or by a post. */
export async function answerText(answering: Answering, text: string): Promise<string> {
  if (answering.twoWay) return text
  await postAll(answering, [text])
  return silence
}

/** Law 17: a stock client can neither miss nor order, so a socket whose chain of answers is broken is cut; it resumes with a new one. */
async function postAll({ scope, caller }: Answering, messages: readonly string[]): Promise<void> {
  for (const text of messages) {
    using grace = createDeadline(scope.clock, graceMs)
    const late = scope.deadline.signal.aborted ? { ...scope, deadline: grace } : scope
    const posted = await post(late, caller.connectionId, text)
    if (posted === 'posted') continue
    if (posted !== 'gone' && !caller.extensions) await cut({ ...scope, deadline: grace }, caller.connectionId)
    return // our client asks again after its own deadline
  }
}

/** The frames that answer one request. Never throws. */
async function answerTask(answering: Answering, task: Task): Promise<readonly string[]> {
  if ('instead' in task) return [refuse(answering.scope, task.asked, task.instead)]
  try {
    return await answer(answering, task)
  } catch (thrown) {
    return [refuse(answering.scope, askedOf(task.request), thrown)]
  }
}

async function answer(
  { scope: outer, caller: told, connectedAt }: Answering,
  task: RunTask,
): Promise<readonly string[]> {
  const { request, batchIndex } = task
  const scope = 'traceparent' in request ? { ...outer, traceparent: request.traceparent } : outer
  const foreign = 'rawInput' in request ? foreignInput(scope.server, request.rawInput) : undefined
  if (foreign !== undefined) throw foreign
  const { signal } = scope.deadline
  const expires = connectionExpires(connectedAt)
  switch (request.method) {
    case 'hello': // {"id":0,"result":{"type":"hello",…}}
      return [helloFrame(scope, request.id, told)]
    case 'ping': // {"pong":true}, only inside an array: alone, the gateway answers it [TL-PING-1]
      return ['{"pong":true}']
    case 'subscription.stop': {
      // {"id":7,"result":{"type":"stopped"}}
      const stopped = await unsubscribe(scope, { ...told, expires }, { ...request, leftOut: task.leftOut === true })
      return stopped === undefined ? [] : [stopped]
    }
    case 'sync': // [{"id":7,"result":{"type":"synced",…}}, …, {"id":9,"result":{"type":"data"}}]
      return sync(scope, ...(await heard(scope, told)), request)
    case 'auth': // {"id":4,"result":{"type":"authorized",…}}
      return [await renewAuthority(scope, told, request)]
    case 'cancel': // nothing: whoever sends it waits for nothing
      await cancelCall(scope, { caller: told, expires }, request)
      return []
    case 'subscription': {
      // [{"id":7,"result":{"type":"started",…}}, …]
      const [caller, params] = await heard(scope, told)
      return subscribe(
        scope,
        { caller, params, expires },
        { ...request, input: inputOf(caller, request), batchIndex },
        signal,
      )
    }
    case 'query':
    case 'mutation': {
      // {"id":1,"result":{"type":"data","data":…}}
      const maxBytes = answerBytes(scope.server, told)
      const input = inputOf(told, request)
      const call = { ...request, input, type: request.method, batchIndex, maxBytes }
      const [caller, params] = await heard(scope, told)
      const facts = toFacts(caller, 'frame', params, request.traceparent)
      const { key } = request
      await loadProcedure(scope, request.path)
      const { idempotent, longRunning } = metaOf(scope.server, request.path)
      const recorded = request.method === 'mutation' && isMutation(scope.server, request.path) && idempotent !== true // [TL-KEY-7]
      if (longRunning === true && !(recorded && request.resend && key === undefined))
        return startLongCall(scope, { caller, params, expires }, { ...call, key: recorded ? key : undefined })
      if (recorded && key !== undefined) return [await answerKeyed(scope, caller, { ...call, key }, facts)]
      if (recorded && request.resend)
        throw new LineFailure(
          'OUTCOME_UNKNOWN',
          'This mutation was sent before without a key, so nothing is known of it.',
        ) // [TL-KEY-8]
      return [withId(request, (await runCall(scope, call, facts)).body)]
    }
  }
}

/** tRPC merges a stock client's cursor into the input of whatever it asks, a query too. [TL-STOCK-3] */
function inputOf(
  { extensions }: ConnectionCaller,
  { input, lastEventId }: { readonly input: unknown; readonly lastEventId: string | undefined },
): unknown {
  return extensions ? input : withLastEventId(input, lastEventId)
}

/** Whose frame it is, with an authority that holds, and the parameters of the connection. */
async function heard(
  scope: ServedScope,
  told: ConnectionCaller,
): Promise<readonly [caller: ConnectionCaller, params: ConnectionParams]> {
  const caller = await holdAuthority(scope, told)
  return [caller, await awaitConnectionParams(scope, caller)]
}

/** The answer to a message that could not be parsed. */
export function refusalText({ scope }: Answering, thrown: unknown, id: FrameId | null = null): string {
  return refuse(scope, { id, type: 'unknown', cause: 'frame' }, thrown)
}
