import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  type CreateTRPCClientOptions,
  createTRPCClient,
  createWSClient,
  type WebSocketClientOptions,
} from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

globalThis.WebSocket = WebSocket as never // as the suite's own helper does

/** The options of the suite's own helper of this name that concern a WebSocket server. */
interface ResourceOptions<R extends AnyTRPCRouter> {
  readonly wsClient?: Partial<WebSocketClientOptions>
  /** The options of tRPC's adapter. A line uses those that it has too. */
  readonly wssServer?: Readonly<Record<string, unknown>>
  readonly client?:
    | Partial<CreateTRPCClientOptions<R>>
    | ((server: { readonly wssUrl: string; readonly wsClient: object }) => Partial<CreateTRPCClientOptions<R>>)
}

/** Replaces the server and client of tRPC's suite, with the members that its WebSocket tests use. */
export function testServerAndClientResource<R extends AnyTRPCRouter>(router: R, options: ResourceOptions<R> = {}) {
  const backend = process.env['TRPC_SUITE_OWN'] === '1' ? ownBackend(router, options) : lineBackend(router, options)
  let wss = listen(0)
  const { port } = wss.address() as AddressInfo
  function listen(port: number): WebSocketServer {
    const server = new WebSocketServer({ port })
    backend.serve(server)
    return server
  }
  const wssUrl = `ws://localhost:${port}`
  const wsClient = createWSClient({ url: wssUrl, lazy: { enabled: true, closeMs: 0 }, ...options.wsClient })
  const given = typeof options.client === 'function' ? options.client({ wssUrl, wsClient }) : options.client
  const destroyConnections = () => {
    for (const socket of wss.clients) socket.close()
  }
  const close = async () => {
    destroyConnections()
    await new Promise((resolve) => wss.close(resolve))
  }
  return {
    ...{ router, wssUrl, wsClient, destroyConnections, close },
    client: createTRPCClient<R>({ links: [], ...given } as CreateTRPCClientOptions<R>),
    get wss() {
      return wss
    },
    wssHandler: { broadcastReconnectNotification: backend.notify },
    open() {
      wss = listen(port)
    },
    async [Symbol.asyncDispose]() {
      await close()
      await backend.end()
    },
  }
}

/** Answers the messages of the sockets of a `ws` server. */
interface Backend {
  serve(server: WebSocketServer): void
  notify(): void
  end(): Promise<void>
}

/**
 * A local line. The suite watches the server's sockets, so each of them is handed on to one of the line's gateway,
 * unchanged in either direction.
 */
function lineBackend<R extends AnyTRPCRouter>(router: R, { wssServer = {} }: ResourceOptions<R>): Backend {
  const { createContext, maxBatchSize, onError = () => {} } = wssServer
  const given = { router, createContext, onError, ...(maxBatchSize === undefined ? {} : { maxBatchSize }) }
  const line = startLocalLine(given as unknown as Parameters<typeof startLocalLine<R>>[0])
  return {
    serve: (server) =>
      server.on('connection', (socket, { url = '/' }) => serveSocket(line, socket, new URL(url, 'ws://line').search)),
    notify: () => void line.then((local) => local.notify()),
    end: async () => (await line).close(),
  }
}

/** tRPC's own adapter: what fails with it too is no matter of the line's. */
function ownBackend<R extends AnyTRPCRouter>(router: R, { wssServer }: ResourceOptions<R>): Backend {
  let handler: ReturnType<typeof applyWSSHandler> | undefined
  return {
    serve(wss) {
      handler = applyWSSHandler({ wss, router, ...wssServer } as never)
    },
    notify: () => handler?.broadcastReconnectNotification(),
    end: async () => {},
  }
}

/** Joins a socket of the suite to one of the gateway: each passes on what the other receives. */
async function serveSocket<R extends AnyTRPCRouter>(line: Promise<LocalLine<R>>, socket: WebSocket, search: string) {
  const early: RawData[] = []
  const keep = (data: RawData) => early.push(data)
  socket.on('message', keep)
  const gateway = new WebSocket(`${(await line).url}${search}`)
  gateway.on('message', (data) => socket.send(String(data)))
  gateway.on('close', () => socket.close())
  gateway.on('error', () => socket.terminate())
  socket.on('close', () => gateway.close())
  await once(gateway, 'open').catch(() => {}) // the listener above reports its `error`
  socket.off('message', keep)
  for (const data of early) gateway.send(String(data))
  socket.on('message', (data) => gateway.send(String(data)))
}
