/**
 * Internal: Trunkline's own packages and tests import it. It is not part of the public interface, and any release may
 * change or remove a name of it.
 * @internal
 */
export type { ChannelDefinition } from './define/definition.ts'
export { parseDuration } from './define/duration.ts'
export { type DeclaredEvents, declaredEventsOf } from './define/output.ts'
export { channelOfTopic, formatTopic, keyOfTopic, partitionOfTopic, topicOfPartition } from './define/topic.ts'
export { type Application, applicationOf } from './lambda/application.ts'
export { serveNames } from './lambda/check-options.ts'
export { runWithBackend } from './line/create-line.ts'
export { internalsOf, type LineInternals, publicSessionId, writtenPartitions } from './line/internals.ts'
export { loadParts } from './line/operations.ts'
