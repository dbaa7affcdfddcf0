import type { IncomingMessage, ServerResponse } from 'node:http'
import { findOriginError } from '../same-site.ts'
import { type CallbackResponse, toErrorResponse, writeCallbackResponse } from './callback-response.ts'
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
    const write = (result: CallbackResponse) => writeCallbackResponse(response, result, gateway.inFlight.begin())
    const originError = findOriginError(request)
    if (originError !== undefined) return write(toErrorResponse(403, originError))
    const end = gateway.inFlight.begin()
    readBody(request, gateway.limits.messageBytes, (body) => {
      if (body !== 'broken') handle(gateway, { request, id, body }, write)
      end()
    })
  }
}

type Body = Buffer | 'too-large'
type WriteResponse = (result: CallbackResponse) => void

interface ReceivedRequest {
  readonly request: IncomingMessage
  readonly id: string | null
  readonly body: Body
}

function handle(gateway: GatewayContext, { request, id, body }: ReceivedRequest, write: WriteResponse) {
  const found = admit(gateway, request, id)
  if ('rejection' in found) return write(found.rejection)
  if (request.method === 'POST') return onPost(gateway, { ...found, body }, write)
  if (found.connection === undefined) return write(toErrorResponse(410))
  write(request.method === 'GET' ? describe(found.connection) : disconnect(found.connection))
}

type Admission =
  | { readonly rejection: CallbackResponse }
  | { readonly connectionId: string; readonly connection: OpenConnection | undefined }

const methods = ['POST', 'GET', 'DELETE']

function admit(gateway: GatewayContext, request: IncomingMessage, id: string | null): Admission {
  if (gateway.signed && request.headers.authorization === undefined) return { rejection: toErrorResponse(403) }
  if (id === null || !methods.includes(request.method ?? '')) return { rejection: toErrorResponse(403) }
  if (!gateway.mayPost()) return { rejection: toErrorResponse(429) }
  if (!isConnectionId(id)) return { rejection: toErrorResponse(400, `Invalid connectionId: ${id}`) }
  // a connection whose handshake is in progress is not in the map: it gets 410, like one that is gone
  return { connectionId: id, connection: gateway.connections.get(id) }
}

interface PostRequest {
  readonly connectionId: string
  readonly connection: OpenConnection | undefined
  readonly body: Body
}

function onPost(gateway: GatewayContext, { connectionId, connection, body }: PostRequest, write: WriteResponse) {
  if (body === 'too-large') return write(toErrorResponse(413))
  const info = { connectionId, text: body.toString() }
  const respond = (result: CallbackResponse) => {
    gateway.hooks.pushed?.({ ...info, status: result.status })
    write(result)
  }
  const deliver = (times: number) => respond(post(gateway, connection, { body, text: info.text, times }))
  const jitter = gateway.undocumented.orderJitterMs
  const result = gateway.hooks.push?.(info) ?? (jitter > 0 ? { delayMs: gateway.clock.random() * jitter } : 'pass')
  if (result === 'pass') return deliver(1)
  const actions: Record<HookEffect, () => void> = {
    pass: () => deliver(1),
    drop: () => deliver(0),
    duplicate: () => deliver(2),
    gone: () => respond(toErrorResponse(410)),
    throttle: () => respond(toErrorResponse(429)),
    fail: () => respond(toErrorResponse(500)),
    hang: () => {},
  }
  applyHookResult(gateway.clock, result, (effect) => actions[effect]())
}

function post(
  { undocumented }: GatewayContext,
  connection: OpenConnection | undefined,
  { body, text, times }: { readonly body: Buffer; readonly text: string; readonly times: number },
): CallbackResponse {
  if (connection === undefined || connection.state === 'ended') return toErrorResponse(410)
  if (connection.state === 'lost') return undocumented.lostPost === 'gone' ? toErrorResponse(410) : { status: 200 }
  if (connection.bufferedBytes > undocumented.clientBufferBytes) return toErrorResponse(429)
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
 * Reads a request's body, and calls `done` once. A body over `limitBytes` is read to its end and discarded, so that the
 * caller receives the response.
 */
export function readBody(request: IncomingMessage, limitBytes: number, done: (body: Body | 'broken') => void): void {
  let chunks: Buffer[] = []
  let bytes = 0
  let isDone = false
  const finish = (body: Body | 'broken') => {
    if (!isDone) {
      isDone = true
      done(body)
    }
  }
  const onBroken = () => finish('broken')
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= limitBytes) chunks.push(chunk)
    else chunks = []
    if (bytes > abortBytes) request.destroy()
  })
  request.once('end', () => {
    const [only] = chunks
    const isWhole = only !== undefined && chunks.length === 1
    finish(bytes > limitBytes ? 'too-large' : isWhole ? only : Buffer.concat(chunks))
  })
  request.once('close', onBroken)
  request.once('error', onBroken)
}
