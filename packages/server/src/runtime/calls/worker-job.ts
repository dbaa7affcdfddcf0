import type { FrameId } from '@trunkline/protocol'
import { type Caller, type ConnectionParams, type JobCaller, sessionIdOf } from '../context/caller.ts'
import { DeadlinePassed } from '../context/deadline.ts'
import { keepParams, readKeptParams } from '../context/kept-params.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { ownerOf } from './idempotency-key.ts'
import type { HeldPlace } from './run-place.ts'

/** The client of a worker's job: its connection, as the function that received the frame knew it. */
export interface Client {
  readonly caller: Caller
  readonly params: ConnectionParams
  /** When the rows of this connection expire, in epoch seconds. */
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
    /** The input before the transformer has deserialised it. */
    readonly rawInput?: unknown
    /** The idempotency key of a mutation. */
    readonly key?: string
    readonly batchIndex: number
    /** W3C trace context. */
    readonly traceparent?: string
  }
  /** When its frame arrived, in epoch milliseconds. Only a later cancel applies to it. */
  readonly askedAt: number
  /** Its place among the runs of its caller. A version that does not count runs writes none. */
  readonly place?: HeldPlace
}

/** A subscription whose procedure is a generator. */
export interface GeneratorJob {
  readonly kind: 'generator'
  readonly client: Client
  readonly subscription: {
    readonly id: FrameId
    readonly path: string
    readonly rawInput?: unknown
    /** The id of the last tracked value that its client has. */
    readonly lastEventId?: string
    readonly ref: number
    readonly batchIndex: number
  }
  /**
   * The current holder of the claim: the function that received the frame, or the previous worker. Only one invocation
   * can take the claim over.
   */
  readonly from: string
  /** The number of values that were posted before. */
  readonly n: number
  /** A previous worker started it, so the client has got `started`. */
  readonly continues: boolean
  /** Its place among the runs of its caller. A version that does not count runs writes none. */
  readonly place?: HeldPlace
}

/** The JSON payload of the `worker` function. */
export type WorkerJob = CallJob | GeneratorJob

/**
 * A job as it is sent: without the connection parameters and the secret session id, since failed jobs are kept in a
 * queue. A job of the version before has them.
 */
export type SentJob = SentAs<CallJob> | SentAs<GeneratorJob>
type SentAs<J extends WorkerJob> = Omit<J, 'client'> & {
  readonly client: Omit<Client, 'params'> & { readonly params?: ConnectionParams }
}

/** The job with the connection parameters that `createContext` gets, from the connection's row. */
export async function receiveJob(context: InvocationContext, job: SentJob): Promise<WorkerJob> {
  const { caller, expires, params: sent } = job.client
  const { connectionId, expectsParams } = caller
  const read = async () => (expectsParams ? readKeptParams(context, connectionId) : null)
  const params = sent === undefined ? await read() : keepParams(context.server, sent)
  return { ...job, client: { caller, expires, params } }
}

const jobBytes = 1_048_576 // 1 MB: the largest payload of an asynchronous Lambda invocation

/** Invokes the `worker` function. Throws when the invocation was not accepted; the function may run nevertheless. */
export async function invokeWorker(context: RuntimeContext, job: WorkerJob): Promise<void> {
  if (context.invoker === undefined)
    throw new Error(
      'Expected a worker function for long calls and generators, got none. Set TRUNKLINE_WORKER to its name.',
    )
  const { caller, expires } = job.client
  const sent: SentJob = { ...job, client: { caller: toJobCaller(caller), expires } }
  const bytes = Buffer.byteLength(JSON.stringify(sent))
  if (bytes > jobBytes)
    throw new TrunklineError(
      'TOO_LARGE',
      `The worker's payload is ${bytes} bytes; a function accepts at most ${jobBytes}. Reduce the procedure's input.`,
    )
  try {
    await context.invoker.invoke('worker', sent)
  } catch (cause) {
    if (cause instanceof DeadlinePassed) throw cause
    // [TL-ERR-2]
    throw new TrunklineError('FUNCTION_FAILED', 'The worker function could not be invoked. Try again later.', { cause })
  }
}

function toJobCaller(caller: Caller): JobCaller {
  if (!('session' in caller)) return caller
  const { session: _, refused: __, explains: ___, kicked: ____, ...rest } = caller
  return { ...rest, sessionId: sessionIdOf(caller), owner: ownerOf(caller) }
}

/** Whether a Lambda event is a worker's job. */
export function isWorkerJob(event: unknown): event is SentJob {
  if (typeof event !== 'object' || event === null || !('kind' in event) || !('client' in event)) return false
  return (event.kind === 'call' && 'call' in event) || (event.kind === 'generator' && 'subscription' in event)
}
