/** A close as `$disconnect` reports it. */
export interface CloseInfo {
  readonly code: number
  readonly reason: string
}

/** When the gateway detects a socket that broke without a close frame. */
export type LossNotice = 'at-once' | 'at-idle' | 'never'

/**
 * Behaviour of API Gateway that AWS does not document, with the defaults that we chose. No test of an application
 * should depend on it.
 */
export interface UndocumentedOptions {
  /** Whether a client's WebSocket ping resets the idle timeout. */
  readonly pingResetsIdle: boolean
  /** `message` of the frame for a throttled message. */
  readonly throttledMessage: string
  /** What a two-way route sends when the response has no body. */
  readonly emptyBody: 'empty-message' | 'nothing'
  /** What a two-way route sends for a status above 299. */
  readonly failedBody: 'body' | 'internal-server-error'
  /** Whether `$disconnect` runs at all. AWS calls it best effort. */
  readonly disconnect: boolean
  /** The delay of `$disconnect`, by the clock. */
  readonly disconnectDelayMs: number
  /** When a socket that ended without a close frame is detected. */
  readonly tcpLossNotice: LossNotice
  /** When a socket that `cut` destroyed, as a lost network does, is detected. Until then, posts to it are accepted. */
  readonly cutNotice: LossNotice
  /** The response to a post to a cut connection until the loss is detected. */
  readonly lostPost: 'accepted' | 'gone'
  /** How the gateway closes a socket that ended without a close frame. */
  readonly tcpLossClose: CloseInfo
  /** How it closes a socket after two hours. */
  readonly lifetimeClose: CloseInfo
  /** How it closes a socket that sent a binary frame. */
  readonly binaryClose: CloseInfo
  /** How it closes a socket that sent more than a frame or a message may have. */
  readonly tooLargeClose: CloseInfo
  /** The body of a rejected handshake. */
  readonly rejectionBody: string
  /** The handshake's status when the function of `$connect` was throttled. */
  readonly connectThrottledStatus: number
  /** Whether compression is negotiated when a client offers it. */
  readonly permessageDeflate: boolean
  /** How a post that is not valid UTF-8 is sent. */
  readonly binaryPost: 'text' | 'binary'
  /** Messages longer than this many bytes are sent in fragments. */
  readonly fragmentBytes: number
  /** Messages and posts are delayed by a random time up to this value, so that they can overtake one another. */
  readonly orderJitterMs: number
  /** How a message is routed whose route key begins with `$`. */
  readonly reservedKey: 'default' | 'forbidden'
  /** The authorizer event's query fields when the request has no query. */
  readonly authorizerQuery: 'empty' | 'absent'
  /** The status for an unknown stage or path. */
  readonly wrongPathStatus: number
  /** The status of a handshake whose headers exceed the limit. */
  readonly headersTooLargeStatus: number
  /** A post is answered 429 while more than this many bytes wait in the socket's buffer. */
  readonly clientBufferBytes: number
}

/** The defaults. */
export const undocumentedDefaults: UndocumentedOptions = {
  pingResetsIdle: false,
  throttledMessage: 'Too Many Requests',
  emptyBody: 'empty-message',
  failedBody: 'body',
  disconnect: true,
  disconnectDelayMs: 0,
  tcpLossNotice: 'at-once',
  cutNotice: 'at-idle',
  lostPost: 'accepted',
  tcpLossClose: { code: 1006, reason: '' },
  lifetimeClose: { code: 1001, reason: 'Going away' },
  binaryClose: { code: 1003, reason: '' },
  tooLargeClose: { code: 1009, reason: '' },
  rejectionBody: '',
  connectThrottledStatus: 500,
  permessageDeflate: false,
  binaryPost: 'text',
  fragmentBytes: 32_768,
  orderJitterMs: 0,
  reservedKey: 'default',
  authorizerQuery: 'empty',
  wrongPathStatus: 403,
  headersTooLargeStatus: 431,
  clientBufferBytes: Number.POSITIVE_INFINITY,
}
