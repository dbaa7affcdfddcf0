import type { EventSchema, KeySchema } from './topic.ts'

/** What an application said of a channel. */
export interface ChannelDefinition {
  readonly name: string
  readonly key: KeySchema
  readonly event: EventSchema
  /** Makes an event of an older schema fit: its result is parsed by `event`. */
  readonly upcast?: (old: unknown) => unknown
  /** Milliseconds an event can be replayed, read and resumed from; absent for an ephemeral channel, which has no log. */
  readonly retentionMs?: number
  /** Of presence: its log tells who is here, and `event` is what others see of a member. */
  readonly presence?: PresenceRules
}

/** What is said of a channel whose line is not the one that serves. */
export const notServed = 'belongs to a line that was not given to createLambdaHandlers({ line })'

/** How long a member stays without a sign of life, in milliseconds. */
export interface PresenceTimes {
  readonly graceMs: number
  readonly leaseMs: number
}

/** What a line was told of a presence. */
export interface PresenceRules extends PresenceTimes {
  /** What is shown of a member with several sessions, newest first; all as JSON text. Absent: the newest. */
  readonly merge?: (sessions: readonly [string, ...string[]]) => string
}

/** What a subscription to presence asks for. `data` is JSON text. */
export interface PresenceInterest extends PresenceTimes {
  /** Who came and went, or only how many are here. */
  readonly view: 'members' | 'count'
  readonly me?: { readonly member: string; readonly data: string }
}
