/** Declares channels, serves them and their router on AWS Lambda, and publishes to them. */
export { type AwsBackendOptions, awsBackend } from './aws/index.ts'
export { preload } from './aws/preload.ts'
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
export type { ChannelDefinition } from './define/definition.ts'
export { type Duration, parseDuration } from './define/duration.ts'
export type { Entry } from './define/entry.ts'
export {
  type AuthorizeResult,
  anonymous,
  type CallDetails,
  type CallerOf,
  type ConnectRequest,
  type CreateContextOptions,
  type Denied,
  deny,
  type Identity,
  type LineMeta,
} from './define/identity.ts'
export type { Json, RequireJson } from './define/json.ts'
export { type DeclaredEvents, declaredEventsOf, eventsOf, type OutputOf, valuesOf } from './define/output.ts'
export type { Presence, PresenceEvent, PresenceOptions, PresentMember } from './define/presence.ts'
export type { Change, InvalidRow } from './define/source.ts'
export type {
  EphemeralSubscription,
  SnapshotSubscription,
  SubscribeOptions,
  Subscription,
} from './define/subscription.ts'
export type { EventSchema, KeySchema } from './define/topic.ts'
export { type Application, applicationOf } from './lambda/application.ts'
export type { OriginCheck, Origins } from './lambda/authorize/origins.ts'
export type { AwsHandler } from './lambda/events/events.ts'
export { createLambdaHandlers } from './lambda/handlers.ts'
export type { LambdaHandlers, LambdaOptions, ServeOptions } from './lambda/options.ts'
export { createSourceHandler, type SourceOptions } from './lambda/source/source.ts'
export { createLine, runWithBackend } from './line/create-line.ts'
export { internalsOf, type LineInternals } from './line/internals.ts'
export type { Lazy, Line, LineOptions } from './line/line.ts'
export { publishBatch } from './line/publish-all.ts'
export { memoryBackend } from './memory/backend.ts'
export type { Backend } from './ports/backend.ts'
export { type Clock, systemClock } from './ports/clock.ts'
export type { Gateway, PostOutcome } from './ports/gateway.ts'
export type { Invoker } from './ports/invoker.ts'
export type { Store } from './ports/store.ts'
export type {
  CallLabel,
  InvocationFacts,
  LogEntry,
  Metric,
  MetricLabel,
  OutcomeLabel,
  Recorder,
  Recording,
  Telemetry,
} from './ports/telemetry.ts'
