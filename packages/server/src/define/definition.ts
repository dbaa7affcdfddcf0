import type { PartitionRules } from './partitions.ts'
import type { StreamRules } from './stream-rules.ts'
import type { EventSchema, KeySchema } from './topic.ts'
import type { DeclaredRights } from './topic-rights.ts'

/** A channel as the application declared it. */
export interface ChannelDefinition<K extends KeySchema = KeySchema, E extends EventSchema = EventSchema>
  extends DeclaredRights {
  readonly name: string
  readonly key: K
  readonly event: E
  /** Converts an event of an older schema. `event` parses the result. */
  readonly upcast?: (old: unknown) => unknown
  /** Milliseconds for which an event can be replayed, read and resumed from. Absent for an ephemeral channel. */
  readonly retentionMs?: number
  /** Present for a channel whose topics have several logs. */
  readonly partitions?: PartitionRules
  /** Present for a presence: its log has the members' changes, and `event` is the schema of a member's data. */
  readonly presence?: PresenceRules
  /** Present for a stream: its log has chunks, and `event` is the schema of one. */
  readonly stream?: StreamRules
}

/** The reason in the error for a channel whose line does not serve this invocation. */
export const notServed = 'belongs to a line that was not given to createLambdaHandlers({ line })'

/** How long a member stays present without a sign of life, in milliseconds. */
export interface PresenceTimes {
  /** After its socket was closed. */
  readonly graceMs: number
  /** After its last keepalive. */
  readonly leaseMs: number
}

/** A presence as the application declared it. */
export interface PresenceRules extends PresenceTimes {
  /** Merges the data of a member's sessions, newest first; all as JSON text. Absent: the newest is shown. */
  readonly merge?: (sessions: readonly [string, ...string[]]) => string
}

/** What a subscription to presence is for. `data` is JSON text. */
export interface PresenceInterest extends PresenceTimes {
  /** Whether it gets the members' changes, or only how many members are present. */
  readonly view: 'members' | 'count'
  /** The member that the subscription makes present; absent if it only watches. */
  readonly me?: { readonly member: string; readonly data: string }
}
