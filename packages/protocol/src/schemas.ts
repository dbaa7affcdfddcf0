export { chunkFrame } from './schemas/chunk.schema.ts'
export * from './schemas/client-frames.schema.ts'
export {
  idOfElement,
  type ParsedClientFrame,
  parseClientFrame,
  parseTraceparent,
} from './schemas/parse-client-frame.ts'
export * from './schemas/server-frames.schema.ts'
export { cursorText, frameId } from './schemas/wire-text.schema.ts'
