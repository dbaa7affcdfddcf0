import type { PresenceRules } from './presence.ts'
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
