import type { Keyed } from '../context/scope.ts'
import type { PublishKey } from '../log/append-once.ts'
import { publishIdOf } from './idempotency-key.ts'

/** The key and id of the next publish to a topic under a claim. */
export function nextPublish({ key, owner, expires, counts }: Keyed, topic: string): PublishKey {
  const n = (counts.get(topic) ?? 0) + 1
  counts.set(topic, n)
  return { key, expires, publishId: publishIdOf(key, topic, n), ...(owner === undefined ? {} : { owner }) }
}
