import { parseCursor } from './cursor.ts'
import { lineErrors } from './errors.ts'
import type { AnswerFrame, LineErrorWire, ServerFrame } from './frames.ts'
import { messageBytes } from './limits.ts'

/** A message from the server, taken apart, or why it could not be. */
export type DecodedMessage =
  | { readonly ok: true; readonly frames: readonly ServerFrame[] }
  | { readonly ok: false; readonly reason: string }

/**
 * Takes a message of the server apart without zod: one frame, an array of frames, or tRPC's text `PONG` (no frames).
 * Never throws [TL-BAD-5]; elements that are no frame of this version are dropped [TL-BAD-6]. What is nested in `data`
 * and `error` is not looked at: procedures may answer any JSON.
 */
export function decodeServerMessage(text: unknown, maxBytes: number = messageBytes.value): DecodedMessage {
  if (typeof text !== 'string') return { ok: false, reason: `expected text, got ${typeof text}` }
  if (text === 'PONG' || text === 'PING') return { ok: true, frames: [] }
  // Never fewer bytes than UTF-16 units: the gateway carries nothing longer, so a longer text is not its work. Nor is it that of chunks, whose bound is another.
  if (text.length > maxBytes) return { ok: false, reason: `expected at most ${maxBytes} bytes` }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, reason: 'not JSON' }
  }
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
  return { ok: true, frames: elements.map(toServerFrame).filter((frame) => frame !== undefined) }
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
  if (frame['id'] === null) return frame['method'] === 'reconnect'
  return isId(frame['id']) && (isResult(frame['result']) || isChunk(frame))
}

/** What its numbers promise of one another is seen when the message is put together. */
function isChunk({ method, params }: Members): boolean {
  if (method !== 'chunk' || !isObject(params)) return false
  const { message, part, of, bytes, text } = params
  return isText(message) && isOffset(part) && isOffset(of) && isOffset(bytes) && isText(text)
}

interface RawError extends Members {
  readonly id: string | number | null
  readonly error: unknown
}

function isErrorFrame(frame: Members): frame is RawError {
  return Object.hasOwn(frame, 'error') && (frame['id'] === null || isId(frame['id']))
}

/** An error must settle its call also when a newer server gives it a `line` or a place that is not understood here: then the error stands alone. */
function withKnown({ line, ref, n, refused, ...frame }: RawError): ServerFrame {
  const place = isRef(ref) ? { ref, ...(isOffset(n) && { n }) } : {}
  return { ...frame, ...(isLineError(line) && { line }), ...place, ...(isText(refused) && { refused }) }
}

function isLineError(line: unknown): line is LineErrorWire {
  if (!isObject(line) || !isText(line['code'])) return false
  const known = line['code'] === 'PENDING' || Object.hasOwn(lineErrors, line['code'])
  return (
    known &&
    isRetry(line['retry']) &&
    typeof line['mayHaveRun'] === 'boolean' &&
    isOptional(line['retryAfterMs'], isTime)
  )
}

/** For each kind of result, what its members must be. A gap of a reason unknown here is a gap all the same. */
const results: Readonly<Record<AnswerFrame['result']['type'], (result: Members) => boolean>> = {
  data: ({ id, prev, ref, n }) =>
    isOptional(id, isText) && isOptional(prev, isOffset) && isOptional(ref, isRef) && isOptional(n, isOffset),
  started: ({ ref, from, head, gap, n, snapshot, keepaliveMs }) =>
    isOptional(ref, isRef) &&
    isOptional(from, isCursor) &&
    isOptional(head, isCursor) &&
    isOptional(gap, isText) &&
    isOptional(n, isOffset) &&
    isOptional(snapshot, (flag) => flag === true) &&
    isOptional(keepaliveMs, isTime),
  snapshot: ({ id, data }) => isCursor(id) && data !== undefined,
  authorized: ({ authExpires }) => isTime(authExpires),
  synced: ({ from, head, gap }) => isCursor(from) && isCursor(head) && isOptional(gap, isText),
  advance: ({ id, prev }) => isCursor(id) && isOffset(prev),
  fault: ({ id, prev, error }) => isCursor(id) && isOptional(prev, isOffset) && error !== undefined,
  stopped: ({ ref, n }) => isOptional(ref, isRef) && isOptional(n, isOffset),
  alive: ({ ref, n }) => isRef(ref) && isOffset(n),
  accepted: ({ key, askAfterMs }) => isOptional(key, isText) && isOptional(askAfterMs, isTime),
  hello: ({ session, time, limits: walls, authExpires, refused }) =>
    isText(session) && isTime(time) && isWalls(walls) && isOptional(authExpires, isTime) && isOptional(refused, isText),
}

function isResult(result: unknown): boolean {
  if (!isObject(result) || !isText(result['type'])) return false
  const type = result['type']
  return Object.hasOwn(results, type) && results[type as keyof typeof results](result)
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isRetry = (value: unknown) => ['now', 'later', 'after-auth', 'never'].includes(value as string)
const isTime = (value: unknown) => Number.isFinite(value) && (value as number) >= 0
const isId = (value: unknown) => isText(value) || Number.isFinite(value)
const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isRef = (value: unknown): value is number => isOffset(value) && value !== 0
const isCursor = (value: unknown) => parseCursor(value) !== undefined
const isOptional = (value: unknown, is: (value: unknown) => boolean) => value === undefined || is(value)
const isWalls = (value: unknown) =>
  isObject(value) &&
  ['frameBytes', 'messageBytes', 'idleMs', 'lifetimeMs'].every((name) => isTime(value[name])) &&
  ['maxMessageBytes', 'batchSize'].every((name) => isOptional(value[name], isTime))
