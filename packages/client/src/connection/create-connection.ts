import { decodeServerMessage, utf8Bytes } from '@trunkline/protocol'
import { mayHaveRun } from '../session/calls/calls.ts'
import { frameBytesOf, toKey, toOption } from '../session/calls/idempotency-key.ts'
import { frameError } from '../session/machine/check-frame.ts'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { Effect } from '../session/machine/effects.ts'
import type { SessionInput } from '../session/machine/events.ts'
import { initialState, type SessionState } from '../session/machine/state.ts'
import type { TrunklineError } from '../session/machine/trunkline-error.ts'
import { step } from '../session/step.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { type ConnectionEnvironment, createRandomId, machineEnvironment } from './environment.ts'
import { onWake } from './network.ts'
import { createObservers } from './observers.ts'
import { createSocketPool } from './socket-pool.ts'
import { createTimers } from './timers.ts'
import { type CallObserver, type Transport, transportKey } from './transport.ts'

/** One client's life across sockets. Opens with the first call; keeps a Node process alive until `close`. */
export interface Connection {
  /** The same object until it changes, as `useSyncExternalStore` wants it. */
  readonly state: ConnectionState
  /** Called after each change, not at once. Returns the way to stop. */
  readonly subscribe: (listener: (state: ConnectionState) => void) => () => void
  /** Try now instead of at `retryAt`. */
  retryNow(): void
  /** After sign-in or sign-out: a new session under a new token. Calls in flight fail with CLOSED; live subscriptions start afresh. */
  restart(): void
  /** Settles or refuses what is in flight, then closes for good. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const callTimeoutMs = 30_000

function warn(message: string): void {
  console.warn(`trunkline: ${message}`)
}

/** Fails what was not taken. */
function refuse(sink: Pick<CallObserver, 'fail'>, line: TrunklineError): () => undefined {
  sink.fail({ line })
  return () => undefined
}

/** A connection that opens with the first call or subscription. `environment` sets its time and chance. */
export function createConnection(
  options: ConnectionOptions,
  environment: Partial<ConnectionEnvironment> = {},
): Connection {
  const { now } = environment
  const clock = { ...machineEnvironment, ...(now && { monotonic: now }), ...environment }
  const timers = createTimers(clock.after, (timer) => dispatch({ type: 'timer', timer }))
  const listeners = new Set<(state: ConnectionState) => void>()
  const observers = createObservers(options.onGap, clock.uncaught)
  const waiting: SessionInput[] = []
  let running = false
  const { maxMessageBytes = initialState.maxMessageBytes, onProtocolError = warn } = options
  let state: SessionState = { ...initialState, maxMessageBytes, messageBytes: maxMessageBytes }
  let stopListening: (() => void) | undefined
  let resolveClosed = () => {}
  const closed = new Promise<void>((resolve) => (resolveClosed = resolve))

  const sockets = createSocketPool({ options, environment: clock, dispatch, onText: takeText })

  /** One step after another: what a callback asks for comes after the effects of the step that called it. */
  function dispatch(input: SessionInput) {
    waiting.push(input)
    if (running) return
    running = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) advance(next)
    } finally {
      running = false // a step that throws is a bug, but not one that should stop every later step
    }
  }
  function advance(input: SessionInput) {
    const { status } = state
    const stepped = step(state, { ...input, now: clock.monotonic(), wall: clock.now(), chance: clock.random() })
    state = stepped.state
    for (const effect of stepped.effects) perform(effect)
    if (state.status === status) return
    observers.notifyState(state.status)
    for (const listener of [...listeners]) observers.guard(() => listener(state.status))
  }

  function perform(effect: Effect) {
    switch (effect.type) {
      case 'connect':
        stopListening ??= onWake(() => dispatch({ type: 'wake' }))
        return sockets.connect(effect.socket)
      case 'admit':
        return sockets.get(effect.socket)?.admit()
      case 'replace':
        return sockets.get(effect.socket)?.replace()
      case 'drop':
        return sockets.drop(effect.socket)
      case 'disconnect':
        return disconnect()
      case 'send':
        return void sockets.get(effect.socket)?.send(effect.text) // false: the socket is closing, and its loss settles what was sent
      case 'renew-session':
        return sockets.renewSession()
      case 'ask-token':
        return void askToken()
      case 'arm':
        return timers.arm(effect.timer, effect.ms)
      case 'cancel':
        return timers.cancel(effect.timer)
      case 'cancel-all':
        return timers.cancelAll()
      case 'protocol-error':
        return observers.guard(() => onProtocolError(effect.message))
      case 'closed':
        return resolveClosed()
      default:
        return observers.settle(effect)
    }
  }

  function disconnect() {
    stopListening?.()
    stopListening = undefined
    sockets.dropAll()
  }
  async function askToken(): Promise<void> {
    try {
      dispatch({ type: 'token', token: await options.token?.() })
    } catch {
      dispatch({ type: 'token-failed' }) // asked again soon; why is the application's to know
    }
  }
  function takeText(socket: number, text: unknown) {
    const message = decodeServerMessage(text)
    if (!message.ok || message.frames.length === 0) return // [TL-BAD-6] not ours to answer: what it meant comes by deadline or fetch
    dispatch({ type: 'message', socket, frames: message.frames, size: (text as string).length }) // only a text decodes
  }

  const transport: Transport = {
    transforms: () => state.transforms,
    call(request, sink) {
      requireSocket()
      const { method, path, input, timeoutMs = options.timeoutMs ?? callTimeoutMs, orderingKey } = request
      const id = observers.nextId()
      const keyed = toKey(request, () => createRandomId(clock))
      const text = JSON.stringify({ id, method, params: { path, input, traceparent: options.traceparent?.() } }) // throws before anything is taken [TL-TRACE-3]
      const bytes = frameBytesOf(text, keyed)
      const refusal = frameError({ text, bytes, path, key: request.idempotencyKey }, state.messageBytes)
      if (refusal !== undefined) return refuse(sink, refusal)
      observers.addCall(id, sink)
      dispatch({
        type: 'call',
        call: { id, method, text, bytes, timeoutMs, ...keyed, ...(orderingKey !== undefined && { orderingKey }) },
      })
      return () => {
        const given = state.calls.get(id)
        if (observers.remove(id)) dispatch({ type: 'abort', id })
        return given && mayHaveRun(given) ? toOption(given.key, true) : undefined
      }
    },
    subscribe({ path, input, givenInput, onGap }, sink) {
      requireSocket()
      const id = observers.nextId()
      const text = JSON.stringify({ id, method: 'subscription', params: { path, input } }) // throws here rather than in the machine, which writes it anew on each attempt
      const refusal = frameError({ text, bytes: utf8Bytes(text), path }, state.messageBytes)
      if (refusal !== undefined) return refuse(sink, refusal)
      const handlesGaps = observers.addSubscription(id, sink, { path, input: givenInput, onGap })
      dispatch({ type: 'subscribe', subscription: { id, path, input: JSON.parse(text).params.input, handlesGaps } }) // a copy: the caller may change its own
      return () => observers.remove(id) && dispatch({ type: 'unsubscribe', id })
    },
  }

  function requireSocket() {
    if (options.WebSocket ?? environment.WebSocket ?? environment.createSocket ?? 'WebSocket' in globalThis) return
    throw new Error('This runtime has no WebSocket: pass one, createConnection({ WebSocket }).')
  }
  const close = () => {
    dispatch({ type: 'close' })
    return closed
  }
  const connection: Connection & { readonly [transportKey]: Transport } = {
    get state() {
      return state.status
    },
    subscribe(listener) {
      const own = (next: ConnectionState) => listener(next) // one listener given twice is called twice
      listeners.add(own)
      return () => listeners.delete(own)
    },
    retryNow: () => dispatch({ type: 'retry-now' }),
    restart: () => dispatch({ type: 'restart' }),
    close,
    [Symbol.asyncDispose]: close,
    [transportKey]: transport,
  }
  return connection
}
