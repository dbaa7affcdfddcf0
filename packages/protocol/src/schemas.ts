export * from './client-frames.schema.ts'
export { type ParsedClientFrame, parseClientFrame } from './parse-client-frame.ts'
export * from './server-frames.schema.ts'
export { cursorText, frameId } from './wire-text.schema.ts'
