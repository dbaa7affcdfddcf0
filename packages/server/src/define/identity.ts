import type { Json } from './json.ts'
import type { RateText } from './rate.ts'

/**
 * What `authorize` decides about: a handshake, the token of an `auth` frame, or the connection parameters that a
 * handshake announced. For a token all members but `token` are empty, and for parameters all but `connectionParams`.
 */
export interface ConnectRequest {
  /** The token that the client sent, decoded from the subprotocol. */
  readonly token: string | undefined
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /**
   * The entries of `Sec-WebSocket-Protocol`, in their order, without those of Trunkline that are secrets: the token and
   * the session.
   */
  readonly subprotocols: readonly string[]
  readonly query: Readonly<Record<string, string | undefined>>
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly origin: string | undefined
  readonly sourceIp: string
  /**
   * True for a handshake that announced tRPC's connection parameters by `?connectionParams=1`. If `authorize` answers it
   * with `anonymous`, it is asked again with the parameters before the caller can use anything.
   * @default false
   */
  readonly announcesParams?: boolean
  /**
   * tRPC's connection parameters, which come after such a handshake; null if the client sent `null`. Undefined in the
   * handshake itself and for a token.
   */
  readonly connectionParams?: Readonly<Record<string, string>> | null | undefined
}

/**
 * The token of a request, and whether it may still come: a stock client of tRPC sends it as the connection parameter
 * `token`.
 */
export function tokenOf({ token, connectionParams, announcesParams = false }: ConnectRequest): {
  readonly token: string | undefined
  readonly mayFollow: boolean
} {
  const params = connectionParams ?? {}
  const sent = token ?? (Object.hasOwn(params, 'token') ? params['token'] : undefined)
  return { token: sent, mayFollow: sent === undefined && announcesParams }
}

/**
 * The identity of a caller. `claims` is JSON, because it is stored with the connection. `expiresAt` is a `Date`, so
 * that seconds and milliseconds cannot be confused.
 */
export interface Identity<C extends Json> {
  readonly principal: string
  readonly claims: C
  readonly expiresAt: Date
  /**
   * When the token was issued, for `line.revoke`. @default the time of the handshake, or of the `auth` that brought the
   * token
   */
  readonly issuedAt?: Date
}

/** A connection, as `onConnect` and `onDisconnect` get it. */
export interface ConnectionInfo {
  readonly connectionId: string
  /** The session's public id, as `createContext` gets it. */
  readonly sessionId: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
}

/** A connection that has ended. */
export interface DisconnectInfo extends ConnectionInfo {
  /** A sentence for people: that of the kick, or what API Gateway says. Empty if nothing is known. */
  readonly reason: string
  /** The server ended it, by `line.kick` or `line.revoke`. */
  readonly kicked: boolean
}

const denied: unique symbol = Symbol.for('trunkline.denied')

/** A refusal with its reason, made by `deny`. */
export interface Denied {
  readonly [denied]: true
  readonly reason: string
}

/**
 * Refuses a connection. Browsers hide why a handshake failed (they report only 1006). The socket is therefore accepted,
 * the first frame is answered with this reason, and the connection is deleted. The client reports `closed` with the
 * reason and does not reconnect.
 */
export function deny(reason: string): Denied {
  return { [denied]: true, reason }
}
export function isDenied(result: AuthorizeResult): result is Denied {
  return typeof result === 'object' && result !== null && denied in result
}

/** Accepts a caller without an identity: `principal` is null, and `claims` are absent. */
export const anonymous: unique symbol = Symbol.for('trunkline.anonymous')

/** What `authorize` may return. */
export type AuthorizeResult = Identity<Json> | Denied | typeof anonymous

/**
 * `CreateContextOptions<typeof authorize>` is what `createContext` gets, with the types of your `authorize`.
 *
 * @typeParam A the type of your `authorize`. @default one that accepts everybody as `anonymous`
 */
export type CreateContextOptions<A extends (request: ConnectRequest) => unknown = () => typeof anonymous> =
  CallDetails & CallerOf<Awaited<ReturnType<A>>>

/** The members of a call that come from `authorize`. */
export type CallerOf<V> = V extends { readonly principal: infer P; readonly claims: infer C }
  ? { readonly principal: P; readonly claims: C }
  : V extends Denied
    ? never
    : { readonly principal: null; readonly claims?: undefined }

/**
 * A call, as `createContext` gets it: the same for a frame, a delivery and the worker. It has no headers, because they
 * exist only in the handshake: put what you need into `claims`.
 */
export interface CallDetails {
  readonly connectionId: string
  /**
   * The session's public id: 22 characters, the same on every connection of the session. It may be shown and stored. The
   * session id itself is a secret of the client, and no procedure gets it.
   */
  readonly sessionId: string
  /** Why the procedure runs: for a frame, for the `filter` or `map` of an event, or in the worker. */
  readonly cause: 'frame' | 'delivery' | 'worker'
  /** To pass to a payment provider or a conditional write. Undefined for queries, subscriptions and stock clients. */
  readonly idempotencyKey: string | undefined
  /** The W3C trace context that the client sent with this call, for your tracer. Do not trust it for anything else. */
  readonly traceparent?: string
  /** The same shape as in tRPC's own adapters, so that one `createContext` serves both. */
  readonly info: { readonly connectionParams: Readonly<Record<string, string>> | null }
}

/**
 * The meta of procedures: `initTRPC.context<Context>().meta<LineMeta>().create()`. Only procedures that set one of
 * these members need it.
 */
export interface LineMeta {
  /**
   * Where `authorize` is given: callers that it answered with `anonymous` may use the procedure too. Others are refused
   * with UNAUTHORIZED before anything of the procedure runs. See `anonymousMay` of `createLambdaHandlers`.
   * @default false
   */
  readonly anonymous?: boolean
  /** Running it twice has the effect of running it once: a call that is sent again runs again. @default false */
  readonly idempotent?: boolean
  /** An attempt that was interrupted may run again under the same key. @default false */
  readonly repeatable?: boolean
  /**
   * How often one principal, or one session of anonymous callers, may call the procedure: `'5/s'`, `'100/m'`, `'10/h'`.
   * A call beyond it is refused with RATE_LIMITED and `retryAfterMs` before the resolver runs. Calls are counted exactly,
   * in windows of a second, a minute or an hour, so that twice as many fit around the edge of two windows. A subscribe
   * is a call, also that of a resume. A call costs one write. Callers on the server are not limited. Another text throws
   * a `TypeError` when the handlers are created.
   * @default no rate
   */
  readonly rate?: RateText
  /** The call may take longer than 29 s: it runs in the worker. @default false */
  readonly longRunning?: boolean
  /**
   * The subscription returns an async iterable or an observable of its own. The function that handles the frame then
   * need not run the resolver to find out. A native `async function*` needs no mark.
   * @default false
   */
  readonly generator?: boolean
}
