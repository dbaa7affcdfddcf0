import { TRPCError } from '@trpc/server'
import type { RequestInfo } from '../encoding/error-response.ts'
import type { ParsedElement, Request } from './parse-request.ts'
import { requestInfoOf } from './parse-request.ts'

type Start = Request & { readonly ref: number; readonly method: 'subscription' }
type Stop = Request & { readonly method: 'subscription.stop' }

/** A request that runs. */
export interface RunTask {
  readonly request: Request
  readonly batchIndex: number
  /** True for a stop whose start came in the same message and was left out. */
  readonly leftOut?: boolean
}

/** An element that is answered with an error; nothing runs for it. */
export interface RefuseTask {
  readonly asked: RequestInfo
  readonly instead: TRPCError
}

export type Task = RunTask | RefuseTask

/** The tasks for the elements of one message. `overfull`: the message has more elements than a batch may have. */
export function toTasks(parsed: readonly ParsedElement[], overfull: boolean): readonly Task[] {
  return overfull ? tooMany(parsed) : withoutStopped(parsed)
}

// [TL-STOP-2] [TL-STOP-3] a start whose stop is in the same message is left out, and the stop is answered
function withoutStopped(parsed: readonly ParsedElement[]): readonly Task[] {
  const requests = parsed.flatMap((each) => (each.status === 'request' ? [each.request] : []))
  const starts = requests.filter((request): request is Start => request.method === 'subscription')
  const stops = requests.filter((request): request is Stop => request.method === 'subscription.stop')
  return parsed.flatMap((each, batchIndex): readonly Task[] => {
    if (each.status === 'malformed') return [{ asked: each.asked, instead: each.thrown }]
    const { request } = each
    if (request.method === 'subscription' && stops.some((stop) => stop.id === request.id && stop.ref >= request.ref))
      return []
    if (request.method !== 'subscription.stop') return [{ request, batchIndex }]
    const leftOut = starts.some((start) => start.id === request.id && start.ref <= request.ref)
    return [{ request, batchIndex, leftOut }]
  })
}

/** Answers only the first of the elements without an id: a client can send many at almost no cost. */
// [TL-BATCH-3]
function tooMany(parsed: readonly ParsedElement[]): readonly Task[] {
  const nameless = parsed.find((each) => each.status === 'malformed' && each.asked.id === null)
  return parsed.flatMap((each): readonly Task[] => {
    if (each.status === 'malformed' && each.asked.id === null)
      return each === nameless ? [{ asked: each.asked, instead: each.thrown }] : []
    if (each.status === 'request' && each.request.method === 'subscription.stop') return []
    const asked = each.status === 'malformed' ? each.asked : withoutPath(each.request)
    return [{ asked, instead: new TRPCError({ code: 'BAD_REQUEST', message: 'Batch call exceeds maximum size' }) }]
  })
}

/** tRPC's answer to an overfull batch names no path. */
function withoutPath(request: Request): RequestInfo {
  const { path: _, input: __, ...asked } = requestInfoOf(request)
  return asked
}
