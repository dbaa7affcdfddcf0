import { lineErrors, type Retry, type TrunklineErrorCode, trpcCodes } from './errors.ts'

interface LineErrorRow {
  readonly meaning: string
  readonly retry: Retry
  readonly mayHaveRun: boolean
  readonly trpc: string
}

/** Trunkline's errors for documents: the policy and the meaning of each code. */
export const lineErrorsTable = {
  CONNECTION_LOST: {
    ...lineErrors.CONNECTION_LOST,
    trpc: trpcCodes.CONNECTION_LOST,
    meaning: 'The socket was lost before the answer came.',
  },
  TIMEOUT: { ...lineErrors.TIMEOUT, trpc: trpcCodes.TIMEOUT, meaning: 'The deadline passed before the answer came.' },
  OUTBOX_FULL: {
    ...lineErrors.OUTBOX_FULL,
    trpc: trpcCodes.OUTBOX_FULL,
    meaning: 'Too many calls wait to be sent; this one was rejected.',
  },
  CLOSED: {
    ...lineErrors.CLOSED,
    trpc: trpcCodes.CLOSED,
    meaning: 'The connection was closed by the application or refused.',
  },
  TOO_LARGE: {
    ...lineErrors.TOO_LARGE,
    trpc: trpcCodes.TOO_LARGE,
    meaning: 'The message is larger than the limit.',
  },
  MALFORMED: {
    ...lineErrors.MALFORMED,
    trpc: trpcCodes.MALFORMED,
    meaning: 'The frame is not of the form that this document gives; its message says what was expected.',
  },
  OUTCOME_UNKNOWN: {
    ...lineErrors.OUTCOME_UNKNOWN,
    trpc: trpcCodes.OUTCOME_UNKNOWN,
    meaning: 'A function ended half-way; whether the mutation took effect is unknown.',
  },
  KEY_REUSED: {
    ...lineErrors.KEY_REUSED,
    trpc: trpcCodes.KEY_REUSED,
    meaning: 'This idempotency key was used for another call.',
  },
  KEY_EXPIRED: {
    ...lineErrors.KEY_EXPIRED,
    trpc: trpcCodes.KEY_EXPIRED,
    meaning: 'The record of this idempotency key may have expired.',
  },
  RATE_LIMITED: {
    ...lineErrors.RATE_LIMITED,
    trpc: trpcCodes.RATE_LIMITED,
    meaning: 'The connection exceeds a rate limit of the server.',
  },
  AUTH_EXPIRED: {
    ...lineErrors.AUTH_EXPIRED,
    trpc: trpcCodes.AUTH_EXPIRED,
    meaning: 'The authorization of this connection has expired.',
  },
  GAP: { ...lineErrors.GAP, trpc: trpcCodes.GAP, meaning: 'Events were lost and cannot be replayed.' },
  TOPIC_CHANGED: {
    ...lineErrors.TOPIC_CHANGED,
    trpc: trpcCodes.TOPIC_CHANGED,
    meaning: 'The procedure now names another topic for this subscription.',
  },
  GENERATOR_LOST: {
    ...lineErrors.GENERATOR_LOST,
    trpc: trpcCodes.GENERATOR_LOST,
    meaning: 'The function that produced these values was lost.',
  },
  STREAM_LOST: {
    ...lineErrors.STREAM_LOST,
    trpc: trpcCodes.STREAM_LOST,
    meaning: 'The function that produced this stream was lost before the stream had ended.',
  },
  FUNCTION_FAILED: {
    ...lineErrors.FUNCTION_FAILED,
    trpc: trpcCodes.FUNCTION_FAILED,
    meaning: 'The function failed before it could answer.',
  },
  NEEDS_SOCKET: {
    ...lineErrors.NEEDS_SOCKET,
    trpc: trpcCodes.NEEDS_SOCKET,
    meaning: 'This needs a WebSocket, and the connection is over HTTP.',
  },
} as const satisfies Readonly<Record<TrunklineErrorCode, LineErrorRow>>
