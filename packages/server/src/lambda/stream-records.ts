import { createSlotReader, type EventRow, parseLogKey } from '../ports/event-row.ts'
import type { StreamedSlot } from '../run/table-stream.ts'
import { isRecord } from './events.ts'

const readSlot = createSlotReader()

/** The new slots in a batch of the table's stream; whatever else a record tells is passed over. */
export function toStreamedSlots(event: unknown): readonly StreamedSlot[] {
  const records = isRecord(event) && Array.isArray(event['Records']) ? (event['Records'] as readonly unknown[]) : []
  return records.flatMap((record) => toStreamedSlot(record) ?? [])
}

function toStreamedSlot(record: unknown): StreamedSlot | undefined {
  if (!isRecord(record) || record['eventName'] !== 'INSERT' || !isRecord(record['dynamodb'])) return undefined
  const { NewImage: image, SequenceNumber: sequence } = record['dynamodb']
  if (!isRecord(image) || typeof sequence !== 'string') return undefined
  const row = toRow(image)
  const key = parseLogKey(row)
  const slot = key && readSlot(row)
  return slot && { record: sequence, topic: key.topic, slot }
}

/** An image's texts and numbers as plain values: all that an event row holds. */
function toRow(image: Readonly<Record<string, unknown>>): EventRow {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, toPlain(value)]))
}

function toPlain(value: unknown): unknown {
  if (!isRecord(value)) return undefined
  return typeof value['N'] === 'string' ? Number(value['N']) : value['S']
}
