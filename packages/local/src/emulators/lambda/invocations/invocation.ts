import type { LocalClock } from '../../clock.ts'

/** One run of a function, as whoever wraps it sees it. */
export interface Invocation {
  readonly functionName: string
  readonly requestId: string
  /** Counts from 1. */
  readonly attempt: number
  /** False once it answered or was killed. */
  readonly live: boolean
  /** Aborts when the invocation is killed. */
  readonly signal: AbortSignal
  /** Calls `fn` when the invocation is killed, at once when it was already. */
  onKill(fn: () => void): void
  /**
   * The same port, cut off with the invocation: once it is over, a call of any method does nothing and never settles, and a call under way never
   * tells its answer. A killed function runs no further line; one that returned is frozen with whatever it did not await.
   */
  guard<T extends object>(port: T): T
}

/** An invocation with the strings that its runner pulls. */
export interface RunningInvocation extends Invocation {
  /** Epoch milliseconds of the clock; known from `begin` on. */
  readonly deadline: number
  /** Epoch milliseconds of the clock; undefined before `begin`. */
  readonly begunAt: number | undefined
  /** How long the function took to load for this run; undefined when it stood ready. */
  readonly initMs: number | undefined
  /** Settles when it is killed; never otherwise. */
  readonly killed: Promise<void>
  /** Starts the time that the function has. A cold start before it is not counted. */
  begin(initMs?: number): void
  finish(): void
  kill(): void
}

/** Starts an invocation's life. It is live at once; its deadline counts from `begin`. */
export function createInvocation(options: {
  readonly functionName: string
  readonly requestId: string
  readonly attempt: number
  readonly timeoutMs: number
  readonly clock: LocalClock
  /** Told when a call of a guarded port begins; what it returns is called when that has settled. */
  readonly onCall?: () => () => void
}): RunningInvocation {
  const { clock, timeoutMs } = options
  const controller = new AbortController()
  let over = false
  let deadline = clock.now() + timeoutMs
  let begunAt: number | undefined
  let loadedIn: number | undefined
  let disarm = () => {}
  function end(): boolean {
    if (over) return false
    over = true
    disarm()
    return true
  }
  const isLive = () => !over
  const invocation: RunningInvocation = {
    functionName: options.functionName,
    requestId: options.requestId,
    attempt: options.attempt,
    signal: controller.signal,
    killed: new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true })),
    get live() {
      return !over
    },
    get deadline() {
      return deadline
    },
    get begunAt() {
      return begunAt
    },
    get initMs() {
      return loadedIn
    },
    onKill(fn) {
      if (controller.signal.aborted) fn()
      else controller.signal.addEventListener('abort', fn, { once: true })
    },
    guard: (port) => guardPort(port, isLive, options.onCall),
    begin(initMs) {
      if (over) return
      begunAt = clock.now()
      loadedIn = initMs
      deadline = begunAt + timeoutMs
      disarm = clock.after(timeoutMs, () => invocation.kill())
    },
    finish() {
      end()
    },
    kill() {
      if (end()) controller.abort()
    },
  }
  return invocation
}

/**
 * The proxy stands over an object of its own and reads the port through traps: over the port itself a frozen one would have to show its members as they are.
 * Methods run with the real port as `this`, so classes with private fields work.
 */
function guardPort<T extends object>(port: T, isLive: () => boolean, onCall?: () => () => void): T {
  const guarded = new Map<PropertyKey, unknown>()
  function read(key: PropertyKey): unknown {
    const value: unknown = Reflect.get(port, key)
    if (typeof value !== 'function') return value
    const known = guarded.get(key)
    if (known !== undefined) return known
    const method = (...args: readonly unknown[]) =>
      isLive() ? whileLive(untilSettled(Reflect.apply(value, port, args), onCall), isLive) : never()
    guarded.set(key, method)
    return method
  }
  return new Proxy<T>(Object.create(Object.getPrototypeOf(port)), {
    get: (_target, key) => read(key),
    has: (_target, key) => Reflect.has(port, key),
    ownKeys: () => Reflect.ownKeys(port),
    getOwnPropertyDescriptor(_target, key) {
      const own = Reflect.getOwnPropertyDescriptor(port, key)
      return own && { value: read(key), enumerable: own.enumerable ?? false, configurable: true, writable: true }
    },
  })
}

/** Tells when a call begins and when it has settled; what it gives is passed on as it is. */
function untilSettled(result: unknown, onCall: (() => () => void) | undefined): unknown {
  if (onCall === undefined || !(result instanceof Promise)) return result
  const done = onCall()
  result.then(done, done)
  return result
}

/** Passes a promise's outcome on only while the invocation lives; a rejection that comes later is silent, since nobody is left to hear it. */
function whileLive(result: unknown, isLive: () => boolean): unknown {
  if (!(result instanceof Promise)) return result
  return new Promise((resolve, reject) => {
    result.then(
      (value) => isLive() && resolve(value),
      (error) => isLive() && reject(error),
    )
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}
