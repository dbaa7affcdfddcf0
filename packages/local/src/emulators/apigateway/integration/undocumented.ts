/** A close as `$disconnect` reports it. */
export interface CloseInfo {
  readonly code: number
  readonly reason: string
}

/** When the gateway takes note of a socket that broke without a close frame. */
export type LossNotice = 'at-once' | 'at-idle' | 'never'

/** What is not known of the real gateway, each with the default we chose. No test of an application should depend on one. */
export interface UndocumentedOptions {
  /** Whether a protocol ping of the client puts the idle limit off. */
  readonly pingResetsIdle: boolean
  /** `message` of the frame for a throttled message. */
  readonly throttledMessage: string
  /** What a two-way route without a body sends. */
  readonly emptyBody: 'empty-message' | 'nothing'
  /** What a two-way route with a status beyond 2xx sends. */
  readonly failedBody: 'body' | 'internal-server-error'
  /** Whether `$disconnect` runs at all: it is best effort. */
  readonly disconnect: boolean
  /** How late `$disconnect` runs, by the clock. */
  readonly disconnectDelayMs: number
  /** When a socket that ended without a close frame is noted. */
  readonly tcpLossNotice: LossNotice
  /** When a socket taken down by `cut`, as a lost network does, is noted. Until then a post to it is answered as if it were there. */
  readonly cutNotice: LossNotice
  /** What a post to a connection that was cut gets until the loss is noted. */
  readonly lostPost: 'accepted' | 'gone'
  readonly tcpLossClose: CloseInfo
  readonly lifetimeClose: CloseInfo
  readonly binaryClose: CloseInfo
  readonly tooLargeClose: CloseInfo
  /** The body of a refused handshake. */
  readonly rejectionBody: string
  /** The handshake's status when the function of `$connect` was throttled. */
  readonly connectThrottledStatus: number
  /** Whether compression is negotiated when a client offers it. */
  readonly permessageDeflate: boolean
  /** How a post that is not UTF-8 goes out. */
  readonly binaryPost: 'text' | 'binary'
  /** A longer post goes out in fragments of this many bytes. */
  readonly fragmentBytes: number
  /** Messages and posts wait a random time up to this, so that they overtake one another. */
  readonly orderJitterMs: number
  /** What becomes of a message whose route key begins with `$`. */
  readonly reservedKey: 'default' | 'forbidden'
  /** The authorizer event's query fields when there is no query. */
  readonly authorizerQuery: 'empty' | 'absent'
  /** The status for an unknown stage or path. */
  readonly wrongPathStatus: number
  /** The status of a handshake whose headers are beyond the limit. */
  readonly headersTooLargeStatus: number
  /** A post is answered 429 while more than this waits in the socket's buffer. */
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
