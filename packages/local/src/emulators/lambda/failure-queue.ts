import type { LocalClock } from '../clock.ts'
import { createMessageQueue, type MessageQueue } from '../sqs/message-queue.ts'
import type { FailureMessage } from './invocations/destination-record.ts'

const most = 1_000 // each may contain a payload of 1 MB

/** The on-failure destination of asynchronous events and of stream batches, with its newest 1,000 messages. */
export class FailureQueue {
  static readonly queueName = 'on-failure'
  readonly queue: MessageQueue
  readonly #messages: FailureMessage[] = []

  /** `newId` generates message ids. */
  constructor(clock: Pick<LocalClock, 'now'>, newId: () => string) {
    this.queue = createMessageQueue({ clock, newId, most })
  }

  add(message: FailureMessage): void {
    this.#messages.push(message)
    if (this.#messages.length > most) this.#messages.shift()
    this.queue.send(JSON.stringify(message))
  }

  /** The messages, oldest first. Messages that were deleted from the queue are included. */
  messages(): readonly FailureMessage[] {
    return [...this.#messages]
  }
}
