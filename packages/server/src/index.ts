/**
 * Declares channels, presence and the application's identity, and publishes to channels. It is the same on every
 * platform: `@trunkline/server/lambda` serves what is declared here.
 */
export type {
  Channel,
  ChannelOptions,
  Ephemeral,
  EphemeralOptions,
  Erased,
  Page,
  Published,
  ReadOptions,
  Tracked,
} from './define/channel.ts'
export type { Duration } from './define/duration.ts'
export type { Entry } from './define/entry.ts'
export {
  type AuthorizeResult,
  anonymous,
  type CallDetails,
  type CallerOf,
  type ConnectionInfo,
  type ConnectRequest,
  type CreateContextOptions,
  type Denied,
  type DisconnectInfo,
  deny,
  type Identity,
  type LineMeta,
} from './define/identity.ts'
export type { Json, RequireJson } from './define/json.ts'
export type { Ended, KickOptions, KickTarget, PrincipalConnectionInfo, RevokeOptions } from './define/kick.ts'
export { eventsOf, type OutputOf, valuesOf } from './define/output.ts'
export type { PartitionedChannel } from './define/partitioned-channel.ts'
export type { PartitionKey, PartitionOptions } from './define/partitions.ts'
export type { Presence, PresenceEvent, PresenceOptions, PresentMember } from './define/presence.ts'
export type { RateText } from './define/rate.ts'
export type {
  Stream,
  StreamOptions,
  StreamPage,
  StreamReadOptions,
  StreamStatus,
  StreamSubscribeOptions,
  StreamSubscription,
} from './define/stream.ts'
export type { OnLost, Outcome, StreamRun } from './define/stream-rules.ts'
export type {
  EphemeralSubscription,
  SnapshotSubscription,
  SubscribeOptions,
  Subscription,
} from './define/subscription.ts'
export type { EventSchema, KeySchema } from './define/topic.ts'
export type { TopicCaller, TopicRights } from './define/topic-rights.ts'
export { createLine } from './line/create-line.ts'
export type { Lazy, Line, LineOptions } from './line/line.ts'
export { publishBatch } from './line/publish-all.ts'
