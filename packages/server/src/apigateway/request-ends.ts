import { DeadlineError } from '../sdk/request-deadline.ts'

/** A request that can be ended early. */
export interface Endable {
  end(reason: unknown): void
}

/**
 * Ends requests by time and by signal. Requests share a timer, and a listener for each signal: many posts run under one
 * signal, and their own timers and listeners would take as long as their signatures.
 */
export class RequestEnds {
  readonly #ms: number
  /** The times of the deadlines, by `performance.now()`. All have the same duration, so the first is the earliest. */
  readonly #deadlines = new Map<Endable, number>()
  readonly #signals = new Map<AbortSignal, { readonly requests: Set<Endable>; readonly onAbort: () => void }>()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `ms`: the milliseconds that each request may take. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /** Ends the request `ms` from now with a `DeadlineError`, or when the signal aborts with its reason. */
  add(request: Endable, signal: AbortSignal | undefined): void {
    this.#deadlines.set(request, performance.now() + this.#ms)
    this.#timer ??= this.#startTimer(this.#ms)
    if (signal !== undefined) this.#listenersOf(signal).add(request)
  }

  /** Drops a request that is done. */
  delete(request: Endable, signal: AbortSignal | undefined): void {
    this.#deadlines.delete(request)
    if (this.#deadlines.size === 0) {
      clearTimeout(this.#timer) // it would keep the process alive
      this.#timer = undefined
    }
    const listening = signal && this.#signals.get(signal)
    listening?.requests.delete(request)
    if (signal === undefined || listening === undefined || listening.requests.size > 0) return
    signal.removeEventListener('abort', listening.onAbort)
    this.#signals.delete(signal)
  }

  #listenersOf(signal: AbortSignal): Set<Endable> {
    const known = this.#signals.get(signal)
    if (known !== undefined) return known.requests
    const requests = new Set<Endable>()
    const onAbort = () => {
      for (const request of [...requests]) request.end(signal.reason)
    }
    signal.addEventListener('abort', onAbort)
    this.#signals.set(signal, { requests, onAbort })
    return requests
  }

  /** A busy or frozen process runs late timers before it reads the responses that arrived meanwhile. */
  #startTimer(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => setImmediate(() => this.#expire()), ms)
  }

  #expire(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const now = performance.now()
    for (const [request, at] of [...this.#deadlines]) {
      if (at > now) {
        this.#timer ??= this.#startTimer(at - now)
        return
      }
      request.end(new DeadlineError(this.#ms))
    }
  }
}
