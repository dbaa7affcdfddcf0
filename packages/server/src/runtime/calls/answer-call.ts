import { toFacts } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { answerKeyed } from './idempotent-call.ts'
import { startLongCall } from './long-call.ts'
import { answerBytes, type CallRequest, isMutation, metaOf, runCall } from './run-call.ts'
import type { Client } from './worker-job.ts'

/** A query or a mutation as the client sent it. */
export interface ClientCall extends Omit<CallRequest, 'maxBytes'> {
  /** The input before deserialisation. */
  readonly rawInput: unknown
  readonly key: string | undefined
  /** The client has sent this call before. */
  readonly resend: boolean
}

/**
 * Decides how a call runs: in the worker if its procedure is `longRunning`, under its key if it is a mutation that is
 * not `idempotent`, else directly. Returns the response frames. Throws `TrunklineError` OUTCOME_UNKNOWN for a mutation
 * that is sent again without a key, and what `startLongCall` and `answerKeyed` throw.
 */
export async function answerCall(
  scope: InvocationContext,
  client: Client,
  given: ClientCall,
): Promise<readonly string[]> {
  const { caller, params } = client
  const call = { ...given, maxBytes: answerBytes(scope.server, caller) }
  const { key, resend, path } = call
  await loadProcedure(scope, path)
  const { idempotent, longRunning } = metaOf(scope.server, path)
  const isKept = call.type === 'mutation' && isMutation(scope.server, path) && idempotent !== true // [TL-KEY-7]
  const isUnknown = isKept && resend && key === undefined
  if (longRunning === true && !isUnknown)
    return startLongCall(scope, client, { ...call, key: isKept ? key : undefined })
  if (isUnknown)
    throw new TrunklineError(
      'OUTCOME_UNKNOWN',
      'This mutation was sent before without an idempotency key, so whether it took effect is unknown. Check its effect before you send it again.',
    ) // [TL-KEY-8]
  const facts = toFacts(caller, 'frame', params, call.traceparent)
  if (isKept && key !== undefined) return [await answerKeyed(scope, caller, { ...call, key }, facts)]
  return [withId(call, (await runCall(scope, call, facts)).body)]
}
