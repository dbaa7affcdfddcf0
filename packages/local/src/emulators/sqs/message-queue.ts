import { createHash } from 'node:crypto'
import type { LocalClock } from '../clock.ts'

/** A received message. */
export interface QueuedMessage {
  readonly id: string
  readonly body: string
  /** Identifies this receipt of the message. */
  readonly receipt: string
  readonly receives: number
}

/**
 * A standard SQS queue: at-least-once delivery without an order. A received message is hidden for a while and becomes
 * visible again unless it is deleted.
 */
export interface MessageQueue {
  /** Adds a message and returns its id. */
  send(body: string, delayMs?: number): string
  receive(limit: number, visibilityMs: number): readonly QueuedMessage[]
  /** Hides a received message for `ms` from now; 0 makes it visible. */
  hide(receipt: string, ms: number): void
  /** Deletes a message by any of its receipts. An unknown receipt is not an error. */
  delete(receipt: string): void
  /** The number of messages, including hidden ones. */
  size(): number
}

interface Stored {
  readonly id: string
  readonly body: string
  receives: number
  /** Epoch milliseconds. */
  visibleAt: number
}

/** Creates a queue. `newId` generates message ids. Beyond `most` messages, the oldest is dropped. @default unlimited */
export function createMessageQueue(options: {
  readonly clock: Pick<LocalClock, 'now'>
  readonly newId: () => string
  readonly most?: number
}): MessageQueue {
  const { clock, newId, most = Number.POSITIVE_INFINITY } = options
  const messages = new Map<string, Stored>()
  const idOf = (receipt: string) => receipt.split('#')[0] ?? ''

  function receive(message: Stored, visibilityMs: number): QueuedMessage {
    message.receives += 1
    message.visibleAt = clock.now() + visibilityMs
    const { id, body, receives } = message
    return { id, body, receipt: `${id}#${receives}`, receives }
  }
  return {
    send(body, delayMs = 0) {
      const id = newId()
      messages.set(id, { id, body, receives: 0, visibleAt: clock.now() + delayMs })
      const [oldest] = messages.keys()
      if (messages.size > most && oldest !== undefined) messages.delete(oldest)
      return id
    },
    receive: (limit, visibilityMs) =>
      [...messages.values()]
        .filter(({ visibleAt }) => visibleAt <= clock.now())
        .slice(0, limit)
        .map((message) => receive(message, visibilityMs)),
    hide(receipt, ms) {
      const message = messages.get(idOf(receipt))
      if (message !== undefined) message.visibleAt = clock.now() + ms
    },
    delete: (receipt) => void messages.delete(idOf(receipt)),
    size: () => messages.size,
  }
}

/** The MD5 checksum that SDK clients verify. */
export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
