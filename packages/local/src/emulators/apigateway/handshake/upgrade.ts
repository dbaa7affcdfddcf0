import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { OpenConnection } from '../connection/connection.ts'
import { limitFrames } from '../connection/frame-limit.ts'
import type { GatewayParts } from '../connection/gateway-context.ts'
import type { ConnectionFacts } from '../integration/events.ts'
import { toEventHeaders, toEventQuery } from '../integration/headers.ts'
import { afterVerdict, type HookEffect } from '../integration/hooks.ts'
import { takeMessage } from '../messages/messages.ts'
import { runDisconnect } from './disconnect.ts'
import { type HandshakeOutcome, shakeHands } from './handshake.ts'
import { findFault, toFacts } from './upgrade-request.ts'

/** Takes a server's `upgrade` event. The socket waits until `$connect` has answered. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** The way from an upgrade request to an open connection. */
export function createUpgrade(parts: GatewayParts): UpgradeListener {
  const subprotocols = new WeakMap<IncomingMessage, string>()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: parts.walls.messageBytes,
    perMessageDeflate: parts.unsure.permessageDeflate,
    handleProtocols: () => false, // only what `$connect` returned
  })
  server.on('headers', (headers, request) => {
    const subprotocol = subprotocols.get(request)
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  })

  return (request, socket, head) => {
    socket.on('error', () => {}) // a client that breaks off; `close` follows
    const refuse = (code: number) => writeRefusal(socket, code, parts.unsure.rejectionBody)
    const fault = findFault(parts, request)
    if (fault !== undefined) {
      parts.hooks.mistaken?.({ path: request.url ?? '/', status: fault })
      return refuse(fault)
    }
    if (!parts.mayConnect()) return refuse(429)
    const facts = toFacts(parts, request)

    const conclude = (outcome: HandshakeOutcome, opened: (connection: OpenConnection) => void) => {
      if (outcome.status === 'refused') return refuse(outcome.code)
      // the client left while `$connect` ran: the function knows of a connection, so `$disconnect` is due
      if (!socket.readable || !socket.writable) return runDisconnect(parts, outcome.facts, parts.unsure.tcpLossClose)
      if (outcome.subprotocol !== undefined) subprotocols.set(request, outcome.subprotocol)
      server.handleUpgrade(request, socket, head, (ws) => opened(openConnection(parts, outcome.facts, ws)))
    }
    const proceed = (opened: (connection: OpenConnection) => void = () => {}) => {
      const handshake = shakeHands(parts, facts, { rawHeaders: request.rawHeaders, target: request.url ?? '/' })
      parts.work.track(handshake.then((outcome) => conclude(outcome, opened)))
    }
    const acts: Record<HookEffect, () => void> = {
      pass: () => proceed(),
      duplicate: () => proceed(),
      gone: () => proceed((connection) => connection.cut()),
      drop: () => socket.destroy(),
      throttle: () => refuse(429),
      fail: () => refuse(500),
      hang: () => {},
    }
    afterVerdict(parts.clock, askHook(parts, facts, request), (effect) => acts[effect]())
  }
}

function openConnection(parts: GatewayParts, facts: ConnectionFacts, ws: WebSocket): OpenConnection {
  limitFrames(ws, parts.walls.frameBytes)
  const connection: OpenConnection = new OpenConnection(parts, facts, ws, {
    message: (text) => takeMessage(parts, connection, text),
    ended(close, told) {
      parts.connections.delete(facts.connectionId)
      parts.hooks.ended?.({ connectionId: facts.connectionId, ...close })
      if (told) runDisconnect(parts, facts, close)
    },
  })
  parts.connections.set(facts.connectionId, connection)
  parts.hooks.opened?.({ connectionId: facts.connectionId })
  return connection
}

function askHook(parts: GatewayParts, { connectionId }: ConnectionFacts, request: IncomingMessage) {
  return parts.hooks.connect?.({
    connectionId,
    headers: toEventHeaders(request.rawHeaders).single,
    query: toEventQuery(request.url ?? '/')?.single ?? {},
  })
}

function writeRefusal(socket: Duplex, code: number, body: string): void {
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Status'}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.once('finish', () => socket.destroy())
  socket.end(head + body)
}
