import type { Event } from './contestant.ts'

/** The record of one contestant's run. Times are in milliseconds of one monotonic clock. */
export interface History {
  readonly startedAt: number
  /** When publishing ended. */
  readonly endedAt: number
  readonly attempts: readonly Attempt[]
  /** The server's own log; see Rival.log. */
  readonly log: readonly Event[]
  readonly subscribers: readonly SubscriberHistory[]
  /** WebSocket and HTTP messages of all clients during publishing and settling. */
  readonly messages: { readonly up: number; readonly down: number }
}

/** One publish. */
export interface Attempt {
  readonly event: Event
  readonly sentAt: number
  /** `unknown`: the library gave up or did not answer in time. */
  outcome: 'pending' | 'acknowledged' | 'unknown'
}

export interface SubscriberHistory {
  readonly receipts: Receipt[]
  readonly cuts: Cut[]
  /** The library's reports of lost events. */
  readonly signals: string[]
}

/** One event that the application got. */
export interface Receipt {
  readonly publisher: number
  readonly n: number
  readonly at: number
}

/** A cut of an open connection. */
export interface Cut {
  readonly at: number
  /** When the client first reconnected. */
  backAt?: number
}
