import type { Intercept } from '../idle-connections.ts'
import { startSqs } from '../sqs/api.ts'
import type { MessageQueue } from '../sqs/message-queue.ts'
import { EventSourceMappings } from './event-source-mappings.ts'
import type { QueueSettings } from './event-sources/queue-mapping.ts'
import type { StreamMapping, StreamRecord } from './event-sources/stream-source.ts'
import { FailureQueue } from './failure-queue.ts'
import { type AttemptRun, type FunctionHooks, FunctionHost, type FunctionHostOptions } from './function-host.ts'
import { createAsyncQueue } from './invocations/async-queue.ts'
import type { FailureMessage } from './invocations/destination-record.ts'
import { type FunctionOptions, type InvokeResult, toText } from './invocations/lambda-function.ts'
import { startInvokeApi } from './invoke-api.ts'

export { type FunctionErrorReport, type FunctionHooks, UnknownFunctionError } from './function-host.ts'

/** Lambda in this process: functions, their asynchronous queue, their event source mappings, and the Invoke API. */
export interface LocalFunctions {
  /** The Invoke API over HTTP, for the unchanged `@aws-sdk/client-lambda`. */
  readonly endpoint: string
  /** Registers a function. A function of the same name is replaced for later invocations. */
  register(fn: FunctionOptions): void
  /** Invokes a function synchronously, as a gateway does, without a retry. Rejects only for an unregistered name. */
  invoke(name: string, event: unknown, options?: InvokeOptions): Promise<InvokeResult>
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

/** How a function is invoked: who reads its response while it is written, if the function streams it. */
export type InvokeOptions = Pick<AttemptRun, 'reader' | 'isLive'>

export interface FunctionsOptions extends FunctionHostOptions {
  /** The waits before the retries of an asynchronous event, in milliseconds. @default 1 and 2 minutes, as in AWS */
  readonly retryDelaysMs?: readonly number[]
  /** Returns the intercept for the requests to an API. @default none */
  readonly intercept?: (service: 'lambda' | 'sqs') => Intercept
}

/** Starts the functions emulator of one line. */
export async function createFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { clock, retryDelaysMs = [60_000, 120_000] } = options
  const host = new FunctionHost(options)
  const { activity } = host
  const failures = new FailureQueue(clock, () => host.newRequestId())
  const queues = new Map<string, MessageQueue>([[FailureQueue.queueName, failures.queue]])
  const mappings = new EventSourceMappings(host, failures, queues)
  const asyncQueue = createAsyncQueue({
    clock,
    activity,
    attempt: (fn, text, run) => host.attempt(fn, text, run),
    retryDelaysMs,
    onFailure: (message) => failures.add(message),
  })
  const invoke = async (name: string, text: string, requestId = host.newRequestId(), how: InvokeOptions = {}) =>
    host.attempt(host.find(name), text, { requestId, attempt: 1, ...how })
  const invokeAsync = (name: string, text: string, requestId = host.newRequestId()) =>
    asyncQueue.push(host.find(name), text, requestId)
  const { api, sqs } = await startApis({ host, invoke, invokeAsync, queues, intercept: options.intercept })
  return {
    endpoint: api.endpoint,
    sqs: { endpoint: sqs.endpoint, failuresUrl: sqs.urlOf(FailureQueue.queueName) },
    hooks: host.hooks,
    register: (fn) => host.register(fn),
    invoke: async (name, event, how) => invoke(name, toText(event), undefined, how),
    invokeAsync: (name, event) => invokeAsync(name, toText(event)),
    mapStream: (mapping) => mappings.mapStream(mapping),
    queueUrl: sqs.urlOf,
    mapQueue: (settings) => mappings.mapQueue(settings),
    failures: () => failures.messages(),
    kill: (name) => host.kill(name),
    idle: activity.idle,
    async close() {
      mappings.close()
      asyncQueue.close()
      host.kill()
      await Promise.all([api.close(), sqs.close()])
    },
  }
}

/** Starts the Invoke API and SQS. If one of them fails, the other is closed. */
async function startApis(options: {
  readonly host: FunctionHost
  readonly invoke: (name: string, text: string, requestId: string) => Promise<InvokeResult>
  readonly invokeAsync: (name: string, text: string, requestId: string) => void
  readonly queues: ReadonlyMap<string, MessageQueue>
  readonly intercept: FunctionsOptions['intercept']
}) {
  const { host, invoke, invokeAsync, queues, intercept } = options
  const functions = {
    has: (name: string) => host.has(name),
    newRequestId: () => host.newRequestId(),
    invoke,
    invokeAsync,
  }
  const api = await startInvokeApi(functions, intercept?.('lambda'))
  const sqs = await startSqs(queues, intercept?.('sqs')).catch(async (error: unknown) => {
    await api.close()
    throw error
  })
  return { api, sqs }
}
