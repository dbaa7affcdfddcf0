/** What a subscription is shown of a presence log: who came and went, or only how many are here. */
export type PresenceView = 'members' | 'count'

/** Where a subscription makes its session present: the member, and the name of the session's part in the member's row, which tells nobody what the session is. */
export interface PresenceSeat {
  readonly member: string
  readonly entry: string
}

/** One session's part of a member's presence: one `join` of one tab or device. */
export interface PresenceSession {
  /** Of the subscription that made it, which rises with each attempt. */
  readonly ref: number
  readonly connectionId: string
  /** Its socket is gone; it may come back until `lease`. */
  readonly leaving: boolean
  /** Epoch milliseconds: from then on the session is not here any more, whatever else stands. */
  readonly lease: number
  /** JSON text of what it joined with: a return with the same keeps what `update` made of it. */
  readonly joined: string
  /** JSON text. */
  readonly data: string
  /** The row's version that set `data`: by it a member's sessions have an order. */
  readonly since: number
}

/** The last change of a member that others see; the log repeats it under `id`, once. */
export interface PresenceSaid {
  /** The publish id: the mark of the write that said it. */
  readonly id: string
  /** The head of the log that was seen before: every append of this walks from there [LAW-PUBLISH-ONCE]. */
  readonly base: number
  readonly type: 'join' | 'update' | 'leave'
  /** JSON text; absent for a leave. */
  readonly data?: string
}

/** A member of a topic, all sessions in one row, so that "the first came" and "the last went" are facts of one conditional write. */
export interface PresenceRow {
  readonly topic: string
  readonly member: string
  /** Rises with each write, from 1. */
  readonly v: number
  /** Names the write, by chance: every other write says which it means to follow. */
  readonly mark: string
  readonly sessions: Readonly<Record<string, PresenceSession>>
  readonly said: PresenceSaid
  /** What was said may not stand in the log yet. */
  readonly pending: boolean
  /** The log's epoch that holds what was said; absent until that is known. */
  readonly epoch?: string
  /** Epoch seconds. */
  readonly expires: number
}
