import type { CursorText } from './frames.ts'

/** The most partitions that a channel may have: each one is a subscription of its own. */
export const maxPartitions = 16

/** The partition that a subscribe asks for. It follows the procedure's path, as `live#2/4`. */
export interface PartitionRequest {
  /** From 0. */
  readonly index: number
  /** How many partitions the client merges. The last one of them loads the state of `startWith`. */
  readonly count: number
  /**
   * Where it begins without a `lastEventId`: after a cursor, before the first event of the partition, or with the next
   * event. Absent: where the procedure says.
   */
  readonly at?: CursorText | 'start' | 'new'
}

const pattern = /^(.*)#(?:(\d{1,2})\/(\d{1,2})(?:@(.{1,96}))?)?$/s

/** The path of a subscribe. Without a partition it says that the client can merge: `live#`. */
export function formatPartitionPath(path: string, partition?: PartitionRequest): string {
  if (partition === undefined) return `${path}#`
  const { index, count, at } = partition
  return `${path}#${index}/${count}${at === undefined ? '' : `@${at}`}`
}

/**
 * Splits the path of a subscribe. `merges`: the client can merge partitions. A text of another form is a path alone.
 * Never throws.
 */
export function parsePartitionPath(text: string): {
  readonly path: string
  readonly merges: boolean
  readonly partition?: PartitionRequest
} {
  const [, path, first, of, at] = pattern.exec(text) ?? []
  if (path === undefined) return { path: text, merges: false }
  if (first === undefined) return { path, merges: true }
  const [index, count] = [Number(first), Number(of)]
  if (index >= count || count > maxPartitions) return { path: text, merges: false }
  return { path, merges: true, partition: { index, count, ...(at !== undefined && { at }) } }
}

/** The id of an event of a partition: its cursor, after the number of the partition unless that is 0. */
export function formatPartitionId(index: number, cursor: CursorText): string {
  return index === 0 ? cursor : `${index}/${cursor}`
}

/** Splits the id of an event. A text without a number is of partition 0. */
export function parsePartitionId(id: string): { readonly index: number; readonly cursor: CursorText } {
  const [, index = '0', cursor = id] = /^(\d{1,2})\/(.*)$/s.exec(id) ?? []
  return { index: Number(index), cursor }
}

/** A position in all partitions: their cursors in order, with nothing for a partition that has none. */
export function formatPositions(cursors: readonly (CursorText | undefined)[]): string {
  return cursors.map((cursor) => cursor ?? '').join()
}

/** The cursor of one partition in a position, or in the id of one event; undefined if it has none. */
export function positionIn(text: string, index: number): CursorText | undefined {
  if (text.includes(',')) return text.split(',')[index] || undefined
  const only = parsePartitionId(text)
  return only.index === index ? only.cursor : undefined
}
