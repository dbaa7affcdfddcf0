import { logOnConsole } from './console-log.ts'
import type { Slot } from './log.ts'
import type { LogEntry } from './telemetry.ts'

/**
 * An event of a log as a table or its stream holds it, in plain values. Scripts write such rows too, so no attribute is
 * taken as read. [TL-ROW-1]
 */
export type EventRow = Readonly<Record<string, unknown>>

/** What is told of a row that is not of the public shape: its key, and the attributes that could not be read. */
interface MalformedRow {
  readonly pk: string
  readonly sk: string
  readonly unreadable: readonly string[]
}

const logPrefix = 'LOG#'
const keptTopics = 1_000 // so many are remembered as told
const ttlDelaySeconds = 48 * 3_600 // 48 h: how far `expires` lies behind the end of the retention [TL-ROW-4]

/**
 * The topic and offset of an event row's key, or undefined when the key is another row's or its offset is none: 16
 * digits, from 1 to 2^53 − 1.
 */
export function parseLogKey({ pk, sk }: EventRow): { readonly topic: string; readonly offset: number } | undefined {
  if (!isText(pk) || !pk.startsWith(logPrefix) || !isText(sk) || !/^[0-9]{16}$/.test(sk)) return undefined
  const offset = Number(sk)
  return Number.isSafeInteger(offset) && offset > 0 ? { topic: pk.slice(logPrefix.length), offset } : undefined
}

/**
 * Reads rows that anybody may have written. A row under an offset stands, whatever it holds: were it left out, the log
 * would have a hole there for ever. So what is malformed is made good, in the same way at every read:
 * - a key without an offset is no slot: undefined;
 * - an epoch that no cursor can hold goes by another name, always the same one, so that a script may go on with its
 *   own;
 * - without `expires` the row is no anchor, and the next append begins a new epoch; without `time` it counts from 48 h
 *   before `expires`;
 * - `data` that is no text is none: positions move over it, without an event.
 *
 * `log` is told once a topic.
 */
export function createSlotReader(log: (entry: LogEntry) => void = logOnConsole): (row: EventRow) => Slot | undefined {
  const told = new Set<string>()
  return (row) => {
    const offset = parseLogKey(row)?.offset
    const unreadable = offset === undefined ? ['sk'] : unreadableOf(row)
    const pk = String(row['pk'])
    if (unreadable.length > 0 && !told.has(pk)) {
      if (told.size >= keptTopics) told.clear()
      told.add(pk)
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
    ...(isText(row['data']) && { data: row['data'] }),
    ...(isText(row['schema']) && { schema: row['schema'] }),
    ...(inline !== undefined && { inline }),
    ...(erased !== undefined && { erased }),
  }
}

/** Which attributes are not of the public shape. */
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
  }
  return Object.entries(shape).flatMap(([name, is]) => (is(row[name]) ? [] : [name]))
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** [TL-CUR-1] Room for 64 characters, less the restore number and its dot. */
const isEpoch = (value: unknown) => isText(value) && /^[0-9a-z.-]{1,60}$/.test(value)

/** A number, also one that was written as text. */
function toNumber(value: unknown): number | undefined {
  const number = isText(value) && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/**
 * The epoch itself where a cursor can hold it, else `x.` and its 64-bit FNV-1a hash: another name for another history,
 * and one name for one.
 */
function toEpoch(value: unknown): string {
  const text = isText(value) ? value : String(toNumber(value) ?? '')
  if (isEpoch(text)) return text
  let hash = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  return `x.${hash.toString(16).padStart(16, '0')}`
}

function warningOf({ pk, sk, unreadable }: MalformedRow): LogEntry {
  const message = 'A row of a log is not as PROTOCOL.md says [TL-ROW-1]; it was read as far as it goes.'
  return { level: 'WARN', message, facts: { pk, sk, unreadable } }
}
