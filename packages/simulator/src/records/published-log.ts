import type { Slot } from '../../../server/src/ports/store.ts'

/** One put of the log, as it took effect. */
export interface Committed {
  readonly slot: Slot
  /** Virtual epoch milliseconds. */
  readonly at: number
  /** The event's own number; undefined in a slot that only gives birth to an epoch. */
  readonly n: number | undefined
  /** The table was restored to a copy that lacks it. */
  readonly undone: boolean
}

/** A restore of the table to an older copy. */
export interface Rewind {
  readonly at: number
  /** How many commits each topic had then: those from this index on are of the new history. */
  readonly lengths: ReadonlyMap<string, number>
}

/** All that was ever put into the logs, in the order in which it took effect, deleted or not: what deliveries are judged by. */
export interface PublishedLog {
  readonly topics: ReadonlyMap<string, readonly Committed[]>
  of(topic: string): readonly Committed[]
  /** Where `epoch:offset` stands in its topic; −1 when nowhere. Of several histories: that of the event `n`, or of the newest commit before `seen`. */
  indexOf(topic: string, cursor: string, about?: { readonly n?: number; readonly seen?: number }): number
  /** How many commits each topic has. */
  lengths(): ReadonlyMap<string, number>
  /** The table is a copy again of when the topics had these lengths. */
  rewind(lengths: ReadonlyMap<string, number>, at: number): void
  readonly rewinds: readonly Rewind[]
  add(topic: string, slot: Slot, at: number): void
}

/** An empty published. */
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
      indexes.set(name, [...(indexes.get(name) ?? []), all.length])
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
