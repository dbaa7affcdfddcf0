import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type Client,
  type Contestant,
  type Event,
  type Rival,
  reconnectDelayMs,
  sharedReconnect,
} from '../contestant.ts'

/** The control: a WebSocket server that broadcasts, and a client that reconnects and requests no missed events. */
export const bare: Contestant = {
  id: 'bare',
  name: 'bare `ws` broadcast (control)',
  documents: ['https://github.com/websockets/ws#server-broadcast'],
  reconnect: sharedReconnect,
  start,
}

async function start(): Promise<Rival> {
  const log: Event[] = []
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const room = new Set<WebSocket>()
  server.on('connection', (socket, { url }) => {
    if (url === '/room') room.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => room.delete(socket))
    socket.on('message', (data) => {
      const event = JSON.parse(String(data)) as Event
      log.push(event)
      const text = JSON.stringify({ event })
      for (const client of room) if (client.readyState === WebSocket.OPEN) client.send(text)
      socket.send(JSON.stringify({ taken: event.n }))
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async subscribe(port, { onEvent }) {
      const client = createReconnectingClient(`ws://127.0.0.1:${port}/room`, ({ event }) => event && onEvent(event))
      await client.open()
      return client
    },
    async publisher(port) {
      let acknowledge = (_n: number): unknown => undefined
      let fail = () => {}
      const client = createReconnectingClient(
        `ws://127.0.0.1:${port}/`,
        ({ taken }) => taken !== undefined && acknowledge(taken),
      )
      await client.open()
      return {
        close: client.close,
        async publish(event) {
          const socket = await client.open()
          const lost = new Promise<never>((_, reject) => {
            fail = () => reject(new Error('the socket was lost'))
          })
          const taken = new Promise<void>((resolve) => {
            acknowledge = (n) => n === event.n && resolve()
          })
          socket.once('close', fail)
          socket.send(JSON.stringify(event))
          await Promise.race([taken, lost]).finally(() => socket.off('close', fail))
        },
      }
    },
    log: async () => log,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

interface Message {
  readonly event?: Event
  readonly taken?: number
}

/** A client that reconnects when its socket is lost. */
function createReconnectingClient(
  url: string,
  onMessage: (message: Message) => void,
): Client & { open(): Promise<WebSocket> } {
  let closed = false
  let attempt = 0
  let timer: NodeJS.Timeout | undefined
  let opened: Promise<WebSocket>
  let current: WebSocket
  let resolveOpen: (socket: WebSocket) => void
  const expectOpen = () => {
    opened = new Promise((resolve) => (resolveOpen = resolve))
  }
  const connect = () => {
    const socket = new WebSocket(url)
    current = socket
    socket.on('message', (data) => onMessage(JSON.parse(String(data)) as Message))
    socket.on('open', () => {
      attempt = 0
      resolveOpen(socket)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (closed) return
      expectOpen()
      timer = setTimeout(connect, reconnectDelayMs(attempt))
      attempt += 1
    })
  }
  expectOpen()
  connect()
  return {
    open: () => opened,
    close() {
      closed = true
      clearTimeout(timer)
      current.terminate()
    },
  }
}
