/** Whether trying again can help, and when. */
export type Retry = 'now' | 'later' | 'after-auth' | 'never'

/** How each failure of the line is met: whether a retry helps, whether the request may have run, and the tRPC code that a stock client sees. What each means stands in `errors-table.ts`, so that a browser loads the policy and no prose. */
export const lineErrors = {
  CONNECTION_LOST: { retry: 'later', mayHaveRun: true, trpc: 'CLIENT_CLOSED_REQUEST' },
  TIMEOUT: { retry: 'later', mayHaveRun: true, trpc: 'TIMEOUT' },
  OUTBOX_FULL: { retry: 'later', mayHaveRun: false, trpc: 'TOO_MANY_REQUESTS' },
  CLOSED: { retry: 'never', mayHaveRun: true, trpc: 'CLIENT_CLOSED_REQUEST' },
  TOO_LARGE: { retry: 'never', mayHaveRun: false, trpc: 'PAYLOAD_TOO_LARGE' },
  OUTCOME_UNKNOWN: { retry: 'never', mayHaveRun: true, trpc: 'INTERNAL_SERVER_ERROR' },
  KEY_REUSED: { retry: 'never', mayHaveRun: false, trpc: 'CONFLICT' },
  KEY_EXPIRED: { retry: 'never', mayHaveRun: true, trpc: 'PRECONDITION_FAILED' },
  RATE_LIMITED: { retry: 'later', mayHaveRun: false, trpc: 'TOO_MANY_REQUESTS' },
  AUTH_EXPIRED: { retry: 'after-auth', mayHaveRun: false, trpc: 'UNAUTHORIZED' },
  GAP: { retry: 'now', mayHaveRun: true, trpc: 'PRECONDITION_FAILED' },
  TOPIC_CHANGED: { retry: 'now', mayHaveRun: true, trpc: 'CONFLICT' },
  GENERATOR_LOST: { retry: 'now', mayHaveRun: true, trpc: 'INTERNAL_SERVER_ERROR' },
  FUNCTION_FAILED: { retry: 'later', mayHaveRun: true, trpc: 'INTERNAL_SERVER_ERROR' },
} as const satisfies Record<string, { readonly retry: Retry; readonly mayHaveRun: boolean; readonly trpc: string }>

/** Every way a line can fail its caller. Closed: a switch over it is exhaustive. */
export type LineErrorCode = keyof typeof lineErrors
