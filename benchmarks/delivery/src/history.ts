import type { Event } from './contestant.ts'

/** All that one contestant's run left behind. Times are milliseconds of one monotonic clock. */
export interface History {
  readonly startedAt: number
  /** When publishing ended. */
  readonly endedAt: number
  readonly attempts: readonly Attempt[]
  /** The server's own account; see Rival.log. */
  readonly log: readonly Event[]
  readonly subscribers: readonly SubscriberHistory[]
  /** Messages of the wire during publishing and settling, of all clients. */
  readonly messages: { readonly up: number; readonly down: number }
}

/** One publish. */
export interface Attempt {
  readonly event: Event
  readonly sentAt: number
  /** `unknown`: the library gave up, or said nothing in time. */
  outcome: 'pending' | 'acknowledged' | 'unknown'
}

export interface SubscriberHistory {
  readonly receipts: Receipt[]
  readonly cuts: Cut[]
  /** What the library said of lost events. */
  readonly signals: string[]
}

/** One event handed to the application. */
export interface Receipt {
  readonly publisher: number
  readonly n: number
  readonly at: number
}

/** A cut that found a connection. */
export interface Cut {
  readonly at: number
  /** When the client was first connected again. */
  backAt?: number
}
