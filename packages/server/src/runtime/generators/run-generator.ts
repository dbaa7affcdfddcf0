import { setMaxListeners } from 'node:events'
import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import { isDead, leaseMs, type RunClaim, type RunEnd, watchRun } from '../calls/run-lease.ts'
import { holdRunPlace, releaseRunPlace, tooManyRuns } from '../calls/run-place.ts'
import type { GeneratorJob } from '../calls/worker-job.ts'
import { toFacts } from '../context/caller.ts'
import { narrowDeadline, untilAborted } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { withLastEventId } from '../procedures/last-event-id.ts'
import { runGeneratorProcedure } from '../procedures/run-procedure.ts'
import { failureFrames, finishRun, postAlive, type Run, type RunResult, stopRow } from './finish-run.ts'
import { warnOfLostCursor } from './last-event-id-input.ts'
import { generatorAlive, generatorStarted, valueFrame } from './value-frame.ts'
import { ValueQueue } from './value-queue.ts'

/** Time that a worker reserves to hand a generator over to the next worker. */
const handOverMs = 12_000
/** The smallest share of a worker's time that it runs the generator, so that a short worker does not only hand over. */
const minRunShare = 0.5
/** How long the `finally` of an ended generator may take. */
const closeMs = 2_000

/**
 * Iterates a generator in the worker and pushes its values, until it ends, its client leaves, or the worker's time is
 * over. Does nothing when it cannot take the claim over. Never throws for errors of the generator.
 */
// [TL-GEN-1] [TL-GEN-6]
export async function runGenerator(context: InvocationContext, job: GeneratorJob): Promise<void> {
  const claim = await takeClaim(context, job)
  if (claim === undefined) return
  const found = job.place && (await holdRunPlace(context, job.place, { goesOn: job.continues }))
  // Disposed even if its end cannot be written: a watch that is left running would renew the claim of an ended run.
  using run = createRun(context, { job, claim, place: found?.status === 'full' ? undefined : found?.place })
  const isFull = found?.status === 'full'
  const refused = isFull && {
    status: 'failed' as const,
    thrown: tooManyRuns(context, found.retryAfterMs),
    ctx: undefined,
  }
  await finishRun(context, run, refused || (await iterate(context, run)))
}

/**
 * Takes the claim over in one conditional write; undefined when another invocation has it. If the function that ran the
 * generator died, its client is notified, and the generator is not started again.
 */
async function takeClaim(context: InvocationContext, job: GeneratorJob): Promise<RunClaim | undefined> {
  const { client, subscription, from } = job
  const { id, ref } = subscription
  const row = { connectionId: client.caller.connectionId, id: JSON.stringify(id), ref }
  const claim = { ...row, run: randomName(context.clock, 20), lease: context.clock.now() + leaseMs }
  const passed = await context.store.passRun({ ...claim, from })
  if (passed.status === 'passed') return claim
  if (isDead(passed.row, ref, context.clock.now()))
    await notifyLoss(context, job, { ...claim, from: passed.row?.run ?? '' })
  else if (passed.row?.on !== true || passed.row.ref !== ref) await releaseRunPlace(context, job.place) // it was stopped
  return undefined
}

/**
 * Takes the dead run's claim first, so that only one of several invocations notifies the client. Stops the row last: if
 * this invocation dies too, the next one finds the dead claim.
 */
// [TL-GEN-7]
async function notifyLoss(context: InvocationContext, job: GeneratorJob, claim: RunClaim & { readonly from: string }) {
  const { client } = job
  if ((await context.store.passRun(claim)).status === 'refused') return
  const { id, ref } = job.subscription
  const of = { id, ref, extensions: client.caller.extensions }
  using posts = new ValueQueue(context, client, { id, alive: () => generatorAlive(of, job.n), onGone: () => {} })
  const lost = new TrunklineError('GENERATOR_LOST', 'The function that produced these values died.')
  for (const frame of failureFrames(context, { job, isStarted: true, n: undefined }, { thrown: lost }))
    await posts.add(frame)
  await posts.drain()
  await stopRow(context, { job, claim, place: job.place })
}

/** What a run is created from. */
type Starting = Pick<Run, 'job' | 'claim' | 'place'>

function createRun(context: InvocationContext, { job, claim, place }: Starting): Run {
  const { client, subscription } = job
  const { caller, params } = client
  const of = { id: subscription.id, ref: subscription.ref, extensions: caller.extensions }
  const watch = watchRun(context, {
    row: claim,
    endOf: (row) => {
      if (row?.on !== true || row.ref !== claim.ref) return 'stopped'
      return row.run === claim.run ? undefined : 'passed'
    },
    connectionId: caller.connectionId,
    claim,
    ...defined({ place }),
  })
  const remainingMs = context.deadline.at - context.clock.now()
  const runMs = Math.max(remainingMs - handOverMs, remainingMs * minRunShare)
  const time = narrowDeadline(context.clock, context.deadline, runMs)
  const signal = AbortSignal.any([watch.signal, time.signal])
  setMaxListeners(0, signal) // a generator may add any number of listeners
  const alive = () => generatorAlive(of, run.n)
  const posts = new ValueQueue(context, client, {
    ...{ id: of.id, alive, onGone: () => watch.end('gone'), onPost: watch.look },
  })
  const run: Run = {
    ...{ job, claim, of, posts, n: job.n, lastEventId: subscription.lastEventId },
    isStarted: job.continues,
    facts: toFacts(caller, 'worker', { connectionParams: params }),
    signal,
    get place() {
      return watch.place
    },
    [Symbol.dispose]() {
      for (const each of [posts, watch, time]) each[Symbol.dispose]()
    },
  }
  return run
}

/** Runs the procedure and posts its values to the end, or until `signal` aborts. */
async function iterate(context: InvocationContext, run: Run): Promise<RunResult> {
  const { posts, of, signal } = run
  let ctx: unknown
  try {
    const values = await runGeneratorProcedure(context.server, {
      ...toProcedureRun(context, run),
      onContext: (made) => (ctx = made),
    })
    if (run.isStarted) await postAlive(run)
    else await posts.add(generatorStarted(of, run.n))
    run.isStarted = true
    await postValues(context, run, values[Symbol.asyncIterator]()).catch((thrown: unknown) => {
      throw markEntered(toTRPCError(thrown))
    })
    return { status: signal.aborted ? endReasonOf(signal) : 'done' }
  } catch (thrown) {
    return signal.aborted ? { status: endReasonOf(signal) } : { status: 'failed', thrown, ctx }
  }
}

function toProcedureRun({ server }: InvocationContext, { job: { subscription }, facts, signal }: Run) {
  const { path, rawInput, lastEventId, batchIndex } = subscription
  const input = server.router._def._config.transformer.input.deserialize(rawInput)
  // A generator learns its client's position only from its input. [TL-STOCK-3]
  return { path, input: withLastEventId(input, lastEventId), facts, signal, batchIndex }
}

async function postValues(context: InvocationContext, run: Run, iterator: AsyncIterator<unknown>): Promise<void> {
  const progress = { isOver: false }
  try {
    while (!progress.isOver) await postValue(context, { run, iterator, progress })
  } finally {
    if (!progress.isOver) await closeIterator(context.clock, iterator)
  }
}

/** Separate function so that the previous value can be garbage-collected while we wait for the next. */
async function postValue(context: InvocationContext, { run, iterator, progress }: Iteration): Promise<void> {
  const next = await untilAborted(run.signal, iterator.next()).catch((thrown: unknown) => {
    progress.isOver = !run.signal.aborted // an iterator that threw needs no `return`
    throw thrown
  })
  progress.isOver = next.done === true
  if (progress.isOver) return
  const { frame, lastEventId } = valueFrame(context.server, run.of, { n: run.n + 1, value: next.value })
  if (lastEventId !== undefined) warnOfLostCursor(context, run.job.subscription.path)
  run.n += 1
  run.lastEventId = lastEventId ?? run.lastEventId
  await untilAborted(run.signal, run.posts.add(frame))
}

interface Iteration {
  readonly run: Run
  readonly iterator: AsyncIterator<unknown>
  readonly progress: { isOver: boolean }
}

/** [TL-GEN-5] Runs the generator's `finally`, unless the generator hangs and ignores the signal. */
export async function closeIterator(
  clock: InvocationContext['clock'],
  iterator: AsyncIterator<unknown>,
): Promise<void> {
  const closed = new AbortController()
  const onClosed = () => closed.abort(null)
  Promise.resolve(iterator.return?.()).then(onClosed, onClosed) // an error in `finally` has no recipient any more
  await clock.sleep(closeMs, closed.signal)
}

function endReasonOf(signal: AbortSignal): RunEnd | 'out-of-time' {
  // A deadline's reason is an error.
  return typeof signal.reason === 'string' ? (signal.reason as RunEnd) : 'out-of-time'
}
