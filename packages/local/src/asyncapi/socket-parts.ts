import type { Message } from './frames.ts'
import type { JsonObject } from './json-schema.ts'

/** How a client authenticates: browsers can set no other header. */
export const tokenScheme = {
  type: 'httpApiKey',
  in: 'header',
  name: 'Sec-WebSocket-Protocol',
  description:
    'Offered as `trunkline.1, session.<id>, token.<base64url of the token>`; `trunkline.1` alone is selected.',
}

/** The WebSocket, with all its frames. */
export function toSocket(frames: readonly Message[], authorizes: boolean): JsonObject {
  const description = authorizes ? tokenScheme.description : 'Offered as `trunkline.1, session.<id>`.'
  const headers = { type: 'object', properties: { [tokenScheme.name]: { type: 'string', description } } }
  return {
    address: '/',
    title: 'The WebSocket that carries every call and subscription',
    messages: Object.fromEntries(frames.map(({ name }) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { ws: { method: 'GET', headers } },
  }
}

/** The server at an address that `checkUrl` accepted. */
export function toServer(url: string): JsonObject {
  const { protocol, host, pathname } = new URL(url)
  const path = pathname === '/' ? {} : { pathname }
  return { host, protocol: protocol.replace(/^http/, 'ws').replace(':', ''), ...path }
}
