import { TRPCError } from '@trpc/server'
import type { Request } from './parse.ts'

type Start = Request & { readonly ref: number; readonly method: 'subscription' }
type Stop = Request & { readonly method: 'subscription.stop' }

/** A request of a message, or the failure that it is answered with instead of being run. */
export interface Task {
  readonly request: Request
  readonly batchIndex: number
  readonly instead?: TRPCError
  /** A stop whose start stood in the same message and was left out. */
  readonly leftOut?: boolean
}

/** What is to be done for the requests of one message. */
export function toTasks(requests: readonly Request[], overfull: boolean): readonly Task[] {
  return overfull ? requests.flatMap(tooMany) : withoutStopped(requests)
}

// [TL-STOP-2] [TL-STOP-3] started and stopped in one message: the start is left out, and the stop is answered
function withoutStopped(requests: readonly Request[]): readonly Task[] {
  const starts = requests.filter((request): request is Start => request.method === 'subscription')
  const stops = requests.filter((request): request is Stop => request.method === 'subscription.stop')
  return requests.flatMap((request, batchIndex): readonly Task[] => {
    if (request.method === 'subscription' && stops.some((stop) => stop.id === request.id && stop.ref >= request.ref))
      return []
    if (request.method !== 'subscription.stop') return [{ request, batchIndex }]
    const leftOut = starts.some((start) => start.id === request.id && start.ref <= request.ref)
    return [{ request, batchIndex, leftOut }]
  })
}

// [TL-BATCH-3]
function tooMany(request: Request, batchIndex: number): readonly Task[] {
  if (request.method === 'subscription.stop') return []
  const instead = new TRPCError({ code: 'BAD_REQUEST', message: 'Batch call exceeds maximum size' })
  return [{ request, instead, batchIndex }]
}
