/** The ports that a backend is made of, with their laws in prose. */
export type { Backend } from './backend.ts'
export { type Clock, systemClock } from './clock.ts'
export { consoleRecorder, logOnConsole } from './console-log.ts'
export type { Gateway, PostOutcome } from './gateway.ts'
export type { InvokedFunction, Invoker } from './invoker.ts'
export type * from './store.ts'
export { StoreError } from './store.ts'
export * from './telemetry.ts'
