import { setMaxListeners } from 'node:events'
import { randomName } from '../../ports/clock.ts'
import { isDead, leaseMs, type RunClaim, type RunEnd, watchRun } from '../calls/run-lease.ts'
import { type GeneratorJob, invokeWorker } from '../calls/worker-job.ts'
import { type ContextDetails, toFacts } from '../context/caller.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { errorText } from '../encoding/error-response.ts'
import { withLastEventId } from '../procedures/last-event-id.ts'
import { runGeneratorProcedure } from '../procedures/run-procedure.ts'
import { warnOfLostCursor } from './last-event-id-input.ts'
import { generatorAlive, generatorFailed, generatorStarted, generatorStopped, type ValuesOf, valueFrame } from './value-frame.ts'
import { createValuePosts, type ValuePosts } from './value-queue.ts'

/** What a worker keeps of its time to pass a generator on to the next one. */
const handOverMs = 12_000
const shortestLife = 0.5 // of the time there is: a worker of a few seconds must not do nothing but hand over
/** How long an ended generator may take over its `finally`. */
const closeMs = 2_000

/** Iterates a generator in the worker and pushes what it yields, until it ends, its client does, or its time is up. An invocation that cannot take the claim over leaves. Never throws for what the generator does. */
// [TL-GEN-1] [TL-GEN-6]
export async function runGenerator(scope: InvocationContext, job: GeneratorJob): Promise<void> {
  const claim = await takeClaim(scope, job)
  if (claim === undefined) return
  using run = createRun(scope, job, claim) // also when its end cannot be written: a watch that is left behind would renew a dead claim
  await finish(scope, run, await iterate(scope, run))
}

/** One run of a generator, as far as it has come. */
interface Run extends Disposable {
  readonly job: GeneratorJob
  readonly claim: RunClaim
  readonly of: ValuesOf
  readonly facts: ContextDetails
  readonly posts: ValuePosts
  /** Aborts with a `RunEnd`, or when it is time to hand over. */
  readonly signal: AbortSignal
  n: number
  lastEventId: string | undefined
  /** Its client was told `started`. */
  isStarted: boolean
}

/** How a run came to its end. */
type Ended =
  | { readonly status: 'done' | 'out-of-time' | RunEnd }
  | { readonly status: 'failed'; readonly thrown: unknown; readonly ctx: unknown }

/** Takes the claim over from whoever began the run, in one conditional write; undefined where another invocation has it. A run whose function died is told to its client, and not begun again. */
async function takeClaim(scope: InvocationContext, job: GeneratorJob): Promise<RunClaim | undefined> {
  const { client, subscription, from } = job
  const { id, ref } = subscription
  const row = { connectionId: client.caller.connectionId, id: JSON.stringify(id), ref }
  const claim = { ...row, run: randomName(scope.clock, 20), lease: scope.clock.now() + leaseMs }
  const passed = await scope.store.passRun({ ...claim, from })
  if (passed.status === 'passed') return claim
  if (isDead(passed.row, ref, scope.clock.now()))
    await notifyLoss(scope, job, { ...claim, from: passed.row?.run ?? '' })
  return undefined
}

/** The dead run's claim is taken first, so that of several that find it one tells. The row is stopped last: when this one dies too, the next finds the claim dead again. */
// [TL-GEN-7]
async function notifyLoss(scope: InvocationContext, job: GeneratorJob, claim: RunClaim & { readonly from: string }) {
  const { client } = job
  if ((await scope.store.passRun(claim)).status === 'refused') return
  const nothing = { alive: () => '', onGone: () => {} }
  using posts = createValuePosts(scope, client, nothing)
  const lost = new TrunklineError('GENERATOR_LOST', 'The function that produced these values was lost.')
  for (const frame of failureFrames(scope, { job, isStarted: true, n: undefined }, lost)) await posts.add(frame)
  await posts.drain()
  await stop(scope, { job, claim })
}

function createRun(scope: InvocationContext, job: GeneratorJob, claim: RunClaim): Run {
  const { client, subscription } = job
  const { caller, params } = client
  const of = { id: subscription.id, ref: subscription.ref, extensions: caller.extensions }
  const watch = watchRun(scope, {
    row: claim,
    holds: (row) => row?.on === true && row.ref === claim.ref && row.run === claim.run,
    connectionId: caller.connectionId,
    claim,
  })
  const left = scope.deadline.at - scope.clock.now()
  const time = narrowDeadline(scope.clock, scope.deadline, Math.max(left - handOverMs, left * shortestLife))
  const signal = AbortSignal.any([watch.signal, time.signal])
  setMaxListeners(0, signal) // a generator may wait for it in as many places as it likes
  const alive = () => generatorAlive(of, run.n)
  const posts = createValuePosts(scope, client, { alive, onGone: () => watch.end('gone'), onGather: watch.look })
  const run: Run = {
    ...{ job, claim, of, posts, n: job.n, lastEventId: subscription.lastEventId },
    isStarted: job.continues,
    facts: toFacts(caller, 'worker', params),
    signal,
    [Symbol.dispose]() {
      for (const each of [posts, watch, time]) each[Symbol.dispose]()
    },
  }
  return run
}

/** Runs the procedure and takes its values to the end, or until the run is to end. */
async function iterate(scope: InvocationContext, run: Run): Promise<Ended> {
  const { posts, of, signal } = run
  let ctx: unknown
  try {
    const values = await runGeneratorProcedure(scope.server, {
      ...toProcedureRun(scope, run),
      onContext: (made) => (ctx = made),
    })
    if (run.isStarted) await sayAlive(run)
    else await posts.add(generatorStarted(of, run.n))
    run.isStarted = true
    await take(scope, run, values[Symbol.asyncIterator]()).catch((thrown: unknown) => {
      throw markEntered(toTRPCError(thrown))
    })
    return { status: signal.aborted ? whyOf(signal) : 'done' }
  } catch (thrown) {
    return signal.aborted ? { status: whyOf(signal) } : { status: 'failed', thrown, ctx }
  }
}

function toProcedureRun({ server }: InvocationContext, { job: { subscription }, facts, signal }: Run) {
  const { path, rawInput, lastEventId, batchIndex } = subscription
  const input = server.router._def._config.transformer.input.deserialize(rawInput)
  // a generator has nothing but its input to learn by where its client stands [TL-STOCK-3]
  return { path, input: withLastEventId(input, lastEventId), facts, signal, batchIndex }
}

async function take(scope: InvocationContext, run: Run, iterator: AsyncIterator<unknown>): Promise<void> {
  const taking = { isOver: false }
  try {
    while (!taking.isOver) await takeValue(scope, { run, iterator, taking })
  } finally {
    if (!taking.isOver) await close(scope.clock, iterator)
  }
}

/** A function of its own: a loop that waits for the next value would hold the one before, and it may be large. */
async function takeValue(scope: InvocationContext, { run, iterator, taking }: Taking): Promise<void> {
  const next = await withinDeadline(run.signal, iterator.next()).catch((thrown: unknown) => {
    taking.isOver = !run.signal.aborted // what threw needs no closing
    throw thrown
  })
  taking.isOver = next.done === true
  if (taking.isOver) return
  const { text, lastEventId } = valueFrame(scope.server, run.of, run.n + 1, next.value)
  if (lastEventId !== undefined) warnOfLostCursor(scope, run.job.subscription.path)
  run.n += 1
  run.lastEventId = lastEventId ?? run.lastEventId
  await withinDeadline(run.signal, run.posts.add(text))
}

interface Taking {
  readonly run: Run
  readonly iterator: AsyncIterator<unknown>
  readonly taking: { isOver: boolean }
}

/** [TL-GEN-5] Its `finally` runs, unless it hangs where it is and does not heed the signal. */
async function close(clock: InvocationContext['clock'], iterator: AsyncIterator<unknown>): Promise<void> {
  const closed = new AbortController()
  const over = () => closed.abort(null)
  Promise.resolve(iterator.return?.()).then(over, over) // what a `finally` throws is nobody's any more
  await clock.sleep(closeMs, closed.signal)
}

function whyOf(signal: AbortSignal): RunEnd | 'out-of-time' {
  return typeof signal.reason === 'string' ? (signal.reason as RunEnd) : 'out-of-time' // a deadline's reason is an error
}

async function finish(scope: InvocationContext, run: Run, ended: Ended): Promise<void> {
  const { of, posts, n } = run
  switch (ended.status) {
    case 'stopped':
      return // by whoever answered for it
    case 'gone':
      return stop(scope, run)
    case 'done':
      return say(scope, run, [generatorStopped(of, n)])
    case 'failed':
      return say(scope, run, failureFrames(scope, run, ended.thrown, ended.ctx))
    case 'unauthorized':
      return say(scope, run, failureFrames(scope, run, expired()))
    case 'out-of-time': {
      await posts.drain()
      if (run.lastEventId === undefined) return say(scope, run, failureFrames(scope, run, outOfTime()))
      return handOver(scope, run, run.lastEventId)
    }
  }
}

/** The last word, after every value. The row is stopped behind it: a word that is said twice is passed over, as is one of an attempt that was given up, and one that nobody says is waited for. */
async function say(scope: InvocationContext, run: Run, frames: readonly string[]): Promise<void> {
  for (const frame of frames) await run.posts.add(frame)
  await run.posts.drain()
  await stop(scope, run)
}

async function stop(scope: InvocationContext, { claim, job }: Pick<Run, 'claim' | 'job'>): Promise<void> {
  const { connectionId, id, ref } = claim
  await scope.store.stopSubscription({ connectionId, id, ref, expires: job.client.expires })
}

/** [TL-GEN-9] A fresh invocation goes on after the last value: it takes the claim, and counts on. */
async function handOver(scope: InvocationContext, run: Run, lastEventId: string): Promise<void> {
  const { job, claim, n } = run
  const subscription = { ...job.subscription, lastEventId }
  await sayAlive(run) // from now on the next one has its client's patience to begin in
  await run.posts.drain()
  await invokeWorker(scope, { ...job, subscription, from: claim.run, n, continues: true })
}

/** Stock clients know no such word, and wait for nothing. */
async function sayAlive({ posts, of, n }: Run): Promise<void> {
  if (of.extensions) await posts.add(generatorAlive(of, n))
}

/** What failed, as tRPC says it: a stock client that was told `started` is told `stopped` too. [TL-GEN-3] */
function failureFrames(
  scope: InvocationContext,
  { job: { subscription, client }, isStarted, n }: Pick<Run, 'job' | 'isStarted'> & { readonly n: number | undefined },
  thrown: unknown,
  ctx?: unknown,
): readonly string[] {
  const { id, path, rawInput } = subscription
  const asked = { id, path, input: rawInput, type: 'subscription', ctx, cause: 'worker' } as const
  const error = errorText(scope.server, asked, thrown)
  if (!isStarted) return [error]
  const { extensions } = client.caller
  const of = { id, ref: subscription.ref, extensions }
  return extensions ? [generatorFailed(of, n, error)] : [error, generatorStopped(of, 0)]
}

function expired(): TrunklineError {
  const words = 'The authority of this connection has expired; send a fresh token.'
  return new TrunklineError('AUTH_EXPIRED', words, { mayHaveRun: true })
}

function outOfTime(): TrunklineError {
  const words = 'The function that produced these values ran out of time. Yield tracked() values: then another goes on.'
  return new TrunklineError('GENERATOR_LOST', words)
}
