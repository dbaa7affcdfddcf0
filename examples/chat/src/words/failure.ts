import { type TrunklineErrorCode, trunklineError } from '@trunkline/client'

/** Texts for users, where the error's own message is too technical. */
const failureWords: Partial<Record<TrunklineErrorCode, string>> = {
  CONNECTION_LOST: 'the connection was lost',
  TIMEOUT: 'there was no answer in time',
  OUTBOX_FULL: 'too much is waiting to be sent',
  CLOSED: 'the connection was closed',
  TOO_LARGE: 'it is too long',
  OUTCOME_UNKNOWN: 'it may have been sent',
  RATE_LIMITED: 'you are sending too fast',
  AUTH_EXPIRED: 'your sign-in has expired',
  FUNCTION_FAILED: 'the server failed',
  STREAM_LOST: 'the bot was interrupted',
  NEEDS_SOCKET: 'this network blocks live connections',
}

/** The reason after "Not sent:". Trying again is always safe, since a message is shown once by its id. */
export function explainFailure(error: unknown): string {
  const line = trunklineError(error)
  if (line !== undefined) return failureWords[line.code] ?? uncapitalised(line.message)
  return uncapitalised(error instanceof Error ? error.message : 'something went wrong')
}

function uncapitalised(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')
}
