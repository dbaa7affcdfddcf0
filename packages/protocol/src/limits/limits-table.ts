import { limits } from './limits.ts'

interface Limit {
  readonly value: number
  readonly unit: 'bytes' | 'ms' | 'count'
  readonly source: string
  readonly consequence: string
}

const malformed = 'MALFORMED, by the client before it sends'
const quotas = 'API Gateway quotas for WebSocket APIs'

/** The limits for documents: unit, source, and what happens beyond the limit. Clients do not load this. */
export const limitsTable = {
  frameBytes: {
    ...limits.frameBytes,
    unit: 'bytes',
    source: quotas,
    consequence: 'the gateway closes the socket with 1009',
  },
  messageBytes: { ...limits.messageBytes, unit: 'bytes', source: quotas, consequence: 'a post is answered with 413' },
  headerBytes: {
    ...limits.headerBytes,
    unit: 'bytes',
    source: quotas,
    consequence: 'the gateway refuses the handshake',
  },
  idleMs: { ...limits.idleMs, unit: 'ms', source: quotas, consequence: 'the gateway closes the socket with 1001' },
  lifetimeMs: {
    ...limits.lifetimeMs,
    unit: 'ms',
    source: quotas,
    consequence: 'the gateway closes the socket with 1001',
  },
  integrationMs: {
    ...limits.integrationMs,
    unit: 'ms',
    source: quotas,
    consequence: 'the gateway writes "Endpoint request timed out" and drops the answer',
  },
  frameDeadlineMs: {
    ...limits.frameDeadlineMs,
    unit: 'ms',
    source: 'the integration limit less one second to answer in',
    consequence: 'the call is answered with TIMEOUT',
  },
  batchSize: {
    ...limits.batchSize,
    unit: 'count',
    source: 'ours, settable',
    consequence: 'every call of the batch is refused',
  },
  pathBytes: { ...limits.pathBytes, unit: 'bytes', source: 'ours', consequence: malformed },
  idBytes: { ...limits.idBytes, unit: 'bytes', source: 'ours', consequence: 'MALFORMED under id null' },
  keyBytes: {
    ...limits.keyBytes,
    unit: 'bytes',
    source: 'ours',
    consequence: `${malformed}; "own." counts, so a key of the caller has at most 252`,
  },
  tokenBytes: {
    ...limits.tokenBytes,
    unit: 'bytes',
    source: 'the headers of a handshake have 10,240 bytes in all, and a token grows by a third there',
    consequence: 'the handshake or the auth is refused, by the client before it sends',
  },
  jsonDepth: {
    ...limits.jsonDepth,
    unit: 'count',
    source: 'ours',
    consequence: `${malformed}; the frame has two levels of its own, so an input has at most 62`,
  },
  syncSubscriptions: {
    ...limits.syncSubscriptions,
    unit: 'count',
    source: 'ours',
    consequence: 'MALFORMED',
  },
  topicBytes: {
    ...limits.topicBytes,
    unit: 'bytes',
    source: 'a DynamoDB partition key holds 2,048 bytes',
    consequence: 'the key is refused',
  },
  eventBytes: {
    ...limits.eventBytes,
    unit: 'bytes',
    source: 'a DynamoDB item holds 400 KB, less 20 KB for its key and its other attributes',
    consequence: 'the publish is refused',
  },
  pageBytes: {
    ...limits.pageBytes,
    unit: 'bytes',
    source: 'ours, below what the gateway posts',
    consequence: 'the rest of a replay is fetched by the client',
  },
  maxMessageBytes: {
    ...limits.maxMessageBytes,
    unit: 'bytes',
    source: 'ours, settable',
    consequence: 'the message is refused with TOO_LARGE, its size and the limit',
  },
  partBytes: {
    ...limits.partBytes,
    unit: 'bytes',
    source: 'ours: what a part has on average at least, so that a count is bounded by the bytes',
    consequence: 'MALFORMED for a chunk that declares more parts',
  },
  uploadMs: {
    ...limits.uploadMs,
    unit: 'ms',
    source: 'ours',
    consequence: 'a part of a message that began before is refused',
  },
  outcomeBytes: {
    ...limits.outcomeBytes,
    unit: 'bytes',
    source: 'a DynamoDB item holds 400 KB',
    consequence: 'TOO_LARGE becomes the outcome of the keyed mutation',
  },
  storedInputBytes: {
    ...limits.storedInputBytes,
    unit: 'bytes',
    source: 'ours, settable: each delivery reads what a row holds',
    consequence: 'a subscribe to a subscription with filter or map is refused with TOO_LARGE, the size and the limit',
  },
  storedBytes: {
    ...limits.storedBytes,
    unit: 'bytes',
    source: 'ours: each delivery reads what a row holds',
    consequence: 'a subscribe to a subscription with filter or map is refused with TOO_LARGE, the size and the limit',
  },
  httpMessageBytes: {
    ...limits.httpMessageBytes,
    unit: 'bytes',
    source: 'ours: Lambda takes an event of 6 MB, in which a body is escaped; 128 KB below responseBytes',
    consequence: 'an HTTP request is answered with 413, a call with TOO_LARGE; a lower maxMessageBytes applies',
  },
  responseBytes: {
    ...limits.responseBytes,
    unit: 'bytes',
    source: 'ours: Lambda takes a response of 6 MB, in which a body is escaped',
    consequence: 'an answer of an HTTP request is TOO_LARGE, or its subscription is asked for again',
  },
  pollMs: {
    ...limits.pollMs,
    unit: 'ms',
    source: 'ours',
    consequence: 'a poll over HTTP is never asked to come earlier',
  },
  slowPollMs: {
    ...limits.slowPollMs,
    unit: 'ms',
    source: 'ours',
    consequence: 'a poll over HTTP comes earlier, unless it reads so much that it comes later',
  },
  verifyMs: {
    ...limits.verifyMs,
    unit: 'ms',
    source: 'ours',
    consequence: 'a poll over HTTP has read the slots at the positions again',
  },
  connectionSubscriptions: {
    ...limits.connectionSubscriptions,
    unit: 'count',
    source: 'ours, settable',
    consequence: 'a further subscribe of the connection is refused with RATE_LIMITED',
  },
  unknownStops: {
    ...limits.unknownStops,
    unit: 'count',
    source: 'ours: each is a row until the connection ends',
    consequence: 'a further stop or cancel of an unknown id is refused with RATE_LIMITED',
  },
  openMessages: {
    ...limits.openMessages,
    unit: 'count',
    source: 'ours',
    consequence: 'a part of a further message in chunks is refused with RATE_LIMITED',
  },
} as const satisfies Readonly<Record<keyof typeof limits, Limit>>
