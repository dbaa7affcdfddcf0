import { createHash } from 'node:crypto'
import type { LocalClock } from '../clock.ts'

/** A message as it is received. */
export interface QueuedMessage {
  readonly id: string
  readonly body: string
  /** Names this receipt of it. */
  readonly receipt: string
  readonly receives: number
}

/** A standard queue of SQS: at least once, in no promised order. What is received is hidden for a while and comes again unless it is deleted. */
export interface MessageQueue {
  /** Takes a message; gives its id. */
  send(body: string, delayMs?: number): string
  receive(limit: number, visibilityMs: number): readonly QueuedMessage[]
  /** Hides a received message from now on for so long; 0 shows it again. */
  hide(receipt: string, ms: number): void
  /** Deletes by any receipt of the message; one that is gone is no error. */
  delete(receipt: string): void
  /** Messages, hidden ones included. */
  size(): number
}

interface Stored {
  readonly id: string
  readonly body: string
  receives: number
  /** Epoch milliseconds. */
  visibleAt: number
}

/** `newId` names messages. Beyond `most` the oldest is dropped. @default all are kept */
export function createMessageQueue(options: {
  readonly clock: Pick<LocalClock, 'now'>
  readonly newId: () => string
  readonly most?: number
}): MessageQueue {
  const { clock, newId, most = Number.POSITIVE_INFINITY } = options
  const messages = new Map<string, Stored>()
  const idOf = (receipt: string) => receipt.split('#')[0] ?? ''

  function take(message: Stored, visibilityMs: number): QueuedMessage {
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
        .map((message) => take(message, visibilityMs)),
    hide(receipt, ms) {
      const message = messages.get(idOf(receipt))
      if (message !== undefined) message.visibleAt = clock.now() + ms
    },
    delete: (receipt) => void messages.delete(idOf(receipt)),
    size: () => messages.size,
  }
}

/** SDK clients check that this is the sum of what they sent or got. */
export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
