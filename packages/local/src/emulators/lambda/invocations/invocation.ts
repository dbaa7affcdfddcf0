import type { LocalClock } from '../../clock.ts'

/** One run of a function, as code that wraps the handler sees it. */
export interface Invocation {
  readonly functionName: string
  readonly requestId: string
  /** Counts from 1. */
  readonly attempt: number
  /** False after it responded or was killed. */
  readonly live: boolean
  /** Aborts when the invocation is killed. */
  readonly signal: AbortSignal
  /** Calls `fn` when the invocation is killed, immediately if it was killed already. */
  onKill(fn: () => void): void
  /**
   * Wraps a port so that it disconnects when the invocation ends: afterwards, a call of any method does nothing and
   * never settles, and a call in flight never settles either. A killed function executes no further line; a function
   * that returned is frozen with the work that it did not await.
   */
  guard<T extends object>(port: T): T
}

/** An invocation with the controls of its runner. */
export interface RunningInvocation extends Invocation {
  /** Epoch milliseconds of the clock; final from `begin` on. */
  readonly deadline: number
  /** Epoch milliseconds of the clock; undefined before `begin`. */
  readonly begunAt: number | undefined
  /** The load time of the function for this run, in milliseconds; undefined when it was already loaded. */
  readonly initMs: number | undefined
  /** Resolves when it is killed; never settles otherwise. */
  readonly killed: Promise<void>
  /** Starts the function's time limit. A cold start before it does not count. */
  begin(initMs?: number): void
  finish(): void
  kill(): void
}

/** Creates an invocation. It is live immediately; its deadline counts from `begin`. */
export function createInvocation(options: {
  readonly functionName: string
  readonly requestId: string
  readonly attempt: number
  readonly timeoutMs: number
  readonly clock: LocalClock
  /** Called when a call of a guarded port begins. The function that it returns is called when that call has settled. */
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
 * The proxy's target is a new object, and its traps read the port: a proxy whose target is a frozen port would have to
 * return the port's members unchanged. Methods run with the real port as `this`, so classes with private fields work.
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

/**
 * Calls `onCall` when a call begins and its returned function when the call has settled. The result is returned
 * unchanged.
 */
function untilSettled(result: unknown, onCall: (() => () => void) | undefined): unknown {
  if (onCall === undefined || !(result instanceof Promise)) return result
  const done = onCall()
  result.then(done, done)
  return result
}

/**
 * Passes a promise's outcome on only while the invocation is live. A later rejection is dropped, since no code is left
 * to handle it.
 */
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
