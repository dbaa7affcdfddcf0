/**
 * The port of the topics' logs: numbered slots, and receipts of inline deliveries.
 *
 * - [LAW-SLOT-PUT] A put writes a slot only where none exists. The store never assigns an offset, and it never replaces
 *   an event. A put that conflicts MUST return the slot that exists, also when the caller wrote it: the caller compares
 *   `publishId` to find out.
 * - [LAW-RESUME-OR-GAP] Reads MUST NOT hide holes. A slot that is missing between two others is missing from the page.
 * - [LAW-LOGICAL-EXPIRY] A slot whose `expires` has passed MUST be returned for as long as it exists. The caller judges
 *   age by `time`.
 * - A receipt saves work. If it is missing, the event is delivered twice, and the receiver drops one
 *   [LAW-RECEIVER-ORDERS].
 */
export interface LogStore {
  /**
   * Puts `slot` at its offset if no slot exists there.
   * Returns `put`, or `taken` with the slot that exists. One conditional write.
   */
  putSlot(topic: string, slot: Slot): Promise<PutSlotOutcome>

  /**
   * Reads slots with an offset above `after`, ascending: at most `limit` (1 or more), and at most what one request
   * returns. One strongly consistent read.
   */
  readSlots(topic: string, after: number, limit: number): Promise<SlotPage>

  /**
   * Reads slots with an offset below `before` (all slots when undefined), descending: at most `limit` (1 or more), and
   * at most what one request returns. One strongly consistent read.
   */
  readSlotsBefore(topic: string, before: number | undefined, limit: number): Promise<SlotPage>

  /**
   * Sets `expires` of a slot, and changes nothing else.
   * Returns `absent`, and creates nothing, if no slot exists there. One conditional write.
   */
  extendSlot(topic: string, offset: number, expires: number): Promise<'extended' | 'absent'>

  /**
   * Removes `data` of a slot and sets `erased` to this time (epoch milliseconds). All other members stay.
   * Returns `erased` also for a slot that was erased before. Returns `absent` if no slot exists there, or if it never
   * had `data`. One conditional write.
   */
  eraseSlot(topic: string, offset: number, erased: number): Promise<'erased' | 'absent'>

  /** Records that the publisher has delivered an event itself. `expires` is in epoch seconds. One write. */
  putReceipt(topic: string, offset: number, expires: number): Promise<void>

  /** Says for each of at most 100 events whether it has a receipt, in the order asked. One strongly consistent read. */
  hasReceipts(events: readonly { readonly topic: string; readonly offset: number }[]): Promise<readonly boolean[]>
}

/** One entry of a topic's log. Immutable once put, except that `expires` moves and `data` may be erased. */
export interface Slot {
  /** From 1, without holes, up to 2^53 − 1. */
  readonly offset: number
  /** Names the unbroken history that this slot belongs to, without the deployment's restore number. */
  readonly epoch: string
  /** The writer's own name for this event: a put that conflicts with its own id has succeeded earlier. */
  readonly publishId: string
  /** Epoch milliseconds. Reads judge age by this, not by `expires`. */
  readonly time: number
  /** Epoch seconds: the TTL attribute. The row may exist for days after it. */
  readonly expires: number
  /** The event as JSON text. Absent in a slot that only begins an epoch, and in one whose event was erased. */
  readonly data?: string
  /** Names the schema of `data`. Absent in events of scripts and of older versions. */
  readonly schema?: string
  /** Epoch milliseconds at which the event was erased. */
  readonly erased?: number
  /** Epoch milliseconds until which the publisher may still deliver this event itself. */
  readonly inline?: number
  /** Of a stream: its state after this slot, as JSON text. Absent in a slot that does not change it. */
  readonly state?: string
  /** True for chunks of a stream, which their producer delivers itself. Absent otherwise. */
  readonly own?: true
}

/**
 * What one read of a log returned. `more`: the read stopped at a limit, so slots may exist beyond the last one, or
 * none. Without `more`, no slot existed beyond the last one at that moment.
 */
export interface SlotPage {
  readonly slots: readonly Slot[]
  readonly more: boolean
}

/** `taken`: this slot exists at the offset. It is the caller's own if its `publishId` is the caller's. */
export type PutSlotOutcome = { readonly status: 'put' } | { readonly status: 'taken'; readonly slot: Slot }
