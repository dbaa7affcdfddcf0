import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type ConnectionListeners, OpenConnection } from '../connection/connection.ts'
import { limitFrames } from '../connection/frame-limit.ts'
import { findFunction, type GatewayContext } from '../connection/gateway-context.ts'
import { onMessage } from '../connection/on-message.ts'
import { type ConnectionInfo, toDisconnectEvent } from '../integration/events.ts'
import { toEventHeaders, toEventQuery } from '../integration/headers.ts'
import { applyHookResult, type HookEffect } from '../integration/hooks.ts'
import type { CloseInfo } from '../integration/undocumented.ts'
import { type HandshakeOutcome, runHandshake } from './handshake.ts'
import { findRequestError, toConnectionInfo } from './upgrade-request.ts'

/** Handles a server's `upgrade` event. The socket waits until `$connect` has responded. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Creates the listener that turns an upgrade request into an open connection. */
export function createUpgrade(gateway: GatewayContext): UpgradeListener {
  const subprotocols = new WeakMap<IncomingMessage, string>()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: gateway.limits.messageBytes,
    perMessageDeflate: gateway.undocumented.permessageDeflate,
    handleProtocols: () => false, // only `$connect` chooses a subprotocol
  })
  server.on('headers', (headers, request) => {
    const subprotocol = subprotocols.get(request)
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  })

  return (request, socket, head) => {
    socket.on('error', () => {}) // the client aborted; `close` follows
    const reject = (code: number) => writeRejection(socket, code, gateway.undocumented.rejectionBody)
    const errorStatus = findRequestError(gateway, request)
    if (errorStatus !== undefined) {
      gateway.hooks.rejectedUpgrade?.({ path: request.url ?? '/', status: errorStatus })
      return reject(errorStatus)
    }
    if (!gateway.mayConnect()) return reject(429)
    const info = toConnectionInfo(gateway, request)

    const finish = (outcome: HandshakeOutcome, opened: (connection: OpenConnection) => void) => {
      if (outcome.status === 'rejected') return reject(outcome.code)
      // The client left while `$connect` ran. The function knows the connection, so `$disconnect` must run.
      if (!socket.readable || !socket.writable)
        return runDisconnect(gateway, outcome.info, gateway.undocumented.tcpLossClose)
      if (outcome.subprotocol !== undefined) subprotocols.set(request, outcome.subprotocol)
      server.handleUpgrade(request, socket, head, (ws) => opened(openConnection(gateway, outcome.info, ws)))
    }
    const start = (opened: (connection: OpenConnection) => void = () => {}) => {
      const handshake = runHandshake(gateway, info, { rawHeaders: request.rawHeaders, target: request.url ?? '/' })
      void gateway.inFlight.track(handshake.then((outcome) => finish(outcome, opened)))
    }
    const actions: Record<HookEffect, () => void> = {
      pass: () => start(),
      duplicate: () => start(),
      gone: () => start((connection) => connection.cut()),
      drop: () => socket.destroy(),
      throttle: () => reject(429),
      fail: () => reject(500),
      hang: () => {},
    }
    applyHookResult(gateway.clock, callHook(gateway, info, request), (effect) => actions[effect]())
  }
}

function openConnection(gateway: GatewayContext, info: ConnectionInfo, socket: WebSocket): OpenConnection {
  limitFrames(socket, gateway.limits.frameBytes)
  const listeners: ConnectionListeners = {
    message: (text) => onMessage(gateway, connection, text),
    ended(close, notify) {
      gateway.connections.delete(info.connectionId)
      gateway.hooks.ended?.({ connectionId: info.connectionId, ...close })
      if (notify) runDisconnect(gateway, info, close)
    },
  }
  const connection = new OpenConnection(gateway, { info, socket, listeners })
  gateway.connections.set(info.connectionId, connection)
  gateway.hooks.opened?.({ connectionId: info.connectionId })
  return connection
}

function callHook(gateway: GatewayContext, { connectionId }: ConnectionInfo, request: IncomingMessage) {
  return gateway.hooks.connect?.({
    connectionId,
    headers: toEventHeaders(request.rawHeaders).single,
    query: toEventQuery(request.url ?? '/')?.single ?? {},
  })
}

function writeRejection(socket: Duplex, code: number, body: string): void {
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Status'}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.once('finish', () => socket.destroy())
  socket.end(head + body)
}

/** Runs `$disconnect` for a closed connection. The result is ignored. */
function runDisconnect(gateway: GatewayContext, info: ConnectionInfo, close: CloseInfo): void {
  const functionName = findFunction(gateway, '$disconnect')
  if (functionName === undefined || !gateway.undocumented.disconnect) return
  const run = () => {
    if (!gateway.isServing()) return
    const eventInfo = { routeKey: '$disconnect', requestId: gateway.ids.request(), time: gateway.clock.now() }
    void gateway.inFlight.track(gateway.integrate(functionName, toDisconnectEvent(info, eventInfo, close)))
  }
  if (gateway.undocumented.disconnectDelayMs > 0) gateway.clock.after(gateway.undocumented.disconnectDelayMs, run)
  else run()
}
