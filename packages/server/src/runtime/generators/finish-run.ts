import { defined } from '@trunkline/protocol'
import type { RunClaim, RunEnd } from '../calls/run-lease.ts'
import { type HeldPlace, releaseRunPlace } from '../calls/run-place.ts'
import { type GeneratorJob, invokeWorker } from '../calls/worker-job.ts'
import type { ContextDetails } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Frame } from '../encoding/encode.ts'
import { errorFrame } from '../encoding/error-response.ts'
import { generatorAlive, generatorFailed, generatorStopped, type ValuesOf } from './value-frame.ts'
import type { ValueQueue } from './value-queue.ts'

/** One run of a generator, with its progress. */
export interface Run extends Disposable {
  readonly job: GeneratorJob
  readonly claim: RunClaim
  /** Its place among the runs of its caller; undefined if it is not counted. */
  readonly place: HeldPlace | undefined
  readonly of: ValuesOf
  readonly facts: ContextDetails
  readonly posts: ValueQueue
  /** Aborts with a `RunEnd`, or when it is time to hand over. */
  readonly signal: AbortSignal
  n: number
  lastEventId: string | undefined
  /** The client has got `started`. */
  isStarted: boolean
}

/** How a run ended. */
export type RunResult =
  | { readonly status: 'done' | 'out-of-time' | RunEnd }
  | { readonly status: 'failed'; readonly thrown: unknown; readonly ctx: unknown }

/** Ends a run by its result: posts its final frames and stops its row, or hands it over to the next worker. */
export async function finishRun(context: InvocationContext, run: Run, result: RunResult): Promise<void> {
  const { of, posts, n } = run
  switch (result.status) {
    case 'stopped':
      return releaseRunPlace(context, run.place) // the function that stopped it has answered
    case 'passed':
      return // the other run has the place
    case 'gone':
      return stopRow(context, run)
    case 'done':
      return endWith(context, run, [generatorStopped(of, n)])
    case 'failed':
      return endWith(context, run, failureFrames(context, run, result))
    case 'unauthorized':
      return endWith(context, run, failureFrames(context, run, { thrown: expired() }))
    case 'out-of-time': {
      await posts.drain()
      if (run.lastEventId === undefined)
        return endWith(context, run, failureFrames(context, run, { thrown: outOfTime() }))
      return handOver(context, run, run.lastEventId)
    }
  }
}

/**
 * Posts the final frames after all values, then stops the row. The order matters: a client ignores a final frame that
 * comes twice or belongs to an earlier attempt, but waits for one that never comes.
 */
async function endWith(context: InvocationContext, run: Run, frames: readonly Frame[]): Promise<void> {
  for (const frame of frames) await run.posts.add(frame)
  await run.posts.drain()
  await stopRow(context, run)
}

/** Stops the subscription's row of a run, and frees its place. */
export async function stopRow(
  context: InvocationContext,
  { claim, job, place }: Pick<Run, 'claim' | 'job' | 'place'>,
): Promise<void> {
  const { connectionId, id, ref } = claim
  await context.store.stopSubscription({ connectionId, id, ref, expires: job.client.expires })
  await releaseRunPlace(context, place)
}

/** [TL-GEN-9] Invokes a new worker, which takes the claim over and continues after the last value. */
async function handOver(context: InvocationContext, run: Run, lastEventId: string): Promise<void> {
  const { job, claim, n, place } = run
  const subscription = { ...job.subscription, lastEventId }
  await postAlive(run) // the client then waits its full time for the next worker
  await run.posts.drain()
  await invokeWorker(context, { ...job, subscription, from: claim.run, n, continues: true, ...defined({ place }) })
}

/** Stock clients do not know `alive`, and have no time limit. */
export async function postAlive({ posts, of, n }: Run): Promise<void> {
  if (of.extensions) await posts.add(generatorAlive(of, n))
}

/**
 * The final frames of a failed run. A stock client that has got `started` also gets `stopped`, as from tRPC. [TL-GEN-3]
 */
export function failureFrames(
  context: InvocationContext,
  { job: { subscription, client }, isStarted, n }: Pick<Run, 'job' | 'isStarted'> & { readonly n: number | undefined },
  { thrown, ctx }: { readonly thrown: unknown; readonly ctx?: unknown },
): readonly Frame[] {
  const { id, path, rawInput } = subscription
  const request = { id, path, input: rawInput, type: 'subscription', ctx, cause: 'worker' } as const
  const error = errorFrame(context.server, request, thrown)
  if (!isStarted) return [error]
  const { extensions } = client.caller
  const of = { id, ref: subscription.ref, extensions }
  return extensions ? [generatorFailed(of, n, error)] : [error, generatorStopped(of, 0)]
}

function expired(): TrunklineError {
  const message = 'The authority of this connection has expired; send a fresh token.'
  return new TrunklineError('AUTH_EXPIRED', message, { mayHaveRun: true })
}

function outOfTime(): TrunklineError {
  const message =
    'The function that produced these values ran out of time. Yield tracked() values, so that another one can continue.'
  return new TrunklineError('GENERATOR_LOST', message)
}
