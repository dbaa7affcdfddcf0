import { TRPCError } from '@trpc/server'
import { checkOptionNames, defined, formatPartitionId, parsePartitionId } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'
import type { Channel, Ephemeral, Page, ReadOptions } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { createEntry } from '../define/entry.ts'
import {
  partitionedReadNames,
  partitionedSubscribeNames,
  publishNames,
  readNames,
  subscribeNames,
} from '../define/option-names.ts'
import type { PartitionedChannel } from '../define/partitioned-channel.ts'
import type { PartitionRules } from '../define/partitions.ts'
import { createSubscription } from '../define/subscription.ts'
import { type EventSchema, type KeySchema, topicOfPartition } from '../define/topic.ts'
import { eraseEvent } from '../runtime/erase-event.ts'
import { checkDeclared } from '../runtime/log/partition-count.ts'
import { readPage } from '../runtime/log/read-page.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { publish, publishEphemeral } from '../runtime/publish.ts'
import type { ContextAccess } from './describe-subscription.ts'
import { checkPartition, describePartitioned, describeSubscription } from './describe-subscription.ts'

/** A channel of a line. It resolves the line's backend at each call. */
export function createChannel<K extends KeySchema, E extends EventSchema>(
  definition: ChannelDefinition<K, E>,
  access: ContextAccess,
): Channel<K, E> {
  const { context } = access
  const { name, key, event, retentionMs = 0 } = definition
  return {
    name,
    key,
    event,
    async publish(topicKey, published, options = {}) {
      checkOptionNames(`publish of channel ${name}`, options, publishNames)
      return publish(context(), definition, { ...options, key: topicKey, event: published })
    },
    read: async (topicKey, options = {}) => {
      checkOptionNames(`read of channel ${name}`, options, readNames)
      const topic = await topicOf(definition, topicKey)
      const page = await readPage(context(), { topic, retentionMs }, options)
      return page as Page<core.output<E>> // `event` validated each of them when it was published
    },
    erase: async (topicKey, erased) => eraseEvent(context(), await topicOf(definition, topicKey), erased),
    subscribe(topicKey, options = {}) {
      checkOptionNames(`subscribe of channel ${name}`, options, subscribeNames)
      return createSubscription<core.output<E>>(describeSubscription(access, definition, topicKey, options))
    },
    entry: (topicKey, published) => createEntry(definition, { key: topicKey, event: published }),
  }
}

/** A channel with partitions. It resolves the line's backend at each call. */
export function createPartitionedChannel<K extends KeySchema, E extends EventSchema>(
  definition: ChannelDefinition<K, E> & { readonly partitions: PartitionRules },
  access: ContextAccess,
): PartitionedChannel<K, E> {
  const { context } = access
  const { name, key, event, partitions, retentionMs = 0 } = definition
  return {
    name,
    key,
    event,
    partitions: partitions.count,
    async publish(topicKey, published, options = {}) {
      checkOptionNames(`publish of channel ${name}`, options, publishNames)
      return publish(context(), definition, { ...options, key: topicKey, event: published })
    },
    async read(topicKey, given = {} as never) {
      checkOptionNames(`read of channel ${name}`, given, partitionedReadNames)
      const { partition, ...options } = given
      const index = checkPartition(name, partition)
      const topic = topicOfPartition(await topicOf(definition, topicKey), index)
      await checkDeclared(context(), definition, index)
      const page = await readPage(context(), { topic, retentionMs }, ofPartition(index, options))
      const named = (id: string | null) => id && formatPartitionId(index, id)
      const events = page.events.map(({ id, data }) => ({ id: formatPartitionId(index, id), data }))
      return { events, older: named(page.older), newer: named(page.newer) } as Page<core.output<E>>
    },
    async erase(topicKey, id) {
      const { index, cursor } = parsePartitionId(String(id))
      const topic = topicOfPartition(await topicOf(definition, topicKey), checkPartition(name, index))
      return eraseEvent(context(), topic, cursor)
    },
    subscribe(topicKey, options = {}) {
      checkOptionNames(`subscribe of channel ${name}`, options, partitionedSubscribeNames)
      return createSubscription<core.output<E>>(describePartitioned(access, definition, topicKey, options))
    },
    entry: (topicKey, published, options) => createEntry(definition, { key: topicKey, event: published, ...options }),
  }
}

/** A page's cursors without the number of the partition. Throws BAD_REQUEST for one of another partition. */
function ofPartition(index: number, { before, after, ...options }: ReadOptions): ReadOptions {
  const own = (id: string | undefined) => {
    if (id === undefined) return undefined
    const parsed = parsePartitionId(id)
    if (parsed.index === index) return parsed.cursor
    const message = `Expected a cursor of partition ${index}, got one of partition ${parsed.index}. Read that partition.`
    throw new TRPCError({ code: 'BAD_REQUEST', message })
  }
  return { ...options, ...defined({ before: own(before), after: own(after) }) }
}

/** An ephemeral channel of a line. It resolves the line's backend at each call. */
export function createEphemeral<K extends KeySchema, E extends EventSchema>(
  definition: ChannelDefinition<K, E>,
  access: ContextAccess,
): Ephemeral<K, E> {
  const { context } = access
  const { name, key, event } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published) =>
      publishEphemeral(context(), definition, { key: topicKey, event: published }),
    subscribe: (topicKey) => createSubscription<core.output<E>>(describeSubscription(access, definition, topicKey)),
    entry: (topicKey, published) => createEntry(definition, { key: topicKey, event: published }),
  }
}
