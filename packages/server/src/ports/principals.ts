/**
 * The port of principals: which connections a principal has, and what it may not do.
 *
 * - [LAW-REVOKE] `$connect` puts the row of its connection before it reads the restrictions, and a kick puts its
 *   restriction before it reads the connections. Of the two, one finds the other.
 * - A row of a connection leads to it; the connection's own row decides whether it is open.
 */
export interface PrincipalStore {
  /** Puts the row, or replaces it. One write. */
  putPrincipalConnection(row: PrincipalConnection): Promise<void>

  /** Deletes the row if it exists. One write. */
  deletePrincipalConnection(row: Pick<PrincipalConnection, 'principal' | 'connectionId'>): Promise<void>

  /**
   * Reads the rows of all connections of a principal, in any order. As many strongly consistent reads as that takes: a
   * row that is written meanwhile may be missing.
   */
  readPrincipalConnections(principal: string): Promise<readonly PrincipalConnection[]>

  /**
   * Puts the restriction, or replaces that of the same principal, session and kind. One write. A `kick` and a `revoke`
   * never lower `at`: then the restriction that exists stays. One conditional write.
   */
  putRestriction(restriction: Restriction): Promise<void>

  /** Reads all restrictions of a principal, in any order. One strongly consistent read for each MB. */
  readRestrictions(principal: string): Promise<readonly Restriction[]>
}

/** Leads from a principal to one of its connections. */
export interface PrincipalConnection {
  readonly principal: string
  readonly connectionId: string
  /** The session's public id. */
  readonly session: string
  /** When the connection was opened, in epoch milliseconds. */
  readonly openedAt: number
  /** That of the connection, in epoch seconds. */
  readonly expires: number
}

/** What a principal, or one of its sessions, may not do. */
export interface Restriction {
  readonly principal: string
  /** The public id of the session. Absent: all sessions of the principal. */
  readonly session?: string
  /**
   * - `ban`: no connection is accepted before `at`
   * - `revoke`: no token is accepted that was issued before `at`
   * - `kick`: runs that began before `at` end
   */
  readonly kind: 'ban' | 'revoke' | 'kick'
  /** Epoch milliseconds. */
  readonly at: number
  /** A sentence for people. */
  readonly reason: string
  /** Epoch seconds. */
  readonly expires: number
}
