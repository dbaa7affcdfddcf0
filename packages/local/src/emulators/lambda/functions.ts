// One file over 200 lines: it is the composition root of the Lambda emulator.

import type { LocalClock } from '../clock.ts'
import { createLocalClock } from '../clock.ts'
import type { Intercept } from '../idle-connections.ts'
import { startSqs } from '../sqs/api.ts'
import { createMessageQueue, type MessageQueue } from '../sqs/message-queue.ts'
import {
  createMappedQueue,
  type MappedQueue,
  type QueueHookResult,
  type QueueSettings,
} from './event-sources/queue-mapping.ts'
import type { StreamMapping, StreamRecord } from './event-sources/shard-consumer.ts'
import { createStreamMapping } from './event-sources/stream-mapping.ts'
import { createAsyncQueue } from './invocations/async-queue.ts'
import type { FailureMessage } from './invocations/destination-record.ts'
import type { FunctionRun } from './invocations/function-run.ts'
import { createActivity } from './invocations/in-flight.ts'
import type { RunningInvocation } from './invocations/invocation.ts'
import type { FunctionHookResult, FunctionOptions, InvokeInfo, InvokeResult } from './invocations/lambda-function.ts'
import { makeRequestId } from './invocations/request-id.ts'
import { runAttempt, throttled } from './invocations/run-attempt.ts'
import { startInvokeApi } from './invoke-api.ts'
import { functionArn } from './runtime/lambda-context.ts'

/** Lambda in this process: functions, their asynchronous queue, their event source mappings, and the Invoke API. */
export interface LocalFunctions {
  /** The Invoke API over HTTP, for the unchanged `@aws-sdk/client-lambda`. */
  readonly endpoint: string
  /** Registers a function. A function of the same name is replaced for later invocations. */
  register(fn: FunctionOptions): void
  /** Invokes a function synchronously, as the gateway does, without a retry. Rejects only for an unregistered name. */
  invoke(name: string, event: unknown): Promise<InvokeResult>
  /**
   * Adds an event to the asynchronous queue, which retries it and then sends it to the on-failure destination. Throws
   * for an unregistered name.
   */
  invokeAsync(name: string, event: unknown): void
  /** Maps a stream to a function, from the stream's oldest record until closed. Throws for an unregistered name. */
  mapStream<R extends StreamRecord>(mapping: StreamMapping<R>): { close(): void }
  /** The URL of a queue, whether it exists yet or not. */
  queueUrl(name: string): string
  /** Creates a queue whose messages invoke a function. Throws for an unregistered function. */
  mapQueue(settings: QueueSettings): void
  /** SQS over HTTP, for the unchanged `@aws-sdk/client-sqs`, and the URL of its on-failure queue. */
  readonly sqs: { readonly endpoint: string; readonly failuresUrl: string }
  /**
   * The last 1,000 messages to the on-failure destination, oldest first, of asynchronous events and of stream batches.
   */
  failures(): readonly FailureMessage[]
  /** Kills the running invocations of a function, as a deadline does. */
  kill(name: string): void
  /**
   * Resolves when no work can proceed unless the clock moves: no handler runs, no event is due, no stream record is
   * unread. It does not wait for an invocation that hangs or waits for a retry.
   */
  idle(): Promise<void>
  /** Hooks for the fault layer. They may be set at any time. */
  readonly hooks: FunctionHooks
  close(): Promise<void>
}

/** Called before each attempt. @default pass */
export interface FunctionHooks {
  invoke?: (info: InvokeInfo) => FunctionHookResult
  /** Called for each finished run. */
  ran?: (run: FunctionRun) => void
  /** Called for each message sent to a queue. @default pass */
  later?: (message: { readonly body: string }) => QueueHookResult
}

/** Thrown for an unregistered function. It corresponds to Lambda's ResourceNotFoundException. */
export class UnknownFunctionError extends Error {
  override readonly name = 'UnknownFunctionError'
  constructor(functionName: string) {
    super(`Function not found: ${functionArn(functionName)}`)
  }
}

/**
 * Starts the functions emulator of one line. `seed` makes request ids reproducible. Asynchronous events are retried
 * after `retryDelaysMs` (by default 1 and 2 minutes, as in AWS).
 */
export async function createFunctions(options: {
  readonly clock: LocalClock
  readonly seed?: number
  readonly retryDelaysMs?: readonly number[]
  /** Returns the intercept for the requests to an API. */
  readonly intercept?: (service: 'lambda' | 'sqs') => Intercept
  /** Called for each function error, for the developer's terminal. */
  readonly onError?: (report: {
    readonly name: string
    readonly requestId: string
    readonly result: InvokeResult
    /** True when a fault rule caused the error. */
    readonly injected: boolean
  }) => void
}): Promise<LocalFunctions> {
  const { clock } = options
  const random = options.seed === undefined ? clock.random : createLocalClock({ seed: options.seed }).random
  const activity = createActivity()
  const known = new Map<string, FunctionOptions>()
  const running = new Set<RunningInvocation>()
  const failed: FailureMessage[] = []
  const failures = createMessageQueue({ clock, newId: () => makeRequestId(random), most: failuresKept })
  const fail = (message: FailureMessage) => {
    failed.push(message)
    if (failed.length > failuresKept) failed.shift()
    failures.send(JSON.stringify(message))
  }
  const mappings = new Set<{ close(): void }>()
  const hooks: FunctionHooks = {}
  const mapped = new Set<MappedQueue>()

  function find(name: string): FunctionOptions {
    const fn = known.get(name)
    if (fn === undefined) throw new UnknownFunctionError(name)
    return fn
  }
  async function attempt(fn: FunctionOptions, text: string, run: AttemptRun) {
    const verdict = hooks.invoke?.({ name: fn.name, event: JSON.parse(text), attempt: run.attempt }) ?? 'pass'
    if (verdict === 'throttle' || countOf(fn.name) >= (fn.concurrency ?? Number.POSITIVE_INFINITY)) return throttled
    const once = (as: Exclude<FunctionHookResult, 'throttle' | 'duplicate'>) =>
      runAttempt({ fn, text, ...run, verdict: as, clock, activity, running, onEnd: (over) => hooks.ran?.(over) })
    const result = verdict === 'duplicate' ? (await Promise.all([once('pass'), once('pass')]))[0] : await once(verdict)
    if (result.status !== 'ok') {
      const injected = verdict !== 'pass' && verdict !== 'duplicate' && typeof verdict !== 'object'
      options.onError?.({ name: fn.name, requestId: run.requestId, result, injected })
    }
    return result
  }
  const countOf = (name: string) => [...running].filter((invocation) => invocation.functionName === name).length
  const newRequestId = () => makeRequestId(random)
  const queue = createAsyncQueue({
    clock,
    activity,
    attempt,
    retryDelaysMs: options.retryDelaysMs ?? [60_000, 120_000],
    onFailure: fail,
  })
  const invokeText = async (name: string, text: string, requestId = newRequestId()) =>
    attempt(find(name), text, { requestId, attempt: 1 })
  const invokeTextAsync = (name: string, text: string, requestId = newRequestId()) =>
    queue.push(find(name), text, requestId)
  const host = {
    has: (name: string) => known.has(name),
    newRequestId,
    invoke: invokeText,
    invokeAsync: invokeTextAsync,
  }
  const api = await startInvokeApi(host, options.intercept?.('lambda'))
  const queues = new Map<string, MessageQueue>([[failureQueue, failures]])
  const sqs = await startSqs(queues, options.intercept?.('sqs')).catch(async (error: unknown) => {
    await api.close()
    throw error
  })
  return {
    endpoint: api.endpoint,
    sqs: { endpoint: sqs.endpoint, failuresUrl: sqs.urlOf(failureQueue) },
    hooks,
    register(fn) {
      known.set(fn.name, fn)
    },
    invoke: async (name, event) => invokeText(name, toText(event)),
    invokeAsync: (name, event) => invokeTextAsync(name, toText(event)),
    mapStream(mapping) {
      find(mapping.functionName)
      const onFailure: NonNullable<typeof mapping.onFailure> = (message) => {
        fail(message)
        mapping.onFailure?.(message)
      }
      const handle = createStreamMapping(
        { ...mapping, onFailure },
        {
          clock,
          activity,
          newRequestId,
          invoke: async (name, event, run) => attempt(find(name), toText(event), run),
        },
      )
      mappings.add(handle)
      return handle
    },
    queueUrl: sqs.urlOf,
    mapQueue(settings) {
      const { name, functionName } = settings
      find(functionName)
      const host = {
        clock,
        activity,
        newRequestId,
        invoke: (event: unknown) => invokeText(functionName, toText(event)),
        received: (message: { readonly body: string }) => hooks.later?.(message) ?? 'pass',
        deadLetter: (body: string) => void failures.send(body),
      }
      const queue = createMappedQueue(settings, host)
      mapped.add(queue)
      queues.set(name, queue)
    },
    failures: () => [...failed],
    kill(name) {
      for (const invocation of [...running]) if (invocation.functionName === name) invocation.kill()
    },
    idle: activity.idle,
    async close() {
      for (const mapping of mappings) mapping.close()
      queue.close()
      for (const each of mapped) each.close()
      for (const invocation of [...running]) invocation.kill()
      await Promise.all([api.close(), sqs.close()])
    },
  }
}

type AttemptRun = Pick<Parameters<typeof runAttempt>[0], 'requestId' | 'attempt' | 'latestStart'>

const failureQueue = 'on-failure'
const failuresKept = 1_000 // each may contain a payload of 1 MB

/** An invocation without a payload receives an empty object, as in Lambda. */
function toText(event: unknown): string {
  return JSON.stringify(event) ?? '{}'
}
