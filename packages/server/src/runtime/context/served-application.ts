import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { CallDetails, ConnectionInfo, DisconnectInfo } from '../../define/identity.ts'
import type { ConnectionParams, ContextDetails } from './caller.ts'

/** The served application. */
export interface Server {
  readonly router: AnyTRPCRouter
  readonly maxBatchSize: number
  /** The largest message that may be received or sent in chunks, in UTF-8 bytes. */
  readonly maxMessageBytes: number
  /** The largest input that the row of a subscription with `filter` or `map` may hold, in UTF-8 bytes. */
  readonly maxStoredInputBytes: number
  /** One function posts to at most this many subscribers of a topic itself; `deliver` posts to a larger audience. */
  readonly maxDirectAudience: number
  /** The connections that one delivery posts to at the same time. */
  readonly maxConcurrentPosts: number
  /** The account's quota, in posts per second. */
  readonly accountPostsPerSecond: number
  /** When an unconfirmed connection is deleted, in milliseconds. */
  readonly unconfirmedMs: number
  /** Which procedures an anonymous caller may use: all, or those with `meta({ anonymous: true })`. */
  readonly anonymousMay: 'everything' | 'declared'
  /** The long calls and generators of one caller that may run at the same time. */
  readonly maxRuns: number
  /** The rates that are set; none costs nothing. */
  readonly rates: readonly RateBound[]
  /** The live subscriptions that one connection may have, generators apart. */
  readonly maxSubscriptions: number
  /** The names of the connection parameters that `createContext` gets. */
  readonly keptParams: 'all' | readonly string[]
  /** The principal of a token, by the application's `authorize`. */
  readonly identify: (token: string, connectionId: string) => Promise<Identified>
  /** The principal of announced connection parameters. Undefined without an `authorize`: then they are only data. */
  readonly identifyParams: ((params: ConnectionParams) => Promise<Identified | Anonymous>) | undefined
  /** The application's own bookkeeping of connections. */
  readonly onConnect?: ((connection: ConnectionInfo) => unknown) | undefined
  readonly onDisconnect?: ((connection: DisconnectInfo) => unknown) | undefined
  /** Called once for each run of a procedure. It may return a promise. */
  readonly createContext: (facts: ContextDetails) => unknown
  /** Whether an error's message comes from the platform and must not reach a client [LAW-ERRORS]. */
  readonly isSecret: (error: TRPCError) => boolean
  /** Reports an error to the application. Never throws. */
  readonly report: (failure: Failure) => void
}

/** A bound on what one connection, or one principal, does in a window of time. */
export interface RateBound {
  readonly scope: 'connection' | 'principal'
  readonly kind: 'frames' | 'subscribes' | 'publishedBytes'
  /** As the application wrote it. */
  readonly text: string
  readonly windowMs: number
  /** The frames, subscribes or bytes of a window. */
  readonly budget: number
}

/** The result of authorizing a token. `claims` is JSON text, `authExp` and `issuedAt` are epoch milliseconds. */
export type Identified =
  | {
      readonly status: 'known'
      readonly principal: string
      readonly claims: string
      readonly authExp: number
      readonly issuedAt?: number
    }
  | { readonly status: 'refused'; readonly reason: string }

/** `authorize` answered with `anonymous`. */
export interface Anonymous {
  readonly status: 'anonymous'
}

/** The connection of a failure, as far as it is known. */
export interface FailureSource {
  readonly connectionId?: string | undefined
  /** The session's public id. */
  readonly sessionId?: string
  /** Null for an anonymous caller. */
  readonly principal?: string | null
}

export interface Failure extends FailureSource {
  readonly error: TRPCError
  readonly path: string | undefined
  readonly cause: CallDetails['cause']
  /** W3C trace context of the call that failed. */
  readonly traceparent?: string
  /** How many errors this one is reported for: all syncs of a message report one. Absent for one error. */
  readonly count?: number
}

type Copy<S> = { -readonly [K in keyof Required<S>]: S[K] }

/** A copy, whose members may be set. They are listed here, since a spread of so many takes a multiple of the time. */
export function copyServer(server: Server): Copy<Server> {
  return {
    router: server.router,
    maxBatchSize: server.maxBatchSize,
    maxMessageBytes: server.maxMessageBytes,
    maxStoredInputBytes: server.maxStoredInputBytes,
    maxDirectAudience: server.maxDirectAudience,
    maxConcurrentPosts: server.maxConcurrentPosts,
    accountPostsPerSecond: server.accountPostsPerSecond,
    unconfirmedMs: server.unconfirmedMs,
    anonymousMay: server.anonymousMay,
    maxRuns: server.maxRuns,
    rates: server.rates,
    maxSubscriptions: server.maxSubscriptions,
    keptParams: server.keptParams,
    identify: server.identify,
    identifyParams: server.identifyParams,
    onConnect: server.onConnect,
    onDisconnect: server.onDisconnect,
    createContext: server.createContext,
    isSecret: server.isSecret,
    report: server.report,
  }
}
