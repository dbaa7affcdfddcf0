/** What a client must know of the gateway's walls; answered in `hello`. */
export interface GatewayLimits {
  /** Largest message that may be sent to the server, in UTF-8 bytes. */
  readonly frameBytes: number
  /** Largest message that the server sends, in UTF-8 bytes. */
  readonly messageBytes: number
  /** A socket without traffic is closed after this. */
  readonly idleMs: number
  /** Every socket is closed after this. */
  readonly lifetimeMs: number
  /** Largest message that may travel in chunks, either way, in UTF-8 bytes; absent where none may. */
  readonly maxMessageBytes?: number
  /** Most frames of one array; absent where nothing should come in arrays. */
  readonly batchSize?: number
}

/** Those that a client needs by itself: members of `limits` could not be left out of a bundle one by one. */
export const frameBytes = { value: 32_768 } as const
export const messageBytes = { value: 131_072 } as const
export const maxMessageBytes = { value: 1_048_576 } as const
export const syncSubscriptions = { value: 200 } as const
export const pathBytes = { value: 512 } as const
export const keyBytes = { value: 256 } as const
export const tokenBytes = { value: 7_000 } as const
export const jsonDepth = { value: 64 } as const

/** Every number that the wire is bounded by. `limits-table.ts` says what each means, so that a browser loads numbers and no prose. */
export const limits = {
  frameBytes,
  messageBytes,
  headerBytes: { value: 10_240 },
  idleMs: { value: 600_000 },
  lifetimeMs: { value: 7_200_000 },
  integrationMs: { value: 29_000 },
  frameDeadlineMs: { value: 28_000 },
  batchSize: { value: 100 },
  pathBytes,
  idBytes: { value: 128 },
  keyBytes,
  tokenBytes,
  jsonDepth,
  syncSubscriptions,
  topicBytes: { value: 1_536 },
  eventBytes: { value: 389_120 },
  pageBytes: { value: 98_304 },
  maxMessageBytes,
  partBytes: { value: 8_192 },
  uploadMs: { value: 300_000 },
  outcomeBytes: { value: 307_200 },
  storedInputBytes: { value: 4_096 },
  storedBytes: { value: 65_536 },
} as const satisfies Record<string, { readonly value: number }>
