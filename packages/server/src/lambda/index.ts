/** Serves a line and its router on AWS Lambda: the handlers of a line, and the handler of a table's stream. */
export type { Change, InvalidRow } from '../define/source.ts'
export type { OriginCheck, Origins } from './authorize/origins.ts'
export type { AwsHandler } from './events/events.ts'
export { createLambdaHandlers } from './handlers.ts'
export type { ResponseStream, StreamingHandler } from './http/response-stream.ts'
export type { LambdaHandlers, LambdaOptions, RateBounds, Rates, ServeOptions } from './options.ts'
export { createSourceHandler, type SourceOptions } from './source/source.ts'
