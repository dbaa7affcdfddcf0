import { TRPCError } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { createLine, type Duration, type Published } from '@trunkline/server'
import { type Application, type ChannelDefinition, formatTopic, writtenPartitions } from '@trunkline/server/internal'
import type { Backend } from '@trunkline/server/ports'
import * as z from 'zod'
import { UsageError } from '../../stage/usage-error.ts'
import { nearestOf } from './application.ts'

interface Publication {
  readonly channel: string
  readonly key: Readonly<Record<string, string | number>>
  readonly event: unknown
  readonly idempotencyKey?: string
  /** Of a channel with partitions: events of one partition key are in order. */
  readonly partitionKey?: string
}

interface RawPublication extends Publication {
  readonly retention?: string
  /** Says which of its channels cannot be published to. @default the rows of the topic say it */
  readonly application?: Application
}

/**
 * Publishes to a channel with a log, whose schemas are not known.
 *
 * @throws UsageError for a topic that only its members or its producer write, and for one with partitions
 */
export async function publishRaw(backend: Backend, publication: RawPublication): Promise<Published> {
  const { channel, key, event, retention, application, ...options } = publication
  if (retention !== undefined && !/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(retention))
    throw new UsageError(`Expected --retention to be a time such as 24h or 7d, got ${retention}.`)
  const declared = application?.channels.find(({ name }) => name === channel)
  const kind = (declared && kindOf(declared)) ?? (await kindOfRows(backend, channel, key))
  if (kind === 'ephemeral' || kind === 'partitions')
    throw new UsageError(
      `Expected a channel with a log and without partitions for --raw, got ${channel}${kind === 'ephemeral' ? ', which is ephemeral' : ' with partitions'}. Leave --raw out, and name your handlers with --entry.`,
    )
  if (kind !== 'log') throw notPublished(kind, channel)
  const schemas = { key: z.record(z.string(), z.union([z.string(), z.number()])), event: z.any() }
  const settings = { ...schemas, ...defined({ retention: retention as Duration | undefined }) }
  return validated(() => createLine({ backend }).channel(channel, settings).publish(key, event, options))
}

type ChannelKind = 'log' | 'ephemeral' | 'partitions' | 'presence' | 'stream'

function kindOf({ presence, stream, partitions, retentionMs }: ChannelDefinition): ChannelKind {
  if (presence !== undefined) return 'presence'
  if (stream !== undefined) return 'stream'
  if (partitions !== undefined) return 'partitions'
  return retentionMs === undefined ? 'ephemeral' : 'log'
}

/** The kind of a channel by what a topic of it has in the table: at most three reads. */
async function kindOfRows({ store }: Backend, channel: string, key: Publication['key']): Promise<ChannelKind> {
  const topic = formatTopic(channel, key)
  const [members, log, partitions] = await Promise.all([
    store.readPresences(topic, { limit: 1 }),
    store.readSlotsBefore(topic, undefined, 1),
    writtenPartitions(store, channel),
  ])
  const [newest] = log.slots
  if (members.rows.length > 0 || isChangeOfMember(newest?.data)) return 'presence'
  if (newest?.own || newest?.state !== undefined) return 'stream'
  return partitions > 1 ? 'partitions' : 'log'
}

/** Whether an event is one of a presence's log, which alone says how many members are `here` and how `busy` it is. */
function isChangeOfMember(data = 'null'): boolean {
  const { member, here, busy } = Object(JSON.parse(data)) as Readonly<Record<string, unknown>>
  return typeof member === 'string' && typeof here === 'number' && typeof busy === 'number'
}

function notPublished(kind: 'presence' | 'stream', channel: string): UsageError {
  const writers = kind === 'presence' ? 'members' : 'producer'
  return new UsageError(
    `Expected a channel that can be published to, got the ${kind} ${channel}: its ${writers} alone write to it.`,
  )
}

/**
 * Publishes to a channel of an application. Resolves to undefined for an ephemeral one, whose events have no ids.
 *
 * @throws UsageError for an event or a key that does not fit, a channel that the application does not have, and one
 * whose log only its subscribers or its producer write
 */
export async function publishTyped(
  backend: Backend,
  { channels }: Application,
  { channel, key, event, ...options }: Publication,
): Promise<Published | undefined> {
  const found = channels.find(({ name }) => name === channel)
  const names = channels.map(({ name }) => name)
  if (found === undefined) throw new UsageError(`There is no channel ${channel}. ${suggest(channel, names)}`)
  const kind = kindOf(found)
  if (kind === 'presence' || kind === 'stream') throw notPublished(kind, channel)
  const line = createLine({ backend })
  // the schemas are zod's own objects, whose types the definition does not keep
  const schemas = { key: found.key, event: found.event as z.ZodAny }
  const { retentionMs: retention } = found
  const { partitions } = found
  if (partitions === undefined && options.partitionKey !== undefined)
    throw new UsageError(`Expected a channel with partitions for --partition-key, got ${channel}. Leave it out.`)
  if (retention !== undefined && partitions !== undefined) {
    const declared = { ...schemas, retention, partitions: partitions.count, ...defined({ partitionBy: partitions.by }) }
    return validated(() => line.channel(channel, declared as never).publish(key as never, event as never, options))
  }
  if (retention !== undefined)
    return validated(() => line.channel(channel, { ...schemas, retention }).publish(key, event, options))
  await validated(() => line.ephemeral(channel, schemas).publish(key, event))
  return undefined
}

function suggest(channel: string, names: readonly string[]): string {
  const nearest = nearestOf(channel, names)
  if (nearest !== undefined) return `Did you mean ${nearest}?`
  return names.length === 0 ? 'The application has none.' : `The channels are ${names.join(', ')}.`
}

/** A key or an event that does not fit is wrong usage. */
async function validated<T>(publish: () => Promise<T>): Promise<T> {
  try {
    return await publish()
  } catch (error) {
    throw error instanceof TRPCError && error.code === 'BAD_REQUEST' ? new UsageError(error.message) : error
  }
}
