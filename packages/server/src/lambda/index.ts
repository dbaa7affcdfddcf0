/** The handlers of AWS Lambda: those of a line, and that of a table's stream. */
export { type Application, applicationOf } from './application.ts'
export type { AwsHandler } from './events/events.ts'
export { createLambdaHandlers } from './handlers.ts'
export type { LambdaHandlers, LambdaOptions, ServeOptions } from './options.ts'
export { createSourceHandler, type SourceOptions } from './source/source.ts'
