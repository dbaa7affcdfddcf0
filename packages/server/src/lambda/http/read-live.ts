import type { ConnectionCaller } from '../../runtime/context/caller.ts'
import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import type { ReadEncoder } from '../../runtime/reads/encoder.ts'
import { type Follower, follow } from '../../runtime/reads/follow.ts'
import type { ReadFrom } from '../../runtime/reads/offset.ts'
import { type ReadResult, readLog } from '../../runtime/reads/read-log.ts'
import type { ReadTarget } from '../../runtime/reads/target.ts'
import type { HttpResponse } from './http-response.ts'
import { nextCursor, type ReadParams } from './read-params.ts'
import { faultResponse, gapResponse, pageResponse, refusedError, silentResponse } from './read-response.ts'

/** A read of a caller that may read. */
export interface Reading {
  readonly context: InvocationContext
  readonly caller: ConnectionCaller
  readonly target: ReadTarget
  readonly encoder: ReadEncoder
  /** Aborts when the reader has left, where that is known. */
  readonly left: AbortSignal | undefined
}

/** Answers a long-poll: at once if there are messages, a gap or an end, else when something comes, for `ms` at most. */
// [TL-READ-8]
export async function answerPoll(reading: Reading, { from, cursor }: ReadParams, ms: number): Promise<HttpResponse> {
  const { context, target, encoder } = reading
  using follower = follow(context, { ...reading, ms })
  const found = await awaitPage(reading, from, follower)
  if (found.status === 'gap') return gapResponse(found)
  if (found.status === 'fault') return faultResponse(context, target.path, found)
  const { server, clock } = context
  const headers = { 'stream-cursor': nextCursor(clock.now(), cursor) }
  const isSilent = found.messages.length === 0 && found.isUpToDate
  if (isSilent) return silentResponse(server, found, headers)
  return pageResponse(server, { page: found, encoder }, { headers })
}

/**
 * The first page that has messages, ends the log or is not up to date; a page without messages when the time is over.
 * Throws UNAUTHORIZED when the server has ended the caller's rights.
 */
export async function awaitPage(reading: Reading, from: ReadFrom, follower: Follower): Promise<ReadResult> {
  const { context, target, encoder } = reading
  for (let found = await readLog(context, target, { from, encoder }); ; ) {
    if (found.status !== 'page' || found.messages.length > 0 || !found.isUpToDate || found.outcome) return found
    const waited = await follower.wait(found.next)
    if (waited === 'over') return found
    if (waited === 'kicked') throw kickedError()
    await target.recheck()
    found = await readLog(context, target, { from: found.next, encoder })
  }
}

const kickedError = () => refusedError('The server has ended this request, since its caller was kicked.')
