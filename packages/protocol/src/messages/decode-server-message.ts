import { parseCursor } from '../frames/cursor.ts'
import { lineErrors } from '../frames/errors.ts'
import type { AnswerFrame, ServerFrame, TrunklineErrorWire } from '../frames/frames.ts'
import { messageBytes } from '../limits/limits.ts'

/** A decoded message of the server, or the reason why it is invalid. */
export type DecodedMessage =
  | { readonly ok: true; readonly frames: readonly ServerFrame[] }
  | { readonly ok: false; readonly reason: string }

/**
 * Decodes a message of the server without zod: one frame, an array of frames, or tRPC's text `PONG` (no frames). Never
 * throws [TL-BAD-5]. Elements that are not a frame of this version are dropped [TL-BAD-6]. The contents of `data` and
 * `error` are not checked, since procedures may answer any JSON.
 */
export function decodeServerMessage(text: unknown, maxBytes: number = messageBytes): DecodedMessage {
  if (typeof text !== 'string') return { ok: false, reason: `expected text, got ${typeof text}` }
  if (text === 'PONG' || text === 'PING') return { ok: true, frames: [] }
  // A text has at least as many UTF-8 bytes as UTF-16 units, and the gateway carries no message of more bytes.
  if (text.length > maxBytes) return { ok: false, reason: `expected at most ${maxBytes} bytes` }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, reason: 'expected JSON' }
  }
  if (Array.isArray(value)) return { ok: true, frames: value.map(toServerFrame).filter((frame) => frame !== undefined) }
  const frame = toServerFrame(value)
  return { ok: true, frames: frame === undefined ? [] : [frame] }
}

type Members = Readonly<Record<string, unknown>>

function toServerFrame(value: unknown): ServerFrame | undefined {
  if (!isObject(value)) return undefined
  if (isErrorFrame(value)) return withKnown(value)
  return isPlainFrame(value) ? value : undefined
}

function isPlainFrame(frame: Members): frame is Members & ServerFrame {
  if (frame['pong'] === true) return true
  if (isText(frame['message'])) return isText(frame['connectionId']) && isText(frame['requestId'])
  if (frame['id'] === null)
    return frame['method'] === 'reconnect' || (frame['method'] === 'kicked' && isKicked(frame['params']))
  return isId(frame['id']) && (isResult(frame['result']) || (frame['method'] === 'chunk' && isPart(frame['params'])))
}

interface RawError extends Members {
  readonly id: string | number | null
  readonly error: unknown
}

function isErrorFrame(frame: Members): frame is RawError {
  return Object.hasOwn(frame, 'error') && (frame['id'] === null || isId(frame['id']))
}

/** Drops members of an error frame that this version does not understand, so that the error still settles its call. */
function withKnown({ line, ref, n, refused, ...frame }: RawError): ServerFrame {
  const attempt = isRef(ref) ? { ref, ...(isOffset(n) && { n }) } : {}
  return { ...frame, ...(isLineError(line) && { line }), ...attempt, ...(isText(refused) && { refused }) }
}

function isResult(result: unknown): boolean {
  if (!isObject(result) || !isText(result['type'])) return false
  const type = result['type']
  return Object.hasOwn(results, type) && results[type as keyof typeof results](result)
}

type Check = (value: unknown) => boolean

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTime = (value: unknown) => Number.isFinite(value) && (value as number) >= 0
const isId = (value: unknown) => isText(value) || Number.isFinite(value)
const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isRef = (value: unknown): value is number => isOffset(value) && value !== 0
const isCursor = (value: unknown) => parseCursor(value) !== undefined
const isFlag = (value: unknown) => typeof value === 'boolean'
const isPresent = (value: unknown) => value !== undefined

/** Whether a member is absent or as expected. */
const isAbsentOr = (is: Check, value: unknown) => value === undefined || is(value)

type Checks = Readonly<Record<string, Check>>

/** A check of an object's members: those that it must have, and those that it may have. */
function membersAre(required: Checks, optional: Checks = {}): Check {
  const checks = Object.entries(required)
  const others = Object.entries(optional)
  return (value) =>
    isObject(value) &&
    checks.every(([name, is]) => is(value[name])) &&
    others.every(([name, is]) => isAbsentOr(is, value[name]))
}

const isPlaces = (places: unknown) => Array.isArray(places) && places.every(isRef)

const isLineError = membersAre(
  {
    code: (code) => code === 'PENDING' || (isText(code) && Object.hasOwn(lineErrors, code)),
    retry: (retry) => ['now', 'later', 'after-auth', 'never'].includes(retry as string),
    mayHaveRun: isFlag,
  },
  { retryAfterMs: isTime },
) as (line: unknown) => line is TrunklineErrorWire

const isKicked = membersAre({ reason: isText, time: isTime }, { until: isTime })

/** The relations of its numbers are checked when the message is joined. */
const isPart = membersAre({ message: isText, part: isOffset, of: isOffset, bytes: isOffset, text: isText })

/** The checks of each type of result. A gap with an unknown reason still counts as a gap. */
const results: Readonly<Record<AnswerFrame['result']['type'], Check>> = {
  // Without `membersAre`, since each event has it: names that are known to the compiler take a third of the time.
  data: (result) =>
    isObject(result) &&
    isAbsentOr(isText, result['id']) &&
    isAbsentOr(isRef, result['of']) &&
    isAbsentOr(isPlaces, result['places']) &&
    isAbsentOr(isOffset, result['prev']) &&
    isAbsentOr(isRef, result['ref']) &&
    isAbsentOr(isOffset, result['n']),
  started: membersAre(
    {},
    {
      ref: isRef,
      from: isCursor,
      head: isCursor,
      gap: isText,
      n: isOffset,
      snapshot: (flag) => flag === true,
      keepaliveMs: isTime,
    },
  ),
  snapshot: membersAre({ id: isCursor, data: isPresent }),
  authorized: membersAre({ authExpires: isTime }),
  synced: membersAre({ from: isCursor, head: isCursor }, { gap: isText }),
  advance: membersAre({ id: isCursor, prev: isOffset }),
  fault: membersAre({ id: isCursor, error: isPresent }, { prev: isOffset }),
  anew: membersAre({ id: isCursor, prev: isOffset }),
  closed: membersAre({ id: isCursor, outcome: isText }, { prev: isOffset, failure: isObject }),
  stopped: membersAre({}, { ref: isRef, n: isOffset }),
  alive: membersAre({ ref: isRef, n: isOffset }),
  accepted: membersAre({}, { key: isText, askAfterMs: isTime }),
  hello: membersAre(
    {
      session: isText,
      time: isTime,
      limits: membersAre(
        { frameBytes: isTime, messageBytes: isTime, idleMs: isTime, lifetimeMs: isTime },
        { maxMessageBytes: isTime, batchSize: isTime },
      ),
    },
    { authExpires: isTime, refused: isText, transformer: isFlag },
  ),
}
