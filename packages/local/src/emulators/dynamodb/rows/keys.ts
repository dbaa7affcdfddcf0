import type { KeyRange } from './dynalite.ts'

/**
 * All keys that begin with `prefix`. The rest of dynalite's keys are hexadecimal digits and slashes; the rest of ours
 * is a table's name.
 */
export function rangeOf(prefix: string): KeyRange {
  return { gte: prefix, lt: `${prefix}\xff` }
}

/** The range of a table's items, in dynalite's format. */
export function itemRange(table: string): KeyRange {
  return rangeOf(`item-${table}~`)
}

/** The range of the tables' own rows, in dynalite's format. */
export const TABLE_RANGE = rangeOf('table~')

/** The key of a table's TTL attribute, which we store in addition to dynalite's rows. */
export function ttlKey(table: string): string {
  return `ttl~${table}`
}

/** The range of the TTL attributes of all tables. */
export const TTL_RANGE = rangeOf(ttlKey(''))
