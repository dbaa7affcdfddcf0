import { TRPCClientError } from '@trpc/client'
import {
  defined,
  errorDocs,
  lineErrors,
  type Retry,
  type TrunklineErrorCode,
  type TrunklineErrorWire,
} from '@trunkline/protocol'

export type { TrunklineErrorCode }

/**
 * A failure of Trunkline itself, not of a procedure. The set of codes is closed, so a switch over `code` can be
 * exhaustive.
 */
export interface TrunklineError {
  readonly code: TrunklineErrorCode
  /** A sentence for people. Programs use `code`. */
  readonly message: string
  /** Whether and when a retry can succeed. */
  readonly retry: Retry
  /** The delay before a retry, in milliseconds, when the server gave one. */
  readonly retryAfterMs?: number
  /** False when the procedure certainly did not run. */
  readonly mayHaveRun: boolean
  /**
   * The key of a mutation that may have run. Pass it as the option `idempotencyKey` to repeat the same mutation. A key
   * that the caller passed is always here.
   */
  readonly idempotencyKey?: string
  /** The address of the page that says why the code comes and what to do. */
  readonly docs: string
}

/**
 * Why a call or a subscription failed: `line` is Trunkline's error, `shape` is the router's error shape as it arrived.
 */
export interface Failure {
  readonly line?: TrunklineError
  readonly shape?: unknown
}

export type TrunklineFailure = Failure & { readonly line: TrunklineError }

/**
 * Trunkline's error of a failed call or subscription; undefined when the procedure threw or `error` is another error.
 * It reads `TRPCClientError.meta`, so it works with every tRPC client.
 */
export function trunklineError(error: unknown): TrunklineError | undefined {
  if (!(error instanceof TRPCClientError)) return undefined
  return error.meta?.['trunklineError'] as TrunklineError | undefined // written by `toClientError` alone
}

/**
 * Creates an error with this code. `retry` and `mayHaveRun` come from the table of codes, unless `overrides` has them.
 */
export function toTrunklineError(
  code: TrunklineErrorCode,
  message: string = `The server answered ${code}.`,
  overrides: Partial<Pick<TrunklineError, 'retry' | 'retryAfterMs' | 'mayHaveRun'>> = {},
): TrunklineError {
  const { retry, mayHaveRun } = lineErrors[code]
  return { code, message, retry, mayHaveRun, docs: errorDocs(code), ...overrides }
}

/**
 * Reads Trunkline's error from an error frame; the message comes from the error shape. Undefined for `PENDING`, which
 * is not a failure, and for unknown codes.
 */
export function fromWire(wire: TrunklineErrorWire, shape: unknown): TrunklineError | undefined {
  const { code, retry, retryAfterMs, mayHaveRun } = wire
  if (code === 'PENDING' || !Object.hasOwn(lineErrors, code)) return undefined
  return toTrunklineError(code, messageOf(shape), defined({ retry, mayHaveRun, retryAfterMs }))
}

/** The message of an error shape; undefined when a transformer changed the shape. */
export function messageOf(shape: unknown): string | undefined {
  if (typeof shape !== 'object' || shape === null || !('message' in shape)) return undefined
  return typeof shape.message === 'string' ? shape.message : undefined
}
