import type { SyncFrame } from '@trunkline/protocol'
import { type Cursor, limits, parseCursor } from '@trunkline/protocol'
import { channelOfTopic } from '../../define/topic.ts'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { ConnectionSubscription, SyncState } from '../../ports/store.ts'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import { isExpired, toFacts } from '../context/caller.ts'
import type { InvocationContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { rejectRequest } from '../encoding/reject-request.ts'
import { chainOf } from '../encoding/replay-results.ts'
import { frameText } from '../encoding/result-frames.ts'
import { type LogRef, type Replay, replayFrom } from '../log/replay.ts'
import { cursorOf, isAgeing, isAnchor } from '../log/retention.ts'
import { keepPresence } from '../presence/renew-lease.ts'
import { shownSlots, viewPipes } from '../presence/rows/views.ts'
import { describePipe } from '../procedures/read-pipe-steps.ts'
import { toWire } from './started-frames.ts'

type Asked = SyncFrame['params']['subscriptions'][number]

/** A subscription that is live here, and what stands at its position. */
interface Live {
  readonly asked: Asked
  /** JSON text. */
  readonly id: string
  readonly topic: string
  readonly shard: number
  readonly cursor: Cursor
  readonly seat: PresenceSeat | undefined
}

/**
 * Answers what each subscription has after its cursor: for each a `synced` frame and its chain, last the sync's own answer; all of it fits one message [LAW-SYNC-HEADS].
 * One query of the connection's rows and strong batch reads find out which topics have moved; only their logs are read. One that is not live here is told so.
 */
// [TL-SYNC-1] [TL-SYNC-2]
export async function sync(
  scope: InvocationContext,
  caller: ConnectionCaller,
  params: ConnectionParams,
  frame: SyncFrame,
): Promise<readonly string[]> {
  const { connectionId } = caller
  const rows = new Map((await scope.store.readSubscriptions(connectionId)).map((row) => [row.id, row]))
  const found = frame.params.subscriptions.map((asked) => toLive(asked, rows.get(JSON.stringify(asked.id))))
  const live = found.filter((each) => each !== undefined)
  const kept = await keepAll(scope, connectionId, live)
  const states = await scope.store.readSyncStates(
    live.map((each) => ({ ...each, connectionId, offset: each.cursor.offset })),
  )
  const stateOf = new Map(live.map((each, index) => [each.asked, states[index] ?? {}]))

  const frames: string[] = []
  let bytes = 0
  for (const [index, asked] of frame.params.subscriptions.entries()) {
    const texts = await answerOne(scope, caller, params, asked, keptOf(kept, found[index]), stateOf.get(asked))
    const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
    if (bytes > 0 && bytes + size > limits.pageBytes.value) break // [TL-SYNC-3] what is left out is asked for again
    bytes += size
    frames.push(...texts)
  }
  return [...frames, frameText(JSON.stringify(frame.id), '{"type":"data"}')]
}

/** Presence first: what it finds to be over stands in the log that is read next. [TL-PRES-5] [TL-PRES-6] */
async function keepAll(scope: InvocationContext, connectionId: string, live: readonly Live[]) {
  const kept = live.map(async (each): Promise<readonly [Live, unknown]> => {
    const { topic, seat, asked } = each
    return [each, await keepPresence(scope, { topic, ref: asked.ref, connectionId, seat }).catch((thrown) => thrown)]
  })
  return new Map(await Promise.all(kept))
}

/** A subscription whose session is not here any more is not live: it joins again by subscribing again. */
function keptOf(kept: ReadonlyMap<Live, unknown>, live: Live | undefined): Live | undefined {
  return live === undefined || kept.get(live) === 'here' ? live : undefined
}

async function answerOne(
  scope: InvocationContext,
  caller: ConnectionCaller,
  params: ConnectionParams,
  asked: Asked,
  live: Live | undefined,
  state: SyncState = {},
): Promise<readonly string[]> {
  try {
    if (live === undefined) throw notLive()
    return await syncOne(scope, caller, params, live, state)
  } catch (thrown) {
    return [rejectRequest(scope, { id: asked.id, type: 'subscription', cause: 'frame' }, thrown)]
  }
}

/** By the connection's own row, which decides [LAW-CONNECTION-ROW]. */
function toLive(asked: Asked, row: ConnectionSubscription | undefined): Live | undefined {
  const cursor = parseCursor(asked.from)
  if (cursor === undefined || row?.on !== true || row.ref !== asked.ref) return undefined
  const { topic, shard, id, seat } = row
  return topic === undefined || shard === undefined ? undefined : { asked, id, topic, shard, cursor, seat }
}

async function syncOne(
  scope: InvocationContext,
  caller: ConnectionCaller,
  params: ConnectionParams,
  { asked, id, topic, cursor }: Live,
  state: SyncState,
): Promise<readonly string[]> {
  const { subscriber } = state
  const retentionMs = scope.retentionOf(channelOfTopic(topic))
  // A registration that was lost is repaired by the client's next subscribe; so is one that an `auth` which came to its end too late has left with an old expiry.
  if (subscriber?.on !== true || subscriber.ref !== asked.ref || isExpired(subscriber, scope.clock.now()))
    throw notLive()
  if (retentionMs === undefined) throw notLive()
  const log = { topic, retentionMs }
  const found = upToDate(scope, cursor, state) ?? (await replayFrom(scope, log satisfies LogRef, cursor))
  const piped = subscriber.piped !== undefined && found.slots.length > 0
  const view = subscriber.presence?.view
  const described = piped ? await describePipe(scope, subscriber, toFacts(caller, 'frame', params)) : []
  const pipe = view === undefined ? described : viewPipes[view]
  const slots = shownSlots(view, found.slots)
  const synced = JSON.stringify({ type: 'synced', ...toWire(found) })
  const chain = chainOf(scope, { topic, pipe, path: subscriber.path }, found.from.offset, slots, limits.pageBytes.value)
  return [synced, ...chain].map((result) => frameText(id, result))
}

/** No slot stands after p, and p is an anchor: p is the head. An ageing head is left to `replayFrom`, which extends it. */
function upToDate(scope: InvocationContext, cursor: Cursor, { at, after }: SyncState): Replay | undefined {
  const now = scope.clock.now()
  if (after !== undefined || at === undefined || !isAnchor(at, now) || isAgeing(at, now)) return undefined
  return cursorOf(scope, at).epoch === cursor.epoch ? { from: cursor, head: cursor, slots: [] } : undefined
}

function notLive(): TrunklineError {
  return new TrunklineError('CONNECTION_LOST', 'This subscription is not live here; subscribe again.', {
    mayHaveRun: false,
    retry: 'now',
  })
}
