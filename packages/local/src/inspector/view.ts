import type { Numbered } from './recent.ts'

/**
 * The data that the page receives as JSON. Frames and runs are those since the last view; the other members are
 * complete. Times are in epoch milliseconds of the line's clock.
 */
export interface InspectorView {
  readonly now: number
  /** Distinguishes lines at the same address: each line numbers its frames and runs from 1. */
  readonly startedAt: number
  readonly connections: readonly ConnectionView[]
  readonly topics: readonly TopicView[]
  readonly frames: readonly Numbered<FrameView>[]
  readonly runs: readonly Numbered<RunView>[]
  readonly cost: CostView
  /** The delay of responses in milliseconds; 0 for none. */
  readonly answerDelayMs: number
}

export interface ConnectionView {
  readonly id: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** `ours` if it offered `trunkline.1`. */
  readonly client: 'ours' | 'stock'
  readonly state: 'open' | 'lost'
  readonly connectedAt: number
  readonly subscriptions: readonly SubscriptionView[]
}

export interface SubscriptionView {
  readonly topic: string
  /** The procedure that subscribed. */
  readonly path: string
}

export interface TopicView {
  readonly topic: string
  /** The offset of its newest event; absent until an event is written while this line runs. */
  readonly head?: number
  readonly subscribers: number
}

export interface FrameView {
  readonly at: number
  readonly direction: 'in' | 'out'
  readonly connectionId: string
  readonly bytes: number
  /** Redacted, and truncated if it is long. */
  readonly text: string
}

export interface RunView {
  readonly name: string
  readonly endedAt: number
  readonly durationMs: number
  readonly initMs?: number
  readonly attempt: number
  readonly outcome: 'ok' | 'error' | 'timeout' | 'killed'
}

export interface CostView {
  readonly pricesRead: string
  readonly lines: readonly CostLine[]
  readonly usd: number
  readonly usdPerHour: number
}

export interface CostLine {
  readonly label: string
  readonly source: string
  readonly usdPerMillion: number
  readonly used: number
  readonly usd: number
  readonly usdPerHour: number
}

/** The requests that the page may send. */
export type FaultRequest = { readonly cut: true } | { readonly answerDelayMs: number }
