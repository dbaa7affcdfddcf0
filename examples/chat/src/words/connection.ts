import type { ConnectionCause, ConnectionState } from '@trunkline/client'

/** The texts about the connection for users. */
export interface ConnectionWords {
  readonly tone: 'calm' | 'busy' | 'broken'
  /** One or two words, for a badge. */
  readonly short: string
  /** A sentence with the cause, while something is wrong. */
  readonly trouble: string | null
  /** A sentence while everything works, but not as usual. */
  readonly note: string | null
  /** Whether "Try now" has an effect. */
  readonly canTryNow: boolean
}

const causeWords: Record<ConnectionCause['code'], string> = {
  'closed-by-you': 'you closed the connection',
  refused: 'the server refused the connection',
  'invalid-options': 'the address of the server is not valid',
  kicked: 'the server ended this session',
  offline: 'this device is offline',
  network: 'the network was lost',
  server: 'the server closed the connection',
}

/** Where sockets are blocked, the client asks for news: each second while people write, else at most 15 s apart. */
const slowWords: ConnectionWords = {
  tone: 'busy',
  short: 'Slow connection',
  trouble: null,
  note: 'Slow connection: messages arrive within 15 seconds.',
  canTryNow: false,
}

/** Describes the connection for users. `now` is in epoch milliseconds, like `retryAt`. */
export function describeConnection(state: ConnectionState, now: number): ConnectionWords {
  switch (state.status) {
    case 'idle':
    case 'connecting':
      return { tone: 'busy', short: 'Connecting…', trouble: null, note: null, canTryNow: false }
    case 'open':
      if (state.transport === 'http') return slowWords
      return { tone: 'calm', short: 'Connected', trouble: null, note: null, canTryNow: false }
    case 'reconnecting':
      return {
        tone: 'busy',
        short: 'Reconnecting…',
        trouble: `${whenWords(state.retryAt, now)}: ${causeWords[state.cause.code]}.`,
        note: null,
        canTryNow: true,
      }
    case 'closed':
      return { tone: 'broken', short: 'Disconnected', trouble: closedWords(state.cause), note: null, canTryNow: false }
  }
}

function whenWords(retryAt: number, now: number): string {
  const seconds = Math.ceil((retryAt - now) / 1_000)
  return seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting now'
}

/** Describes a closed connection: a refusal or a kick by the application's reason, any other cause by our own text. */
function closedWords(cause: ConnectionCause): string {
  const hasReason = cause.code === 'refused' || cause.code === 'kicked'
  const sentence = hasReason && cause.message !== '' ? cause.message : causeWords[cause.code]
  return `Disconnected: ${sentence.replace(/\.$/, '')}.`
}
