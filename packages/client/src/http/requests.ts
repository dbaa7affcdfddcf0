import { limits } from '@trunkline/protocol'
import type { ConnectionEnvironment } from '../connection/environment.ts'
import { toError } from '../connection/to-error.ts'
import type { OutgoingFrame } from './frames.ts'
import { type HttpAnswer, readResponse } from './read-response.ts'

const mostOut = 4 // browsers open six connections to an origin over HTTP/1.1, over all tabs
const callMs = 30_000 // the server has 28 s for the frames of a request
const pollMs = 10_000 // a `sync` answers at once; the rest is for a cold start
const lateMs = 15_000 // a timer that fires later was suspended with its machine
const shortestWaitMs = 250
const longestWaitMs = 5_000

/** Until when a session sends no request, by the monotonic clock. It outlives a connection. */
export interface Throttle {
  until: number
}

export interface RequestsOptions {
  readonly environment: ConnectionEnvironment
  readonly fetch: typeof fetch
  readonly throttle: Throttle
  readonly url: () => Promise<string>
  readonly headers: (frames: readonly OutgoingFrame[]) => Readonly<Record<string, string>>
  /** The body of a frame, when it is sent. */
  readonly textOf: (frame: OutgoingFrame) => string
  readonly onAnswer: (frames: readonly OutgoingFrame[], answer: HttpAnswer, timing: Timing) => void
}

/** When a request was sent, by the monotonic clock, and whether the machine was suspended since. */
export interface Timing {
  readonly sentAt: number
  readonly slept: boolean
}

/**
 * Sends frames in requests: a call in one of its own, others together, at most 4 at a time. [TL-MOVE-4] Frames that are
 * sent within one step of the session leave together.
 */
export class Requests {
  readonly #options: RequestsOptions
  /** The requests that are out, with a function that ends the wait for the answer. */
  readonly #out = new Map<AbortController, () => void>()
  #queue: OutgoingFrame[] = []
  #maxCount = 1
  #maxBytes = Number.POSITIVE_INFINITY
  #isFlushScheduled = false
  #isStopped = false
  #cancelWait: (() => void) | undefined

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** What one request may have, from `hello`. */
  setLimits({ batchSize, frameBytes }: { readonly batchSize: number; readonly frameBytes: number }): void {
    this.#maxCount = batchSize
    this.#maxBytes = frameBytes
  }

  add(frames: readonly OutgoingFrame[]): void {
    if (this.#isStopped) return
    this.#queue.push(...frames)
    this.#scheduleFlush()
  }

  /** Puts frames back that nobody has answered, since nothing of their request ran. */
  putBack(frames: readonly OutgoingFrame[]): void {
    if (!this.#isStopped) this.#queue.unshift(...frames)
  }

  /** Sends no request for `ms`, or for the back-off after `failures` lost requests in a row. */
  wait(failures: number, ms: number): void {
    const { monotonic, random } = this.#options.environment
    const ceiling = Math.min(longestWaitMs, shortestWaitMs * 2 ** failures)
    const backoffMs = shortestWaitMs + random() * (ceiling - shortestWaitMs)
    const { throttle } = this.#options
    throttle.until = Math.max(throttle.until, monotonic() + Math.max(ms, backoffMs))
    this.#scheduleFlush()
  }

  /** Aborts all requests, and sends none any more. */
  stop(): void {
    this.#isStopped = true
    this.#queue = []
    this.#cancelWait?.()
    for (const [controller, end] of this.#out) {
      end()
      controller.abort()
    }
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    queueMicrotask(() => {
      this.#isFlushScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const { environment } = this.#options
    this.#cancelWait?.()
    this.#cancelWait = undefined
    const waitMs = this.#options.throttle.until - environment.monotonic()
    if (this.#isStopped || this.#queue.length === 0) return
    if (waitMs > 0) {
      this.#cancelWait = environment.after(waitMs, () => this.#flush())
      return
    }
    while (this.#queue.length > 0 && this.#out.size < mostOut) void this.#send(this.#takeNext())
  }

  /** The frames of the next request. Calls leave first, since somebody waits for them. */
  #takeNext(): readonly OutgoingFrame[] {
    const call = this.#queue.findIndex(({ group }) => group === 'call')
    if (call >= 0) return this.#queue.splice(call, 1)
    const group = this.#queue[0]?.group
    const taken: OutgoingFrame[] = []
    let bytes = 2
    for (const frame of this.#queue) {
      if (frame.group !== group || taken.length >= this.#maxCount) continue
      bytes += 3 * frame.text.length + 1 // a UTF-16 unit has at most 3 bytes
      if (taken.length > 0 && bytes > this.#maxBytes) break
      taken.push(frame)
    }
    this.#queue = this.#queue.filter((frame) => !taken.includes(frame))
    return taken
  }

  async #send(frames: readonly OutgoingFrame[]): Promise<void> {
    const { environment, fetch, url, headers, textOf, onAnswer } = this.#options
    const controller = new AbortController()
    const sentAt = environment.monotonic()
    const sentWall = environment.now()
    const deadlineMs = frames.every(({ method }) => method === 'sync') ? pollMs : callMs
    let timedOut = (_: HttpAnswer) => {}
    const timeout = new Promise<HttpAnswer>((resolve) => (timedOut = resolve))
    const cancel = environment.after(deadlineMs, () => {
      controller.abort()
      timedOut({ kind: 'lost', message: `No answer came within ${deadlineMs} ms.`, waitMs: 0 })
    })
    this.#out.set(controller, cancel)
    const body = `[${frames.map(textOf).join(',')}]`
    const request = async (): Promise<HttpAnswer> => {
      const response = await fetch(await url(), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers(frames) },
        body,
        credentials: 'include',
        signal: controller.signal,
      })
      return readResponse(response, limits.responseBytes.value)
    }
    const failed = (thrown: unknown): HttpAnswer => ({ kind: 'lost', message: toError(thrown).message, waitMs: 0 })
    const answer = await Promise.race([request().catch(failed), timeout])
    cancel()
    this.#out.delete(controller)
    if (this.#isStopped) return
    const slept = environment.now() - sentWall > deadlineMs + lateMs
    onAnswer(frames, answer, { sentAt, slept })
    this.#scheduleFlush()
  }
}
