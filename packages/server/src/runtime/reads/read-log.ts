import { TRPCError } from '@trpc/server'
import type { Cursor, GapReason } from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { cursorOf, isAnchor, wireEpoch } from '../log/retention.ts'
import { replayStream } from '../streams/replay-stream.ts'
import { settleStream } from '../streams/settle.ts'
import { readHead, type StreamHead } from '../streams/stream-log.ts'
import type { ReadEncoder } from './encoder.ts'
import type { ReadFrom } from './offset.ts'
import { replayOldest } from './oldest.ts'
import { PageInProgress, type ReadPage } from './page.ts'
import type { ReadTarget } from './target.ts'

/** Why what follows a position cannot be read. */
export type ReadGap = Extract<GapReason, 'expired' | 'new-epoch' | 'restarted' | 'erased'>

/**
 * What a read of a log results in.
 * - `page`: messages, none of them left out
 * - `gap`: what follows the position cannot be read; reading goes on at `next`
 * - `fault`: the messages after the position cannot be made; reading goes on after them, at `next`
 */
export type ReadResult =
  | ({ readonly status: 'page' } & ReadPage)
  | { readonly status: 'gap'; readonly reason: ReadGap; readonly next: Cursor | 'start' }
  | { readonly status: 'fault'; readonly thrown: unknown; readonly next: Cursor }

/** The end of a log. `start`: it has no epoch yet. */
export interface LogEnd {
  readonly next: Cursor | 'start'
  readonly outcome?: Outcome
}

/** Reads one page of a target's log. Throws NOT_FOUND for a stream that was never started. */
// [TL-READ-4] [TL-READ-5] [TL-READ-6]
export async function readLog(
  context: InvocationContext,
  target: ReadTarget,
  { from, encoder }: { readonly from: ReadFrom; readonly encoder: ReadEncoder },
): Promise<ReadResult> {
  const page = new PageInProgress(context, target, encoder)
  let found = await begin(context, target, from)
  if (found.gap !== undefined) return gapAt(target, found)
  if (from === 'now') return pageOf(page, { next: found.head, isUpToDate: true, outcome: closedBy(found) })
  if (from === 'start' && target.loadState !== undefined) {
    const { at, state } = await target.loadState(found)
    page.begin(state)
    return pageOf(page, { next: at.from, isUpToDate: true })
  }
  for (let next = found.from; ; ) {
    for (const slot of found.slots) {
      const taken = page.take(slot)
      if (taken.status === 'closed') return pageOf(page, { next: page.at(slot), isUpToDate: true, ...taken })
      if (taken.status !== 'taken' && page.isUntouched) return stopAt(taken, page.at(slot))
      if (taken.status !== 'taken') return pageOf(page, { next, isUpToDate: false })
      next = page.at(slot)
    }
    if (next.offset >= found.head.offset) return pageOf(page, { next, isUpToDate: true, outcome: closedBy(found) })
    if (page.isFull || found.slots.length === 0) return pageOf(page, { next, isUpToDate: false })
    found = await replayAt(context, target, next)
    if (found.gap !== undefined) return pageOf(page, { next, isUpToDate: false }) // the next read meets the gap
  }
}

/** The end of a target's log. Writes nothing. Throws NOT_FOUND for a stream that was never started. */
export async function readEnd(context: InvocationContext, { log, stream }: ReadTarget): Promise<LogEnd> {
  if (stream === undefined) {
    const [newest] = (await context.store.readSlotsBefore(log.topic, undefined, 1)).slots
    const hasEpoch = newest !== undefined && isAnchor(newest, context.clock.now())
    return { next: hasEpoch ? cursorOf(context, newest) : 'start' }
  }
  const { newest, state } = await readHead(context, log.topic)
  if (state === undefined || newest === undefined) throw notStarted()
  return { next: cursorOf(context, newest), ...(state.outcome && { outcome: state.outcome }) }
}

/** A replay, and the head of a stream before it. */
type Found = Replay & { readonly state?: StreamHead['state'] }

async function begin(context: InvocationContext, target: ReadTarget, from: ReadFrom): Promise<Found> {
  const { log, stream, loadState } = target
  if (stream === undefined) {
    if (typeof from === 'object') return replayFrom(context, log, from)
    return from === 'now' || loadState !== undefined ? replayNewest(context, log, 0) : replayOldest(context, log)
  }
  // A stream without a run is not begun by a read.
  if ((await readHead(context, log.topic)).state === undefined) throw notStarted()
  if (from !== 'now') return replayStream(context, stream, from === 'start' ? undefined : from)
  const { head } = await settleStream(context, stream)
  const at = { epoch: wireEpoch(head.newest?.epoch ?? '', context.restore), offset: head.offset }
  return { from: at, head: at, slots: [], state: head.state }
}

function replayAt(context: InvocationContext, { log, stream }: ReadTarget, at: Cursor): Promise<Found> {
  return stream === undefined ? replayFrom(context, log, at) : replayStream(context, stream, at)
}

/** How a stream had ended before its log was read to the end. */
// [TL-READ-11]
function closedBy({ state }: Found): Outcome | undefined {
  return state?.at === 'closed' ? state.outcome : undefined
}

/** After a gap, a subscription with a state begins again with a new one. */
function gapAt({ loadState }: ReadTarget, { gap, from }: Replay): ReadResult {
  return { status: 'gap', reason: gap as ReadGap, next: loadState === undefined ? from : 'start' }
}

/** The result of a page whose first slot cannot be read. */
function stopAt(taken: { readonly status: string; readonly thrown?: unknown }, next: Cursor): ReadResult {
  if (taken.status === 'anew') return { status: 'gap', reason: 'restarted', next }
  return { status: 'fault', thrown: taken.thrown, next }
}

function pageOf(
  { messages }: PageInProgress,
  { outcome, ...rest }: Omit<ReadPage, 'messages' | 'outcome'> & { readonly outcome?: Outcome | undefined },
): ReadResult {
  const { next, isUpToDate } = rest
  return { status: 'page', messages, next, isUpToDate, ...(outcome && { outcome }) }
}

function notStarted(): TRPCError {
  const message = 'Expected a stream that was started, got one that was not. Start it first, or ask later.'
  return new TRPCError({ code: 'NOT_FOUND', message })
}
