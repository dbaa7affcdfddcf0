import type { ChannelDefinition } from '@trunkline/server'
import type { Message } from './frames.ts'
import type { JsonObject, Schemas } from './json-schema.ts'
import { toName } from './procedure-parts.ts'

/** What a document has of one channel of the line. */
export interface ChannelParts {
  readonly id: string
  readonly channel: JsonObject
  readonly operation: JsonObject
  readonly message: Message
}

/** A channel of the line: its address is a topic's, its parameters are the members of the key. */
export function channelParts({ name, key, event, retentionMs }: ChannelDefinition, schemas: Schemas): ChannelParts {
  const id = toName(name)
  const message = `${id}.published`
  const kept = retentionMs !== undefined
  schemas.add(`${id}.key`, key, 'output')
  const members = membersOf(schemas.all()[`${id}.key`])
  return {
    id,
    channel: {
      address: [id, ...members.map(({ name }) => `{${toName(name)}}`)].join('/'),
      title: kept ? `The logs of ${name}` : `What passes through ${name}`,
      summary: kept
        ? 'Events are kept, ordered and resumed by cursor.'
        : 'Nothing is kept: events come at most once, in no order.',
      parameters: Object.fromEntries(
        members.map(({ name, type }) => [toName(name), { description: `A ${type} of the key.` }]),
      ),
      messages: { event: { $ref: `#/components/messages/${message}` } },
      'x-trunkline-topic': topicForm(name, members),
      ...(kept ? { 'x-trunkline-retention-ms': retentionMs } : {}),
    },
    operation: {
      action: 'send',
      title: `Events of ${name}`,
      summary: 'They reach clients as the events of a subscription, through the `filter` and `map` that it has.',
      channel: { $ref: `#/channels/${id}` },
      messages: [{ $ref: `#/channels/${id}/messages/event` }],
    },
    message: {
      name: message,
      title: `An event of ${name}`,
      payload: schemas.add(message, event, 'output'),
      correlated: false,
    },
  }
}

interface Member {
  readonly name: string
  readonly type: 'string' | 'number'
}

/** The members of a key, sorted as a topic's name sorts them. A key that is no plain object is shown without any. */
function membersOf(schema: unknown): readonly Member[] {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> }
  return Object.entries(properties)
    .map(([name, { type }]) => ({ name, type: type === 'number' || type === 'integer' ? 'number' : 'string' }) as const)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** As rows of the table name it, for scripts that write them. */
function topicForm(name: string, members: readonly Member[]): string {
  const pairs = members.map(
    (member) => `${encodeURIComponent(member.name)}=${member.type === 'number' ? 'n' : 's'}:{${toName(member.name)}}`,
  )
  return `${encodeURIComponent(name)}?${pairs.join('&')}`
}
