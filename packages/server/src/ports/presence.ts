/**
 * The port of presence: the members of each topic.
 *
 * - All sessions of a member are in one row, so that "the first session joined" and "the last session left" are each
 *   decided by one conditional write.
 * - Every write names itself by a new random `mark` and states the `mark` that it replaces, so that no change of
 *   another writer is lost.
 * - `said` is the member's last visible change. It stays `pending` until the topic's log has it. A writer MUST append a
 *   pending change before it makes another one; the store does not check that. `base` lets every append of one change
 *   find the event that another attempt wrote [LAW-PUBLISH-ONCE].
 * - The row of a session leads from its name to its member. It only helps to find the member's row, which decides. A
 *   change of a session's row by a lower `ref` MUST NOT replace the one of a higher `ref`.
 */
export interface PresenceStore {
  /**
   * Puts a member's whole row: if none exists when `over` is undefined, else over the row whose `mark` is `over`.
   * Returns `put` also if the row has its own `mark` already. Returns `conflict` with the row that exists otherwise, or
   * without one if none does. One conditional write.
   */
  putPresence(
    row: PresenceRow,
    over: string | undefined,
  ): Promise<{ readonly status: 'put' } | { readonly status: 'conflict'; readonly row: PresenceRow | undefined }>

  /**
   * Deletes a member's row if its `mark` is this one. Returns `deleted` also if no row exists. Returns `conflict` with
   * the row that exists otherwise. One conditional write.
   */
  deletePresence(
    row: Pick<PresenceRow, 'topic' | 'member' | 'mark'>,
  ): Promise<{ readonly status: 'deleted' } | { readonly status: 'conflict'; readonly row: PresenceRow }>

  /** Reads a member's row; undefined if none exists. One strongly consistent read. */
  readPresence(topic: string, member: string): Promise<PresenceRow | undefined>

  /**
   * Reads one page of a topic's members in a stable order. `limit` is the highest number of rows (1 or more). `from` is
   * the `next` of the page before. `next` is absent at the end. One strongly consistent read.
   * @default limit is what one request returns
   */
  readPresences(
    topic: string,
    options?: { readonly limit?: number; readonly from?: string },
  ): Promise<{ readonly rows: readonly PresenceRow[]; readonly next?: string }>

  /** Puts the row of a session if none exists, or over one whose `ref` is not higher. One conditional write. */
  putPresenceSession(row: PresenceSessionRow): Promise<void>

  /**
   * Deletes the row of a session if it has this member and its `ref` is not higher. Does nothing otherwise. One
   * conditional write.
   */
  deletePresenceSession(row: Omit<PresenceSessionRow, 'expires'>): Promise<void>

  /**
   * Reads the rows of a topic whose `entry` begins with `prefix`, in the order of `entry`: at most `limit` (1 or more),
   * and at most what one request returns. One strongly consistent read.
   */
  readPresenceSessions(topic: string, prefix: string, limit: number): Promise<readonly PresenceSessionRow[]>
}

/** Leads from a session to its member, so that a call of the session finds the member by one read. */
export interface PresenceSessionRow {
  readonly topic: string
  /** The session's name in the member's row. */
  readonly entry: string
  readonly member: string
  /** The `ref` of the subscription that joined. */
  readonly ref: number
  /** Epoch seconds. */
  readonly expires: number
}

/** What a subscription is shown of a presence log: the members' changes, or only how many members are present. */
export type PresenceView = 'members' | 'count'

/**
 * The presence session that a subscription makes present: its member, and the session's name in the member's row. That
 * name does not reveal the secret session id.
 */
export interface PresenceSessionKey {
  readonly member: string
  readonly entry: string
}

/** One session of a member: one `join` of one tab or device. */
export interface PresenceSession {
  /** The `ref` of the subscription that made it, which rises with each attempt. */
  readonly ref: number
  readonly connectionId: string
  /** The session's socket is closed. The session may come back until `lease`. */
  readonly leaving: boolean
  /** Epoch milliseconds. From then on the session is absent, whatever the row says. */
  readonly lease: number
  /** JSON text of what it joined with: a session that comes back with the same keeps what `update` made of it. */
  readonly joined: string
  /** JSON text of what others see. */
  readonly data: string
  /** The row's version that set `data`. It orders the sessions of a member. */
  readonly since: number
}

/** The last change of a member that others see. The log has it once, under `id`. */
export interface PresenceSaid {
  /** The publish id: the `mark` of the write that made the change. */
  readonly id: string
  /** The head of the log that was seen before: every append of this change starts there [LAW-PUBLISH-ONCE]. */
  readonly base: number
  readonly type: 'join' | 'update' | 'leave'
  /** JSON text. Absent for a leave. */
  readonly data?: string
}

/** A member of a topic, with all of its sessions. */
export interface PresenceRow {
  readonly topic: string
  readonly member: string
  /** From 1; rises with each write. */
  readonly v: number
  /** A random name of the write. Every other write states which one it replaces. */
  readonly mark: string
  readonly sessions: Readonly<Record<string, PresenceSession>>
  readonly said: PresenceSaid
  /** The log may not have `said` yet. */
  readonly pending: boolean
  /** The epoch of the log that has `said`. Absent until it is known. */
  readonly epoch?: string
  /** Epoch seconds. */
  readonly expires: number
}
