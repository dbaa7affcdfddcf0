import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import { isEnded } from '../connections/restrictions.ts'
import { toFacts } from '../context/caller.ts'
import { narrowDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type Answer, encode, toMessages } from '../encoding/encode.ts'
import { addressOf, rejectRequest } from '../encoding/error-response.ts'
import { type Posted, post } from '../posting/post.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { rowOfCall } from './idempotency-key.ts'
import { answerKeyed } from './idempotent-call.ts'
import { answerBytes, type CallRequest, runCall } from './run-call.ts'
import { isDead, leaseMs, type RunClaim, watchRun } from './run-lease.ts'
import { holdRunPlace, releaseRunPlace, tooManyRuns } from './run-place.ts'
import type { CallJob } from './worker-job.ts'

/** A call whose procedure is marked `longRunning`, with or without a key. */
interface LongCall extends CallRequest {
  readonly rawInput: unknown
  readonly key: string | undefined
}

/** A call that has not started by then does not start: its client may have given up, or sent it again. */
const startMs = 60_000

/** Time that a worker reserves to post the result of its call. */
const answerMs = 5_000

/**
 * Runs a long call in the worker and posts its result. Does nothing when another invocation runs it. Never throws for
 * errors of the call.
 */
// [TL-LONG-2]
export async function runLongCall(context: InvocationContext, job: CallJob): Promise<void> {
  const { caller } = job.client
  const call = toCall(context, job)
  const { at } = context.deadline
  // It states the function's own deadline, from which leases are computed.
  using deadline = narrowDeadline(context.clock, context.deadline, at - context.clock.now() - answerMs, at)
  const working = { ...context, deadline }
  const answer = await answerOf(working, job, call).catch((thrown: unknown) =>
    rejectRequest(context, { ...call, cause: 'worker' }, thrown),
  )
  if (answer === undefined) return
  const { connectionId, extensions, via } = caller
  if (via !== undefined) return releaseRunPlace(context, job.place) // the client asks for the recorded answer [TL-HTTP-12]
  let posted: Posted = 'posted'
  // One message, or chunks one after another up to the first that fails. [TL-CHUNK-1]
  for (const message of toMessages([encode({ ...addressOf(call), ...answer })], { id: call.id, extensions }))
    if (posted === 'posted') posted = await post(context, connectionId, message)
  await releaseRunPlace(context, job.place)
}

/**
 * The answer; undefined when none is to be posted: another invocation runs the call, or its client does not wait
 * any more.
 */
async function answerOf(context: InvocationContext, job: CallJob, call: LongCall): Promise<Answer | undefined> {
  await loadProcedure(context, call.path)
  const { key } = call
  const isOverdue = context.clock.now() - job.askedAt > startMs
  if (key !== undefined && isOverdue) return undefined // the client asks again, which starts another worker
  const claim = key === undefined ? await claimCall(context, job) : undefined
  if (claim === 'taken') return undefined
  if (isOverdue)
    throw new TrunklineError('FUNCTION_FAILED', 'No function started this call within 60 s. Send it again.', {
      mayHaveRun: false,
    })
  const found = job.place && (await holdRunPlace(context, job.place, { goesOn: false }))
  if (found?.status === 'full') throw tooManyRuns(context, found.retryAfterMs) // [TL-RUN-1]
  using watch = watchRun(context, {
    row: rowOfCall(job.client.caller, call),
    endOf: (row) => (row === undefined || row.on || row.ref < job.askedAt ? undefined : 'stopped'), // [TL-LONG-4]
    // A mutation continues without its connection, but not after a kick.
    ...(call.type === 'query'
      ? { connectionId: job.client.caller.connectionId }
      : { isKicked: () => isEnded(context, job.client.caller, job.askedAt) }),
    ...defined({ claim }),
    ...defined({ place: found?.place }),
  })
  const answer = await runWatched(context, job, { ...call, cancelled: watch.signal })
  watch[Symbol.dispose]() // a renewal after its end would take the place again
  if (claim !== undefined) await context.store.stopSubscription({ ...claim, expires: job.client.expires })
  if (!watch.signal.aborted) return answer
  if (answer !== undefined) await releaseRunPlace(context, job.place) // else another invocation runs in its place
  return undefined
}

async function runWatched(context: InvocationContext, job: CallJob, call: LongCall): Promise<Answer | undefined> {
  const { key } = call
  if (key === undefined) return (await runCall(context, call)).answer
  try {
    return await answerKeyed(context, job.client.caller, { ...call, key, resend: false })
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
async function claimCall(context: InvocationContext, { client, call, askedAt }: CallJob): Promise<RunClaim | 'taken'> {
  const claim = {
    ...rowOfCall(client.caller, call),
    ref: askedAt,
    run: randomName(context.clock, 20),
    lease: context.clock.now() + leaseMs,
  }
  const { expires } = client
  const { status, row } = await context.store.claimRun({ ...claim, expires })
  if (status === 'claimed') return claim
  if (!isDead(row, askedAt, context.clock.now())) return 'taken'
  await context.store.stopSubscription({ ...claim, expires }) // so that this is reported once
  throw new TrunklineError('FUNCTION_FAILED', 'The function that ran this call died.')
}

function toCall({ server }: InvocationContext, { client, call: { rawInput, ...call } }: CallJob): LongCall {
  const { caller, params } = client
  const input = server.router._def._config.transformer.input.deserialize(rawInput)
  const facts = toFacts(caller, 'worker', { connectionParams: params, traceparent: call.traceparent })
  const { namesSessions, via } = caller
  return { ...call, key: call.key, rawInput, input, facts, namesSessions, via, maxBytes: answerBytes(server, caller) }
}
