import { type ChunkCursor, defined, type GapReason, parseChunkCursor } from '@trunkline/protocol'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { wireEpoch } from '../log/retention.ts'
import { settleStream } from './settle.ts'
import { type Evidence, isPast, type StreamState } from './state.ts'
import type { StreamHead, StreamRef } from './stream-log.ts'

/**
 * Reads a stream from the beginning of its run, or after a cursor [LAW-RESUME-OR-GAP]. Settles it first. A stream's
 * slots expire together, so all of them are there while it is open and until its retention has passed. A gap is
 * followed by what can still be read: the run from its beginning, or the outcome.
 */
// [TL-STREAM-3] [LAW-STREAM-AGE]
export async function replayStream(
  context: RuntimeContext,
  ref: StreamRef,
  cursor: ChunkCursor | 'invalid' | undefined,
): Promise<StreamReplay> {
  const settled = await settleStream(context, ref)
  const found = await replaySettled(context, ref, { ...settled, cursor })
  return { ...found, state: settled.head.state }
}

/** Reads the log of a topic after a cursor: that of a channel, or of a stream. */
export async function replayTopic(context: RuntimeContext, log: LogRef, cursor: ChunkCursor): Promise<Replay> {
  const stream = context.channelOf(channelOfTopic(log.topic))?.stream
  if (stream !== undefined) return replayStream(context, { ...log, rules: stream }, cursor)
  return replayFrom(context, log, cursor)
}

/** What a reader reads, and the state of the stream before that. */
export type StreamReplay = Replay & { readonly state: StreamState | undefined }

interface Settled {
  readonly head: StreamHead
  readonly evidence: Evidence
}

async function replaySettled(
  context: RuntimeContext,
  ref: StreamRef,
  { head, evidence, cursor }: Settled & { readonly cursor: ChunkCursor | 'invalid' | undefined },
): Promise<Replay> {
  const log: LogRef = { topic: ref.topic, retentionMs: ref.retentionMs, isStream: true }
  const { state, newest } = head
  if (state === undefined || newest === undefined) return replayIdle(context, log, cursor)
  const run = { epoch: wireEpoch(newest.epoch, context.restore), offset: state.first }
  const gap = cursor === undefined ? undefined : gapBefore(cursor, { head, state, epoch: run.epoch })
  const hasChunks = gap === undefined && typeof cursor === 'object' && cursor.offset >= head.stateOffset - 1
  if (isPast(evidence, ref) && !hasChunks) return outcomeOnly(context, log, head, 'expired')
  const from = cursor === undefined || cursor === 'invalid' || gap !== undefined ? run : cursor
  // A stop of an idle stream closes a run that has no start: the run is its close.
  if (from === run && state.first === head.stateOffset && state.at === 'closed')
    return { ...(await closeOnly(context, log, head)), ...defined({ gap }) }
  const found = await replayAfter(context, log, from)
  if (found.gap !== undefined) return outcomeOnly(context, log, head, 'expired')
  const erased = found.slots.findLast((slot) => slot.erased !== undefined)
  if (erased !== undefined) return afterErased(context, log, head, { found, erased })
  return gap === undefined ? found : { ...found, gap }
}

/** The position in an id that a reader sent; undefined if it sent none. */
export function toChunkCursor(lastEventId: string | undefined): ChunkCursor | 'invalid' | undefined {
  return lastEventId === undefined ? undefined : (parseChunkCursor(lastEventId) ?? 'invalid')
}

/** A cursor that names a chunk begins before its slot, whose first chunks are skipped. */
async function replayAfter(context: RuntimeContext, log: LogRef, { chunk, ...at }: ChunkCursor): Promise<Replay> {
  if (chunk === undefined) return replayFrom(context, log, at)
  const found = await replayFrom(context, log, { ...at, offset: at.offset - 1 })
  return { ...found, skip: { offset: at.offset, chunks: chunk } }
}

/** A log without a run: readers wait for one. */
async function replayIdle(
  context: RuntimeContext,
  log: LogRef,
  cursor: ChunkCursor | 'invalid' | undefined,
): Promise<Replay> {
  if (cursor !== undefined && cursor !== 'invalid' && cursor.chunk === undefined)
    return replayFrom(context, log, cursor)
  const newest = await replayNewest(context, log, 0)
  return cursor === undefined ? newest : { ...newest, gap: 'new-epoch' }
}

/** Why a reader at the cursor cannot continue there; undefined if it can. */
function gapBefore(
  cursor: ChunkCursor | 'invalid',
  { head, state, epoch }: { readonly head: StreamHead; readonly state: StreamState; readonly epoch: string },
): GapReason | undefined {
  if (cursor === 'invalid' || cursor.epoch !== epoch || cursor.offset > head.offset || cursor.offset === 0)
    return 'new-epoch'
  return state.anew === true && cursor.offset < state.first ? 'restarted' : undefined
}

/** The gap, and the outcome if the stream has one. */
async function outcomeOnly(context: RuntimeContext, log: LogRef, head: StreamHead, gap: GapReason): Promise<Replay> {
  const { state, newest, offset } = head
  if (state?.at === 'closed') return { ...(await closeOnly(context, log, head)), gap }
  const epoch = wireEpoch(newest?.epoch ?? '', context.restore)
  return { from: { epoch, offset }, head: { epoch, offset }, slots: [], gap }
}

/** The close of a stream. Its slot may be the first one of its epoch, so nothing is read before it. */
async function closeOnly(context: RuntimeContext, { topic }: LogRef, { stateOffset }: StreamHead): Promise<Replay> {
  const { slots } = await context.store.readSlots(topic, stateOffset - 1, 1)
  const [close] = slots
  const epoch = wireEpoch(close?.epoch ?? '', context.restore)
  return { from: { epoch, offset: stateOffset - 1 }, head: { epoch, offset: stateOffset }, slots }
}

/** The slots after the erased ones. */
async function afterErased(
  context: RuntimeContext,
  log: LogRef,
  head: StreamHead,
  { found, erased }: { readonly found: Replay; readonly erased: Slot },
): Promise<Replay> {
  if (head.state?.at === 'closed') return outcomeOnly(context, log, head, 'erased')
  const slots = found.slots.filter(({ offset }) => offset > erased.offset)
  return { ...found, from: { ...found.from, offset: erased.offset }, slots, gap: 'erased' }
}
