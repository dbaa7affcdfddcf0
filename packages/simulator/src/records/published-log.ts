import type { Slot } from '../../../server/src/ports/store.ts'

/** One put of the log, at the moment when it took effect. */
export interface Committed {
  readonly slot: Slot
  /** Virtual epoch milliseconds. */
  readonly at: number
  /** The event's own number; undefined in a slot that only starts an epoch. */
  readonly n: number | undefined
  /** True when the table was restored to a copy without it. */
  readonly undone: boolean
}

/** A restore of the table to an older copy. */
export interface Rewind {
  readonly at: number
  /** The number of commits of each topic at that moment. Commits from this index on belong to the new history. */
  readonly lengths: ReadonlyMap<string, number>
}

/**
 * All puts to the logs in the order in which they took effect, including deleted ones. Deliveries are checked against
 * it.
 */
export interface PublishedLog {
  readonly topics: ReadonlyMap<string, readonly Committed[]>
  of(topic: string): readonly Committed[]
  /**
   * The index of `epoch:offset` in its topic, or −1. If there are several histories: the commit of the event `n`, or
   * the newest commit before `seen`.
   */
  indexOf(topic: string, cursor: string, about?: { readonly n?: number; readonly seen?: number }): number
  /** The number of commits of each topic. */
  lengths(): ReadonlyMap<string, number>
  /** Records that the table was restored to a copy with these lengths. */
  rewind(lengths: ReadonlyMap<string, number>, at: number): void
  readonly rewinds: readonly Rewind[]
  add(topic: string, slot: Slot, at: number): void
}

/** Creates an empty published log. */
export function createPublishedLog(): PublishedLog {
  const topics = new Map<string, Committed[]>()
  const indexes = new Map<string, number[]>()
  const rewinds: Rewind[] = []
  const lengths = () => new Map([...topics].map(([topic, all]) => [topic, all.length]))
  return {
    topics,
    rewinds,
    lengths,
    of: (topic) => topics.get(topic) ?? [],
    indexOf(topic, cursor, { n, seen = Number.POSITIVE_INFINITY } = {}) {
      const found = indexes.get(`${topic} ${cursor}`) ?? []
      const all = topics.get(topic) ?? []
      return (
        found.find((index) => n !== undefined && all[index]?.n === n) ?? found.findLast((index) => index < seen) ?? -1
      )
    },
    add(topic, slot, at) {
      const all = topics.get(topic) ?? []
      topics.set(topic, all)
      const name = `${topic} 0.${slot.epoch}:${slot.offset}`
      const found = indexes.get(name)
      if (found === undefined) indexes.set(name, [all.length])
      else found.push(all.length)
      const event = slot.data === undefined ? undefined : (JSON.parse(slot.data) as { readonly n: number })
      all.push({ slot, at, n: event?.n, undone: false })
    },
    rewind(kept, at) {
      rewinds.push({ at, lengths: lengths() })
      for (const [topic, all] of topics)
        for (let index = kept.get(topic) ?? 0; index < all.length; index++)
          all[index] = { ...(all[index] as Committed), undone: true }
    },
  }
}
