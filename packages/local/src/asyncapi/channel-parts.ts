import { defined } from '@trunkline/protocol'
import type { ChannelDefinition } from '@trunkline/server/internal'
import type { Message } from './frames.ts'
import type { JsonObject, Schemas } from './json-schema.ts'
import { toName } from './procedure-parts.ts'

/** The parts of a document for one channel of the line. */
export interface ChannelParts {
  readonly id: string
  readonly channel: JsonObject
  readonly operation: JsonObject
  readonly message: Message
}

/** Describes a channel of the line. Its address is a topic's name, and its parameters are the members of the key. */
export function channelParts(definition: ChannelDefinition, schemas: Schemas): ChannelParts {
  const { name, key, event, retentionMs, presence } = definition
  const id = toName(name)
  const message = `${id}.published`
  schemas.add(`${id}.key`, key, 'output')
  const seen = schemas.add(message, event, 'output')
  const members = membersOf(schemas.all()[`${id}.key`])
  return {
    id,
    channel: defined({
      address: [id, ...members.map(({ name }) => `{${toName(name)}}`)].join('/'),
      ...kinds[kindOf(definition)](name),
      parameters: Object.fromEntries(
        members.map(({ name, type }) => [toName(name), { description: `A ${type} of the key.` }]),
      ),
      messages: { event: { $ref: `#/components/messages/${message}` } },
      'x-trunkline-topic': topicForm(name, members),
      'x-trunkline-retention-ms': retentionMs,
    }),
    operation: {
      action: 'send',
      title: `Events of ${name}`,
      summary: 'Clients receive them as the events of a subscription, after its `filter` and `map`.',
      channel: { $ref: `#/channels/${id}` },
      messages: [{ $ref: `#/channels/${id}/messages/event` }],
    },
    message: {
      name: message,
      title: `An event of ${name}`,
      payload: presence === undefined ? seen : presenceEvent(seen),
      correlated: false,
    },
  }
}

type Kind = 'log' | 'ephemeral' | 'presence'

function kindOf({ presence, retentionMs }: ChannelDefinition): Kind {
  if (presence !== undefined) return 'presence'
  return retentionMs === undefined ? 'ephemeral' : 'log'
}

const kinds: Readonly<Record<Kind, (name: string) => JsonObject>> = {
  log: (name) => ({
    title: `Logged events of ${name}`,
    summary: 'Events are kept, ordered and resumed by cursor.',
  }),
  ephemeral: (name) => ({
    title: `Ephemeral events of ${name}`,
    summary: 'Events are not stored. They are delivered at most once, without an order.',
  }),
  presence: (name) => ({
    title: `Presence in ${name}`,
    summary: 'First all members, then each change, once and in order.',
  }),
}

/** The events of a presence subscription, with the application's data of a member. */
function presenceEvent(data: JsonObject): JsonObject {
  const member = { type: 'string', description: 'The member’s name.' }
  const object = (properties: JsonObject) => ({ type: 'object', required: Object.keys(properties), properties })
  return {
    oneOf: [
      object({ type: { const: 'here' }, members: { type: 'array', items: object({ member, data }) } }),
      object({ type: { enum: ['join', 'update'] }, member, data }),
      object({ type: { const: 'leave' }, member }),
    ],
  }
}

interface Member {
  readonly name: string
  readonly type: 'string' | 'number'
}

/** The members of a key, in a topic name's order. A key that is not a plain object is shown without members. */
function membersOf(schema: unknown): readonly Member[] {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> }
  return Object.entries(properties)
    .map(([name, { type }]) => ({ name, type: type === 'number' || type === 'integer' ? 'number' : 'string' }) as const)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The topic's name in the table's rows, for scripts that write them. */
function topicForm(name: string, members: readonly Member[]): string {
  const pairs = members.map(
    (member) => `${encodeURIComponent(member.name)}=${member.type === 'number' ? 'n' : 's'}:{${toName(member.name)}}`,
  )
  return `${encodeURIComponent(name)}?${pairs.join('&')}`
}
