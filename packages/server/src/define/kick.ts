/** Which connections to end: one, or those of a principal, or those of one of its sessions. */
export type KickTarget =
  | { readonly connection: string }
  | {
      readonly principal: string
      /** The session's public id, as `createContext` gets it. */
      readonly session?: string
    }

/** What `line.kick` gets. */
export type KickOptions = KickTarget & {
  /** A sentence for people, which the clients get. At most 1,024 UTF-8 bytes. */
  readonly reason: string
  /**
   * Until when no connection of the principal is accepted; with `session`, none of this session. A later ban replaces an
   * earlier one. A client can begin another session, so ban the principal to keep a person out. With `connection`, the
   * ban is of its principal, and all connections of the principal end. @default no ban: the clients may connect again
   */
  readonly ban?: Date
}

/** What `line.revoke` gets. */
export interface RevokeOptions {
  /**
   * Tokens of the principal that were issued before this time are refused for a year, and connections that have no later
   * token end. It is not in the future. An `iat` has whole seconds: a token of the same second counts as issued before.
   */
  readonly issuedBefore: Date
  /** A sentence for people, which the clients get. At most 1,024 UTF-8 bytes. @default that access was revoked */
  readonly reason?: string
}

/** What `line.kick` and `line.revoke` have done. */
export interface Ended {
  /** How many open connections were ended. */
  readonly connections: number
}

/** An open connection of a principal. */
export interface PrincipalConnectionInfo {
  readonly connectionId: string
  /** The session's public id. */
  readonly sessionId: string
  readonly openedAt: Date
}
