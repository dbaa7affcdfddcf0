export {
  type ConfigurationSection,
  checkNearNames,
  checkOptionNames,
  configurationSections,
  withDocs,
} from './configuration.ts'
export { type Defined, defined } from './defined.ts'
export { type ChunkCursor, formatChunkCursor, parseChunkCursor } from './frames/chunk-cursor.ts'
export { type Cursor, formatCursor, parseCursor } from './frames/cursor.ts'
export { documentsUrl, errorDocs, lineErrors, type Retry, type TrunklineErrorCode, trpcCodes } from './frames/errors.ts'
export type * from './frames/frames.ts'
export {
  formatPartitionId,
  formatPartitionPath,
  formatPositions,
  maxPartitions,
  type PartitionRequest,
  parsePartitionId,
  parsePartitionPath,
  positionIn,
} from './frames/partitions.ts'
export { formatOffer, type Offer, parseOffer, SUBPROTOCOL, toBase64Url } from './frames/subprotocol.ts'
export {
  autoKey,
  depthFlaw,
  flawText,
  keyFlaw,
  ownKeyFlaw,
  pathFlaw,
  sizeText,
  tokenFlaw,
  utf8Bytes,
} from './limits/bounds.ts'
export {
  frameBytes,
  type GatewayLimits,
  limits,
  maxMessageBytes,
  messageBytes,
  partBytes,
  syncSubscriptions,
} from './limits/limits.ts'
export { type ChunkedMessage, toChunks } from './messages/chunk.ts'
export { type DecodedClientMessage, decodeClientMessage } from './messages/decode-client-message.ts'
export { type DecodedMessage, decodeServerMessage } from './messages/decode-server-message.ts'
export { depthsOf } from './messages/depth.ts'
