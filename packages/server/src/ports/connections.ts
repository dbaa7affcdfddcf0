/**
 * The port of connections: who is behind each socket.
 *
 * - [LAW-CONNECTION-ROW] CLOSED is final. A close that comes before the put of its connection wins: the put MUST return
 *   `exists`.
 * - [LAW-SERVER-IDENTITY] Nothing but `$connect`, the announced parameters and a renewal changes `claims` and
 *   `authExp`. `principal` changes at most once, from null, with the parameters. `session` never changes.
 * - [LAW-REGISTER-THEN-READ] A subscribe reads its connection after it has put its rows. The number of the topic's
 *   shards comes with that read, so that it costs no request of its own.
 * - A connection id is never used twice, so an OPEN row of the same session is the writer's own.
 */
export interface ConnectionStore {
  /**
   * Puts the row if none exists.
   * Returns `put` also if the row exists, is OPEN and has the same session. Returns `exists` otherwise, and changes
   * nothing. One conditional write.
   */
  putConnection(row: ConnectionRow): Promise<'put' | 'exists'>

  /** Reads the row; undefined if none exists. One strongly consistent read. */
  readConnection(connectionId: string): Promise<ConnectionRow | undefined>

  /**
   * Reads the row and the number of the topic's shards (1 when it never grew) by one strongly consistent read.
   * `connection` is absent if no row exists. `shards` is a hint for choosing a shard: it MAY be absent when the table
   * returned only the connection.
   */
  readConnectionAndShards(
    connectionId: string,
    topic: string,
  ): Promise<{ readonly connection?: ConnectionRow; readonly shards?: number }>

  /**
   * Sets `state` to CLOSED and `expires` (epoch seconds), for good, and `kicked` if it is given. All other members stay.
   * Creates the row if none exists, with the session '', the principal null and `extensions` false. Returns the row as
   * it was before; undefined if none existed. After a lost answer it MAY return the row as this call has left it. One
   * write.
   */
  closeConnection(connectionId: string, expires: number, kicked?: Kicked): Promise<ConnectionRow | undefined>

  /**
   * Stores the connection parameters and what they settle, in one write and once: a row that has `connectionParams` or
   * `refused` already, or a principal where `settled` has one, stays as it is.
   * Returns `stored` also if the row shows the same members already, `exists` if it shows others, and `absent` if no row
   * exists or it is CLOSED. One conditional write.
   */
  putConnectionParams(connectionId: string, settled: SettledParams): Promise<'stored' | 'exists' | 'absent'>

  /**
   * Replaces `authExp`, `claims`, `renewedAt` and, if it is given, `issuedAt` of an OPEN connection whose `renewedAt` is `follows` (absent when
   * undefined), and sets `claimsPending` or removes it. `renewedAt` is higher than `follows`.
   * Returns `renewed` also if the row shows this renewal already. Returns `absent`, and changes nothing, if no row
   * exists or it is CLOSED, and `changed` if another renewal came between. One conditional write.
   */
  renewConnection(connectionId: string, renewal: Renewal): Promise<'renewed' | 'absent' | 'changed'>

  /**
   * Removes `claimsPending` if `renewedAt` is the row's. Does nothing otherwise. One conditional write.
   */
  settleClaims(connectionId: string, renewedAt: number): Promise<void>

  /**
   * Adds `add` to a count of a connection, which is 0 before the first change. Writes only if the count does not exceed
   * `max` then; one that falls has no bound. `mark` names this change, and the row shows the last one.
   * Returns `added` also if the row shows this change already, `full` otherwise, each with the count that then exists.
   * The counts are a row of their own, which needs no row of the connection. One conditional write.
   */
  addToCount(
    connectionId: string,
    change: CountChange,
  ): Promise<{ readonly status: 'added' | 'full'; readonly count: number }>
}

/**
 * What is counted for one connection.
 * - `subscriptions`: the rows that are on and have a topic
 * - `unknownStops`: the rows that were put by a stop or a cancel of an id that had none
 */
export type CountName = 'subscriptions' | 'unknownStops'

/** A change of one count of a connection. */
export interface CountChange {
  readonly name: CountName
  /** Negative for what has ended. */
  readonly add: number
  readonly max: number
  readonly mark: string
  /** When the row expires, in epoch seconds: with the connection. */
  readonly expires: number
}

/** What the announced parameters of a connection settle: a principal, an anonymous caller, or a refusal. */
export type SettledParams =
  | (Required<Pick<ConnectionRow, 'connectionParams' | 'claims' | 'authExp'> & { readonly principal: string }> &
      Pick<ConnectionRow, 'issuedAt'>)
  | Required<Pick<ConnectionRow, 'connectionParams'>>
  | Required<Pick<ConnectionRow, 'refused'>>

/** Why the server ended a connection. */
export interface Kicked {
  /** A sentence for people. */
  readonly reason: string
  /** Until when its principal or its session is banned, in epoch milliseconds. Absent without a ban. */
  readonly until?: number
  /** The connection was never accepted. */
  readonly refused?: true
}

/** A new authority of a connection. */
export interface Renewal
  extends Required<Pick<ConnectionRow, 'authExp' | 'claims' | 'renewedAt'>>,
    Pick<ConnectionRow, 'issuedAt'> {
  /** The `renewedAt` of the row from which the renewal was made. */
  readonly follows: number | undefined
  readonly claimsPending: boolean
}

/** A socket as `$connect` found it, or a connection over HTTP. */
export interface ConnectionRow {
  readonly connectionId: string
  readonly state: 'OPEN' | 'CLOSED'
  /** The connection is over HTTP: it has no socket. Absent otherwise. */
  readonly via?: 'http'
  /** The client's secret session id. */
  readonly session: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** JSON text of the claims. Absent for an anonymous caller. */
  readonly claims?: string
  /** Epoch milliseconds at which the authority ends. Absent when it does not. */
  readonly authExp?: number
  /** When the last `auth` was accepted, in epoch milliseconds. It rises with each. Absent before the first. */
  readonly renewedAt?: number
  /** Subscriptions' rows may hold the claims of before the last `auth`. */
  readonly claimsPending?: boolean
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The client announced connection parameters. `connectionParams` is absent until they arrive. */
  readonly expectsParams?: boolean
  /** JSON text of `Record<string, string> | null`. Absent when they were refused. */
  readonly connectionParams?: string
  /** Why the announced parameters were refused. Nothing runs for such a connection. */
  readonly refused?: string
  /** When `$connect` put the row, in epoch milliseconds. Absent in rows of an older version. */
  readonly openedAt?: number
  /**
   * When the token was issued on which `claims` and `authExp` rest; of two, the older one. In epoch milliseconds. Absent
   * for an anonymous caller.
   */
  readonly issuedAt?: number
  /** The server ended the connection. Only a CLOSED row has it. */
  readonly kicked?: Kicked
  /** Epoch seconds. */
  readonly expires: number
}
