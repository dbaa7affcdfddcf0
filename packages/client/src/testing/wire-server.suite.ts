import type { AddressInfo } from 'node:net'
import type { ClientFrame } from '@trunkline/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

/** A frame that a test's server receives. It is loosely typed, since a test reads the members that it expects. */
export interface Received {
  readonly id: number | string
  readonly method: ClientFrame['method']
  readonly params: {
    readonly path: string
    readonly input: unknown
    readonly key?: string
    readonly token: string
    readonly ref: number
    readonly lastEventId?: string
    readonly subscriptions: readonly { readonly id: number; readonly ref: number; readonly from: string }[]
  }
}
/** One socket of the server. */
export interface Peer {
  /** The entries of `Sec-WebSocket-Protocol`. */
  readonly offer: readonly string[]
  readonly socket: WebSocket
  /** Sends one message: a frame, or an array of frames. */
  send(message: unknown): void
}

/**
 * A test server with the protocol over real sockets. It answers `hello` and `ping`; the test answers the rest.
 */
export async function startWireServer(onFrame: (frame: Received, peer: Peer) => void = () => {}) {
  const server = new WebSocketServer({ port: 0, handleProtocols: () => 'trunkline.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const frames: Received[] = []
  const peers: Peer[] = []
  const hello: Record<string, unknown> = {
    limits: { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 },
  }
  const waiters: { readonly accepts: (frame: Received) => boolean; readonly resolve: (frame: Received) => void }[] = []

  server.on('connection', (socket, request) => {
    const peer: Peer = {
      socket,
      offer: (request.headers['sec-websocket-protocol'] ?? '').split(',').map((entry) => entry.trim()),
      send: (message) => socket.send(JSON.stringify(message)),
    }
    peers.push(peer)
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Received
      frames.push(frame)
      if (frame.method === 'hello') {
        peer.send({ id: frame.id, result: { type: 'hello', session: 's', time: Date.now(), ...hello } })
      } else if (frame.method === 'ping') peer.send({ pong: true })
      else onFrame(frame, peer)
      for (const waiter of waiters.filter(({ accepts }) => accepts(frame))) {
        waiters.splice(waiters.indexOf(waiter), 1)
        waiter.resolve(frame)
      }
    })
  })

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** All received frames, in order. */
    frames,
    /** All sockets, closed ones included. */
    peers,
    /** Merged into the answer to `hello`. */
    hello,
    /** The next frame of this method after `after` others; it may have arrived already. */
    frame(method: Received['method'], skip = 0): Promise<Received> {
      const seen = frames.filter((frame) => frame.method === method)[skip]
      if (seen !== undefined) return Promise.resolve(seen)
      return new Promise((resolve) => {
        const accepts = () => frames.filter((frame) => frame.method === method).length > skip
        waiters.push({
          accepts,
          resolve: () => resolve(frames.filter((frame) => frame.method === method)[skip] as Received),
        })
      })
    },
    /** The current socket. */
    peer: (): Peer => peers.at(-1) as Peer,
    cut() {
      for (const { socket } of peers) socket.terminate()
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of peers) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The frame of one event of a log. */
export function event(id: number | string, at: string, data: unknown = at) {
  return { id, result: { type: 'data', id: at, data: { id: at, data } } }
}
