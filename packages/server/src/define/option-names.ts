import type { ChannelOptions, EphemeralOptions, PublishOptions, ReadOptions } from './channel.ts'
import type { PartitionKey, PartitionOptions } from './partitions.ts'
import type { PresenceOptions } from './presence.ts'
import type { StreamOptions, StreamReadOptions, StreamSubscribeOptions } from './stream.ts'
import type { SubscribeOptions } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'

type Names<O> = Readonly<Record<keyof O, true>>

const ephemeral: Names<EphemeralOptions<KeySchema, EventSchema>> = {
  key: true,
  event: true,
  authorize: true,
  recheck: true,
}
const channel: Names<ChannelOptions<KeySchema, EventSchema> & PartitionOptions<KeySchema, EventSchema>> = {
  ...ephemeral,
  retention: true,
  upcast: true,
  partitions: true,
  partitionBy: true,
}
const presence: Names<PresenceOptions<KeySchema, EventSchema>> = {
  key: true,
  data: true,
  merge: true,
  graceMs: true,
  leaseMs: true,
  authorize: true,
  recheck: true,
}
const stream: Names<StreamOptions<KeySchema, EventSchema, EventSchema>> = {
  key: true,
  input: true,
  chunk: true,
  produce: true,
  retention: true,
  onLost: true,
  batch: true,
  bytesPerMinute: true,
}

/** The options of each kind of declaration. The compiler refuses a list that is not that of the type. */
export const declarationNames = { channel, 'ephemeral channel': ephemeral, presence, stream }
export type DeclarationKind = keyof typeof declarationNames

// The options of each method of a channel, and of one with partitions.

/** A channel without partitions takes `partitionKey` here: its error is one of its own. */
export const publishNames: Names<PublishOptions & PartitionKey> = { idempotencyKey: true, partitionKey: true }
export const subscribeNames: Names<SubscribeOptions> = { replay: true, lastEventId: true, signal: true }
export const partitionedSubscribeNames: Names<SubscribeOptions & { readonly partition?: number }> = {
  ...subscribeNames,
  partition: true,
}
export const readNames: Names<ReadOptions> = { before: true, after: true, limit: true, maxBytes: true }
export const partitionedReadNames: Names<ReadOptions & { readonly partition?: number }> = {
  ...readNames,
  partition: true,
}
export const streamReadNames: Names<StreamReadOptions> = { after: true, limit: true, maxBytes: true }
export const streamSubscribeNames: Names<StreamSubscribeOptions> = { lastEventId: true, signal: true }
