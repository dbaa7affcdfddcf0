import * as z from 'zod/mini'
import { lineErrors, type TrunklineErrorCode } from '../frames/errors.ts'
import { chunkFrame } from './chunk.schema.ts'
import { cursorText, frameId } from './wire-text.schema.ts'

const jsonrpc = z.exactOptional(z.literal('2.0'))
const offset = z.int().check(z.gte(0))
const ref = z.int().check(z.gte(1))
const time = z.number().check(z.gte(0))
const gap = z.exactOptional(z.enum(['expired', 'new-epoch', 'not-resumable', 'overflow', 'restarted', 'erased']))

/** The result of a call, or one event of a subscription. `id` may be any text, since generators have their own ids. */
export const dataResult = z.object({
  type: z.literal('data'),
  data: z.exactOptional(z.unknown()),
  id: z.exactOptional(z.string()),
  of: z.exactOptional(ref),
  places: z.exactOptional(z.array(ref)),
  prev: z.exactOptional(offset),
  ref: z.exactOptional(ref),
  n: z.exactOptional(offset),
})

/** The subscription is live. */
export const startedResult = z.object({
  type: z.literal('started'),
  ref: z.exactOptional(ref),
  from: z.exactOptional(cursorText),
  head: z.exactOptional(cursorText),
  gap,
  n: z.exactOptional(offset),
  snapshot: z.exactOptional(z.literal(true)),
  keepaliveMs: z.exactOptional(z.int().check(z.gte(1))),
})

/** The state with which a subscription begins. */
export const snapshotResult = z.object({ type: z.literal('snapshot'), id: cursorText, data: z.unknown() })

/** The answer to an `auth`. */
export const authorizedResult = z.object({ type: z.literal('authorized'), authExpires: time })

/** The answer to a `sync` for one subscription. */
export const syncedResult = z.object({ type: z.literal('synced'), from: cursorText, head: cursorText, gap })

/** The position moves and the application gets nothing. */
export const advanceResult = z.object({ type: z.literal('advance'), id: cursorText, prev: offset })

/** The position moves and the application is notified. */
export const faultResult = z.object({
  type: z.literal('fault'),
  id: cursorText,
  prev: z.exactOptional(offset),
  error: z.unknown(),
})

/** A stream begins again. */
export const anewResult = z.object({ type: z.literal('anew'), id: cursorText, prev: offset })

/** The subscription has ended. */
export const stoppedResult = z.object({
  type: z.literal('stopped'),
  ref: z.exactOptional(ref),
  n: z.exactOptional(offset),
})

/** A sign of life of a generator. */
export const aliveResult = z.object({ type: z.literal('alive'), ref, n: offset })

/** A call runs in a function of its own. */
export const acceptedResult = z.object({
  type: z.literal('accepted'),
  key: z.exactOptional(z.string()),
  askAfterMs: z.exactOptional(time),
})

/** The answer to `hello`. */
export const helloResult = z.object({
  type: z.literal('hello'),
  session: z.string(),
  time,
  limits: z.object({
    frameBytes: time,
    messageBytes: time,
    idleMs: time,
    lifetimeMs: time,
    maxMessageBytes: z.exactOptional(time),
    batchSize: z.exactOptional(time),
    pollMs: z.exactOptional(time),
    waitMs: z.exactOptional(time),
  }),
  authExpires: z.exactOptional(time),
  refused: z.exactOptional(z.string()),
  transformer: z.exactOptional(z.boolean()),
})

const lineErrorCodes = Object.keys(lineErrors) as TrunklineErrorCode[] // keys of a table that is `as const`

const lineError = z.object({
  code: z.enum([...lineErrorCodes, 'PENDING']),
  retry: z.enum(['now', 'later', 'after-auth', 'never']),
  retryAfterMs: z.exactOptional(time),
  mayHaveRun: z.boolean(),
})

/** A stream has ended. */
export const closedResult = z.object({
  type: z.literal('closed'),
  id: cursorText,
  prev: z.exactOptional(offset),
  outcome: z.enum(['done', 'stopped', 'failed', 'lost']),
  failure: z.exactOptional(z.object({ error: z.unknown(), line: z.exactOptional(lineError) })),
  off: z.exactOptional(z.literal(true)),
})

/** Any answer to a call or subscription that is not an error. */
export const answerFrame = z.object({
  id: frameId,
  jsonrpc,
  result: z.discriminatedUnion('type', [
    dataResult,
    startedResult,
    snapshotResult,
    authorizedResult,
    syncedResult,
    advanceResult,
    faultResult,
    anewResult,
    closedResult,
    stoppedResult,
    aliveResult,
    acceptedResult,
    helloResult,
  ]),
})

/** An error of the procedure, or of Trunkline (with `line`). */
export const errorFrame = z.object({
  id: z.nullable(frameId),
  jsonrpc,
  error: z.unknown(),
  line: z.exactOptional(lineError),
  ref: z.exactOptional(ref),
  n: z.exactOptional(offset),
  refused: z.exactOptional(z.string()),
})

/** tRPC's notice to switch to another socket. */
export const reconnectFrame = z.object({ id: z.null(), method: z.literal('reconnect') })

/** The server ends the connection. */
export const kickedFrame = z.object({
  id: z.null(),
  method: z.literal('kicked'),
  params: z.object({ reason: z.string(), time, until: z.exactOptional(time) }),
})

/** An error message of API Gateway. */
export const gatewayFrame = z.object({ message: z.string(), connectionId: z.string(), requestId: z.string() })

/** The answer to `ping`. */
export const pongFrame = z.object({ pong: z.literal(true) })

/** Any frame that a client may receive. */
export const serverFrame = z.union([
  answerFrame,
  errorFrame,
  reconnectFrame,
  kickedFrame,
  chunkFrame,
  gatewayFrame,
  pongFrame,
])

/**
 * A message of the server: a frame, an array of frames (to a client that declared `trunkline.1`), or `{}` as an empty
 * response [TL-STOCK-8].
 */
export const serverMessage = z.union([serverFrame, z.array(serverFrame), z.strictObject({})])
