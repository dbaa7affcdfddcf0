/** Whether trying again can help, and when. */
export type Retry = 'now' | 'later' | 'after-auth' | 'never'

const lost = { retry: 'later', mayHaveRun: true } as const
const busy = { retry: 'later', mayHaveRun: false } as const
const over = { retry: 'never', mayHaveRun: true } as const
const wrong = { retry: 'never', mayHaveRun: false } as const
const stale = { retry: 'now', mayHaveRun: true } as const

/** How each failure of the line is met: whether a retry helps, and whether the request may have run. What each means stands in `errors-table.ts` and what a stock client sees of it in `trpcCodes`, so that a browser loads the policy and no more. */
export const lineErrors = {
  CONNECTION_LOST: lost,
  TIMEOUT: lost,
  OUTBOX_FULL: busy,
  CLOSED: over,
  TOO_LARGE: wrong,
  MALFORMED: wrong,
  OUTCOME_UNKNOWN: over,
  KEY_REUSED: wrong,
  KEY_EXPIRED: over,
  RATE_LIMITED: busy,
  AUTH_EXPIRED: { retry: 'after-auth', mayHaveRun: false },
  GAP: stale,
  TOPIC_CHANGED: stale,
  GENERATOR_LOST: stale,
  FUNCTION_FAILED: lost,
} as const satisfies Record<string, { readonly retry: Retry; readonly mayHaveRun: boolean }>

/** Every way a line can fail its caller. Closed: a switch over it is exhaustive. */
export type LineErrorCode = keyof typeof lineErrors

/** The tRPC code that a stock client sees of each failure. */
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
  FUNCTION_FAILED: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<LineErrorCode, string>
