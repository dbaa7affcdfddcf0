import { TRPCError } from '@trpc/server'
import type { Asked } from '../encoding/error-response.ts'
import type { ParsedElement, Request } from './parse-request.ts'
import { askedOf } from './parse-request.ts'

type Start = Request & { readonly ref: number; readonly method: 'subscription' }
type Stop = Request & { readonly method: 'subscription.stop' }

/** A request of a message that is to be run. */
export interface RunTask {
  readonly request: Request
  readonly batchIndex: number
  /** A stop whose start stood in the same message and was left out. */
  readonly leftOut?: boolean
}

/** An element that is answered with a failure and runs nothing. */
export interface RefuseTask {
  readonly asked: Asked
  readonly instead: TRPCError
}

export type Task = RunTask | RefuseTask

/** What is to be done for the elements of one message. */
export function toTasks(judged: readonly ParsedElement[], overfull: boolean): readonly Task[] {
  return overfull ? tooMany(judged) : withoutStopped(judged)
}

// [TL-STOP-2] [TL-STOP-3] started and stopped in one message: the start is left out, and the stop is answered
function withoutStopped(judged: readonly ParsedElement[]): readonly Task[] {
  const requests = judged.flatMap((each) => (each.status === 'request' ? [each.request] : []))
  const starts = requests.filter((request): request is Start => request.method === 'subscription')
  const stops = requests.filter((request): request is Stop => request.method === 'subscription.stop')
  return judged.flatMap((each, batchIndex): readonly Task[] => {
    if (each.status === 'malformed') return [{ asked: each.asked, instead: each.thrown }]
    const { request } = each
    if (request.method === 'subscription' && stops.some((stop) => stop.id === request.id && stop.ref >= request.ref))
      return []
    if (request.method !== 'subscription.stop') return [{ request, batchIndex }]
    const leftOut = starts.some((start) => start.id === request.id && start.ref <= request.ref)
    return [{ request, batchIndex, leftOut }]
  })
}

/** Of the elements without an id only the first is answered: they cost next to nothing to send. */
// [TL-BATCH-3]
function tooMany(judged: readonly ParsedElement[]): readonly Task[] {
  const nameless = judged.find((each) => each.status === 'malformed' && each.asked.id === null)
  return judged.flatMap((each): readonly Task[] => {
    if (each.status === 'malformed' && each.asked.id === null)
      return each === nameless ? [{ asked: each.asked, instead: each.thrown }] : []
    if (each.status === 'request' && each.request.method === 'subscription.stop') return []
    const asked = each.status === 'malformed' ? each.asked : withoutPath(each.request)
    return [{ asked, instead: new TRPCError({ code: 'BAD_REQUEST', message: 'Batch call exceeds maximum size' }) }]
  })
}

/** tRPC names no path of what it did not look at. */
function withoutPath(request: Request): Asked {
  const { path: _, input: __, ...asked } = askedOf(request)
  return asked
}
