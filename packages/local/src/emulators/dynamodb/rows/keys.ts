import type { KeyRange } from './dynalite.ts'

/** All keys that begin with `prefix`. dynalite's keys go on in hexadecimal digits and slashes, ours in a table's name. */
export function rangeOf(prefix: string): KeyRange {
  return { gte: prefix, lt: `${prefix}\xff` }
}

/** A table's items in the LevelDB: dynalite's form. */
export function itemRange(table: string): KeyRange {
  return rangeOf(`item-${table}~`)
}

/** The tables' own rows: dynalite's form. */
export const TABLE_RANGE = rangeOf('table~')

/** Where a table's TTL attribute is kept: our own row beside dynalite's. */
export function ttlKey(table: string): string {
  return `ttl~${table}`
}

/** The TTL attributes of all tables. */
export const TTL_RANGE = rangeOf(ttlKey(''))
