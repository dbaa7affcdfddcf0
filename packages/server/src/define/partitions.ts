import { maxPartitions, withDocs } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'
import { describeValue } from './describe-value.ts'

/** How the events of a topic are spread over several logs. */
export interface PartitionOptions<K, E> {
  /**
   * The number of partitions, from 1 to 16. Each is a log of its own, so a topic takes that many times the events a
   * second. It may grow later; a lower number than before has no effect.
   */
  readonly partitions: number
  /**
   * The partition key of an event: events of one key are in order. `publish` may name another one.
   * @default none: each event goes to a partition at random, and events are in no order
   */
  readonly partitionBy?: (event: core.output<E>, key: core.output<K>) => string
}

/** Which partition an event goes to. */
export interface PartitionKey {
  /** Events of one partition key are in order. @default the result of `partitionBy` */
  readonly partitionKey?: string
}

/** The partitions of a channel as it was declared. */
export interface PartitionRules {
  readonly count: number
  readonly by?: (event: unknown, key: unknown) => unknown
}

/** The partitions of a channel's options. Throws a `TypeError` for a wrong one. */
export function partitionRules(
  name: string,
  options: { readonly partitions?: unknown; readonly partitionBy?: unknown },
): { readonly partitions?: PartitionRules } {
  const { partitions: count, partitionBy: by } = options
  if (by !== undefined && typeof by !== 'function')
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected partitionBy of channel ${name} to be a function, got ${describeValue(by)} Pass a function of the event and the key that returns a text.`,
      ),
    )
  if (count === undefined) {
    if (by === undefined) return {}
    throw new TypeError(
      withDocs('declarations', `Expected channel ${name} to have partitions with partitionBy, got partitionBy alone.`),
    )
  }
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > maxPartitions)
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected partitions of channel ${name} to be a whole number from 1 to ${maxPartitions}, got ${typeof count === 'number' ? `${count}.` : describeValue(count)} Declare as many as the rate needs, such as partitions: 4.`,
      ),
    )
  return { partitions: { count: count as number, ...(by !== undefined && { by: by as PartitionRules['by'] & {} }) } }
}

/** Throws a `TypeError` for partitions of what has none: an ephemeral channel, a presence or a stream. */
export function refusePartitions(kind: string, name: string, options: object): void {
  if (!('partitions' in options) || options.partitions === undefined) return
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected ${kind} ${name} without partitions, got ${describeValue(options.partitions)} Only channels with a log have partitions.`,
    ),
  )
}

/**
 * The partition of a key. When partitions are added, a key stays where it is or moves to a new one (rendezvous
 * hashing).
 */
export function partitionOf(key: string, count: number): number {
  const base = fnv(key)
  let [best, highest] = [0, -1]
  for (let index = 0; index < count; index++) {
    const weight = mix(base ^ Math.imul(index + 1, 0x9e3779b1))
    if (weight > highest) [best, highest] = [index, weight]
  }
  return best
}

function fnv(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}

/** Spreads each bit over all of them (the last step of MurmurHash3). */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
