import type { FrameId } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { type ConnectionCaller, toFacts } from '../context/caller.ts'
import { narrowDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { frameText } from '../encoding/result-frames.ts'
import { type Posted, post } from '../posting/post.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { checkKey, rowNameOf } from './idempotency-key.ts'
import { answerKeyed, answerRecorded } from './idempotent-call.ts'
import { answerBytes, type CallRequest, runCall } from './run-call.ts'
import { isDead, leaseMs, type RunClaim, watchRun } from './run-lease.ts'
import { type CallJob, type Client, invokeWorker } from './worker-job.ts'

/** A call whose procedure is marked `longRunning`, with or without a key. */
export interface LongCall extends CallRequest {
  readonly rawInput: unknown
  readonly key: string | undefined
  /** The client has sent this call before. */
  readonly resend: boolean
}

/** After this time the client asks for the result of a keyed mutation, since a push can be lost. */
const askAfterMs = 15_000

/** A call that has not started by then does not start: its client may have given up, or sent it again. */
const startMs = 60_000

/** Time that a worker reserves to post the result of its call. */
const answerMs = 5_000

/**
 * Starts a call in the `worker` function. Returns the immediate response: `accepted`, or nothing for a stock client.
 * Middlewares and validators run only in the worker, so once. Throws like `answerKeyed` when the key already has a row.
 */
// [TL-LONG-1] {"id":7,"result":{"type":"accepted",…}}
export async function startLongCall(
  scope: InvocationContext,
  client: Client,
  { key, ...call }: LongCall,
): Promise<readonly string[]> {
  if (key !== undefined) {
    checkKey(key, scope.clock.now())
    const recorded = await answerRecorded(scope, client.caller, { ...call, key })
    if (recorded !== undefined) return [recorded]
  }
  const { id, jsonrpc, type, path, rawInput, batchIndex, traceparent } = call
  await invokeWorker(scope, {
    kind: 'call',
    client,
    call: {
      ...{ id, type, path, batchIndex },
      ...(jsonrpc === undefined ? {} : { jsonrpc }),
      ...(rawInput === undefined ? {} : { rawInput }),
      ...(key === undefined ? {} : { key }),
      ...(traceparent === undefined ? {} : { traceparent }), // [TL-TRACE-2]
    },
    askedAt: scope.clock.now(),
  })
  if (!client.caller.extensions) return []
  const accepted = { type: 'accepted', ...(key === undefined ? {} : { key, askAfterMs }) }
  return [frameText(JSON.stringify(id), JSON.stringify(accepted))]
}

/**
 * Runs a long call in the worker and posts its result. Does nothing when another invocation runs it. Never throws for
 * errors of the call.
 */
// [TL-LONG-2]
export async function runLongCall(scope: InvocationContext, job: CallJob): Promise<void> {
  const { caller } = job.client
  const call = toCall(scope, job)
  using narrowed = narrowDeadline(scope.clock, scope.deadline, scope.deadline.at - scope.clock.now() - answerMs)
  // Leases are computed from the function's own deadline.
  const working = { ...scope, deadline: { ...narrowed, at: scope.deadline.at } }
  const text = await answerOf(working, job, call).catch((thrown: unknown) =>
    rejectRequest(scope, { ...call, cause: 'worker' }, thrown),
  )
  if (text !== undefined) await postFrame(scope, caller, text)
}

/** Posts a frame as one message, or as chunks one after another up to the first that fails. Never throws. */
// [TL-CHUNK-1]
async function postFrame(
  scope: InvocationContext,
  { connectionId, extensions }: Pick<ConnectionCaller, 'connectionId' | 'extensions'>,
  text: string,
): Promise<void> {
  let posted: Posted = 'posted'
  for (const message of toMessages([text], extensions))
    if (posted === 'posted') posted = await post(scope, connectionId, message)
}

/**
 * The response text; undefined when none is to be posted: another invocation runs the call, or its client does not wait
 * any more.
 */
async function answerOf(scope: InvocationContext, job: CallJob, call: LongCall): Promise<string | undefined> {
  await loadProcedure(scope, call.path)
  const { key } = call
  const isOverdue = scope.clock.now() - job.askedAt > startMs
  if (key !== undefined && isOverdue) return undefined // the client asks again, which starts another worker
  const claim = key === undefined ? await claimCall(scope, job) : undefined
  if (claim === 'taken') return undefined
  if (isOverdue)
    throw new TrunklineError('FUNCTION_FAILED', 'No function started this call within 60 s. Send it again.', {
      mayHaveRun: false,
    })
  using watch = watchRun(scope, {
    row: rowOfCall(job.client.caller, call),
    holds: (row) => row === undefined || row.on || row.ref < job.askedAt, // [TL-LONG-4]
    // A mutation continues without its connection.
    ...(call.type === 'query' ? { connectionId: job.client.caller.connectionId } : {}),
    ...(claim === undefined ? {} : { claim }),
  })
  const text = await runWatched(scope, job, { ...call, cancelled: watch.signal })
  if (claim !== undefined) await scope.store.stopSubscription({ ...claim, expires: job.client.expires })
  return watch.signal.aborted ? undefined : text
}

async function runWatched(scope: InvocationContext, job: CallJob, call: LongCall): Promise<string | undefined> {
  const { caller, params } = job.client
  const facts = toFacts(caller, 'worker', params, call.traceparent)
  const { key } = call
  if (key === undefined) return withId(call, (await runCall(scope, call, facts)).body)
  try {
    return await answerKeyed(scope, caller, { ...call, key }, facts)
  } catch (thrown) {
    if (thrown instanceof TrunklineError && thrown.line === 'PENDING') return undefined // another invocation runs it
    throw thrown
  }
}

/**
 * Claims a call without a key for this invocation. Throws FUNCTION_FAILED if the function that ran it has died: the
 * call may have taken effect, so it is not started again.
 */
// [TL-LONG-3]
async function claimCall(scope: InvocationContext, { client, call, askedAt }: CallJob): Promise<RunClaim | 'taken'> {
  const claim = {
    ...rowOfCall(client.caller, call),
    ref: askedAt,
    run: randomName(scope.clock, 20),
    lease: scope.clock.now() + leaseMs,
  }
  const { expires } = client
  const { status, row } = await scope.store.claimRun({ ...claim, expires })
  if (status === 'claimed') return claim
  if (!isDead(row, askedAt, scope.clock.now())) return 'taken'
  await scope.store.stopSubscription({ ...claim, expires }) // so that this is reported once
  throw new TrunklineError('FUNCTION_FAILED', 'The function that ran this call died.')
}

/**
 * The row in which a long call is claimed and cancelled. A call with a key has its key's row, so that the client
 * reaches it from any connection. Neither name can collide with another row's.
 */
export function rowOfCall(
  caller: ConnectionCaller,
  { id, key }: { readonly id: FrameId; readonly key?: string | undefined },
): Pick<ConnectionSubscription, 'connectionId' | 'id'> {
  if (key !== undefined) return { connectionId: rowNameOf(caller, key), id: 'call' }
  return { connectionId: caller.connectionId, id: `call ${JSON.stringify(id)}` } // a subscription's id is JSON text
}

function toCall({ server }: InvocationContext, { client, call: { rawInput, ...call } }: CallJob): LongCall {
  const input = server.router._def._config.transformer.input.deserialize(rawInput)
  return { ...call, key: call.key, resend: false, rawInput, input, maxBytes: answerBytes(server, client.caller) }
}
