import { type CancelFrame, defined } from '@trunkline/protocol'
import { toFacts } from '../context/caller.ts'
import { type MessageCounts, stopRow, tooManyUnknownStops } from '../context/connection-counts.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Answer } from '../encoding/encode.ts'
import { isLoaded, loadProcedure } from '../procedures/load-lazy-router.ts'
import { countCall, isRated } from '../rates/count-call.ts'
import { checkKey, rowNameOf, rowOfCall } from './idempotency-key.ts'
import { answerKeyed, answerRecorded } from './idempotent-call.ts'
import { answerBytes, type CallRequest, isMutation, metaOf, runToResult, toOutcome } from './run-call.ts'
import { placeOfCall, releaseRunPlace, takeRunPlace, tooManyRuns } from './run-place.ts'
import { type CallJob, type Client, invokeWorker } from './worker-job.ts'

/** A query or a mutation as the client sent it. */
export interface ClientCall extends Omit<CallRequest, 'maxBytes' | 'facts'> {
  /** The input before deserialisation. */
  readonly rawInput: unknown
  readonly key: string | undefined
  /** The client has sent this call before. */
  readonly resend: boolean
}

/** After this time the client asks for the result of a keyed mutation, since a push can be lost. */
const askAfterMs = 15_000
/** The same over HTTP, where no answer is pushed. */
const polledAskAfterMs = 2_000

/**
 * Decides how a call runs: in the worker if its procedure is `longRunning`, under its key if it is a mutation that is
 * not `idempotent`, else directly. Returns undefined for a stock client's long call, which is answered by a push.
 * Throws `TrunklineError` OUTCOME_UNKNOWN for a mutation that is sent again without a key, RATE_LIMITED beyond the
 * procedure's `rate`, and what `answerKeyed` throws.
 */
export async function answerCall(
  context: InvocationContext,
  client: Client,
  call: ClientCall,
): Promise<Answer | undefined> {
  const { caller, params } = client
  const { key, resend, path } = call
  context.deadline.throwIfPassed() // nothing of the procedure may begin then
  if (!isLoaded(context.server, path)) await loadProcedure(context, path)
  const { idempotent, longRunning } = metaOf(context.server, path)
  const isKept = call.type === 'mutation' && isMutation(context.server, path) && idempotent !== true // [TL-KEY-7]
  const isUnknown = isKept && resend && key === undefined
  if (longRunning === true && caller.via !== undefined && !(isKept && key !== undefined))
    throw new TrunklineError(
      'NEEDS_SOCKET',
      `Expected a mutation with an idempotency key for a long call over HTTP, got "${path}" without one. Call it over a WebSocket.`,
    ) // [TL-HTTP-13]
  if (longRunning === true && !isUnknown)
    return startLongCall(context, client, { ...call, key: isKept ? key : undefined })
  if (isUnknown)
    throw new TrunklineError(
      'OUTCOME_UNKNOWN',
      'This mutation was sent before without an idempotency key, so whether it took effect is unknown. Check its effect before you send it again.',
    ) // [TL-KEY-8]
  const facts = toFacts(caller, 'frame', { connectionParams: params, traceparent: call.traceparent })
  const { namesSessions, via } = caller
  const request: CallRequest = {
    id: call.id,
    jsonrpc: call.jsonrpc,
    type: call.type,
    path,
    input: call.input,
    batchIndex: call.batchIndex,
    traceparent: call.traceparent,
    facts,
    namesSessions,
    via,
    maxBytes: answerBytes(context.server, caller),
  }
  if (isKept && key !== undefined)
    return answerKeyed(context, caller, { ...request, key, resend, rawInput: call.rawInput })
  if (isRated(context.server, path)) await countCall(context, caller, path)
  return toOutcome(context, request, await runToResult(context, request)).answer
}

/**
 * Starts a call in the `worker` function. Returns the immediate answer: `accepted`, or none for a stock client.
 * Middlewares and validators run only in the worker, so once. Throws like `answerKeyed` when the key already has a row,
 * and RATE_LIMITED when as many runs of the caller go on as may, or when the procedure's `rate` is used up.
 */
// [TL-LONG-1] {"id":7,"result":{"type":"accepted",…}}
async function startLongCall(
  context: InvocationContext,
  client: Client,
  { key, ...call }: ClientCall,
): Promise<Answer | undefined> {
  if (key !== undefined) {
    checkKey(key, context.clock.now())
    const recorded = await answerRecorded(context, client.caller, { ...call, key })
    if (recorded !== undefined) return recorded
  }
  const { id, jsonrpc, type, path, rawInput, batchIndex, traceparent } = call
  const askedAt = context.clock.now()
  const found = await takeRunPlace(context, placeOfCall(client.caller, { id, key, askedAt }))
  if (found.status === 'full') throw tooManyRuns(context, found.retryAfterMs) // [TL-RUN-1]
  const { place } = found
  // A call whose place is held has been counted and started by the same frame, or under the same key.
  if (found.status === 'taken') await countCall(context, client.caller, path).catch(releaseAndThrow)
  const job: CallJob = {
    ...{ kind: 'call', client, askedAt, place },
    call: { ...{ id, type, path, batchIndex }, ...defined({ jsonrpc, rawInput, key, traceparent }) }, // [TL-TRACE-2]
  }
  if (found.status === 'taken') await invokeWorker(context, job).catch(releaseAndThrow)
  if (!client.caller.extensions) return undefined
  const waitMs = client.caller.via === undefined ? askAfterMs : polledAskAfterMs
  return { result: { type: 'accepted', ...(key !== undefined && { key, askAfterMs: waitMs }) } }

  async function releaseAndThrow(thrown: unknown): Promise<never> {
    await releaseRunPlace(context, place)
    throw thrown
  }
}

/**
 * Handles `cancel`: marks the row that the worker of a long call watches. The mark has the time of the cancel, because
 * the same key may also name a later attempt, which must not be cancelled. A cancel of a call that no worker has begun
 * puts the row, and is counted, unless the call's key shows that it runs. Throws RATE_LIMITED beyond the bound.
 */
// [TL-LONG-4] [TL-STOP-5] {"id":7,"method":"cancel"}
export async function cancelCall(
  context: RuntimeContext,
  { caller, expires, counts }: Pick<Client, 'caller' | 'expires'> & { readonly counts: MessageCounts },
  { id, params }: CancelFrame,
): Promise<void> {
  const key = params?.key
  const stop = { ...rowOfCall(caller, { id, key }), ref: context.clock.now(), expires }
  if ((await stopRow(context, counts, stop)).status !== 'absent') return
  const call = key === undefined ? undefined : await context.store.readKey(rowNameOf(caller, key))
  if (call?.state !== 'RUNNING') throw tooManyUnknownStops('call')
  await context.store.stopSubscription(stop)
}
