import type { FrameId } from '@trunkline/protocol'
import type { ConnectionCaller, ConnectionParams } from './caller.ts'

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
  }
  /** Epoch milliseconds when its frame came: a later cancel is meant for it. */
  readonly askedAt: number
}

/** What the `worker` function is invoked with. JSON. */
export type WorkerJob = CallJob

/** Whether an event of Lambda's is a job of this line's. */
export function isWorkerJob(event: unknown): event is WorkerJob {
  if (typeof event !== 'object' || event === null || !('kind' in event)) return false
  return event.kind === 'call' && 'client' in event && 'call' in event
}
