import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type ServerOptions } from 'socket.io'
import { io, type ManagerOptions, type SocketOptions } from 'socket.io-client'
import type { Contestant, Event, Rival } from '../contestant.ts'

/** Socket.IO's options for the delay of the other clients: 0.1–0.5 s for the first attempt, then at most 1 s. */
const delays = { reconnectionDelay: 300, reconnectionDelayMax: 1_000, randomizationFactor: 0.67 }
const reconnect = '0.1–0.5 s, then up to 1 s'

/** Socket.IO's default: missed events are not sent again. */
export const socketIoPlain: Contestant = {
  id: 'socketio',
  name: 'Socket.IO',
  documents: ['https://socket.io/docs/v4/delivery-guarantees', 'https://socket.io/docs/v4/rooms'],
  reconnect,
  // without a timeout, a lost acknowledgement is awaited forever
  start: () => start({ server: {}, publisher: { ackTimeout: 1_000 } }),
}

/**
 * The server keeps packets for a disconnected client and sends them after a reconnect. A publisher retries until it is
 * acknowledged.
 */
export const socketIoRecovery: Contestant = {
  id: 'socketio-recovery',
  name: 'Socket.IO with connection state recovery',
  documents: [
    // `{}` means the default of two minutes; rooms are joined again only when not recovered
    'https://socket.io/docs/v4/connection-state-recovery',
    // `retries` and `ackTimeout`, and a key by which the server drops duplicates
    'https://socket.io/docs/v4/tutorial/step-8',
  ],
  reconnect,
  start: () => start({ server: { connectionStateRecovery: {} }, publisher: { ackTimeout: 10_000, retries: 3 } }),
}

interface Settings {
  readonly server: Partial<ServerOptions>
  readonly publisher: Partial<ManagerOptions & SocketOptions>
}

async function start(settings: Settings): Promise<Rival> {
  const http = createServer()
  const server = new Server(http, settings.server)
  const log: Event[] = []
  const taken = new Set<string>()
  const publishOnce = (event: Event) => {
    const key = `${event.publisher}:${event.n}`
    if (settings.publisher.retries !== undefined && taken.has(key)) return
    taken.add(key)
    log.push(event)
    server.to('room').emit('event', event)
  }
  server.on('connection', (socket) => {
    if (!socket.recovered && socket.handshake.auth['subscribes'] === true) socket.join('room')
    socket.on('publish', (event: Event, acknowledge: () => void) => {
      publishOnce(event)
      acknowledge()
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))

  const connect = async (port: number, subscribes: boolean, options: Settings['publisher'] = {}) => {
    // `forceNew`: each client has its own connection, like clients on different machines.
    const socket = io(`http://127.0.0.1:${port}`, { ...delays, ...options, forceNew: true, auth: { subscribes } })
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return socket
  }
  return {
    port: (http.address() as AddressInfo).port,
    async subscribe(port, { onEvent }) {
      const socket = await connect(port, true)
      socket.on('event', onEvent)
      return { close: () => void socket.disconnect() }
    },
    async publisher(port) {
      const socket = await connect(port, false, settings.publisher)
      return {
        publish: (event) => socket.emitWithAck('publish', event),
        close: () => void socket.disconnect(),
      }
    },
    log: async () => log,
    close: () => server.close(),
  }
}
