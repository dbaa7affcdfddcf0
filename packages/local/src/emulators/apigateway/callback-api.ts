import type { IncomingMessage, ServerResponse } from 'node:http'
import { findOriginError } from '../same-site.ts'
import { type CallbackResponse, refuseCallback, writeCallbackResponse } from './callback-response.ts'
import type { OpenConnection } from './connection/connection.ts'
import type { GatewayContext } from './connection/gateway-context.ts'
import { isConnectionId } from './connection/ids.ts'
import { applyHookResult, type HookEffect } from './integration/hooks.ts'

/** Handles a request to `@connections`. `id` is null when the path names no connection. */
export type CallbackApi = (request: IncomingMessage, response: ServerResponse, id: string | null) => void

/**
 * `@connections`: POST sends, GET describes, DELETE closes. Posts to one connection are sent in the order in which
 * their bodies arrived.
 */
export function createCallbackApi(gateway: GatewayContext): CallbackApi {
  return (request, response, id) => {
    const write = (answer: CallbackResponse) => gateway.inFlight.track(writeCallbackResponse(response, answer))
    const originError = findOriginError(request)
    if (originError !== undefined) return void write(refuseCallback(403, originError))
    const received = readBody(request, gateway.limits.messageBytes).then((body) => {
      if (body === 'broken') return
      const found = admit(gateway, request, id)
      if ('refusal' in found) return void write(found.refusal)
      if (request.method === 'POST') return push(gateway, { ...found, body }, write)
      if (found.connection === undefined) return void write(refuseCallback(410))
      void write(request.method === 'GET' ? describe(found.connection) : disconnect(found.connection))
    })
    void gateway.inFlight.track(received)
  }
}

type Admission =
  | { readonly refusal: CallbackResponse }
  | { readonly connectionId: string; readonly connection: OpenConnection | undefined }

const methods = ['POST', 'GET', 'DELETE']

function admit(gateway: GatewayContext, request: IncomingMessage, id: string | null): Admission {
  if (gateway.signed && request.headers.authorization === undefined) return { refusal: refuseCallback(403) }
  if (id === null || !methods.includes(request.method ?? '')) return { refusal: refuseCallback(403) }
  if (!gateway.mayPost()) return { refusal: refuseCallback(429) }
  if (!isConnectionId(id)) return { refusal: refuseCallback(400, `Invalid connectionId: ${id}`) }
  // a connection whose handshake is in progress is not in the map: it gets 410, like one that is gone
  return { connectionId: id, connection: gateway.connections.get(id) }
}

interface Push {
  readonly connectionId: string
  readonly connection: OpenConnection | undefined
  readonly body: Buffer | 'too-large'
}

function push(
  gateway: GatewayContext,
  { connectionId, connection, body }: Push,
  write: (answer: CallbackResponse) => void,
) {
  if (body === 'too-large') return write(refuseCallback(413))
  const info = { connectionId, text: body.toString() }
  const answer = (reply: CallbackResponse) => {
    gateway.hooks.pushed?.({ ...info, status: reply.status })
    write(reply)
  }
  const deliver = (times: number) => answer(post(gateway, connection, { body, times }))
  const acts: Record<HookEffect, () => void> = {
    pass: () => deliver(1),
    drop: () => deliver(0),
    duplicate: () => deliver(2),
    gone: () => answer(refuseCallback(410)),
    throttle: () => answer(refuseCallback(429)),
    fail: () => answer(refuseCallback(500)),
    hang: () => {},
  }
  const jitter = gateway.undocumented.orderJitterMs
  const verdict = gateway.hooks.push?.(info) ?? (jitter > 0 ? { delayMs: gateway.clock.random() * jitter } : 'pass')
  applyHookResult(gateway.clock, verdict, (effect) => acts[effect]())
}

function post(
  { undocumented }: GatewayContext,
  connection: OpenConnection | undefined,
  { body, times }: { readonly body: Buffer; readonly times: number },
): CallbackResponse {
  if (connection === undefined || connection.state === 'ended') return refuseCallback(410)
  if (connection.state === 'lost') return undocumented.lostPost === 'gone' ? refuseCallback(410) : { status: 200 }
  if (connection.bufferedBytes > undocumented.clientBufferBytes) return refuseCallback(429)
  const text = body.toString()
  const binary = undocumented.binaryPost === 'binary' && Buffer.byteLength(text) !== body.length
  for (let time = 0; time < times; time++) connection.send(binary ? body : text)
  return { status: 200 } // the gateway accepted the message; delivery to the client is unknown
}

function describe(connection: OpenConnection): CallbackResponse {
  const { connectedAt, identity } = connection.info
  return {
    status: 200,
    json: {
      connectedAt: new Date(connectedAt).toISOString(),
      identity: { sourceIp: identity.sourceIp, userAgent: identity.userAgent ?? null },
      lastActiveAt: new Date(connection.lastActiveAt).toISOString(),
    },
  }
}

function disconnect(connection: OpenConnection): CallbackResponse {
  connection.close(1000, 'Connection Closed Normally')
  return { status: 204 }
}

const abortBytes = 16 * 1024 * 1024 // a larger body is aborted instead of read to its end

/**
 * Reads a request's body. A body over `limitBytes` is read to its end and discarded, so that the caller receives the
 * response. Never rejects.
 */
function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too-large' | 'broken'> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limitBytes) chunks.push(chunk)
      else chunks = []
      if (bytes > abortBytes) request.destroy()
    })
    request.once('end', () => resolve(bytes > limitBytes ? 'too-large' : Buffer.concat(chunks)))
    request.once('close', () => resolve('broken'))
    request.once('error', () => resolve('broken'))
  })
}
