import { TRPCError } from '@trpc/server'
import { type GapReason, lineErrors, type Retry, type TrunklineErrorCode, trpcCodes } from '@trunkline/protocol'

type Code = TRPCError['code']

/** The codes of the errors table, and PENDING, which exists only on the wire: the client waits and asks again. */
const failures = {
  ...lineErrors,
  PENDING: { retry: 'later', mayHaveRun: true },
} as const
const codes: Readonly<Record<keyof typeof failures, Code>> = { ...trpcCodes, PENDING: 'CONFLICT' }

/** The application refused the token of an `auth`. The message is the reason, which the client shows. [TL-AUTH-1] */
export class TokenRefused extends TRPCError {
  constructor(reason: string) {
    super({ code: 'UNAUTHORIZED', message: reason })
  }
}

/**
 * [TL-ERR-2] A failure of Trunkline itself, not of a procedure. The client gets it with a `line` member; a stock client
 * gets the tRPC code.
 */
export class TrunklineError extends TRPCError {
  readonly line: TrunklineErrorCode | 'PENDING'
  readonly retry: Retry
  readonly retryAfterMs: number | undefined
  /** Whether the procedure may have run. By default as in the errors table. */
  readonly mayHaveRun: boolean
  constructor(
    line: TrunklineErrorCode | 'PENDING',
    message: string,
    options: {
      readonly cause?: unknown
      readonly retry?: Retry
      readonly retryAfterMs?: number
      readonly mayHaveRun?: boolean
    } = {},
  ) {
    super({ code: codes[line], message, cause: options.cause })
    this.line = line
    this.retry = options.retry ?? failures[line].retry
    this.retryAfterMs = options.retryAfterMs
    this.mayHaveRun = options.mayHaveRun ?? failures[line].mayHaveRun
  }
}

/** Errors that were thrown by a procedure's middlewares, validators or resolver, or after it returned. */
const raisedInside = new WeakSet<TRPCError>()

/**
 * Records that the procedure was entered before this error. `mayHaveRun` is then true, whatever the errors table says.
 * [TL-ERR-7]
 */
export function markEntered<E extends TRPCError>(error: E): E {
  raisedInside.add(error)
  return error
}

/** Whether the procedure may have run before this error. */
export function mayHaveRun(error: TRPCError): boolean {
  return raisedInside.has(error) || (error instanceof TrunklineError && error.mayHaveRun)
}

/** The error for a gap, for clients that do not know `gap`. */
export function gapError(reason: GapReason): TrunklineError {
  return new TrunklineError('GAP', `Events were lost and cannot be replayed (${reason}).`)
}

/** [TL-SUB-14] The error after which the client subscribes again under another id. */
export function topicChanged(path: string): TrunklineError {
  return new TrunklineError(
    'TOPIC_CHANGED',
    `Procedure "${path}" now returns another topic than at the start of this subscription.`,
  )
}
