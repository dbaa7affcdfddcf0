import { lineErrors } from '@trunkline/protocol'
import type { Application } from '@trunkline/server'
import { type ChannelParts, channelParts } from './channel-parts.ts'
import { commonFrames, type Message } from './frames.ts'
import { createSchemas, type JsonObject, type Schemas } from './json-schema.ts'
import { type ProcedureParts, procedureParts } from './procedure-parts.ts'
import { proceduresOf } from './procedures.ts'
import { tokenScheme, toServer, toSocket } from './socket-parts.ts'

export interface DocumentOptions {
  readonly title: string
  readonly version: string
  /** Where the line is, `wss://…`. A document without it names no server. */
  readonly url?: string
}

/** An AsyncAPI 3 document of an application, seen from the server: it receives calls and sends events. Nothing of the application runs. */
export async function describeApplication(application: Application, options: DocumentOptions): Promise<JsonObject> {
  const parts = await partsOf(application)
  const { url, title, version } = options
  return {
    asyncapi: '3.0.0', // more tools read it than 3.1
    info: { title, version, description: introduction(application) },
    defaultContentType: 'application/json',
    ...(url === undefined ? {} : { servers: { line: { ...toServer(url), ...parts.security } } }),
    channels: channelsOf(parts),
    operations: operationsOf(parts),
    components: componentsOf(parts),
  }
}

interface Parts {
  readonly procedures: readonly ProcedureParts[]
  readonly topics: readonly ChannelParts[]
  /** Whatever passes over the socket. */
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

/** The one channel that is a WebSocket: every procedure is called over it. */
const socketId = 'trunkline.socket'

function channelsOf({ frames, topics, security }: Parts): JsonObject {
  return unite('channels', [
    [socketId, toSocket(frames, security.security !== undefined)],
    ...topics.map(({ id, channel }) => [id, channel] as const),
  ])
}

function operationsOf({ procedures, topics, security }: Parts): JsonObject {
  const stop = { title: 'Ends a subscription', request: 'subscription.stop', replies: ['stopped'] }
  return unite('operations', [
    ...procedures.map(({ id, ...call }) => [id, { ...toCall(call), ...security, ...call.extensions }] as const),
    ['subscription.stop', { ...toCall(stop), ...security }],
    ...topics.map(({ id, operation }) => [`${id}.published`, operation] as const),
  ])
}

function componentsOf({ frames, topics, schemas, security }: Parts): JsonObject {
  const messages = [...frames, ...topics.map(({ message }) => message)]
  return {
    schemas: schemas.all(),
    messages: unite('messages', messages.map(toNamedMessage)),
    ...(security.security === undefined ? {} : { securitySchemes: { token: tokenScheme } }),
  }
}

/** A frame that is answered on the socket that it came over. */
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

/** Throws rather than let one thing of a document hide another of the same name. */
function unite(what: string, entries: readonly (readonly [string, JsonObject])[]): JsonObject {
  const names = new Set<string>()
  for (const [name] of entries) {
    if (names.has(name))
      throw new Error(`Two ${what} of the document would be called ${name}: rename the procedure or the channel.`)
    names.add(name)
  }
  return Object.fromEntries(entries)
}

/** Whether the router has a transformer of its own: tRPC's gives back what it was given. */
function transforms({ router }: Application): boolean {
  const { input, output } = router._def._config.transformer
  const probe = {}
  return [input, output].some(({ serialize }) => serialize(probe) !== probe)
}

function introduction(application: Application): string {
  const words = [
    'Frames of the wire `trunkline.1`, a superset of tRPC 11’s WebSocket protocol. The document speaks for the server: it receives calls and sends answers and events.',
    `A frame with \`line\` tells of a failure of the line itself: ${Object.keys(lineErrors).join(', ')}.`,
  ]
  const transformed =
    'The router has a transformer: `input` and `data` travel in its form, and the schemas show the values before and after it.'
  return [...words, ...(transforms(application) ? [transformed] : [])].join('\n\n')
}
