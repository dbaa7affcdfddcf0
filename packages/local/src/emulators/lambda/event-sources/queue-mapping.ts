import type { CancelTimer, LocalClock } from '../../clock.ts'
import { SqsError } from '../../sqs/actions.ts'
import { type MessageQueue, md5 } from '../../sqs/message-queue.ts'
import type { Activity } from '../invocations/in-flight.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'

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

/** A queue that delivers its messages to a function at least once. It has no other receivers. */
export interface MappedQueue extends MessageQueue {
  close(): void
}

interface Message {
  readonly id: string
  readonly body: string
  readonly sentAt: number
  readonly receives: number
}

const region = 'us-east-1'

/**
 * SQS with an event source mapping that reports partial failures. Messages that are due at the same time form one
 * batch.
 */
export function createMappedQueue(
  settings: QueueSettings,
  host: {
    readonly clock: LocalClock
    readonly activity: Activity
    readonly newRequestId: () => string
    readonly invoke: (event: unknown) => Promise<InvokeResult>
    /** Called for each message before the queue accepts it. */
    readonly received: (message: { readonly body: string }) => QueueHookResult
    /** Receives messages that reached `maxReceiveCount`. */
    readonly deadLetter: (body: string) => void
  },
): MappedQueue {
  const { clock, activity } = host
  const timers = new Set<CancelTimer>()
  let held = 0
  let due: Message[] = []

  function holdBack(message: Message, ms: number): void {
    held += 1
    const cancel = clock.after(ms, () => {
      held -= 1
      timers.delete(cancel)
      due.push(message)
      if (due.length === 1) scheduleBatches()
    })
    timers.add(cancel)
  }
  function scheduleBatches(): void {
    const done = activity.begin()
    setImmediate(() => {
      const messages = due
      due = []
      for (let at = 0; at < messages.length; at += settings.batchSize)
        void deliver(messages.slice(at, at + settings.batchSize))
      done()
    })
  }
  async function deliver(batch: readonly Message[]): Promise<void> {
    const done = activity.begin()
    const received = batch.map((message) => ({ ...message, receives: message.receives + 1 }))
    const result = await host.invoke({ Records: received.map(toRecord) })
    const failed = failedOf(
      result,
      received.map(({ id }) => id),
    )
    for (const message of received) if (failed.has(message.id)) retry(message)
    done()
  }
  function retry(message: Message): void {
    if (message.receives >= settings.maxReceiveCount) host.deadLetter(message.body)
    else holdBack(message, settings.visibilityMs)
  }
  const toRecord = ({ id, body, sentAt, receives }: Message) => ({
    messageId: id,
    receiptHandle: `${id}#${receives}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: String(clock.now()),
    },
    messageAttributes: {},
    md5OfBody: md5(body),
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:000000000000:${settings.name}`,
    awsRegion: region,
  })
  return {
    send(body, delayMs = 0) {
      const verdict = host.received({ body })
      if (verdict === 'fail') throw new SqsError('InternalError', 'A fault rule made the queue reject the message.')
      const ms = delayMs + (typeof verdict === 'object' ? verdict.delayMs : 0)
      const id = host.newRequestId()
      const times = verdict === 'drop' ? 0 : verdict === 'duplicate' ? 2 : 1
      for (let time = 0; time < times; time++) holdBack({ id, body, sentAt: clock.now(), receives: 0 }, ms)
      return id
    },
    receive: () => [],
    hide: () => {},
    delete: () => {},
    size: () => held,
    close() {
      for (const cancel of timers) cancel()
      timers.clear()
    },
  }
}

/** The ids of the messages that failed: all of them after an error or a malformed result. */
function failedOf(result: InvokeResult, ids: readonly string[]): ReadonlySet<string> {
  if (result.status !== 'ok') return new Set(ids)
  const { payload } = result
  const failures =
    typeof payload === 'object' && payload !== null && 'batchItemFailures' in payload ? payload.batchItemFailures : []
  if (!Array.isArray(failures)) return new Set(failures === null ? [] : ids)
  const named = failures.map((failure: unknown) =>
    typeof failure === 'object' && failure !== null && 'itemIdentifier' in failure ? failure.itemIdentifier : undefined,
  )
  return new Set(named.every((id) => ids.includes(id as string)) ? (named as string[]) : ids)
}
