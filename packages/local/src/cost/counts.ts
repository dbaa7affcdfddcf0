// Written by `npm run limits`: do not edit.

/** What one operation uses, counted by metered clients over the Lambda handlers. */
export interface OperationCount {
  /** Requests to DynamoDB. */
  readonly requests: number
  readonly readUnits: number
  readonly writeUnits: number
  /** Those of the requests that write. */
  readonly writes: number
  /** Posts, closed connections, and messages to Lambda and SQS. */
  readonly posts: number
  /** Functions that ran. */
  readonly functions: number
  /** Milliseconds that all functions together waited. */
  readonly ms: number
  /** Messages that API Gateway takes from clients. */
  readonly messagesIn: number
  /** Messages to clients. */
  readonly messagesOut: number
  /** Requests to the HTTP API. */
  readonly httpRequests: number
  /** Messages put into the delay queue. */
  readonly queued: number
}

/** The counts of each operation. */
export const operationCounts = {
  connect: {
    ...{ requests: 3, readUnits: 1, writeUnits: 2, writes: 2, posts: 0, functions: 2 },
    ...{ ms: 10, messagesIn: 0, messagesOut: 0, httpRequests: 0, queued: 0 },
  },
  connectAnonymous: {
    ...{ requests: 1, readUnits: 0, writeUnits: 1, writes: 1, posts: 0, functions: 2 },
    ...{ ms: 5, messagesIn: 0, messagesOut: 0, httpRequests: 0, queued: 0 },
  },
  hello: {
    ...{ requests: 0, readUnits: 0, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 0, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  ping: {
    ...{ requests: 0, readUnits: 0, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 0, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  auth: {
    ...{ requests: 3, readUnits: 2, writeUnits: 1, writes: 1, posts: 0, functions: 1 },
    ...{ ms: 15, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  call: {
    ...{ requests: 0, readUnits: 0, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 0, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  keyedCall: {
    ...{ requests: 2, readUnits: 0, writeUnits: 2, writes: 2, posts: 0, functions: 1 },
    ...{ ms: 10, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  subscribe: {
    ...{ requests: 5, readUnits: 3, writeUnits: 3, writes: 3, posts: 1, functions: 1 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  unsubscribe: {
    ...{ requests: 3, readUnits: 0, writeUnits: 3, writes: 3, posts: 1, functions: 1 },
    ...{ ms: 25, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  resume50: {
    ...{ requests: 207, readUnits: 150, writeUnits: 107, writes: 107, posts: 13, functions: 1 },
    ...{ ms: 185, messagesIn: 1, messagesOut: 14, httpRequests: 0, queued: 0 },
  },
  keepalive: {
    ...{ requests: 2, readUnits: 4, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 10, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  publish0: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 0, functions: 2 },
    ...{ ms: 25, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  publish1: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 1, functions: 2 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  publish2: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 2, functions: 2 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 3, httpRequests: 0, queued: 0 },
  },
  publish10: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 10, functions: 2 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 11, httpRequests: 0, queued: 0 },
  },
  publish100: {
    ...{ requests: 5, readUnits: 4, writeUnits: 2, writes: 2, posts: 100, functions: 2 },
    ...{ ms: 45, messagesIn: 1, messagesOut: 101, httpRequests: 0, queued: 0 },
  },
  publish110: {
    ...{ requests: 12, readUnits: 10, writeUnits: 4, writes: 4, posts: 111, functions: 3 },
    ...{ ms: 100, messagesIn: 1, messagesOut: 111, httpRequests: 0, queued: 0 },
  },
  publish10000: {
    ...{ requests: 19, readUnits: 188, writeUnits: 6, writes: 6, posts: 10002, functions: 4 },
    ...{ ms: 2115, messagesIn: 1, messagesOut: 10001, httpRequests: 0, queued: 0 },
  },
  publishStock: {
    ...{ requests: 7, readUnits: 3, writeUnits: 4, writes: 4, posts: 1, functions: 2 },
    ...{ ms: 45, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  publishKeyed: {
    ...{ requests: 8, readUnits: 3, writeUnits: 5, writes: 5, posts: 0, functions: 2 },
    ...{ ms: 40, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  partitionPublish: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 1, functions: 2 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  partitionPublishFirst: {
    ...{ requests: 6, readUnits: 4, writeUnits: 2, writes: 2, posts: 1, functions: 2 },
    ...{ ms: 40, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  partitionPublishKeyed: {
    ...{ requests: 9, readUnits: 3, writeUnits: 6, writes: 6, posts: 0, functions: 2 },
    ...{ ms: 45, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  partitionSubscribe: {
    ...{ requests: 22, readUnits: 14, writeUnits: 12, writes: 12, posts: 5, functions: 5 },
    ...{ ms: 160, messagesIn: 5, messagesOut: 5, httpRequests: 0, queued: 0 },
  },
  partitionResume: {
    ...{ requests: 18, readUnits: 13, writeUnits: 9, writes: 9, posts: 1, functions: 1 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  partitionKeepalive: {
    ...{ requests: 3, readUnits: 14, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 15, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  partitionGrowth: {
    ...{ requests: 25, readUnits: 21, writeUnits: 11, writes: 11, posts: 2, functions: 6 },
    ...{ ms: 145, messagesIn: 4, messagesOut: 4, httpRequests: 0, queued: 0 },
  },
  partitionUnsubscribe: {
    ...{ requests: 12, readUnits: 0, writeUnits: 12, writes: 12, posts: 4, functions: 4 },
    ...{ ms: 100, messagesIn: 4, messagesOut: 4, httpRequests: 0, queued: 0 },
  },
  presenceJoin: {
    ...{ requests: 18, readUnits: 11, writeUnits: 8, writes: 8, posts: 12, functions: 2 },
    ...{ ms: 100, messagesIn: 1, messagesOut: 12, httpRequests: 0, queued: 0 },
  },
  presenceUpdate: {
    ...{ requests: 10, readUnits: 6, writeUnits: 4, writes: 4, posts: 11, functions: 2 },
    ...{ ms: 50, messagesIn: 1, messagesOut: 12, httpRequests: 0, queued: 0 },
  },
  presenceLeave: {
    ...{ requests: 13, readUnits: 5, writeUnits: 8, writes: 8, posts: 11, functions: 2 },
    ...{ ms: 75, messagesIn: 1, messagesOut: 11, httpRequests: 0, queued: 0 },
  },
  presenceRenewal: {
    ...{ requests: 7, readUnits: 7, writeUnits: 2, writes: 2, posts: 0, functions: 1 },
    ...{ ms: 35, messagesIn: 1, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  streamStart: {
    ...{ requests: 13, readUnits: 6, writeUnits: 7, writes: 7, posts: 2, functions: 3 },
    ...{ ms: 75, messagesIn: 1, messagesOut: 2, httpRequests: 0, queued: 0 },
  },
  streamChunk: {
    ...{ requests: 2, readUnits: 1, writeUnits: 1, writes: 1, posts: 1, functions: 0 },
    ...{ ms: 0, messagesIn: 0, messagesOut: 1, httpRequests: 0, queued: 0 },
  },
  streamStop: {
    ...{ requests: 2, readUnits: 1, writeUnits: 1, writes: 1, posts: 0, functions: 0 },
    ...{ ms: 10, messagesIn: 0, messagesOut: 0, httpRequests: 0, queued: 0 },
  },
  httpHello: {
    ...{ requests: 3, readUnits: 1, writeUnits: 2, writes: 2, posts: 0, functions: 1 },
    ...{ ms: 10, messagesIn: 0, messagesOut: 0, httpRequests: 1, queued: 0 },
  },
  httpCall: {
    ...{ requests: 1, readUnits: 1, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 5, messagesIn: 0, messagesOut: 0, httpRequests: 1, queued: 0 },
  },
  httpSubscribe: {
    ...{ requests: 5, readUnits: 3, writeUnits: 2, writes: 2, posts: 0, functions: 1 },
    ...{ ms: 25, messagesIn: 0, messagesOut: 0, httpRequests: 1, queued: 0 },
  },
  httpPoll: {
    ...{ requests: 3, readUnits: 3, writeUnits: 0, writes: 0, posts: 0, functions: 1 },
    ...{ ms: 15, messagesIn: 0, messagesOut: 0, httpRequests: 1, queued: 0 },
  },
  disconnect: {
    ...{ requests: 4, readUnits: 1, writeUnits: 3, writes: 3, posts: 0, functions: 1 },
    ...{ ms: 20, messagesIn: 0, messagesOut: 0, httpRequests: 0, queued: 0 },
  },
} as const satisfies Record<string, OperationCount>

export type OperationName = keyof typeof operationCounts
