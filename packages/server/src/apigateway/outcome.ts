import type { PostOutcome } from '../ports/gateway.ts'
import { wasNotSent } from '../sdk/keep-alive.ts'

/** The SDK's error for a response that is not a success. */
interface ServiceError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/**
 * Outcomes by status. The SDK names an error by its header or body. A real 410 may have neither, and is named
 * `Unknown`.
 */
const byStatus: ReadonlyMap<number | undefined, 'gone' | 'throttled' | 'too-large'> = new Map([
  [410, 'gone'],
  [413, 'too-large'],
  [429, 'throttled'],
])

/** The same outcomes by name, if a proxy changed the status. */
const byName: ReadonlyMap<string, 'gone' | 'throttled' | 'too-large'> = new Map([
  ['GoneException', 'gone'],
  ['PayloadTooLargeException', 'too-large'],
  ['LimitExceededException', 'throttled'],
])

/** Errors without a connection. */
const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** Errors of the settings, before there is a request. */
const misconfigured = new Set(['CredentialsProviderError', 'CredentialsFormatError', 'RegionMissingError'])

/**
 * The outcome of a post that threw. After a broken socket, a timeout or a 5xx it is unknown whether the message was
 * sent. If a reused socket breaks before a byte of the response arrives, the message was not sent.
 */
export function toPostFailure(error: unknown): Exclude<PostOutcome, { readonly status: 'posted' }> {
  const { name, message, code = '', $metadata } = toError(error)
  const httpStatus = $metadata?.httpStatusCode
  const status = byStatus.get(httpStatus) ?? byName.get(name)
  if (status !== undefined) return { status }
  const refused = httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500
  const statusText = httpStatus === undefined ? '' : ` (${httpStatus})`
  const isUnsent = unconnected.has(code) || wasNotSent(error)
  return {
    status: 'failed',
    unknown: !refused && !isUnsent && !misconfigured.has(name),
    ...(isUnsent && !misconfigured.has(name) && { retry: true }),
    reason: `${name}${statusText}: ${message || code}`, // Node's error for several addresses has no message
  }
}

/** The outcome of a post that its deadline or signal ended. The reason of a signal tells nothing about the message. */
export function toPostEnd(reason: unknown): PostOutcome {
  const { name, message } = toError(reason)
  return { status: 'failed', unknown: true, reason: `${name}: ${message}` }
}

const toError = (error: unknown): ServiceError => (error instanceof Error ? error : new Error(String(error)))
