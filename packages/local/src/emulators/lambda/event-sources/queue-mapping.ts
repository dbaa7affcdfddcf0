import type { CancelTimer, LocalClock } from '../../clock.ts'
import { SqsError } from '../../sqs/actions.ts'
import { type MessageQueue, md5 } from '../../sqs/message-queue.ts'
import type { Activity } from '../invocations/in-flight.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'
import { localAccount, localRegion } from '../runtime/lambda-context.ts'
import { readFailedIds } from './batch-response.ts'

/** The mapping of a queue to a function. */
export interface QueueSettings {
  readonly name: string
  readonly functionName: string
  readonly batchSize: number
  /** How long a received message stays hidden. After a failure it becomes visible again then. */
  readonly visibilityMs: number
  /** The number of times that a message is received before it goes to the dead-letter queue. */
  readonly maxReceiveCount: number
}

/**
 * The effect of a fault on a message sent to a queue. `drop`: the message is accepted and never delivered. `fail`: the
 * queue rejects it.
 */
export type QueueHookResult = 'pass' | 'drop' | 'duplicate' | 'fail' | { readonly delayMs: number }

/** The functions emulator, as a mapped queue uses it. */
export interface QueueHost {
  readonly clock: LocalClock
  readonly activity: Activity
  readonly newRequestId: () => string
  readonly invoke: (event: unknown) => Promise<InvokeResult>
  /** Called for each message before the queue accepts it. */
  readonly onSend: (message: { readonly body: string }) => QueueHookResult
  /** Receives messages that reached `maxReceiveCount`. */
  readonly deadLetter: (body: string) => void
}

interface Message {
  readonly id: string
  readonly body: string
  readonly sentAt: number
  readonly receives: number
}

/**
 * SQS with an event source mapping that reports partial failures: a queue that delivers its messages to a function at
 * least once. Messages that are due at the same time form one batch. The queue has no other receivers.
 */
export class MappedQueue implements MessageQueue {
  readonly #settings: QueueSettings
  readonly #host: QueueHost
  readonly #timers = new Set<CancelTimer>()
  #due: Message[] = []

  constructor(settings: QueueSettings, host: QueueHost) {
    this.#settings = settings
    this.#host = host
  }

  send(body: string, delayMs = 0): string {
    const effect = this.#host.onSend({ body })
    if (effect === 'fail') throw new SqsError('InternalError', 'A fault rule made the queue reject the message.')
    const ms = delayMs + (typeof effect === 'object' ? effect.delayMs : 0)
    const id = this.#host.newRequestId()
    const times = effect === 'drop' ? 0 : effect === 'duplicate' ? 2 : 1
    for (let time = 0; time < times; time++)
      this.#holdBack({ id, body, sentAt: this.#host.clock.now(), receives: 0 }, ms)
    return id
  }

  receive(): readonly [] {
    return []
  }

  hide(): void {
    // no message has a receipt outside of the mapping
  }

  delete(): void {
    // no message has a receipt outside of the mapping
  }

  size(): number {
    return this.#timers.size
  }

  close(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  #holdBack(message: Message, ms: number): void {
    const cancel = this.#host.clock.after(ms, () => {
      this.#timers.delete(cancel)
      this.#due.push(message)
      if (this.#due.length === 1) this.#scheduleBatches()
    })
    this.#timers.add(cancel)
  }

  #scheduleBatches(): void {
    const { batchSize } = this.#settings
    const done = this.#host.activity.begin()
    setImmediate(() => {
      const messages = this.#due
      this.#due = []
      for (let at = 0; at < messages.length; at += batchSize) void this.#deliver(messages.slice(at, at + batchSize))
      done()
    })
  }

  async #deliver(batch: readonly Message[]): Promise<void> {
    const done = this.#host.activity.begin()
    const received = batch.map((message) => ({ ...message, receives: message.receives + 1 }))
    const result = await this.#host.invoke({ Records: received.map((message) => this.#toRecord(message)) })
    const ids = received.map(({ id }) => id)
    const failed = readFailedIds(result, ids)
    for (const message of received) if (failed.has(message.id)) this.#retry(message)
    done()
  }

  #retry(message: Message): void {
    if (message.receives >= this.#settings.maxReceiveCount) this.#host.deadLetter(message.body)
    else this.#holdBack(message, this.#settings.visibilityMs)
  }

  #toRecord({ id, body, sentAt, receives }: Message) {
    return {
      messageId: id,
      receiptHandle: `${id}#${receives}`,
      body,
      attributes: {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: String(sentAt),
        SenderId: 'local',
        ApproximateFirstReceiveTimestamp: String(this.#host.clock.now()),
      },
      messageAttributes: {},
      md5OfBody: md5(body),
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:${localRegion}:${localAccount}:${this.#settings.name}`,
      awsRegion: localRegion,
    }
  }
}
