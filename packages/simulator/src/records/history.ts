import type { AnswerRef, GeneratorInput, GeneratorRun, StreamInput } from './application.ts'

/** What the application received from one subscription. `seen` is the length of the published log at that moment. */
export type Entry =
  | { readonly kind: 'started'; readonly seen: number }
  | { readonly kind: 'data'; readonly seen: number; readonly id: string; readonly n: number; readonly state?: number }
  | { readonly kind: 'gap'; readonly seen: number; readonly reason: string; readonly partition?: number }
  | { readonly kind: 'error'; readonly seen: number; readonly code: string; readonly message: string }

/** The record of one subscription of an application. */
export interface SubscriptionRecord {
  readonly device: string
  readonly path: SubscriptionPath
  readonly room: string
  /**
   * True for tRPC's own client. It is checked from its first event on, and only after an event has revealed what a dead
   * function left behind [LAW-STOCK-ORDER].
   */
  readonly isStock: boolean
  readonly entries: Entry[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'error' | 'closed' | undefined
}
export type SubscriptionPath = 'live' | 'replayed' | 'thirds' | 'snapshot'

export type CallPath = 'post' | 'spread' | 'bill' | 'refuse' | 'count'

/** The record of one call of an application. */
export interface CallRecord {
  readonly device: string
  /** The principal of the device when it made the call; null for an anonymous one. */
  readonly principal: string | null
  readonly path: CallPath
  readonly room: string
  readonly n: number
  /** `auto` for the SDK's own key, `none` for no key, otherwise the caller's key. */
  readonly key: 'auto' | 'none' | string
  /** `at` is in virtual milliseconds. `deviceAt` is by the device's own time, which stops while the device sleeps. */
  readonly at: number
  readonly deviceAt: number
  /** The ordering key of the call, if it has one. */
  readonly orderingKey: string | undefined
  settledAt: number | undefined
  deviceSettledAt: number | undefined
  settled: number
  answer:
    | { readonly data: unknown }
    | { readonly error: string; readonly code: string | undefined; readonly mayHaveRun?: boolean | undefined }
    | undefined
}

/** The record of one publish of a script. */
export interface ScriptRecord {
  readonly room: string
  readonly n: number
  readonly key: string | undefined
  readonly at: number
  acknowledged: number
  settledAt: number | undefined
}

/** What the application received from a presence subscription. `n` is the number in a member's data. */
export type PresenceEvent =
  | { readonly kind: 'here'; readonly id: string; readonly members: Readonly<Record<string, number>> }
  | { readonly kind: 'join' | 'update'; readonly id: string; readonly member: string; readonly n: number }
  | { readonly kind: 'leave'; readonly id: string; readonly member: string }
  | { readonly kind: 'gap' | 'started' }
  | { readonly kind: 'error'; readonly code: string }

/** The record of one presence subscription. */
export interface PresenceSubscription {
  readonly device: string
  /** The member that it makes present; undefined for a watcher. */
  readonly member: string | undefined
  readonly room: string
  readonly events: PresenceEvent[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'error' | 'closed' | undefined
}

/** The record of one update of a session's data. */
export interface MarkRecord {
  readonly member: string | undefined
  readonly room: string
  readonly n: number
  /** The response: whether the session existed. */
  answer: boolean | undefined
}

/** What the application received from a generator subscription, and when, in virtual milliseconds. */
export type GeneratorEvent =
  | { readonly kind: 'value'; readonly at: number; readonly run: number; readonly n: number }
  | { readonly kind: 'started' | 'gap' | 'done'; readonly at: number }
  | { readonly kind: 'error'; readonly at: number; readonly code: string; readonly message: string }

export type GeneratorPath = 'ticks' | 'words' | 'observed'

/** The record of one generator subscription. */
export interface GeneratorSubscription {
  readonly device: string
  /** `ticks` tracks each value. */
  readonly path: GeneratorPath
  readonly input: GeneratorInput
  readonly isStock: boolean
  readonly at: number
  readonly events: GeneratorEvent[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'done' | 'error' | 'closed' | undefined
}

/** What the application received from a subscription to a stream. `seen` is the length of its log at that moment. */
export type StreamEvent =
  | { readonly kind: 'chunk'; readonly seen: number; readonly run: number; readonly n: number }
  | { readonly kind: 'started'; readonly seen: number }
  | { readonly kind: 'gap'; readonly seen: number; readonly reason: string }
  | { readonly kind: 'end'; readonly seen: number; readonly outcome: string | undefined }
  | { readonly kind: 'error'; readonly seen: number; readonly code: string; readonly message: string }

export type StreamPath = 'answer' | 'evens'

/** The record of one subscription to a stream. */
export interface StreamSubscription {
  readonly device: string
  readonly path: StreamPath
  readonly of: AnswerRef
  readonly isStock: boolean
  readonly events: StreamEvent[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'done' | 'error' | 'closed' | undefined
}

/** The record of one call that starts or stops a stream. */
export interface StreamCall {
  readonly kind: 'ask' | 'silence'
  readonly of: AnswerRef
  readonly input: StreamInput | undefined
  /** The result, and the length of the stream's log when it arrived; undefined without one. */
  answer: { readonly data: unknown; readonly length: number } | undefined
}

/** All observations of the applications in a schedule. */
export interface History {
  readonly subscriptions: SubscriptionRecord[]
  readonly calls: CallRecord[]
  readonly scripts: ScriptRecord[]
  readonly charges: Map<number, number>
  /** The principals of the charges of each number. */
  readonly payers: Map<number, Set<string | null>>
  readonly presenceSubscriptions: PresenceSubscription[]
  readonly marks: MarkRecord[]
  readonly generatorSubscriptions: GeneratorSubscription[]
  readonly runs: GeneratorRun[]
  readonly streamSubscriptions: StreamSubscription[]
  readonly streamCalls: StreamCall[]
  /** The streams that functions began to produce, in order. */
  readonly producers: string[]
}

export const createHistory = (): History => ({
  ...{ subscriptions: [], calls: [], scripts: [], charges: new Map(), presenceSubscriptions: [], marks: [] },
  ...{ generatorSubscriptions: [], runs: [], payers: new Map() },
  ...{ streamSubscriptions: [], streamCalls: [], producers: [] },
})
