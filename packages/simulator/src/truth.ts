import type { Slot } from '../../server/src/ports/store.ts'

/** One put of the log, as it took effect. */
export interface Committed {
  readonly slot: Slot
  /** Virtual epoch milliseconds. */
  readonly at: number
  /** The event's own number; undefined in a slot that only gives birth to an epoch. */
  readonly n: number | undefined
}

/** All that was ever put into the logs, in the order in which it took effect, deleted or not: what deliveries are judged by. */
export interface Truth {
  readonly topics: ReadonlyMap<string, readonly Committed[]>
  of(topic: string): readonly Committed[]
  /** Where `epoch:offset` stands in its topic; −1 when nowhere. */
  indexOf(topic: string, cursor: string): number
  add(topic: string, slot: Slot, at: number): void
}

/** An empty truth. */
export function createTruth(): Truth {
  const topics = new Map<string, Committed[]>()
  const indexes = new Map<string, number>()
  return {
    topics,
    of: (topic) => topics.get(topic) ?? [],
    indexOf: (topic, cursor) => indexes.get(`${topic} ${cursor}`) ?? -1,
    add(topic, slot, at) {
      const all = topics.get(topic) ?? []
      topics.set(topic, all)
      indexes.set(`${topic} 0.${slot.epoch}:${slot.offset}`, all.length)
      const event = slot.data === undefined ? undefined : (JSON.parse(slot.data) as { readonly n: number })
      all.push({ slot, at, n: event?.n })
    },
  }
}
