import type { FrameId } from '@trunkline/protocol'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import { DeadlinePassed } from '../context/deadline.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

/** For whom a worker works: the connection as the frame's function knew it. */
export interface Client {
  readonly caller: ConnectionCaller
  readonly params: ConnectionParams
  /** Epoch seconds: when the rows of this connection may go. */
  readonly expires: number
}

/** A call that may outlive its frame. */
export interface CallJob {
  readonly kind: 'call'
  readonly client: Client
  readonly call: {
    readonly id: FrameId
    readonly jsonrpc?: '2.0'
    readonly type: 'query' | 'mutation'
    readonly path: string
    /** As it came: the transformer has yet to read it. */
    readonly rawInput?: unknown
    /** Of a mutation that happens once. */
    readonly key?: string
    readonly batchIndex: number
    /** W3C trace context. */
    readonly traceparent?: string
  }
  /** Epoch milliseconds when its frame came: a later cancel is meant for it. */
  readonly askedAt: number
}

/** A subscription whose procedure yields values of its own. */
export interface GeneratorJob {
  readonly kind: 'generator'
  readonly client: Client
  readonly subscription: {
    readonly id: FrameId
    readonly path: string
    readonly rawInput?: unknown
    /** The last tracked value that its client has. */
    readonly lastEventId?: string
    readonly ref: number
    readonly batchIndex: number
  }
  /** Who holds the claim now: the function of the frame, or the worker before this one. Only one invocation can take it over. */
  readonly from: string
  /** Values that were posted before. */
  readonly n: number
  /** A worker before this one began it: the client was told `started`. */
  readonly continues: boolean
}

/** What the `worker` function is invoked with. JSON. */
export type WorkerJob = CallJob | GeneratorJob

const jobBytes = 1_048_576 // 1 MB: what Lambda takes of an asynchronous invocation

/** Has the `worker` function do a job. Throws when the invocation was not accepted; it may come all the same. */
export async function invokeWorker(scope: RuntimeContext, job: WorkerJob): Promise<void> {
  if (scope.invoker === undefined)
    throw new Error(
      'No worker function is bound: long calls and generators run there. Set TRUNKLINE_WORKER to its name.',
    )
  const bytes = Buffer.byteLength(JSON.stringify(job))
  if (bytes > jobBytes)
    throw new TrunklineError('TOO_LARGE', `This makes a job of ${bytes} bytes; a function is started with ${jobBytes}.`)
  try {
    await scope.invoker.invoke('worker', job)
  } catch (cause) {
    if (cause instanceof DeadlinePassed) throw cause
    throw new TrunklineError('FUNCTION_FAILED', 'The function that would do this could not be started.', { cause }) // [TL-ERR-2]
  }
}

/** Whether an event of Lambda's is a job of this line's. */
export function isWorkerJob(event: unknown): event is WorkerJob {
  if (typeof event !== 'object' || event === null || !('kind' in event) || !('client' in event)) return false
  return (event.kind === 'call' && 'call' in event) || (event.kind === 'generator' && 'subscription' in event)
}
