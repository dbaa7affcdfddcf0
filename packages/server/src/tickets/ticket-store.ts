/** Remembers which tickets were used. */
export interface TicketStore {
  /**
   * Marks a ticket as used. Resolves to true for the first call with this id, and to false for every other, also when
   * they run concurrently. `expires` is in epoch seconds: until then the id is remembered. Rejects if that is unknown.
   */
  redeem(id: string, expires: number): Promise<boolean>
}

/** A store in the memory of one process, for tests and for servers of one process. */
export function memoryTicketStore({ clock = { now: () => Date.now() } }: MemoryTicketOptions = {}): TicketStore {
  const used = new Map<string, number>()
  return {
    async redeem(id, expires) {
      for (const [other, end] of used) if (end * 1_000 < clock.now()) used.delete(other)
      if (used.has(id)) return false
      used.set(id, expires)
      return true
    },
  }
}

interface MemoryTicketOptions {
  /** @default the machine's clock */
  readonly clock?: { readonly now: () => number }
}
