import { defined } from '@trunkline/protocol'
import type { CallDetails } from '../../define/identity.ts'
import type { Json } from '../../define/json.ts'
import type { Kicked } from '../../ports/connections.ts'
import { publicSessionId } from './public-session.ts'

/** What a frame and a job of the worker know of a caller. */
interface CallerBase {
  readonly connectionId: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** JSON text; absent for an anonymous caller. */
  readonly claims?: string
  /** Epoch milliseconds. */
  readonly authExp?: number
  /** When the token was issued, in epoch milliseconds. Absent if `authorize` does not say it. */
  readonly issuedAt?: number
  /**
   * How the caller is reached. Absent: over a socket. `http`: a connection over HTTP, which has a row. `request`: one
   * HTTP request without a connection, so that no row has its connection id. Nothing is posted to the latter two.
   */
  readonly via?: 'http' | 'request'
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The client announced connection parameters. */
  readonly expectsParams: boolean
  /**
   * Whether each session that this connection joins to a presence gets a row of its own. Absent when an older
   * deployment authorized the connection.
   */
  readonly namesSessions?: boolean
}

/**
 * The caller of a connection, according to the server's own state. Never read from a frame [LAW-SERVER-IDENTITY]
 * [TL-HS-6].
 */
export interface ConnectionCaller extends CallerBase {
  /** The secret session id. Only the connection's row has it: see `publicSessionId`. */
  readonly session: string
  /** Why the connection was refused; set by `deny`. */
  readonly refused?: string
  /** The client asks to be accepted if it is banned, so that it learns why. Each of its frames reads the row. [TL-KICK-4] */
  readonly explains?: true
  /** Why the server ended the connection. Only a caller that was read from the connection's row has it. */
  readonly kicked?: Kicked
}

/** The caller in a job of the worker, without the secret session id: failed jobs are kept in a queue. */
export interface JobCaller extends CallerBase {
  /** The session's public id. */
  readonly sessionId: string
  /** The digest that names the caller in the rows of its keys and of its runs, as `ownerOf` returns it. */
  readonly owner: string
}

/** A job of the version before has the caller of the connection. */
export type Caller = ConnectionCaller | JobCaller

/** The session of a caller or of a subscription's row: its public id, or the secret one from which that is derived. */
interface NamedSession {
  readonly sessionId?: string
  readonly session?: string
}

/** The public id of a session. */
export function sessionIdOf({ sessionId, session = '' }: NamedSession): string {
  return sessionId ?? publicSessionId(session)
}

export type ConnectionParams = Readonly<Record<string, string>> | null

/** The options that `createContext` gets. */
export type ContextDetails = CallDetails & { readonly principal: string | null; readonly claims?: Json }

interface RequestDetails {
  readonly connectionParams: ConnectionParams
  readonly traceparent?: string | undefined
}

/** The options of `createContext` for one run of a procedure. */
export function toFacts(
  caller: Pick<CallerBase, 'connectionId' | 'principal' | 'claims'> & NamedSession,
  cause: CallDetails['cause'],
  { connectionParams, traceparent }: RequestDetails,
): ContextDetails {
  const facts: { -readonly [K in keyof ContextDetails]: ContextDetails[K] } = {
    connectionId: caller.connectionId,
    sessionId: sessionIdOf(caller),
    cause,
    idempotencyKey: undefined,
    info: { connectionParams },
    principal: caller.principal,
  }
  if (traceparent !== undefined) facts.traceparent = traceparent
  if (caller.claims !== undefined) facts.claims = JSON.parse(caller.claims) as Json
  return facts
}

/** The caller of a connection whose identity its own row has, as after announced parameters. */
export function withIdentityOf(caller: ConnectionCaller, row: ConnectionIdentity): ConnectionCaller {
  const { claims: _, authExp: __, ...rest } = caller
  return { ...rest, principal: row.principal, ...defined({ claims: row.claims, authExp: row.authExp }) }
}

type ConnectionIdentity = Pick<ConnectionCaller, 'principal' | 'claims' | 'authExp'>

/** Whether the caller's authority has expired. */
export function isExpired(caller: { readonly authExp?: number }, now: number): boolean {
  return caller.authExp !== undefined && caller.authExp <= now
}
