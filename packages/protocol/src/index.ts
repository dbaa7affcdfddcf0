export {
  autoKey,
  depthFlaw,
  flawText,
  keyFlaw,
  ownKeyFlaw,
  pathFlaw,
  sizeText,
  tokenFlaw,
} from './bounds.ts'
export { type ChunkedMessage, toChunks, utf8Bytes } from './chunk.ts'
export { type DecodedClientMessage, decodeClientMessage } from './codec.ts'
export { type Cursor, formatCursor, parseCursor } from './cursor.ts'
export { type DecodedMessage, decodeServerMessage } from './decode.ts'
export { type Defined, defined } from './defined.ts'
export { depthsOf } from './depth.ts'
export { lineErrors, type Retry, type TrunklineErrorCode, trpcCodes } from './errors.ts'
export type * from './frames.ts'
export { frameBytes, type GatewayLimits, limits, maxMessageBytes, messageBytes, syncSubscriptions } from './limits.ts'
export { formatOffer, type Offer, parseOffer, SUBPROTOCOL, toBase64Url } from './subprotocol.ts'
