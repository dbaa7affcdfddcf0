/** How long requests take, in milliseconds. */
export interface ServiceTimes {
  /** One request to the table, as in docs/reference/limits.md. */
  readonly tableMs: number
  /** One post to a connection, as in docs/reference/limits.md. */
  readonly postMs: number
  /** From the invocation of a function to its first line. */
  readonly invokeMs: number
  /** From an append until the table's stream invokes a function, on average: Lambda polls four times a second. */
  readonly streamMs: number
  /** One processor serves all posts, and each takes so long there. Absent: they only wait. */
  readonly cpuMs?: number
}

/** The times of a line on AWS. They are those of the counted operations, and none was measured on AWS. */
export const awsTimes: ServiceTimes = { tableMs: 5, postMs: 10, invokeMs: 10, streamMs: 125 }

/** The options of a line that decide how it delivers, with their defaults in the product. */
export const lineDefaults = {
  maxConcurrentPosts: 50,
  maxDirectAudience: 100,
  /** `shardRows` of `deliver-shard.ts`: more rows double the shards. */
  shardRows: 5_000,
  /** `slowPostsMs` and `leaseSlots` of the delivery. */
  leaseSlots: 100,
  /** Bytes of a subscriber's row, as counted in the publish to 10,000. */
  rowBytes: 75,
} as const

/** The shards of a topic whose audience came one by one, and the rows of each: the younger half has the rest. */
export function shardSizes(audience: number, shardRows: number = lineDefaults.shardRows): readonly number[] {
  let sizes = [audience]
  while ((sizes.at(-1) ?? 0) > shardRows) {
    const older = sizes.map((size) => Math.min(size, shardRows))
    const left = audience - older.reduce((sum, size) => sum + size, 0)
    sizes = [...older, ...older.map(() => Math.floor(left / older.length))]
    sizes[sizes.length - 1] = audience - sizes.slice(0, -1).reduce((sum, size) => sum + size, 0)
  }
  return sizes
}
