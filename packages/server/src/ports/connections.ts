/**
 * The port of connections: who is behind each socket.
 *
 * - [LAW-CONNECTION-ROW] CLOSED is final. A close that comes before the put of its connection wins: the put MUST return
 *   `exists`.
 * - [LAW-SERVER-IDENTITY] Nothing but `$connect` and a renewal changes `claims` and `authExp`. `principal` and
 *   `session` never change.
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
   * Sets `state` to CLOSED and `expires` (epoch seconds), for good. All other members stay.
   * Creates the row if none exists, with the session '', the principal null and `extensions` false. One write.
   */
  closeConnection(connectionId: string, expires: number): Promise<void>

  /**
   * Stores the connection parameters (JSON text) once.
   * Returns `stored` also if equal ones are stored already, `exists` if others are, and `absent` if no row exists or it
   * is CLOSED. One conditional write.
   */
  putConnectionParams(connectionId: string, connectionParams: string): Promise<'stored' | 'exists' | 'absent'>

  /**
   * Replaces `authExp` (epoch milliseconds) and `claims` (JSON text) of an OPEN connection.
   * Returns `absent`, and changes nothing, if no row exists or it is CLOSED. One conditional write.
   */
  renewConnection(
    connectionId: string,
    authority: { readonly authExp: number; readonly claims: string },
  ): Promise<'renewed' | 'absent'>
}

/** A socket, as `$connect` found it. */
export interface ConnectionRow {
  readonly connectionId: string
  readonly state: 'OPEN' | 'CLOSED'
  /** The client's secret session id. */
  readonly session: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** JSON text of the claims. Absent for an anonymous caller. */
  readonly claims?: string
  /** Epoch milliseconds at which the authority ends. Absent when it does not. */
  readonly authExp?: number
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The client announced connection parameters. `connectionParams` is absent until they arrive. */
  readonly expectsParams?: boolean
  /** JSON text of `Record<string, string> | null`. */
  readonly connectionParams?: string
  /** Epoch seconds. */
  readonly expires: number
}
