import type { FrameId } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { type ConnectionCaller, toFacts } from '../context/caller.ts'
import { narrowDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { frameText } from '../encoding/result-frames.ts'
import { postFrame } from '../posting/post-frame.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { checkKey, rowNameOf } from './idempotency-key.ts'
import { answerKeyed, answerRecorded } from './idempotent-call.ts'
import { answerBytes, type CallRequest, runCall } from './run-call.ts'
import { isDead, leaseMs, type RunClaim, watchRun } from './run-lease.ts'
import { type CallJob, type Client, invokeWorker } from './worker-job.ts'

/** A call whose procedure is marked `longRunning`, before it is known whether it has a key. */
export interface LongCall extends CallRequest {
  readonly rawInput: unknown
  readonly key: string | undefined
  /** Its client sent it before. */
  readonly resend: boolean
}

/** When a client may ask for the answer of a keyed mutation that is not told: a push can be lost. */
const askAfterMs = 15_000

/** A call that was not begun by then is not begun at all: its client may have given it up, or asked again. */
const beginMs = 60_000

/** What a worker keeps of its time to say how its call ended. */
const answerMs = 5_000

/**
 * Has a call run by the `worker` function and gives what is answered meanwhile: `accepted` to a client of ours,
 * nothing to a stock client. Middlewares and validators run in the worker alone, so once. Throws as `answerKeyed` does
 * when the key is known already.
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

/** Runs a long call in the worker and posts its answer. An invocation that finds another one at it leaves. Never throws for what the call does. */
// [TL-LONG-2]
export async function runLongCall(scope: InvocationContext, job: CallJob): Promise<void> {
  const { caller } = job.client
  const call = toCall(scope, job)
  using sooner = narrowDeadline(scope.clock, scope.deadline, scope.deadline.at - scope.clock.now() - answerMs)
  const working = { ...scope, deadline: { ...sooner, at: scope.deadline.at } } // a lease goes by the function's own end
  const text = await answerOf(working, job, call).catch((thrown: unknown) =>
    rejectRequest(scope, { ...call, cause: 'worker' }, thrown),
  )
  if (text !== undefined) await postFrame(scope, caller, text)
}

/** The answer's text; undefined where nobody is to be told: another invocation is at it, or nobody waits any more. */
async function answerOf(scope: InvocationContext, job: CallJob, call: LongCall): Promise<string | undefined> {
  await loadProcedure(scope, call.path)
  const { key } = call
  const isLate = scope.clock.now() - job.askedAt > beginMs
  if (key !== undefined && isLate) return undefined // its client asks again, and then another is started
  const claim = key === undefined ? await claimCall(scope, job) : undefined
  if (claim === 'taken') return undefined
  if (isLate) throw new TrunklineError('FUNCTION_FAILED', 'No function began this call in time.', { mayHaveRun: false })
  using watch = watchRun(scope, {
    row: rowOfCall(job.client.caller, call),
    holds: (row) => row === undefined || row.on || row.ref < job.askedAt, // [TL-LONG-4]
    ...(call.type === 'query' ? { connectionId: job.client.caller.connectionId } : {}), // a mutation goes on unheard
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
    if (thrown instanceof TrunklineError && thrown.line === 'PENDING') return undefined // another invocation is at it
    throw thrown
  }
}

/** Claims a call that has no key for this invocation. Throws FUNCTION_FAILED for one whose function has died: it may have run, so it is not begun again. */
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
  await scope.store.stopSubscription({ ...claim, expires }) // told once
  throw new TrunklineError('FUNCTION_FAILED', 'The function that ran this call was lost.')
}

/** The row in which a long call is claimed and cancelled: its key's where it has one, so that it is reached from whatever connection its client has by then. Neither name can be another row's. */
export function rowOfCall(
  caller: ConnectionCaller,
  { id, key }: { readonly id: FrameId; readonly key?: string | undefined },
): Pick<ConnectionSubscription, 'connectionId' | 'id'> {
  if (key !== undefined) return { connectionId: rowNameOf(caller, key), id: 'call' }
  return { connectionId: caller.connectionId, id: `call ${JSON.stringify(id)}` } // a subscription's is JSON text
}

function toCall({ server }: InvocationContext, { client, call: { rawInput, ...call } }: CallJob): LongCall {
  const input = server.router._def._config.transformer.input.deserialize(rawInput)
  return { ...call, key: call.key, resend: false, rawInput, input, maxBytes: answerBytes(server, client.caller) }
}
