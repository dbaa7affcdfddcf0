import type { GapReason } from '@trunkline/protocol'

/** Events that a subscription missed and that the server cannot replay. */
export interface Gap {
  /** The path of the procedure, such as `room.messages`. */
  readonly path: string
  /** The input that the application passed, as the same object. The subscription itself uses a copy from that time. */
  readonly input: unknown
  /** `not-resumable` also means one event whose `filter` or `map` threw on the server. */
  readonly reason: GapReason
  /** The partition that it is in, of a subscription that `mergePartitions` made. */
  readonly partition?: number
  /** The id of the last event before the gap, or null when there was none. */
  readonly lastEventId: string | null
}

/** Called for a gap. The application should load its state again; the subscription continues after the gap. */
export type GapHandler = (gap: Gap) => void
