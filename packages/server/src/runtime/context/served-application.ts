import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { CallDetails } from '../../define/identity.ts'
import type { ContextDetails } from './caller.ts'

/** What an application gave to be served. */
export interface Server {
  readonly router: AnyTRPCRouter
  readonly maxBatchSize: number
  /** Largest message that may come or go in chunks, in UTF-8 bytes. */
  readonly maxMessageBytes: number
  /** Largest input that a row of a subscription with `filter` or `map` holds, in UTF-8 bytes. */
  readonly maxStoredInputBytes: number
  /** Who a token speaks for, as the application's `authorize` says. */
  readonly identify: (token: string, connectionId: string) => Promise<Identified>
  /** Called once for each run of a procedure. */
  readonly createContext: (facts: ContextDetails) => Promise<unknown>
  /** Whether an error's words come from the platform and must not reach a client [LAW-ERRORS]. */
  readonly isSecret: (error: TRPCError) => boolean
  /** Tells the application of a failure. Never throws. */
  readonly report: (failure: Failure) => void
}

/** What a token comes to. `claims` is JSON text, `authExp` epoch milliseconds. */
export type Identified =
  | { readonly status: 'known'; readonly principal: string; readonly claims: string; readonly authExp: number }
  | { readonly status: 'refused'; readonly reason: string }

export interface Failure {
  readonly error: TRPCError
  readonly path: string | undefined
  readonly cause: CallDetails['cause']
  /** W3C trace context of the call that failed. */
  readonly traceparent?: string
}
