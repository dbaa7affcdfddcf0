import type { Json } from './json.ts'

/** What the authorizer sees of a handshake. */
export interface ConnectRequest {
  /** The token that the SDK sent, already taken out of its envelope. */
  readonly token: string | undefined
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly origin: string | undefined
  readonly sourceIp: string
}

/** Who called. `claims` is JSON, since it rides in the connection; `expiresAt` is a Date, so that seconds and milliseconds cannot be mixed up. */
export interface Identity<C extends Json> {
  readonly principal: string
  readonly claims: C
  readonly expiresAt: Date
}

const denied: unique symbol = Symbol.for('trunkline.denied')
/** A refusal with its reason. */
export interface Denied {
  readonly [denied]: true
  readonly reason: string
}
/** Refuses the connection. Browsers cannot see why a handshake failed (only 1006), so the socket is accepted, the first frame is answered with this reason, and the connection is deleted; the client sees `closed` with it and does not retry. */
export function deny(reason: string): Denied {
  return { [denied]: true, reason }
}
export function isDenied(verdict: AuthorizeResult): verdict is Denied {
  return typeof verdict === 'object' && verdict !== null && denied in verdict
}

/** Lets a caller in without identity: `principal` is null, `claims` are absent. */
export const anonymous: unique symbol = Symbol.for('trunkline.anonymous')
export type AuthorizeResult = Identity<Json> | Denied | typeof anonymous

/** `CreateContextOptions<typeof authorize>`: who called, as your own `authorize` found. */
export type CreateContextOptions<A extends (request: ConnectRequest) => unknown = () => typeof anonymous> =
  CallDetails & CallerOf<Awaited<ReturnType<A>>>

/** The part of a call that `authorize` decided. */
export type CallerOf<V> = V extends { readonly principal: infer P; readonly claims: infer C }
  ? { readonly principal: P; readonly claims: C }
  : V extends Denied
    ? never
    : { readonly principal: null; readonly claims?: undefined }

/** What `createContext` gets, the same for a frame, a delivery and the worker. Headers are gone by then: put what you need into `claims`. */
export interface CallDetails {
  readonly connectionId: string
  readonly sessionId: string
  /** Why the procedure runs: a frame arrived, an event must pass its `filter` or `map`, or the worker runs it. */
  readonly cause: 'frame' | 'delivery' | 'worker'
  /** For a payment provider or a conditional write. Undefined for queries, subscriptions and stock clients. */
  readonly idempotencyKey: string | undefined
  /** The W3C trace context that the client sent with this call, for your tracer. Nothing is trusted by it. */
  readonly traceparent?: string
  /** As tRPC's own adapters give it, so that one `createContext` serves both. */
  readonly info: { readonly connectionParams: Readonly<Record<string, string>> | null }
}

/** Declare it once: `initTRPC.context<Context>().meta<LineMeta>().create()`. Needed only for a procedure that uses one of these. */
export interface LineMeta {
  /** Running it twice does no harm: a resend runs it again. */
  readonly idempotent?: boolean
  /** An attempt that died half-way may be run again under the same key. */
  readonly repeatable?: boolean
  /** A call that may outlive 29 s. */
  readonly longRunning?: boolean
  /**
   * A subscription that returns an async iterable or an observable of its own. The frame's function then knows so
   * without running the resolver; a native `async function*` needs no mark.
   */
  readonly generator?: boolean
}
