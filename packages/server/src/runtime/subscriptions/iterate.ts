import { TRPCError, tracked } from '@trpc/server'
import { type Cursor, formatCursor, parseCursor } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Slot } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { gapError } from '../context/trunkline-error.ts'
import { evaluate } from '../encoding/replay-results.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { cursorOf } from '../log/retention.ts'
import { parseEvents } from '../log/stored-event.ts'
import { loadPresence } from '../presence/join.ts'
import { holdSession } from '../presence/join-iterator.ts'
import { joinTail } from './tail-poller.ts'

const done = { done: true, value: undefined } as const

/**
 * Iterates a channel's subscription where no line serves it, as tRPC's own adapters do: what its log holds, then its tail, each as a tracked envelope.
 * Throws GAP when events were lost and no `startWith` loads them afresh, and METHOD_NOT_SUPPORTED for an ephemeral channel, which has no log.
 */
export function iterate(scope: RuntimeContext, descriptor: SubscriptionDescriptor): AsyncIterator<unknown, void, void> {
  const left = new AbortController()
  const leave = () => left.abort()
  if (descriptor.signal?.aborted) leave()
  descriptor.signal?.addEventListener('abort', leave)
  const events = eventsOf(scope, descriptor, left.signal)
  return {
    next: () => unlessLeft(left.signal, events.next()),
    // A generator's own `return` waits for its `next`, which may wait for an event that never comes.
    async return() {
      leave()
      events.return().catch(() => {}) // nobody is left to tell
      return done
    },
  }
}

/** What comes, or the end as soon as the reader has left. */
function unlessLeft<T>(
  signal: AbortSignal,
  coming: Promise<IteratorResult<T, void>>,
): Promise<IteratorResult<T, void>> {
  return new Promise((resolve, reject) => {
    const leave = () => resolve(done)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    coming.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}

async function* eventsOf(scope: RuntimeContext, descriptor: SubscriptionDescriptor, signal: AbortSignal) {
  const { channel, topic, load } = descriptor
  const { retentionMs } = channel
  if (retentionMs === undefined) throw nothingToFollow(channel.name)
  if (signal.aborted) return
  const log = { topic, retentionMs }
  using tail = joinTail(scope, log) // [LAW-REGISTER-THEN-READ]: before the log is read
  signal.addEventListener('abort', () => tail[Symbol.dispose]()) // also while a `load` that never ends holds this generator
  await using _seat = await holdSession(scope, descriptor, signal)
  let isFresh = descriptor.lastEventId === undefined
  for (let found = await begin(scope, log, descriptor); ; ) {
    const begins = load !== undefined || descriptor.presence !== undefined
    if (found.gap !== undefined && !begins) throw gapError(found.gap)
    // [TL-SNAP-1] [TL-SNAP-2]
    if (begins && (isFresh || found.gap !== undefined)) {
      const { at, state } = await loadBeginning(scope, descriptor, found)
      found = at
      yield tracked(formatCursor(at.from), state)
    }
    isFresh = false
    yield* matching(scope, descriptor, found.slots)
    let at = endOf(scope, found.slots) ?? found.from
    if (at.offset >= found.head.offset) tail.begin(at)
    for (let slots = tail.after(at); slots !== undefined; slots = tail.after(at)) {
      if (slots.length === 0) await tail.changed(signal)
      if (signal.aborted) return
      yield* matching(scope, descriptor, slots)
      at = endOf(scope, slots) ?? at
    }
    found = await replayFrom(scope, log, at)
  }
}

/** The state, and the place that it is of. */
async function loadBeginning(scope: RuntimeContext, descriptor: SubscriptionDescriptor, found: Replay) {
  const { load, presence } = descriptor
  if (presence !== undefined) return loadPresence(scope, descriptor, found)
  return { at: found, state: await scope.enter(scope, async () => load?.()) }
}

/** Where a subscription begins: at the events it asked for, or where it was [LAW-RESUME-OR-GAP]. */
function begin(
  scope: RuntimeContext,
  log: LogRef,
  { lastEventId, load, replay }: SubscriptionDescriptor,
): Promise<Replay> {
  if (lastEventId === undefined) return replayNewest(scope, log, load === undefined ? replay : 0)
  const cursor = parseCursor(lastEventId)
  if (cursor !== undefined) return replayFrom(scope, log, cursor)
  return replayNewest(scope, log, 0).then((newest) => ({ ...newest, gap: 'new-epoch' })) // [TL-SUB-4] no cursor of ours
}

function endOf(scope: RuntimeContext, slots: readonly Slot[]): Cursor | undefined {
  const last = slots.at(-1)
  return last && cursorOf(scope, last)
}

async function* matching(scope: RuntimeContext, { pipe, topic }: SubscriptionDescriptor, slots: readonly Slot[]) {
  await parseEvents(scope, topic, slots)
  for (const slot of slots) {
    const id = formatCursor(cursorOf(scope, slot))
    const evaluated = scope.enter(scope, () => evaluate(scope, topic, pipe, slot))
    if (evaluated.status === 'match') yield tracked(id, evaluated.event)
    if (evaluated.status === 'failed') reportFault(scope, { topic, id }, evaluated.thrown)
  }
}

/** [LAW-ISOLATION]: an event whose `filter` or `map` threw is left out, as for every client that knows no faults: thrown, it would end each resume after it too. */
function reportFault(
  { telemetry }: RuntimeContext,
  event: { readonly topic: string; readonly id: string },
  thrown: unknown,
): void {
  const error = thrown instanceof Error ? thrown.stack : String(thrown)
  telemetry.log({ level: 'ERROR', message: 'An event could not be evaluated.', facts: { ...event, error } })
}

/** Not NOT_IMPLEMENTED: on the wire that has the number of an INTERNAL_SERVER_ERROR, which tRPC's SSE client tries again for ever. */
function nothingToFollow(channel: string): TRPCError {
  return new TRPCError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `The ephemeral channel ${channel} keeps nothing, so only a line can deliver its events: outside of one there is no log to follow.`,
  })
}
