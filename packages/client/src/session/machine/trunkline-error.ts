import { TRPCClientError } from '@trpc/client'
import { lineErrors, type Retry, type TrunklineErrorCode, type TrunklineErrorWire } from '@trunkline/protocol'

export type { TrunklineErrorCode }

/** A failure of the line itself, not of a procedure. Closed: a switch over `code` is exhaustive. */
export interface TrunklineError {
  readonly code: TrunklineErrorCode
  readonly message: string
  /** Whether trying again can help. */
  readonly retry: Retry
  readonly retryAfterMs?: number
  /** False when the request surely never ran. */
  readonly mayHaveRun: boolean
  /** Of a mutation that may have run: passed as the option `idempotencyKey`, it makes the next call the same mutation. A key of the caller's own is always here. */
  readonly idempotencyKey?: string
}

/** Why a call or a subscription failed: `line` when the line did, `shape` (the router's, as it came) when the server said so. */
export interface Failure {
  readonly line?: TrunklineError
  readonly shape?: unknown
}

/** A failure with Trunkline's own error. */
export type TrunklineFailure = Failure & { readonly line: TrunklineError }

/** The line's own view of a failed call or subscription, or undefined when the procedure itself threw. Reads `TRPCClientError.meta`, so it works in every tRPC client. */
export function trunklineError(error: unknown): TrunklineError | undefined {
  if (!(error instanceof TRPCClientError)) return undefined
  return error.meta?.['trunklineError'] as TrunklineError | undefined // written by `toClientError` alone
}

/** A line error of this code; what the table says of the code holds unless `known` knows better. */
export function toTrunklineError(
  code: TrunklineErrorCode,
  message: string = `The line failed with ${code}.`,
  known: Partial<Pick<TrunklineError, 'retry' | 'retryAfterMs' | 'mayHaveRun'>> = {},
): TrunklineError {
  const { retry, mayHaveRun } = lineErrors[code]
  return { code, message, retry, mayHaveRun, ...known }
}

/** What the server said of its line's failure, with the message of the error shape beside it. Undefined for `PENDING`, which is no failure, and for codes that are not in the table. */
export function fromWire(wire: TrunklineErrorWire, shape: unknown): TrunklineError | undefined {
  const { code, retry, retryAfterMs, mayHaveRun } = wire
  if (code === 'PENDING' || !Object.hasOwn(lineErrors, code)) return undefined
  return toTrunklineError(code, messageOf(shape), {
    retry,
    mayHaveRun,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

/** The words of an error shape; undefined where a transformer gave it another form. */
export function messageOf(shape: unknown): string | undefined {
  if (typeof shape !== 'object' || shape === null || !('message' in shape)) return undefined
  return typeof shape.message === 'string' ? shape.message : undefined
}
