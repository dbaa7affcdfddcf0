import type { AnnouncedParams } from '../connections/connection-params.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { type MessageCounts, messageCounts } from '../context/connection-counts.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { MessageSyncs } from '../subscriptions/message-syncs.ts'
import type { Task } from './plan-batch.ts'

/** The connection that sent a message. */
interface SendingConnection {
  readonly caller: ConnectionCaller
  /** When the rows of the connection expire, in epoch seconds. */
  readonly expires: number
  readonly params: AnnouncedParams
}

/**
 * The sender of one message. Its authority may have expired: this is the caller as the platform handed it over. What
 * only some frames use is made when the first of them uses it.
 */
export class MessageSender implements SendingConnection {
  readonly caller: ConnectionCaller
  readonly expires: number
  readonly params: AnnouncedParams
  readonly #context: InvocationContext
  readonly #tasks: readonly Task[]
  #syncs: MessageSyncs | undefined
  #counts: MessageCounts | undefined

  constructor(context: InvocationContext, { caller, expires, params }: SendingConnection, tasks: readonly Task[]) {
    this.caller = caller
    this.expires = expires
    this.params = params
    this.#context = context
    this.#tasks = tasks
  }

  /** What the syncs of the message share. */
  get syncs(): MessageSyncs {
    this.#syncs ??= new MessageSyncs(this.#context)
    return this.#syncs
  }

  /** The counts of the connection, as the frames of the message change them. */
  get counts(): MessageCounts {
    if (this.#counts === undefined) {
      const subscribes = this.#tasks.filter((task) => methodOfTask(task) === 'subscription').length
      const connection = { connectionId: this.caller.connectionId, expires: this.expires }
      this.#counts = messageCounts(this.#context, connection, subscribes)
    }
    return this.#counts
  }

  /** Whether no frame used the counts or a sync, so that nothing is written or reported at the end of the message. */
  get isPlain(): boolean {
    return this.#counts === undefined && this.#syncs === undefined
  }

  /** All frames of the message have run. */
  expectNone(): void {
    this.#counts?.expectNone()
  }

  /** Writes what the frames of the message gave back and no other one of them may need. Never throws. */
  async settle(): Promise<void> {
    await this.#counts?.settle()
  }

  /** Reports the errors of all syncs as one. */
  reportSyncs(): void {
    this.#syncs?.report()
  }
}

/** The method of a task's request; undefined for one that is answered with an error. */
export function methodOfTask(task: Task): string | undefined {
  return 'request' in task ? task.request.method : undefined
}
