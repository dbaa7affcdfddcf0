import { defined } from '@trunkline/protocol'
import type { LocalClock } from '../../clock.ts'
import { callHandler, type HandlerAnswer, handlerError } from '../runtime/call-handler.ts'
import { type ContextSeed, createContext } from '../runtime/lambda-context.ts'
import { type ResponseReader, runHandler } from '../runtime/response-stream.ts'
import { toThreadGroup } from '../runtime/thread-group.ts'
import type { PoolTask } from '../runtime/worker-thread.ts'
import { type FunctionRun, type RunDetails, RunOutputBuffer, toFunctionRun } from './function-run.ts'
import type { Activity } from './in-flight.ts'
import { createInvocation, type RunningInvocation } from './invocation.ts'
import type { FunctionHookResult, FunctionOptions, InProcessRun, InvokeResult, WorkerRun } from './lambda-function.ts'

export interface AttemptOptions {
  readonly fn: FunctionOptions
  /** The event as JSON text. */
  readonly text: string
  readonly requestId: string
  readonly attempt: number
  /**
   * Epoch milliseconds by which a thread must have started it; otherwise it is throttled. @default it waits without
   * limit
   */
  readonly latestStart?: number
  readonly effect: Exclude<FunctionHookResult, 'throttle' | 'duplicate'>
  readonly clock: LocalClock
  readonly activity: Activity
  /** Gets the response of a function with response streaming. */
  readonly reader?: ResponseReader
  /** Its response goes on for as long as its reader waits, so `idle` does not wait for it. */
  readonly isLive?: boolean
  /** The running invocations, so that they can be killed from outside. */
  readonly running: Set<RunningInvocation>
  readonly onEnd?: (run: FunctionRun, details: RunDetails) => void
}

/** Runs a function once, with its deadline. Every outcome is a result; it never rejects. */
export async function runAttempt(options: AttemptOptions): Promise<InvokeResult> {
  const { fn, clock, running } = options
  const invocation = createInvocation({
    functionName: fn.name,
    requestId: options.requestId,
    attempt: options.attempt,
    timeoutMs: fn.timeoutMs,
    clock,
    ...defined({ onCall: isBackground(options) ? options.activity.begin : undefined }),
  })
  running.add(invocation)
  const stopWaiting = killWaiting(options, invocation)
  const output = new RunOutputBuffer()
  try {
    const result = await settle({ ...options, onOutput: (text) => output.add(text) }, invocation)
    options.onEnd?.(toFunctionRun(invocation, result, clock.now()), { text: options.text, result, output })
    return result
  } finally {
    stopWaiting()
    running.delete(invocation)
  }
}

/** An attempt whose output is collected. */
type OutputOptions = AttemptOptions & Required<Pick<PoolTask, 'onOutput'>>

async function settle(options: OutputOptions, invocation: RunningInvocation): Promise<InvokeResult> {
  const { fn, effect, clock } = options
  if (typeof effect === 'object') await clock.sleep(effect.delayMs, invocation.signal)
  if (effect === 'hang') invocation.begin()
  else {
    const work = () => answerOf(options, invocation)
    const answer = await (isBackground(options) ? work() : working(options.activity, work))
    if (answer !== undefined && invocation.live && effect !== 'kill') {
      invocation.finish()
      return toResult(answer)
    }
    invocation.kill() // a worker that its pool ended gives no answer either
  }
  await invocation.killed
  return waitedTooLong(options, invocation) ? throttled : timedOut(fn, invocation)
}

const isBackground = ({ fn, isLive }: AttemptOptions) => fn.background === true || isLive === true

/** Stops waiting for a thread at the latest start, as Lambda drops an event at its maximum age. */
function killWaiting(options: AttemptOptions, invocation: RunningInvocation): () => void {
  const { fn, clock, latestStart } = options
  if (latestStart === undefined || fn.run.kind !== 'worker') return () => {}
  return clock.after(Math.max(0, latestStart - clock.now()), () => {
    if (invocation.begunAt === undefined) invocation.kill()
  })
}

function waitedTooLong({ latestStart, clock }: AttemptOptions, { begunAt }: RunningInvocation): boolean {
  return begunAt === undefined && latestStart !== undefined && clock.now() >= latestStart
}

/** Undefined when the invocation was killed first. */
async function answerOf(options: OutputOptions, invocation: RunningInvocation): Promise<HandlerAnswer | undefined> {
  if (options.effect === 'fail') return handlerError('Error', 'A fault rule made the function fail.')
  if (!invocation.live) return undefined
  const { run } = options.fn
  const answer = run.kind === 'worker' ? inWorker(run, options, invocation) : inProcess(run, options, invocation)
  return Promise.race([answer, invocation.killed.then(() => undefined)])
}

function inProcess(
  run: InProcessRun,
  { text, clock, reader }: AttemptOptions,
  invocation: RunningInvocation,
): Promise<HandlerAnswer> {
  invocation.begin()
  const context = createContext(seedOf(invocation), clock.now)
  const call = () => runHandler(run.handler, JSON.parse(text), { context, reader })
  return callHandler(() => (run.around === undefined ? call() : run.around(invocation, call)))
}

/**
 * The deadline counts from when a worker starts the event. The wait for a worker corresponds to Lambda's cold start.
 */
function inWorker(
  run: WorkerRun,
  { text, reader, onOutput }: OutputOptions,
  invocation: RunningInvocation,
): Promise<HandlerAnswer | undefined> {
  return run.pool.run({
    exportName: run.exportName,
    text,
    onOutput,
    ...defined({ reader }),
    group: toThreadGroup(invocation.functionName, text),
    signal: invocation.signal,
    begin(initMs) {
      invocation.begin(initMs)
      return seedOf(invocation)
    },
  })
}

const seedOf = ({ functionName, requestId, deadline }: RunningInvocation): ContextSeed => ({
  functionName,
  awsRequestId: requestId,
  deadline,
})

/** Lambda's response to an event for which it has no capacity. */
export const throttled: InvokeResult = {
  status: 'throttled',
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
}

/** Counts the work while it runs. Work that only waits for the clock does not count. */
async function working<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
  const done = activity.begin()
  try {
    return await work()
  } finally {
    done()
  }
}

function toResult(answer: HandlerAnswer): InvokeResult {
  return answer.status === 'ok' ? { status: 'ok', payload: JSON.parse(answer.text) } : answer
}

function timedOut(fn: FunctionOptions, invocation: RunningInvocation): InvokeResult {
  const seconds = (fn.timeoutMs / 1_000).toFixed(2)
  return {
    status: 'timeout',
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${invocation.requestId} Error: Task timed out after ${seconds} seconds`,
  }
}
