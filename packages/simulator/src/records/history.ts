import type { GeneratorInput, GeneratorRun } from './application.ts'

/** What one subscription told its application. `seen` is the length of its log's published at that moment. */
export type Entry =
  | { readonly kind: 'started'; readonly seen: number }
  | { readonly kind: 'data'; readonly seen: number; readonly id: string; readonly n: number; readonly state?: number }
  | { readonly kind: 'gap'; readonly seen: number; readonly reason: string }
  | { readonly kind: 'error'; readonly seen: number; readonly code: string; readonly message: string }

/** A subscription of an application, from its beginning. */
export interface SubscriptionRecord {
  readonly device: string
  readonly path: SubscriptionPath
  readonly room: string
  /** Of tRPC's own client: judged from its first event on, and not before one has found out what a dead function left [LAW-STOCK-ORDER]. */
  readonly isStock: boolean
  readonly entries: Entry[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'error' | 'closed' | undefined
}
export type SubscriptionPath = 'live' | 'replayed' | 'thirds' | 'snapshot'

export type CallPath = 'post' | 'spread' | 'bill' | 'refuse' | 'count'

/** A call of an application, from its beginning to its answer. */
export interface CallRecord {
  readonly device: string
  readonly path: CallPath
  readonly room: string
  readonly n: number
  /** The SDK's own key, the caller's, or none. */
  readonly key: 'auto' | 'none' | string
  /** Virtual milliseconds, and the device's own, which stand still while it sleeps. */
  readonly at: number
  readonly deviceAt: number
  /** Lengths of the published when it was sent. */
  readonly orderingKey: string | undefined
  settledAt: number | undefined
  deviceSettledAt: number | undefined
  settled: number
  answer: { readonly data: unknown } | { readonly error: string; readonly code: string | undefined } | undefined
}

/** A publish of a script. */
export interface ScriptRecord {
  readonly room: string
  readonly n: number
  readonly key: string | undefined
  readonly at: number
  acknowledged: number
  settledAt: number | undefined
}

/** What a subscription to presence told its application; of `data` its number. */
export type PresenceEvent =
  | { readonly kind: 'here'; readonly id: string; readonly members: Readonly<Record<string, number>> }
  | { readonly kind: 'join' | 'update'; readonly id: string; readonly member: string; readonly n: number }
  | { readonly kind: 'leave'; readonly id: string; readonly member: string }
  | { readonly kind: 'gap' | 'started' }
  | { readonly kind: 'error'; readonly code: string }

/** Somebody who watches who is in a room, or is there. */
export interface PresenceSubscription {
  readonly device: string
  /** Whom it makes present; undefined for who only watches. */
  readonly member: string | undefined
  readonly room: string
  readonly events: PresenceEvent[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'error' | 'closed' | undefined
}

/** New data of a session. */
export interface MarkRecord {
  readonly member: string | undefined
  readonly room: string
  readonly n: number
  /** What it was answered with: whether it was there. */
  answer: boolean | undefined
}

/** What a subscription to a generator told its application, and when, in virtual milliseconds. */
export type GeneratorEvent =
  | { readonly kind: 'value'; readonly at: number; readonly run: number; readonly n: number }
  | { readonly kind: 'started' | 'gap' | 'done'; readonly at: number }
  | { readonly kind: 'error'; readonly at: number; readonly code: string; readonly message: string }

export type GeneratorPath = 'ticks' | 'words' | 'observed'

/** A subscription to a generator. */
export interface GeneratorSubscription {
  readonly device: string
  /** Of `ticks` each value is tracked. */
  readonly path: GeneratorPath
  readonly input: GeneratorInput
  readonly isStock: boolean
  readonly at: number
  readonly events: GeneratorEvent[]
  /** Undefined while it lives. */
  ended: 'stopped' | 'done' | 'error' | 'closed' | undefined
}

/** All that applications saw in a schedule. */
export interface History {
  readonly subscriptions: SubscriptionRecord[]
  readonly calls: CallRecord[]
  readonly scripts: ScriptRecord[]
  readonly charges: Map<number, number>
  readonly presenceSubscriptions: PresenceSubscription[]
  readonly marks: MarkRecord[]
  readonly generatorSubscriptions: GeneratorSubscription[]
  readonly runs: GeneratorRun[]
}

export const createHistory = (): History => ({
  ...{ subscriptions: [], calls: [], scripts: [], charges: new Map(), presenceSubscriptions: [], marks: [] },
  ...{ generatorSubscriptions: [], runs: [] },
})
