import type { LocalClock } from '../../clock.ts'

/** Generates the ids that events contain. */
export interface IdSource {
  /** A connection id. */
  connection(): string
  /** A message id. It ends like its connection's id. */
  message(connectionId: string): string
  /** A request id: an event's `requestId` and `extendedRequestId`. */
  request(): string
  /** The value of an `X-Amzn-Trace-Id` header. */
  trace(): string
}

const connectionMark = 0x02 // the byte that appears as `C` in ids of connections and messages
const requestMark = 0x05 // the byte that appears as `F` in ids of requests
const tailLength = 6

/**
 * Ids in the gateway's format: URL-safe base64 of 11 bytes, so 16 characters ending in `=`. Randomness comes from the
 * clock's `random`.
 */
export function createIds(clock: LocalClock): IdSource {
  const byte = () => Math.floor(clock.random() * 256)
  const make = (mark: number) => {
    const time = Math.floor(clock.now() / 2048)
    return format([time >>> 16, time >>> 8, time, byte(), byte(), byte(), byte(), 0x33, mark, byte(), byte()])
  }
  return {
    connection: () => make(connectionMark),
    message: (connectionId) => make(connectionMark).slice(0, -tailLength) + connectionId.slice(-tailLength),
    request: () => make(requestMark),
    trace: () => {
      const random = Buffer.from(Array.from({ length: 12 }, byte)).toString('hex')
      return `Root=1-${Math.floor(clock.now() / 1000).toString(16)}-${random}`
    },
  }
}

/** Whether a text has the format of a connection id. The callback API answers 400 to any other. */
export function isConnectionId(text: string): boolean {
  return /^[0-9A-Za-z_-]{15}=$/.test(text)
}

function format(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}
