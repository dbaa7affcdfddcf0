/** The gateway's limits that a client must know, in the answer to `hello`. */
export interface GatewayLimits {
  /** The largest message to the server, in UTF-8 bytes. */
  readonly frameBytes: number
  /** The largest message from the server, in UTF-8 bytes. */
  readonly messageBytes: number
  /** The gateway closes a socket without traffic after this time. */
  readonly idleMs: number
  /** The gateway closes every socket after this time. */
  readonly lifetimeMs: number
  /** The largest message in chunks, in either direction, in UTF-8 bytes; absent when chunks are not supported. */
  readonly maxMessageBytes?: number
  /** The most frames in one array; absent when arrays are not supported. */
  readonly batchSize?: number
  /** Over HTTP: the shortest time between two polls, in milliseconds. */
  readonly pollMs?: number
  /** Over HTTP: how long a `sync` may wait for news, in milliseconds. 0: it answers at once. */
  readonly waitMs?: number
}

// The limits that a client uses are exports of their own, since bundlers cannot drop single members of `limits`.
/** The largest message to the server in one piece, in UTF-8 bytes. */
export const frameBytes = 32_768
/** The largest message from the server in one piece, in UTF-8 bytes. */
export const messageBytes = 131_072
/** The largest message in chunks, in either direction, in UTF-8 bytes. */
export const maxMessageBytes = 1_048_576
/** The most subscriptions in one `sync`. */
export const syncSubscriptions = 200
export const pathBytes = 512
export const keyBytes = 256
export const tokenBytes = 7_000
export const jsonDepth = 64
/** What the chunks of a message have on average at least, in UTF-8 bytes. It bounds their number. */
export const partBytes = 8_192

/**
 * All limits of the protocol. Their descriptions are in `limits-table.ts`, so that a browser loads only the numbers.
 */
export const limits = {
  frameBytes: { value: frameBytes },
  messageBytes: { value: messageBytes },
  headerBytes: { value: 10_240 },
  idleMs: { value: 600_000 },
  lifetimeMs: { value: 7_200_000 },
  integrationMs: { value: 29_000 },
  frameDeadlineMs: { value: 28_000 },
  batchSize: { value: 100 },
  pathBytes: { value: pathBytes },
  idBytes: { value: 128 },
  keyBytes: { value: keyBytes },
  tokenBytes: { value: tokenBytes },
  jsonDepth: { value: jsonDepth },
  syncSubscriptions: { value: syncSubscriptions },
  topicBytes: { value: 1_536 },
  eventBytes: { value: 389_120 },
  pageBytes: { value: 98_304 },
  maxMessageBytes: { value: maxMessageBytes },
  partBytes: { value: partBytes },
  uploadMs: { value: 300_000 },
  outcomeBytes: { value: 307_200 },
  storedInputBytes: { value: 4_096 },
  storedBytes: { value: 65_536 },
  httpMessageBytes: { value: 1_966_080 },
  responseBytes: { value: 2_097_152 },
  pollMs: { value: 1_000 },
  slowPollMs: { value: 15_000 },
  verifyMs: { value: 60_000 },
  connectionSubscriptions: { value: 2_000 },
  unknownStops: { value: 100 },
  openMessages: { value: 4 },
} as const satisfies Record<string, { readonly value: number }>
