import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { createCallbackApi } from './callback-api.ts'
import type { OpenConnection } from './connection/connection.ts'
import { createGatewayContext, type GatewayContext } from './connection/gateway-context.ts'
import { createUpgrade } from './handshake/upgrade.ts'
import { createHttpApi } from './http-api.ts'
import type { ConnectionInfo } from './integration/events.ts'
import { type GatewayOptions, resolveOptions } from './integration/options.ts'
import { isHttpRoute, isSocketPath, isUnderStage, parseCallbackPath } from './integration/paths.ts'

export type * from './integration/hooks.ts'
export type { InvokeResult } from './integration/invoke.ts'
export type { GatewayLimits, GatewayOptions, GatewayThrottles } from './integration/options.ts'
export type { Route } from './integration/routes.ts'
export type { Rate } from './integration/throttle.ts'
export type { UndocumentedOptions } from './integration/undocumented.ts'

/** A connection as the inspector shows it. `lost`: the socket broke and the gateway has not detected it yet. */
export interface GatewayConnection extends ConnectionInfo {
  readonly lastActiveAt: number
  readonly state: 'open' | 'lost'
}

/** API Gateway's WebSocket API in this process, over real sockets. */
export interface LocalGateway {
  /** `ws://127.0.0.1:port/dev` */
  readonly url: string
  /** `http://127.0.0.1:port/dev`: the endpoint for the AWS SDK. `@connections` is below it. */
  readonly callbackUrl: string
  readonly port: number
  /** `http://127.0.0.1:port` */
  readonly origin: string
  connections(): readonly GatewayConnection[]
  /**
   * Destroys a connection's socket, as a lost network does. `undocumented.cutNotice` decides when the gateway detects
   * it.
   */
  cut(connectionId: string): void
  /** Closes a connection's socket as at the end of its lifetime. */
  expire(connectionId: string): void
  /** Replaces the authorizer's context in the later events of a connection. */
  reauthorize(connectionId: string, authorizer: Readonly<Record<string, string>>): void
  /** Resolves when no frame, invocation or post is in flight. Work that only waits for the clock does not count. */
  idle(): Promise<void>
  /** Listens on the same port again after `close`. */
  reopen(): Promise<void>
  /**
   * Ends all sockets and stops listening. `$disconnect` does not run, because the gateway disappears, not its clients.
   */
  close(): Promise<void>
}

const host = '127.0.0.1'
const backlog = 4_096 // thousands of sockets may connect at once
// above AWS's 10,240 bytes of request line and header values, because Node counts header names too
const maxHeaderBytes = 32_768
// longer than the AWS SDK keeps an idle connection, so that we never close one that it is about to use
const keepAliveMs = 65_000

/** Starts a gateway. Rejects with the system's error when the port is in use. */
export async function startGateway(options: GatewayOptions): Promise<LocalGateway> {
  const server = createServer({ keepAliveTimeout: keepAliveMs, maxHeaderSize: maxHeaderBytes })
  // AWS limits the bytes only. Above 2,000 headers, Node 24 answers 431 and Node 20 drops the rest.
  server.maxHeadersCount = 0
  const gateway = createGatewayContext(resolveOptions(options), () => server.listening)
  server.on('request', createRequestListener(gateway, options))
  server.on('upgrade', createUpgrade(gateway))
  const sockets = trackSockets(server)
  const port = await listen(server, options.port ?? 0)
  const origin = `http://${host}:${port}`

  return {
    url: `ws://${host}:${port}/${gateway.stage}`,
    callbackUrl: `${origin}/${gateway.stage}`,
    port,
    origin,
    connections: () => [...gateway.connections.values()].flatMap(toView),
    cut: (connectionId) => gateway.connections.get(connectionId)?.cut(),
    expire: (connectionId) => gateway.connections.get(connectionId)?.expire('lifetime'),
    reauthorize: (connectionId, authorizer) => gateway.connections.get(connectionId)?.reauthorize(authorizer),
    idle: () => gateway.inFlight.idle(),
    async reopen() {
      if (!server.listening) await listen(server, port)
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of [...gateway.connections.values()]) connection.abandon()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function createRequestListener(
  gateway: GatewayContext,
  { http, httpFunction }: Pick<GatewayOptions, 'http' | 'httpFunction'>,
) {
  const callbackApi = createCallbackApi(gateway)
  const httpApi = httpFunction === undefined ? undefined : createHttpApi(gateway, httpFunction)
  return (request: IncomingMessage, response: ServerResponse) => {
    const target = request.url ?? '/'
    if (isSocketPath(gateway.stage, target)) {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'content-length': 0 }
      return void response.writeHead(426, headers).end()
    }
    if (httpApi !== undefined && isHttpRoute(gateway.stage, target)) return httpApi(request, response)
    if (isUnderStage(gateway.stage, target)) {
      if (gateway.hooks.intercept?.(request, response) === true) return
      return callbackApi(request, response, parseCallbackPath(gateway.stage, target))
    }
    if (http?.(request, response) === true || response.headersSent) return
    response.writeHead(gateway.undocumented.wrongPathStatus, { 'content-type': 'application/json' })
    response.end('{"message":"Forbidden"}')
  }
}

/** Tracks sockets itself, because `closeAllConnections` ignores upgraded and half-open sockets. */
function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE' ? inUse(port, error) : error)
    server.once('error', fail)
    server.listen({ port, host, backlog }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function inUse(port: number, cause: NodeJS.ErrnoException): Error {
  const message = `Expected port ${port} of ${host} to be free, and it is in use. Stop what listens on it, or leave \`port\` out.`
  return Object.assign(new Error(message, { cause }), { code: cause.code })
}

function toView(connection: OpenConnection): GatewayConnection[] {
  const { info, state, lastActiveAt } = connection
  return state === 'ended' ? [] : [{ ...info, lastActiveAt, state }]
}
