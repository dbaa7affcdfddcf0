import { TRPCError } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { createLine, type Duration, type Published } from '@trunkline/server'
import { type Application, writtenPartitions } from '@trunkline/server/internal'
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

/** Publishes to a channel with a log, whose schemas are not known. */
export async function publishRaw(
  backend: Backend,
  { channel, key, event, retention, ...options }: Publication & { readonly retention?: string },
): Promise<Published> {
  if (retention !== undefined && !/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(retention))
    throw new UsageError(`Expected --retention to be a time such as 24h or 7d, got ${retention}.`)
  const partitions = await writtenPartitions(backend.store, channel)
  if (partitions > 1)
    throw new UsageError(
      `Expected a channel without partitions for --raw, got ${channel}, which has ${partitions}. Pass --entry: it knows the partition of the event.`,
    )
  const schemas = { key: z.record(z.string(), z.union([z.string(), z.number()])), event: z.any() }
  const declared = { ...schemas, ...defined({ retention: retention as Duration | undefined }) }
  return validated(() => createLine({ backend }).channel(channel, declared).publish(key, event, options))
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
  const kind = found.presence !== undefined ? 'presence' : found.stream !== undefined ? 'stream' : undefined
  if (kind !== undefined)
    throw new UsageError(
      `Expected a channel that can be published to, got the ${kind} ${channel}: its ${kind === 'presence' ? 'members' : 'producer'} alone write to it.`,
    )
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
