/** Whether and when a retry can succeed. */
export type Retry = 'now' | 'later' | 'after-auth' | 'never'

/**
 * The policy of each of Trunkline's errors: whether a retry can succeed, and whether the request may have run. The
 * meanings are in `errors-table.ts` and tRPC's codes in `trpcCodes`, so that a browser loads only the policy.
 */
export const lineErrors = {
  CONNECTION_LOST: { retry: 'later', mayHaveRun: true },
  TIMEOUT: { retry: 'later', mayHaveRun: true },
  OUTBOX_FULL: { retry: 'later', mayHaveRun: false },
  CLOSED: { retry: 'never', mayHaveRun: true },
  TOO_LARGE: { retry: 'never', mayHaveRun: false },
  MALFORMED: { retry: 'never', mayHaveRun: false },
  OUTCOME_UNKNOWN: { retry: 'never', mayHaveRun: true },
  KEY_REUSED: { retry: 'never', mayHaveRun: false },
  KEY_EXPIRED: { retry: 'never', mayHaveRun: true },
  RATE_LIMITED: { retry: 'later', mayHaveRun: false },
  AUTH_EXPIRED: { retry: 'after-auth', mayHaveRun: false },
  GAP: { retry: 'now', mayHaveRun: true },
  TOPIC_CHANGED: { retry: 'now', mayHaveRun: true },
  GENERATOR_LOST: { retry: 'now', mayHaveRun: true },
  STREAM_LOST: { retry: 'never', mayHaveRun: true },
  FUNCTION_FAILED: { retry: 'later', mayHaveRun: true },
  NEEDS_SOCKET: { retry: 'later', mayHaveRun: false },
} as const satisfies Record<string, { readonly retry: Retry; readonly mayHaveRun: boolean }>

/** The codes of Trunkline's errors. The set is closed, so a switch over it can be exhaustive. */
export type TrunklineErrorCode = keyof typeof lineErrors

/** Where the documents of these packages are published, without a slash at the end. */
export const documentsUrl = 'https://github.com/trunkline/trunkline/blob/main/docs'

/** The address of what a code means and what to do. */
export function errorDocs(code: TrunklineErrorCode): string {
  return `${documentsUrl}/reference/errors.md#${code.toLowerCase()}`
}

/** The tRPC code of each error, which stock clients see. */
export const trpcCodes = {
  CONNECTION_LOST: 'CLIENT_CLOSED_REQUEST',
  TIMEOUT: 'TIMEOUT',
  OUTBOX_FULL: 'TOO_MANY_REQUESTS',
  CLOSED: 'CLIENT_CLOSED_REQUEST',
  TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  MALFORMED: 'BAD_REQUEST',
  OUTCOME_UNKNOWN: 'INTERNAL_SERVER_ERROR',
  KEY_REUSED: 'CONFLICT',
  KEY_EXPIRED: 'PRECONDITION_FAILED',
  RATE_LIMITED: 'TOO_MANY_REQUESTS',
  AUTH_EXPIRED: 'UNAUTHORIZED',
  GAP: 'PRECONDITION_FAILED',
  TOPIC_CHANGED: 'CONFLICT',
  GENERATOR_LOST: 'INTERNAL_SERVER_ERROR',
  STREAM_LOST: 'INTERNAL_SERVER_ERROR',
  FUNCTION_FAILED: 'INTERNAL_SERVER_ERROR',
  NEEDS_SOCKET: 'NOT_IMPLEMENTED',
} as const satisfies Record<TrunklineErrorCode, string>
