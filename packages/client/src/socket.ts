import type { ConnectionCause } from './connection-state.ts'
import type { WebSocketLike } from './environment.ts'
import { isOnline } from './network.ts'

/** Where to connect to, and what to offer there. Both are asked for anew on each attempt. */
export interface Destination {
  readonly url: string
  readonly protocols: string[]
}

export interface SocketOptions {
  readonly WebSocket?: WebSocketLike | undefined
  readonly destination: () => Promise<Destination>
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

const destinationMs = 15_000 // an address or a token that takes longer fails the attempt
const handshakeMs = 15_000 // above a cold authorizer and a cold $connect
const open = 1 // of `readyState`

/** What every WebSocket class has beside what an application must give: properties rather than listeners, since they are all that each of them understands. */
interface PlainSocket extends InstanceType<WebSocketLike> {
  onopen: unknown
  onmessage: unknown
  onerror: unknown
  onclose: unknown
}

/** One WebSocket after another. Back-off, queue and close codes are the session's: here an attempt is made when it is admitted, and its end is told once. */
export function createSocket(options: SocketOptions): Socket {
  const { after, destination, onOpen, onMessage, onLost } = options
  let attempt: object | undefined // of which something is to be heard; what an earlier one still says is not
  let socket: PlainSocket | undefined
  let stopTimer = () => {}
  let closed = false

  async function connect(own: object): Promise<void> {
    attempt = own
    try {
      const { url, protocols } = await within(after, destinationMs, destination)
      if (attempt === own) listen(own, make(url, protocols))
    } catch (thrown) {
      lose(own, undefined, messageOf(thrown))
    }
  }
  function make(url: string, protocols: string[]): PlainSocket {
    const Given = options.WebSocket ?? (globalThis as { readonly WebSocket?: WebSocketLike }).WebSocket
    return new (Given as WebSocketLike)(url, protocols) as PlainSocket // `createConnection` makes sure that there is one
  }
  function listen(own: object, made: PlainSocket): void {
    let failure: string | undefined // an error is told right before the close, which knows less
    socket = made
    stopTimer = after(handshakeMs, () => lose(own, undefined, `no answer within ${handshakeMs} ms`))
    made.onopen = () => {
      if (attempt !== own) return
      stopTimer()
      onOpen()
    }
    made.onmessage = ({ data }: { readonly data: unknown }) => attempt === own && onMessage(data)
    made.onerror = ({ message = '' }: { readonly message?: string }) => {
      failure = message // stays set when the socket was dropped: without a listener `ws` would throw
    }
    made.onclose = ({ code, reason }: Close) =>
      failure === undefined ? lose(own, code, reason) : lose(own, undefined, failure)
  }
  function lose(own: object, code: number | undefined, text: string): void {
    if (attempt !== own) return
    drop()
    onLost(causeOf(code, text))
  }
  function drop(): void {
    attempt = undefined
    stopTimer()
    socket?.close(1000)
    socket = undefined
  }

  return {
    admit() {
      if (attempt === undefined && !closed) void connect({})
    },
    replace: drop,
    send(text) {
      if (socket?.readyState !== open) return false
      socket.send(text)
      return true
    },
    close() {
      closed = true
      drop()
    },
  }
}

interface Close {
  readonly code: number
  readonly reason: string
}

function causeOf(code: number | undefined, text: string): ConnectionCause {
  if (!isOnline()) return { code: 'offline', message: 'The network is offline.' }
  const why = text === '' ? '.' : `: ${text}`
  if (code === undefined || code === 1006) return { code: 'network', message: `The socket was lost${why}` }
  return { code: 'server', message: `The socket was closed with ${code}${why}` }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown ?? '')
}

/** What `ask` gives, or an Error when it takes longer. */
function within<T>(after: SocketOptions['after'], ms: number, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(new Error(`no address and token within ${ms} ms`)))
    ask().then(resolve, reject).finally(cancel)
  })
}
