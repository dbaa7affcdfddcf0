import { TRPCError } from '@trpc/server'
import { type GapReason, lineErrors, type Retry, type TrunklineErrorCode, trpcCodes } from '@trunkline/protocol'

type Code = TRPCError['code']

/** The failures of the table, and the one that only the wire knows: the client waits and asks again. */
const failures = {
  ...lineErrors,
  PENDING: { retry: 'later', mayHaveRun: true },
} as const
const codes: Readonly<Record<keyof typeof failures, Code>> = { ...trpcCodes, PENDING: 'CONFLICT' }

/** A token that an `auth` brought and that the application refused. Its message is the reason, which the client shows. [TL-AUTH-1] */
export class TokenRefused extends TRPCError {
  constructor(reason: string) {
    super({ code: 'UNAUTHORIZED', message: reason })
  }
}

/** [TL-ERR-2] A failure of the line itself, not of a procedure. Reaches the client with its `line` member; a stock client sees the tRPC code. */
export class TrunklineError extends TRPCError {
  readonly line: TrunklineErrorCode | 'PENDING'
  readonly retry: Retry
  readonly retryAfterMs: number | undefined
  /** Overrides the table when this one surely never ran. */
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

/** Errors that a procedure raised, in its middlewares, validators or resolver, or that came after it returned. */
const raisedInside = new WeakSet<TRPCError>()

/**
 * Notes that a procedure had been entered when this was raised: whatever the table says, it may have run. [TL-ERR-7]
 */
export function markEntered<E extends TRPCError>(error: E): E {
  raisedInside.add(error)
  return error
}

/** Whether the procedure may have run when this was raised. */
export function mayHaveRun(error: TRPCError): boolean {
  return raisedInside.has(error) || (error instanceof TrunklineError && error.mayHaveRun)
}

/** What a client without a word for gaps gets. */
export function gapError(reason: GapReason): TrunklineError {
  return new TrunklineError('GAP', `Events were lost and cannot be replayed (${reason}).`)
}

/** [TL-SUB-14] What the client is told; it subscribes anew under another id. */
export function topicChanged(path: string): TrunklineError {
  return new TrunklineError('TOPIC_CHANGED', `Procedure "${path}" names another topic than when this began.`)
}
