import type { GapReason } from '@trunkline/protocol'

/** Events that were lost and cannot be replayed. */
export interface Gap {
  /** The procedure's. */
  readonly path: string
  /** The object that the application passed. The subscription itself keeps what it was when it was passed. */
  readonly input: unknown
  /** `not-resumable` also stands for one event that the server could not evaluate: its `filter` or `map` threw. */
  readonly reason: GapReason
  /** The last position before the gap, or null when there was none. */
  readonly lastEventId: string | null
}

/** Told of a gap, the application loads its state afresh; the subscription goes on behind the gap. */
export type GapHandler = (gap: Gap) => void
