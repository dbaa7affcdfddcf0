import type { Clock } from '../../ports/clock.ts'

/**
 * One thing in so many is sampled, and then counts as so many. So the expected count is right, and counting costs a
 * tenth of a write for each.
 */
export const sampleWeight = 10

/**
 * The indexes of those among `count` things that are sampled: each with a chance of 1 in `sampleWeight`, independent of
 * the others. It draws the distances between them, so that a message of many frames takes few random numbers.
 */
export function sampleOf(clock: Pick<Clock, 'random'>, count: number): readonly number[] {
  const sampled: number[] = []
  for (let at = distance(clock); at < count; at += 1 + distance(clock)) sampled.push(at)
  return sampled
}

const logOfMiss = Math.log(1 - 1 / sampleWeight)

/** How many things are not sampled before the next one is. */
function distance(clock: Pick<Clock, 'random'>): number {
  return Math.floor(Math.abs(Math.log(1 - clock.random()) / logOfMiss))
}

/**
 * What `bytes` add to a count of bytes; 0 if they are not sampled. `unitBytes` or more always count as they are. Fewer
 * are sampled with the chance `bytes / unitBytes`, and then count as `unitBytes`.
 */
export function sampledBytes(clock: Pick<Clock, 'random'>, bytes: number, unitBytes: number): number {
  if (bytes >= unitBytes) return bytes
  return clock.random() * unitBytes < bytes ? unitBytes : 0
}
