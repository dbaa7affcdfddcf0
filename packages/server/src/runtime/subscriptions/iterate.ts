import { TRPCError, tracked } from '@trpc/server'
import { type Cursor, formatCursor, parseCursor } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { stackOf } from '../context/stack-of.ts'
import { gapError } from '../context/trunkline-error.ts'
import { evaluate, outcomeError } from '../encoding/result-frames.ts'
import { type LogRef, type Replay, replayFrom, replayNewest, type SkippedChunks } from '../log/replay.ts'
import { cursorOf } from '../log/retention.ts'
import { parseEvents } from '../log/stored-event.ts'
import { loadPresence } from '../presence/join.ts'
import { holdSession } from '../presence/join-iterator.ts'
import { chunkId } from '../streams/read-stream.ts'
import { replayStream, replayTopic, toChunkCursor } from '../streams/replay-stream.ts'
import { settleStream } from '../streams/settle.ts'
import { joinTail } from './tail-poller.ts'

type Tail = ReturnType<typeof joinTail>

const done = { done: true, value: undefined } as const

/**
 * Iterates a channel's subscription outside of a line's functions, as tRPC's own adapters do: yields the events of its
 * log, then new events, each as a tracked envelope. Throws GAP when events were lost and no `startWith` loads the state
 * afresh, and METHOD_NOT_SUPPORTED for an ephemeral channel, which has no log.
 */
export function iterate(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor,
): AsyncIterator<unknown, void, void> {
  const left = new AbortController()
  const leave = () => left.abort()
  if (descriptor.signal?.aborted) leave()
  descriptor.signal?.addEventListener('abort', leave)
  const events = eventsOf(context, descriptor, left.signal)
  return {
    next: () => untilAbort(left.signal, events.next()),
    // The generator's own `return` would wait for its `next`, which may never settle.
    async return() {
      leave()
      events.return().catch(() => {}) // the reader has left, so no one receives the error
      return done
    },
  }
}

/** The result of `pending`, or the end of the iteration as soon as `signal` aborts. */
function untilAbort<T>(
  signal: AbortSignal,
  pending: Promise<IteratorResult<T, void>>,
): Promise<IteratorResult<T, void>> {
  return new Promise((resolve, reject) => {
    const leave = () => resolve(done)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}

async function* eventsOf(context: RuntimeContext, descriptor: SubscriptionDescriptor, signal: AbortSignal) {
  const { channel, topic, load } = descriptor
  const { retentionMs } = channel
  if (retentionMs === undefined) throw noLogError(channel.name)
  if (signal.aborted) return
  const log = { topic, retentionMs }
  using tail = joinTail(context, log) // [LAW-REGISTER-THEN-READ]: before the log is read
  // Also while this generator waits for a `load` that never settles.
  signal.addEventListener('abort', () => tail[Symbol.dispose]())
  await using _session = await holdSession(context, descriptor, signal)
  let isFresh = descriptor.lastEventId === undefined
  for (let found = await readStart(context, log, descriptor); ; ) {
    const hasState = load !== undefined || descriptor.presence !== undefined
    if (found.gap !== undefined && !hasState) throw gapError(found.gap)
    // [TL-SNAP-1] [TL-SNAP-2]
    if (hasState && (isFresh || found.gap !== undefined)) {
      const { at, state } = await loadState(context, descriptor, found)
      found = at
      yield tracked(formatCursor(at.from), state)
    }
    isFresh = false
    const pipe = { ...descriptor, skip: found.skip }
    if (yield* matching(context, pipe, found.slots)) return
    let at = endOf(context, found.slots) ?? found.from
    if (at.offset >= found.head.offset) tail.begin(at)
    const left = yield* follow(context, descriptor, { tail, at, signal })
    if (left === 'ended') return
    at = left
    found = await replayTopic(context, log, at)
  }
}

/** Yields new events as long as the tail has those after `at`. Returns the position then. */
async function* follow(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor,
  { tail, at: begun, signal }: { readonly tail: Tail; readonly at: Cursor; readonly signal: AbortSignal },
): AsyncGenerator<unknown, Cursor | 'ended', void> {
  let at = begun
  for (let slots = tail.after(at); slots !== undefined; slots = tail.after(at)) {
    if (slots.length === 0) await changed(context, descriptor, tail.changed(signal))
    if (signal.aborted || (yield* matching(context, descriptor, slots))) return 'ended'
    at = endOf(context, slots) ?? at
  }
  return at
}

/** The initial state, and the position in the log that it is of. */
async function loadState(context: RuntimeContext, descriptor: SubscriptionDescriptor, found: Replay) {
  const { load, presence } = descriptor
  if (presence !== undefined) return loadPresence(context, descriptor, found)
  return { at: found, state: await context.enter(context, async () => load?.()) }
}

/**
 * Reads the log from where the subscription begins: at the events that it replays, or after its cursor
 * [LAW-RESUME-OR-GAP].
 */
function readStart(
  context: RuntimeContext,
  log: LogRef,
  { lastEventId, load, replay, channel }: SubscriptionDescriptor,
): Promise<Replay> {
  if (channel.stream !== undefined)
    return replayStream(context, { ...log, rules: channel.stream }, toChunkCursor(lastEventId))
  if (lastEventId === undefined) return replayNewest(context, log, load === undefined ? replay : 0)
  const cursor = parseCursor(lastEventId)
  if (cursor !== undefined) return replayFrom(context, log, cursor)
  return replayNewest(context, log, 0).then((newest) => ({ ...newest, gap: 'new-epoch' })) // [TL-SUB-4] not a cursor
}

function endOf(context: RuntimeContext, slots: readonly Slot[]): Cursor | undefined {
  const last = slots.at(-1)
  return last && cursorOf(context, last)
}

/** Waits for new slots. A stream is settled once a minute meanwhile, so that the loss of its producer is noticed. */
async function changed(
  context: RuntimeContext,
  { channel, topic }: SubscriptionDescriptor,
  change: Promise<void>,
): Promise<void> {
  const { stream, retentionMs = 0 } = channel
  if (stream === undefined) return change
  const over = new AbortController()
  await Promise.race([change, context.clock.sleep(settleMs, over.signal, { background: true })])
  over.abort(null)
  await settleStream(context, { topic, retentionMs, rules: stream })
}

const settleMs = 60_000

/** Yields the events that match. Returns true at the end of a stream; throws if it failed, was lost or begins again. */
async function* matching(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor & { readonly skip?: SkippedChunks | undefined },
  slots: readonly Slot[],
) {
  const { topic } = descriptor
  await parseEvents(context, topic, slots)
  for (const slot of slots) {
    const cursor = cursorOf(context, slot)
    const id = formatCursor(cursor)
    const evaluated = context.enter(context, () => evaluate(context, descriptor, slot))
    if (evaluated.status === 'match') yield tracked(id, evaluated.event)
    if (evaluated.status === 'chunks')
      for (const [index, place] of evaluated.places.entries())
        yield tracked(chunkId(cursor, place, evaluated.of), evaluated.chunks[index])
    if (evaluated.status === 'failed') reportFault(context, { topic, id }, evaluated.thrown)
    if (evaluated.status === 'anew') throw gapError('restarted')
    if (evaluated.status !== 'closed') continue
    const failure = outcomeError(evaluated.outcome)
    if (failure !== undefined) throw failure
    return true
  }
  return false
}

/**
 * Logs an event whose `filter` or `map` threw; the event is left out, as for every client without fault frames
 * [LAW-ISOLATION]. If it were thrown, it would end each later resume too.
 */
function reportFault(
  { telemetry }: RuntimeContext,
  event: { readonly topic: string; readonly id: string },
  thrown: unknown,
): void {
  const error = thrown instanceof Error ? stackOf(thrown) : String(thrown)
  telemetry.log({
    level: 'ERROR',
    message: 'The filter or map of a subscription threw; the event is left out.',
    facts: { ...event, error },
  })
}

/**
 * Not NOT_IMPLEMENTED: that has INTERNAL_SERVER_ERROR's number on the wire, and tRPC's SSE client retries it forever.
 */
function noLogError(channel: string): TRPCError {
  return new TRPCError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `The ephemeral channel ${channel} keeps no log, so its events are delivered only over a line's WebSocket. Subscribe there, or use a channel with a log.`,
  })
}
