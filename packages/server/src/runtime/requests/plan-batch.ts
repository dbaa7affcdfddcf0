import { TRPCError } from '@trpc/server'
import type { SyncFrame } from '@trunkline/protocol'
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
  /** A refused `sync`: its error is reported with those of the other syncs of the message. */
  readonly ofSync?: true
}

export type Task = RunTask | RefuseTask

/** How the elements of a message came. */
export interface Arrival {
  /** The message has more elements than a batch may have. */
  readonly overfull: boolean
  /** The message came in chunks. */
  readonly inChunks: boolean
}

/** The tasks for the elements of one message. */
export function toTasks(parsed: readonly ParsedElement[], { overfull, inChunks }: Arrival): readonly Task[] {
  return overfull ? tooMany(parsed) : withoutStopped(parsed, inChunks)
}

// [TL-STOP-2] [TL-STOP-3] a start whose stop is in the same message is left out, and the stop is answered
function withoutStopped(parsed: readonly ParsedElement[], inChunks: boolean): readonly Task[] {
  const tasks: Task[] = []
  const stops = parsed.length === 1 ? [] : requestsOf(parsed, isStop)
  const starts = stops.length === 0 ? [] : requestsOf(parsed, isStart)
  for (const [batchIndex, each] of parsed.entries()) {
    if (each.status === 'malformed') {
      tasks.push({ asked: each.asked, instead: each.thrown })
      continue
    }
    const { request } = each
    const flaw = request.method === 'sync' ? syncFlaw(request, inChunks) : undefined
    if (flaw !== undefined) tasks.push({ asked: requestInfoOf(request), instead: badRequest(flaw), ofSync: true })
    else if (isStop(request)) {
      const leftOut = starts.some((start) => start.id === request.id && start.ref <= request.ref)
      tasks.push({ request, batchIndex, leftOut })
    } else if (!isStart(request) || !stops.some((stop) => stop.id === request.id && stop.ref >= request.ref))
      tasks.push({ request, batchIndex })
  }
  return tasks
}

function requestsOf<R extends Request>(
  parsed: readonly ParsedElement[],
  isOfKind: (request: Request) => request is R,
): readonly R[] {
  return parsed.flatMap((each) => (each.status === 'request' && isOfKind(each.request) ? [each.request] : []))
}

function isStart(request: Request): request is Start {
  return request.method === 'subscription'
}

function isStop(request: Request): request is Stop {
  return request.method === 'subscription.stop'
}

/** Why a sync is refused before anything is read for it; undefined for one that may run. [TL-SYNC-9] */
function syncFlaw({ params }: SyncFrame, inChunks: boolean): string | undefined {
  if (inChunks) return 'Expected a sync outside of chunks, got one inside. Send fewer subscriptions in one message.'
  const ids = new Set<string>()
  for (const { id } of params.subscriptions) {
    const name = JSON.stringify(id)
    if (ids.has(name)) return `Expected each subscription once in a sync, got ${name} twice. Leave out one of them.`
    ids.add(name)
  }
  return undefined
}

function badRequest(message: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message })
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
    return [{ asked, instead: badRequest('Batch call exceeds maximum size') }]
  })
}

/** tRPC's answer to an overfull batch names no path. */
function withoutPath(request: Request): RequestInfo {
  const { path: _, input: __, ...asked } = requestInfoOf(request)
  return asked
}
