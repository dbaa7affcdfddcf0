import { defined, lineErrors } from '@trunkline/protocol'
import type { Application } from '@trunkline/server/internal'
import { type ChannelParts, channelParts } from './channel-parts.ts'
import { commonFrames, type Message } from './frames.ts'
import { createSchemas, type JsonObject, type Schemas } from './json-schema.ts'
import { type ProcedureParts, procedureParts } from './procedure-parts.ts'
import { proceduresOf } from './procedures.ts'

export interface DocumentOptions {
  /** The title of the document. */
  readonly title: string
  /** The version of the application, such as `1.2.0`. */
  readonly version: string
  /** The line's address, `wss://…`. Without it, the document names no server. */
  readonly url?: string
}

/**
 * Creates an AsyncAPI 3 document of an application from the server's point of view: it receives calls and sends events.
 * It runs no code of the application.
 */
export async function describeApplication(application: Application, options: DocumentOptions): Promise<JsonObject> {
  const parts = await partsOf(application)
  const { url, title, version } = options
  return defined({
    asyncapi: '3.0.0', // more tools support 3.0 than 3.1
    info: { title, version, description: introduction(application) },
    defaultContentType: 'application/json',
    servers: url === undefined ? undefined : { line: { ...toServer(url), ...parts.security } },
    channels: channelsOf(parts),
    operations: operationsOf(parts),
    components: componentsOf(parts),
  })
}

interface Parts {
  readonly procedures: readonly ProcedureParts[]
  readonly topics: readonly ChannelParts[]
  /** All messages of the socket. */
  readonly frames: readonly Message[]
  readonly schemas: Schemas
  readonly security: { readonly security?: readonly JsonObject[] }
}

async function partsOf({ router, channels, authorizes }: Application): Promise<Parts> {
  const schemas = createSchemas()
  const common = Object.values(commonFrames(schemas))
  const all = await proceduresOf(router)
  const procedures = all.map((procedure) => procedureParts(procedure, schemas, channels))
  return {
    procedures,
    topics: channels.map((channel) => channelParts(channel, schemas)),
    frames: [...procedures.flatMap(({ messages }) => messages), ...common],
    schemas,
    security: authorizes ? { security: [{ $ref: '#/components/securitySchemes/token' }] } : {},
  }
}

/** The channel for the WebSocket, over which every procedure is called. */
const socketId = 'trunkline.socket'

function channelsOf({ frames, topics, security }: Parts): JsonObject {
  return mergeUnique('channels', [
    [socketId, toSocket(frames, security.security !== undefined)],
    ...topics.map(({ id, channel }) => [id, channel] as const),
  ])
}

function operationsOf({ procedures, topics, security }: Parts): JsonObject {
  const stop = { title: 'Ends a subscription', request: 'subscription.stop', replies: ['stopped'] }
  return mergeUnique('operations', [
    ...procedures.map(({ id, ...call }) => [id, { ...toCall(call), ...security, ...call.extensions }] as const),
    ['subscription.stop', { ...toCall(stop), ...security }],
    ...topics.map(({ id, operation }) => [`${id}.published`, operation] as const),
  ])
}

function componentsOf({ frames, topics, schemas, security }: Parts): JsonObject {
  const messages = [...frames, ...topics.map(({ message }) => message)]
  return {
    schemas: schemas.all(),
    messages: mergeUnique('messages', messages.map(toNamedMessage)),
    ...(security.security === undefined ? {} : { securitySchemes: { token: tokenScheme } }),
  }
}

/** An operation whose replies are sent on the same socket. */
function toCall({ title, request, replies }: Pick<ProcedureParts, 'title' | 'request' | 'replies'>): JsonObject {
  const channel = { $ref: `#/channels/${socketId}` }
  const onSocket = (name: string) => ({ $ref: `#/channels/${socketId}/messages/${name}` })
  return {
    action: 'receive',
    title,
    channel,
    messages: [onSocket(request)],
    reply: { channel, messages: replies.map(onSocket) },
  }
}

function toNamedMessage({ correlated, ...message }: Message): readonly [string, JsonObject] {
  const correlation = correlated !== false ? { correlationId: { location: '$message.payload#/id' } } : {}
  return [message.name, { ...message, ...correlation }]
}

/** Merges entries. Throws for two entries of the same name. */
function mergeUnique(what: string, entries: readonly (readonly [string, JsonObject])[]): JsonObject {
  const names = new Set<string>()
  for (const [name] of entries) {
    if (names.has(name))
      throw new Error(`Expected unique names, got two ${what} called ${name}. Rename the procedure or the channel.`)
    names.add(name)
  }
  return Object.fromEntries(entries)
}

/** Whether the router has a transformer of its own: tRPC's default returns its input unchanged. */
function transforms({ router }: Application): boolean {
  const { input, output } = router._def._config.transformer
  const probe = {}
  return [input, output].some(({ serialize }) => serialize(probe) !== probe)
}

function introduction(application: Application): string {
  const words = [
    'Frames of the protocol `trunkline.1`, a superset of tRPC 11’s WebSocket protocol. The document describes the server: it receives calls and sends responses and events.',
    `A frame with \`line\` reports a failure of Trunkline itself: ${Object.keys(lineErrors).join(', ')}.`,
  ]
  const transformed =
    'The router has a transformer: `input` and `data` are sent in its format, and the schemas describe the values before and after it.'
  return [...words, ...(transforms(application) ? [transformed] : [])].join('\n\n')
}

/** How a client authenticates: browsers can set no other header. */
const tokenScheme = {
  type: 'httpApiKey',
  in: 'header',
  name: 'Sec-WebSocket-Protocol',
  description:
    'Offered as `trunkline.1, session.<id>, token.<base64url of the token>`; `trunkline.1` alone is selected.',
}

/** The WebSocket, with all its frames. */
function toSocket(frames: readonly Message[], authorizes: boolean): JsonObject {
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
function toServer(url: string): JsonObject {
  const { protocol, host, pathname } = new URL(url)
  const path = pathname === '/' ? {} : { pathname }
  return { host, protocol: protocol.replace(/^http/, 'ws').replace(':', ''), ...path }
}
