import { type createSlotReader, type EventRow, parseLogKey } from '../../ports/event-row.ts'
import type { StreamedSlot } from '../../runtime/delivery/deliver-from-stream.ts'
import type { StreamedPresence } from '../../runtime/presence/append-from-stream.ts'
import { isRecord } from './events.ts'

type ReadSlot = ReturnType<typeof createSlotReader>

/** The new slots in a batch of the table's stream. All other records are skipped. */
export function toStreamedSlots(event: unknown, readSlot: ReadSlot): readonly StreamedSlot[] {
  return recordsOf(event).flatMap((record) => toStreamedSlot(record, readSlot) ?? [])
}

const presencePrefix = 'PRES#'
const memberPrefix = 'M#'

/** The members in a batch whose rows have a pending change. */
export function toStreamedPresences(event: unknown): readonly StreamedPresence[] {
  return recordsOf(event).flatMap((record) => {
    if (!isRecord(record) || !isRecord(record['dynamodb'])) return []
    const { NewImage: image, SequenceNumber: sequence } = record['dynamodb']
    if (!isRecord(image) || typeof sequence !== 'string') return []
    const { pk, sk } = toRow(image)
    const isMember = typeof pk === 'string' && pk.startsWith(presencePrefix) && typeof sk === 'string'
    if (!isMember || !sk.startsWith(memberPrefix) || !isPending(image)) return []
    return [{ record: sequence, topic: pk.slice(presencePrefix.length), member: sk.slice(memberPrefix.length) }]
  })
}

function isPending({ pending }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(pending) && pending['BOOL'] === true
}

function recordsOf(event: unknown): readonly unknown[] {
  return isRecord(event) && Array.isArray(event['Records']) ? event['Records'] : []
}

function toStreamedSlot(record: unknown, readSlot: ReadSlot): StreamedSlot | undefined {
  if (!isRecord(record) || record['eventName'] !== 'INSERT' || !isRecord(record['dynamodb'])) return undefined
  const { NewImage: image, SequenceNumber: sequence } = record['dynamodb']
  if (!isRecord(image) || typeof sequence !== 'string') return undefined
  const row = toRow(image)
  const key = parseLogKey(row)
  const slot = key && readSlot(row)
  return slot && { record: sequence, topic: key.topic, slot }
}

/** The texts, numbers and booleans of an image as plain values. Event rows have no other types. */
function toRow(image: Readonly<Record<string, unknown>>): EventRow {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, toPlain(value)]))
}

function toPlain(value: unknown): unknown {
  if (!isRecord(value)) return undefined
  return typeof value['N'] === 'string' ? Number(value['N']) : (value['S'] ?? value['BOOL'])
}
