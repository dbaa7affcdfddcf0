import { defined } from '@trunkline/protocol'
import ReconnectingWebSocket from 'partysocket/ws'
import type { ConnectionCause } from '../session/machine/connection-state.ts'
import { isOnline } from './network.ts'
import { toError } from './to-error.ts'

/** The URL and the subprotocols of one connection attempt. */
export interface Endpoint {
  readonly url: string
  readonly protocols: string[]
}

/** How a socket gets its address, and whom it reports to. */
export interface SocketOptions {
  /** @default the runtime's `WebSocket` */
  readonly WebSocket?: WebSocketLike | undefined
  /** Called once for each attempt. A rejection fails the attempt. */
  readonly endpoint: () => Promise<Endpoint>
  /** Calls `fn` once after `ms` milliseconds. Returns a function that cancels it. */
  readonly after: (ms: number, fn: () => void) => () => void
  /** Called once for each attempt that opened a socket. */
  readonly onOpen: () => void
  /** `maxBytes`: the largest message of the transport. @default that of the gateway */
  readonly onMessage: (text: unknown, maxBytes?: number) => void
  /** Called once for each failed attempt and each lost socket. */
  readonly onLost: (cause: ConnectionCause) => void
}

/** A socket that reconnects. Each attempt waits for `admit`. */
export interface Socket {
  /** Starts the next attempt. */
  admit(): void
  /** Drops the connection without calling `onLost`. The next attempt waits for `admit`. */
  replace(): void
  /** Returns false when the socket is not open; `onLost` follows. */
  send(text: string): boolean
  /** Closes the socket permanently. No callback is called any more. */
  close(): void
}

// 15 s: a slower `url` or `token` fails the attempt, since partysocket has no limit of its own
export const endpointMs = 15_000
const handshakeMs = 15_000 // 15 s: longer than cold starts of the authorizer and of $connect together

/** Creates a socket over partysocket. The comments name the behaviour of partysocket that the code works around. */
export function createSocket(options: SocketOptions): Socket {
  let admitted = false
  let startAttempt: (() => void) | undefined
  let reported = false // whether the current attempt needs no (further) `onLost`
  let isClosed = false
  let pendingLoss: SocketLoss | undefined // until the end of the tick
  let stage: Stage = 'preparing'
  let endpoint: Promise<Endpoint>

  const socket = new ReconnectingWebSocket(nextUrl, nextProtocols, {
    ...defined({ WebSocket: options.WebSocket }),
    maxEnqueuedMessages: 0, // partysocket sends its queue before `onopen` and does not bound its bytes
    minReconnectionDelay: 0, // the session's back-off is awaited in `prepare`
    maxReconnectionDelay: 0,
    connectionTimeout: handshakeMs,
  })
  // Properties instead of listeners: in browsers, partysocket clones events for listeners wrongly (`code` is "close").
  // partysocket also dispatches a clone of each event. There are no listeners, and a clone costs as much as the parsing.
  socket.dispatchEvent = () => true
  socket.onopen = () => {
    stage = 'open'
    options.onOpen()
  }
  socket.onmessage = ({ data }) => options.onMessage(data)
  socket.onclose = ({ code, reason }) => notifyLoss(code, reason)
  socket.onerror = ({ message }) => notifyLoss(undefined, message)

  /** partysocket calls this first in each attempt and `nextProtocols` directly after it, so both use one endpoint. */
  function nextUrl(): Promise<string> {
    endpoint = prepare()
    return endpoint.then(({ url }) => url)
  }
  function nextProtocols(): Promise<string[]> {
    return endpoint.then(({ protocols }) => protocols)
  }
  async function prepare(): Promise<Endpoint> {
    if (!admitted) await new Promise<void>((resolve) => (startAttempt = resolve))
    if (isClosed) throw new Error('closed')
    admitted = false
    reported = false
    stage = 'preparing'
    const resolved = await withTimeout(options.after, endpointMs, options.endpoint)
    stage = 'opening'
    return resolved
  }

  /**
   * Reports a loss once, at the end of the tick. partysocket may report a close with 1000 before the error that caused
   * it; the error arrives in the same tick and replaces it.
   */
  function notifyLoss(code: number | undefined, text: string): void {
    if (pendingLoss !== undefined) pendingLoss = { code, text }
    if (pendingLoss !== undefined || reported || isClosed) return
    pendingLoss = { code, text }
    reported = true
    queueMicrotask(() => {
      const cause = causeOf(stage, pendingLoss)
      pendingLoss = undefined
      admitted = false
      if (!isClosed) options.onLost(cause)
    })
  }

  return {
    admit() {
      admitted = true
      startAttempt?.()
    },
    replace() {
      admitted = false
      reported = true
      socket.reconnect()
    },
    send: (text) => !isClosed && socket.send(text),
    close() {
      isClosed = true
      socket.close() // emits no event while an attempt is prepared; none is needed
      startAttempt?.() // so that `prepare` ends
    },
  }
}

interface SocketLoss {
  readonly code: number | undefined
  readonly text: string | undefined
}

/** The progress of an attempt. */
type Stage = 'preparing' | 'opening' | 'open'

const likelyReasons =
  "Likely reasons: the server is unreachable, the URL or its stage is wrong, this page's origin is not allowed, or authorize threw."

function causeOf(stage: Stage, { code, text = '' }: Partial<SocketLoss> = {}): ConnectionCause {
  if (!isOnline()) return { code: 'offline', message: 'The network is offline.' }
  const why = text === '' ? '.' : `: ${text}`
  if (stage === 'preparing') return { code: 'network', message: `The socket could not be opened${why}` }
  if (stage === 'opening')
    return { code: 'network', message: `The socket could not be opened${why.replace(/\.?$/, '.')} ${likelyReasons}` }
  if (code === undefined || code === 1006) return { code: 'network', message: `The socket was lost${why}` }
  return { code: 'server', message: `The socket was closed with ${code}${why}` }
}

/** Rejects after `ms`, and always with an `Error`: partysocket stops permanently when anything else is thrown. */
export function withTimeout<T>(after: SocketOptions['after'], ms: number, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(new Error(`url and token took longer than ${ms} ms`)))
    const fail = (cause: unknown) => reject(toError(cause))
    ask().then(resolve, fail).finally(cancel)
  })
}

/** A WebSocket class: the browser's, Node's, or that of the package `ws`. */
export type WebSocketLike = new (
  url: string,
  protocols?: string[],
) => {
  readonly readyState: number
  /** Closes the socket with a code of RFC 6455. */
  close(code?: number, reason?: string): void
  /** Sends one text message. */
  send(data: string): void
}
