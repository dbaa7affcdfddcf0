export { type AwsBindingOptions, awsBinding } from './aws.ts'
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
  anonymous,
  type Caller,
  type CallFacts,
  type CallInfo,
  type ConnectRequest,
  type Denied,
  deny,
  type Identity,
  type LineMeta,
  type Verdict,
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
export { createLambdaHandlers } from './lambda/handlers.ts'
export type { AwsHandler, LambdaHandlers, LambdaOptions, ServeOptions } from './lambda/options.ts'
export type { OriginCheck, Origins } from './lambda/origins.ts'
export { createSourceHandler, type SourceOptions } from './lambda/source.ts'
export {
  createLine,
  internalsOf,
  type Lazy,
  type Line,
  type LineInternals,
  type LineOptions,
  publishAll,
  runBound,
} from './line.ts'
export { memoryBinding } from './memory/binding.ts'
export type { LineBinding } from './ports/binding.ts'
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
export { preload } from './preload.ts'
