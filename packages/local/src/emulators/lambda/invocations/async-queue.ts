import { defined } from '@trunkline/protocol'
import type { CancelTimer, LocalClock } from '../../clock.ts'
import { type AsyncFailureMessage, failureHead } from './destination-record.ts'
import type { Activity } from './in-flight.ts'
import type { FunctionOptions, InvokeResult } from './lambda-function.ts'

/** Runs one attempt of an event from the queue. Never rejects. */
export type Attempt = (
  fn: FunctionOptions,
  text: string,
  run: {
    readonly requestId: string
    readonly attempt: number
    /** Epoch milliseconds by which it must have started; otherwise it is throttled. */
    readonly latestStart: number
  },
) => Promise<InvokeResult>

/** Lambda's queue of asynchronous events. */
export interface AsyncQueue {
  /** Adds an event as JSON text. */
  push(fn: FunctionOptions, text: string, requestId: string): void
  close(): void
}

interface QueuedEvent {
  readonly fn: FunctionOptions
  readonly text: string
  readonly requestId: string
  readonly since: number
  /** The number of attempts that ran the function. */
  readonly attempts: number
  /** The number of consecutive throttles, which do not count as attempts. */
  readonly throttles: number
}

const sixHoursMs = 6 * 60 * 60_000
const defaultRetries = 2

/**
 * Creates the queue. A function error or a timeout is retried after `retryDelaysMs`, under the same request id. A
 * throttle is retried after 1 s, doubling up to 5 minutes. Retries stop at the event's maximum age. An event that did
 * not succeed goes to `onFailure`.
 */
export function createAsyncQueue(options: {
  readonly clock: LocalClock
  readonly activity: Activity
  readonly attempt: Attempt
  readonly retryDelaysMs: readonly number[]
  readonly onFailure: (message: AsyncFailureMessage) => void
}): AsyncQueue {
  const { clock, activity } = options
  const timers = new Set<CancelTimer>()
  let closed = false

  function start(event: QueuedEvent): void {
    const done = activity.begin()
    setImmediate(() => {
      if (!closed) void run(event)
      done()
    })
  }
  async function run(event: QueuedEvent): Promise<void> {
    const attempt = event.attempts + 1
    const latestStart = event.since + greatestAgeMs(event.fn)
    const result = await options.attempt(event.fn, event.text, { requestId: event.requestId, attempt, latestStart })
    if (closed || result.status === 'ok') return
    if (result.status === 'throttled') return scheduleRetry({ ...event, throttles: event.throttles + 1 }, result)
    const tried = { ...event, attempts: attempt, throttles: 0 }
    if (attempt > (event.fn.asyncRetries ?? defaultRetries)) return fail(tried, result, 'RetriesExhausted')
    scheduleRetry(tried, result)
  }
  function scheduleRetry(event: QueuedEvent, result: InvokeResult): void {
    const delay = event.throttles > 0 ? throttleDelayMs(event.throttles) : retryDelayMs(event.attempts)
    const age = clock.now() - event.since + delay
    if (age > greatestAgeMs(event.fn)) fail(event, result, 'EventAgeExceeded')
    else startAfter(delay, event)
  }
  function startAfter(ms: number, event: QueuedEvent): void {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel)
      start(event)
    })
    timers.add(cancel)
  }
  const retryDelayMs = (attempts: number) => options.retryDelaysMs[attempts - 1] ?? options.retryDelaysMs.at(-1) ?? 0
  function fail(event: QueuedEvent, result: InvokeResult, condition: 'RetriesExhausted' | 'EventAgeExceeded'): void {
    const { fn, requestId, attempts } = event
    options.onFailure({
      ...failureHead({ clock, functionName: fn.name, requestId, condition, invokeCount: attempts, result }),
      requestPayload: JSON.parse(event.text),
      ...responsePayload(result),
    })
  }
  return {
    push: (fn, text, requestId) => start({ fn, text, requestId, since: clock.now(), attempts: 0, throttles: 0 }),
    close() {
      closed = true
      for (const cancel of timers) cancel()
      timers.clear()
    },
  }
}

function greatestAgeMs(fn: FunctionOptions): number {
  return fn.maximumEventAgeMs ?? sixHoursMs
}

function throttleDelayMs(throttles: number): number {
  return Math.min(1_000 * 2 ** (throttles - 1), 5 * 60_000)
}

function responsePayload(result: InvokeResult): Pick<AsyncFailureMessage, 'responsePayload'> {
  if (result.status === 'ok' || result.status === 'throttled') return {}
  const { errorType, errorMessage } = result
  return { responsePayload: defined({ errorType: errorType || undefined, errorMessage }) }
}
