import ReconnectingWebSocket from 'partysocket/ws'
import type { ConnectionCause } from '../session/machine/connection-state.ts'
import { isOnline } from './network.ts'
import { toError } from './to-error.ts'

/** Where to connect to, and what to offer there. Both are asked for anew on each attempt. */
export interface Endpoint {
  readonly url: string
  readonly protocols: string[]
}

export interface SocketOptions {
  readonly WebSocket?: WebSocketLike | undefined
  readonly endpoint: () => Promise<Endpoint>
  readonly after: (ms: number, fn: () => void) => () => void
  readonly onOpen: () => void
  readonly onMessage: (text: unknown) => void
  /** Once for each attempt that failed and each socket that was lost. */
  readonly onLost: (cause: ConnectionCause) => void
}

/** A socket that connects again by itself, whenever it is admitted. */
export interface Socket {
  /** Lets the next attempt go. */
  admit(): void
  /** Drops the socket; `onLost` is not called. The next attempt waits to be admitted. */
  replace(): void
  /** False when there is no open socket: its loss is about to be told. */
  send(text: string): boolean
  close(): void
}

const endpointMs = 15_000 // an address or a token that takes longer fails the attempt: partysocket would wait for ever
const handshakeMs = 15_000 // above a cold authorizer and a cold $connect

/** partysocket as it may be used: see each trap at its line. */
export function createSocket(options: SocketOptions): Socket {
  let admitted = false
  let wake: (() => void) | undefined
  let told = false // whether the loss of the current attempt was told, or is not worth telling
  let closed = false
  let loss: Loss | undefined // while it is gathered
  let stage: Stage = 'preparing'
  let endpoint: Promise<Endpoint>

  const socket = new ReconnectingWebSocket(nextUrl, nextProtocols, {
    ...(options.WebSocket && { WebSocket: options.WebSocket }),
    maxEnqueuedMessages: 0, // its queue is flushed before `open` is told, and has no bound in bytes
    minReconnectionDelay: 0, // our back-off is awaited in the address provider
    maxReconnectionDelay: 0,
    connectionTimeout: handshakeMs,
  })
  // Properties, not listeners: in browsers the events for listeners are cloned wrongly (their code is the word "close").
  socket.onopen = () => {
    stage = 'open'
    options.onOpen()
  }
  socket.onmessage = ({ data }) => options.onMessage(data)
  socket.onclose = ({ code, reason }) => notifyLoss(code, reason)
  socket.onerror = ({ message }) => notifyLoss(undefined, message)

  /** Asked first on each attempt. The protocols are asked for right behind, so both share one endpoint. */
  function nextUrl(): Promise<string> {
    endpoint = prepare()
    return endpoint.then(({ url }) => url)
  }
  function nextProtocols(): Promise<string[]> {
    return endpoint.then(({ protocols }) => protocols)
  }
  async function prepare(): Promise<Endpoint> {
    if (!admitted) await new Promise<void>((resolve) => (wake = resolve))
    if (closed) throw new Error('closed')
    admitted = false
    told = false
    stage = 'preparing'
    const found = await within(options.after, endpointMs, options.endpoint)
    stage = 'opening'
    return found
  }

  /** A close with 1000 may be partysocket's own, told before the error that it hides: that one comes in the same tick and knows better. */
  function notifyLoss(code: number | undefined, text: string): void {
    if (loss !== undefined) loss = { code, text }
    if (loss !== undefined || told || closed) return
    loss = { code, text }
    told = true
    queueMicrotask(() => {
      const cause = causeOf(stage, loss)
      loss = undefined
      admitted = false
      if (!closed) options.onLost(cause)
    })
  }

  return {
    admit() {
      admitted = true
      wake?.()
    },
    replace() {
      admitted = false
      told = true
      socket.reconnect()
    },
    send: (text) => !closed && socket.send(text),
    close() {
      closed = true
      socket.close() // tells nothing while an attempt is prepared, and need not: we know
      wake?.() // else the provider's promise would be waited for for ever
    },
  }
}

interface Loss {
  readonly code: number | undefined
  readonly text: string | undefined
}

/** How far an attempt came. */
type Stage = 'preparing' | 'opening' | 'open'

const likelyReasons =
  "Likely reasons: the server is down or cannot be reached, the address or its stage is wrong, or the server does not allow this page's origin."

function causeOf(stage: Stage, { code, text = '' }: Partial<Loss> = {}): ConnectionCause {
  if (!isOnline()) return { code: 'offline', message: 'The network is offline.' }
  const why = text === '' ? '.' : `: ${text}`
  if (stage === 'preparing') return { code: 'network', message: `The socket could not be opened${why}` }
  if (stage === 'opening')
    return { code: 'network', message: `The socket could not be opened${why.replace(/\.?$/, '.')} ${likelyReasons}` }
  if (code === undefined || code === 1006) return { code: 'network', message: `The socket was lost${why}` }
  return { code: 'server', message: `The socket was closed with ${code}${why}` }
}

/** Rejects with an Error, since partysocket stops for good on anything else. */
function within<T>(after: SocketOptions['after'], ms: number, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(new Error(`no address and token within ${ms} ms`)))
    const fail = (cause: unknown) => reject(toError(cause))
    ask().then(resolve, fail).finally(cancel)
  })
}

/** A WebSocket class: the browser's, Node's own, or that of `ws`. */
export type WebSocketLike = new (
  url: string,
  protocols?: string[],
) => {
  readonly readyState: number
  close(code?: number, reason?: string): void
  send(data: string): void
}
