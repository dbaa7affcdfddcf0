import { wasNotSent } from '../http/keep-alive.ts'
import type { PostOutcome } from '../ports/gateway.ts'

/** What the SDK makes of an answer that is no success. */
interface ServiceError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Answers by status. The SDK names an error by its header or body, and those of a real 410 may be missing: then its name is `Unknown`. */
const byStatus: ReadonlyMap<number | undefined, 'gone' | 'throttled' | 'too-large'> = new Map([
  [410, 'gone'],
  [413, 'too-large'],
  [429, 'throttled'],
])

/** The same answers by name, where something between has changed the status. */
const byName: ReadonlyMap<string, 'gone' | 'throttled' | 'too-large'> = new Map([
  ['GoneException', 'gone'],
  ['PayloadTooLargeException', 'too-large'],
  ['LimitExceededException', 'throttled'],
])

/** Failures from before the message left this machine. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CredentialsProviderError', 'RegionMissingError'])

/**
 * The outcome of a post that threw. A broken socket, a timeout and a 5xx leave open whether the message went out, save for a reused socket that breaks before
 * any byte of an answer.
 */
export function toPostFailure(error: unknown): Exclude<PostOutcome, { readonly status: 'posted' }> {
  const { name, message, code = '', $metadata } = toError(error)
  const httpStatus = $metadata?.httpStatusCode
  const status = byStatus.get(httpStatus) ?? byName.get(name)
  if (status !== undefined) return { status }
  const refused = httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500
  const answer = httpStatus === undefined ? '' : ` (${httpStatus})`
  return {
    status: 'failed',
    unknown: !refused && !unsent.has(code) && !unsent.has(name) && !wasNotSent(error),
    reason: `${name}${answer}: ${message}`,
  }
}

const toError = (error: unknown): ServiceError => (error instanceof Error ? error : new Error(String(error)))
