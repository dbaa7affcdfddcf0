import { defined } from '@trunkline/protocol'
import type { CallDetails } from '../../define/identity.ts'
import type { Json } from '../../define/json.ts'
import { publicSessionId } from './public-session.ts'

/**
 * The caller of a connection, according to the server's own state. Never read from a frame [LAW-SERVER-IDENTITY]
 * [TL-HS-6].
 */
export interface ConnectionCaller {
  readonly connectionId: string
  /** The secret session id. Nothing that leaves the runtime has it: see `publicSessionId`. */
  readonly session: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** JSON text; absent for an anonymous caller. */
  readonly claims?: string
  /** Epoch milliseconds. */
  readonly authExp?: number
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The client announced connection parameters. */
  readonly expectsParams: boolean
  /**
   * Whether each session that this connection joins to a presence gets a row of its own. Absent when an older
   * deployment authorized the connection, and in a caller that was read from the connection's row.
   */
  readonly namesSessions?: boolean
  /** Why the connection was refused; set by `deny`. */
  readonly refused?: string
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
  caller: Pick<ConnectionCaller, 'connectionId' | 'session' | 'principal' | 'claims'>,
  cause: CallDetails['cause'],
  { connectionParams, traceparent }: RequestDetails,
): ContextDetails {
  return {
    connectionId: caller.connectionId,
    sessionId: publicSessionId(caller.session),
    cause,
    idempotencyKey: undefined,
    ...defined({ traceparent }),
    info: { connectionParams },
    principal: caller.principal,
    ...defined({ claims: caller.claims === undefined ? undefined : (JSON.parse(caller.claims) as Json) }),
  }
}

/** Whether the caller's authority has expired. */
export function isExpired(caller: { readonly authExp?: number }, now: number): boolean {
  return caller.authExp !== undefined && caller.authExp <= now
}
