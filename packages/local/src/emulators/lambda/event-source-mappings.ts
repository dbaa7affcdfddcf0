import type { MessageQueue } from '../sqs/message-queue.ts'
import { MappedQueue, type QueueSettings } from './event-sources/queue-mapping.ts'
import { createStreamMapping } from './event-sources/stream-mapping.ts'
import type { StreamMapping, StreamRecord } from './event-sources/stream-source.ts'
import type { FailureQueue } from './failure-queue.ts'
import type { FunctionHost } from './function-host.ts'
import { toText } from './invocations/lambda-function.ts'

/** The streams and queues that are mapped to functions. */
export class EventSourceMappings {
  readonly #host: FunctionHost
  readonly #failures: FailureQueue
  readonly #queues: Map<string, MessageQueue>
  readonly #open = new Set<{ close(): void }>()

  /** Mapped queues are added to `queues`, so that the SQS API reaches them. */
  constructor(host: FunctionHost, failures: FailureQueue, queues: Map<string, MessageQueue>) {
    this.#host = host
    this.#failures = failures
    this.#queues = queues
  }

  /** Throws an `UnknownFunctionError` for an unregistered function. */
  mapStream<R extends StreamRecord>(mapping: StreamMapping<R>): { close(): void } {
    const host = this.#host
    host.find(mapping.functionName)
    const onFailure: NonNullable<typeof mapping.onFailure> = (message) => {
      this.#failures.add(message)
      mapping.onFailure?.(message)
    }
    const handle = createStreamMapping(
      { ...mapping, onFailure },
      {
        clock: host.clock,
        activity: host.activity,
        newRequestId: () => host.newRequestId(),
        invoke: async (name, event, run) => host.attempt(host.find(name), toText(event), run),
      },
    )
    this.#open.add(handle)
    return handle
  }

  /** Throws an `UnknownFunctionError` for an unregistered function. */
  mapQueue(settings: QueueSettings): void {
    const host = this.#host
    const { name, functionName } = settings
    host.find(functionName)
    const queue = new MappedQueue(settings, {
      clock: host.clock,
      activity: host.activity,
      newRequestId: () => host.newRequestId(),
      invoke: async (event) =>
        host.attempt(host.find(functionName), toText(event), { requestId: host.newRequestId(), attempt: 1 }),
      onSend: (message) => host.hooks.queued?.(message) ?? 'pass',
      deadLetter: (body) => void this.#failures.queue.send(body),
    })
    this.#open.add(queue)
    this.#queues.set(name, queue)
  }

  close(): void {
    for (const mapping of this.#open) mapping.close()
  }
}
