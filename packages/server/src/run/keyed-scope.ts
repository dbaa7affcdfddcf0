import type { Repeatable } from './append-repeatable.ts'
import { publishIdOf } from './call-key.ts'

/** The claim that an attempt of a keyed mutation runs under; its publishes are counted, so that each attempt's n-th is the same event. */
export interface Keyed {
  readonly key: string
  /** Absent in its middlewares, which run without the claim: their publishes are recorded in a row of their own. */
  readonly owner?: string
  /** Epoch seconds. */
  readonly expires: number
  /** Publishes so far, by topic. */
  readonly counts: Map<string, number>
}

/** Names the next publish to a topic under a claim. */
export function nextPublish({ key, owner, expires, counts }: Keyed, topic: string): Repeatable {
  const n = (counts.get(topic) ?? 0) + 1
  counts.set(topic, n)
  return { key, expires, publishId: publishIdOf(key, topic, n), ...(owner === undefined ? {} : { owner }) }
}
