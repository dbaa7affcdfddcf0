import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Event, Rival } from '@trunkline/benchmark-delivery/contestant.ts'
import type { WebSocket } from 'ws'
import { openSocket, type Peer, toEvent } from './peer.ts'

/** Not in package-lock.json: with its runtime it has 174 MB. */
const folder = process.env['TRUNKLINE_MINIFLARE'] ?? 'node_modules/.contestants/node_modules/miniflare'
const version = '4.20260730.0'

/** One Durable Object on workerd, with hibernating sockets. It stores each event before it broadcasts. */
export const durableObjects: Peer = {
  id: 'durable-objects',
  name: 'a Durable Object on workerd',
  documents: [
    'https://developers.cloudflare.com/durable-objects/best-practices/websockets/',
    'https://developers.cloudflare.com/workers/testing/miniflare/',
  ],
  reconnect: 'none',
  missing() {
    if (existsSync(join(folder, 'package.json'))) return undefined
    return `it needs miniflare (\`npm install --prefix node_modules/.contestants miniflare@${version}\`, or its path in TRUNKLINE_MINIFLARE)`
  },
  start,
}

const script = `
export class Room {
  constructor(state) { this.state = state }
  async fetch(request) {
    const [client, server] = Object.values(new WebSocketPair())
    this.state.acceptWebSocket(server, [new URL(request.url).pathname])
    return new Response(null, { status: 101, webSocket: client })
  }
  async webSocketMessage(socket, text) {
    const event = JSON.parse(text)
    this.state.storage.put(event.publisher + ':' + event.n, event)
    for (const subscriber of this.state.getWebSockets('/subscribe')) subscriber.send(text)
    socket.send(JSON.stringify({ taken: event.n }))
  }
}
export default {
  fetch: (request, { ROOM }) => ROOM.get(ROOM.idFromName('room')).fetch(request),
}
`

interface Miniflare {
  readonly ready: Promise<URL>
  dispose(): Promise<void>
}

async function start(): Promise<Rival> {
  const entry = pathToFileURL(resolve(folder, 'dist/src/index.js')).href
  const { Miniflare } = (await import(entry)) as { readonly Miniflare: new (options: object) => Miniflare }
  const server = new Miniflare({
    modules: true,
    script,
    compatibilityDate: '2026-01-01',
    durableObjects: { ROOM: { className: 'Room', useSQLite: true } },
    host: '127.0.0.1',
    port: 0,
  })
  const log: Event[] = []
  return {
    port: Number((await server.ready).port),
    async subscribe(port, { onEvent }) {
      const socket = await openSocket(`ws://127.0.0.1:${port}/subscribe`, (text) => {
        const event = toEvent(text)
        if (event !== undefined) onEvent(event)
      })
      return { close: () => socket.terminate() }
    },
    async publisher(port) {
      let acknowledge = () => {}
      const socket: WebSocket = await openSocket(`ws://127.0.0.1:${port}/publish`, () => acknowledge())
      return {
        async publish(event) {
          const taken = new Promise<void>((done) => {
            acknowledge = done
          })
          socket.send(JSON.stringify(event))
          await taken
          log.push(event)
        },
        close: () => socket.terminate(),
      }
    },
    log: async () => log,
    close: () => server.dispose(),
  }
}
