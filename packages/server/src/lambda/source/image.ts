import { isRecord } from '../events/events.ts'

/**
 * Converts the attributes of a row, as a stream record has them, to plain values:
 *
 * - A string, boolean, list or map is itself, NULL is null, a set is a `Set`, and binary is a `Uint8Array`.
 * - A number is a `number`. A whole number beyond ±(2^53 − 1) is a `bigint`. A fraction of more than 17 digits is
 *   rounded to the nearest `number`.
 * - An attribute of an unknown type is undefined.
 */
export function fromImage(image: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(isRecord(image) ? image : {}).map(([name, value]) => [name, toPlain(value)]))
}

/** The keys of a row as JSON, for log lines: large numbers as text, binary as base64. */
export function fromKeys(keys: unknown): Record<string, string | number> {
  return Object.fromEntries(Object.entries(isRecord(keys) ? keys : {}).map(([name, value]) => [name, toKey(value)]))
}

type Reader = (value: unknown) => unknown

const toText: Reader = (value) => (typeof value === 'string' ? value : undefined)
const toBytes: Reader = (value) =>
  typeof value === 'string' ? Uint8Array.from(Buffer.from(value, 'base64')) : undefined
const toSet =
  (read: Reader): Reader =>
  (value) =>
    new Set(Array.isArray(value) ? value.map(read) : [])

/** One reader for each type of attribute. */
const readers = new Map<string, Reader>([
  ['S', toText],
  ['N', toNumber],
  ['BOOL', (value) => value === true],
  ['NULL', () => null],
  ['B', toBytes],
  ['SS', toSet(toText)],
  ['NS', toSet(toNumber)],
  ['BS', toSet(toBytes)],
  ['L', (value) => (Array.isArray(value) ? value.map(toPlain) : [])],
  ['M', fromImage],
])

function toPlain(attribute: unknown): unknown {
  const [tagged] = Object.entries(isRecord(attribute) ? attribute : {})
  if (tagged === undefined) return undefined
  const [type, value] = tagged
  return readers.get(type)?.(value)
}

function toNumber(value: unknown): number | bigint | undefined {
  if (typeof value !== 'string') return undefined
  const number = Number(value)
  const exact = Number.isSafeInteger(number) || !/^-?\d+$/.test(value)
  return exact ? number : BigInt(value)
}

function toKey(attribute: unknown): string | number {
  const { S, N, B } = isRecord(attribute) ? attribute : {}
  if (typeof N === 'string') return Number.isSafeInteger(Number(N)) ? Number(N) : N
  return String(S ?? B)
}
