import { defined } from '@trunkline/protocol'
import { logOnConsole } from './console-log.ts'
import type { Slot } from './log.ts'
import type { LogEntry } from './telemetry.ts'

/**
 * The row of an event in a table or its stream, in plain values. Scripts write such rows too, so no type is assumed
 * [TL-ROW-1].
 */
export type EventRow = Readonly<Record<string, unknown>>

/** A row that does not have the public shape: its key, and the attributes that are invalid. */
interface MalformedRow {
  readonly pk: string
  readonly sk: string
  readonly unreadable: readonly string[]
}

const logPrefix = 'LOG#'
const maxReportedTopics = 1_000 // that are remembered, so that each is reported once
const ttlDelaySeconds = 48 * 3_600 // 48 h: `expires` is so long after the end of the retention [TL-ROW-4]

/**
 * The topic and offset of an event row's key. Undefined for other rows, and if the sort key is not 16 digits of 1 to
 * 2^53 − 1.
 */
export function parseLogKey({ pk, sk }: EventRow): { readonly topic: string; readonly offset: number } | undefined {
  if (!isText(pk) || !pk.startsWith(logPrefix) || !isText(sk) || !/^[0-9]{16}$/.test(sk)) return undefined
  const offset = Number(sk)
  return Number.isSafeInteger(offset) && offset > 0 ? { topic: pk.slice(logPrefix.length), offset } : undefined
}

/**
 * Creates a reader of event rows, which scripts may have written with errors. A row with an offset is always a slot,
 * because leaving it out would make a hole in the log. Invalid attributes are corrected in the same way at every read:
 *
 * - A row whose key has no offset is not a slot: undefined.
 * - An epoch that a cursor cannot contain is replaced by a hash of it, so that a script may keep its own names.
 * - Without `expires` the slot is not an anchor, and the next append begins a new epoch. Without `time`, it is
 *   `expires` less 48 hours.
 * - `data` that is not text is left out: the slot has an offset and no event.
 *
 * `log` gets one warning for each topic.
 */
export function createSlotReader(log: (entry: LogEntry) => void = logOnConsole): (row: EventRow) => Slot | undefined {
  const reported = new Set<string>()
  return (row) => {
    const offset = parseLogKey(row)?.offset
    const unreadable = offset === undefined ? ['sk'] : unreadableOf(row)
    const pk = String(row['pk'])
    if (unreadable.length > 0 && !reported.has(pk)) {
      if (reported.size >= maxReportedTopics) reported.clear()
      reported.add(pk)
      log(warningOf({ pk, sk: String(row['sk']), unreadable }))
    }
    return offset === undefined ? undefined : toSlot(offset, row)
  }
}

function toSlot(offset: number, row: EventRow): Slot {
  const expires = toNumber(row['expires']) ?? 0
  const [inline, erased] = [toNumber(row['inline']), toNumber(row['erased'])]
  return {
    offset,
    epoch: toEpoch(row['epoch']),
    publishId: isText(row['publishId']) ? row['publishId'] : '',
    time: toNumber(row['time']) ?? Math.max(0, expires - ttlDelaySeconds) * 1_000,
    expires,
    ...defined({
      data: toText(row['data']),
      schema: toText(row['schema']),
      inline,
      erased,
      state: toText(row['state']),
    }),
    ...(row['own'] === true && { own: true }),
  }
}

/** The attributes that do not have the public shape. */
function unreadableOf(row: EventRow): readonly string[] {
  const optional = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value)
  const shape: Record<keyof Omit<Slot, 'offset'>, (value: unknown) => boolean> = {
    epoch: isEpoch,
    publishId: isText,
    time: Number.isFinite,
    expires: Number.isFinite,
    data: optional(isText),
    schema: optional(isText),
    inline: optional(Number.isFinite),
    erased: optional(Number.isFinite),
    state: optional(isText),
    own: optional((value) => value === true),
  }
  return Object.entries(shape).flatMap(([name, is]) => (is(row[name]) ? [] : [name]))
}

const isText = (value: unknown): value is string => typeof value === 'string'

const toText = (value: unknown) => (isText(value) ? value : undefined)

/** [TL-CUR-1] A cursor has 64 characters for the epoch, including the restore number and its dot. */
const isEpoch = (value: unknown) => isText(value) && /^[0-9a-z.-]{1,60}$/.test(value)

/** A number, also if it was written as text. */
function toNumber(value: unknown): number | undefined {
  const number = isText(value) && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** The epoch if a cursor can contain it, otherwise `x.` and its 64-bit FNV-1a hash. */
function toEpoch(value: unknown): string {
  const text = isText(value) ? value : String(toNumber(value) ?? '')
  if (isEpoch(text)) return text
  let hash = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  return `x.${hash.toString(16).padStart(16, '0')}`
}

function warningOf({ pk, sk, unreadable }: MalformedRow): LogEntry {
  const message =
    'An event row has invalid attributes, which were corrected. Write rows as PROTOCOL.md [TL-ROW-1] says.'
  return { level: 'WARN', message, facts: { pk, sk, unreadable } }
}
