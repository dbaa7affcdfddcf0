import { type Cursor, limits, parseCursor, type SyncFrame } from '@trunkline/protocol'
import { channelOfTopic } from '../../define/topic.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { ConnectionSubscription, SyncState } from '../../ports/subscriptions.ts'
import type { Client } from '../calls/worker-job.ts'
import { type ContextDetails, isExpired, toFacts } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { encode, type Frame, type Result } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { replayResults } from '../encoding/result-frames.ts'
import { type Replay, replayFrom, toRange } from '../log/replay.ts'
import { cursorOf, isAgeing, isAnchor } from '../log/retention.ts'
import { keepPresence } from '../presence/renew-lease.ts'
import { shownSlots, viewPipes } from '../presence/rows/views.ts'
import { checkAnonymous } from '../procedures/check-anonymous.ts'
import { describePipe } from '../procedures/read-pipe-steps.ts'

type SyncEntry = SyncFrame['params']['subscriptions'][number]

/** An entry whose subscription is live, and the row's values. */
interface LiveEntry {
  readonly entry: SyncEntry
  /** The id as rows hold it: JSON text. */
  readonly id: string
  readonly topic: string
  readonly shard: number
  readonly cursor: Cursor
  readonly seat: PresenceSessionKey | undefined
}

/**
 * Answers each subscription with what its log has after its cursor: a `synced` frame and its events; the sync's own
 * result comes last. All frames fit one message [LAW-SYNC-HEADS]. One query of the connection's rows and strongly
 * consistent batch reads show which topics have new events; only their logs are read. A subscription that is not live
 * is answered with CONNECTION_LOST.
 */
// [TL-SYNC-1] [TL-SYNC-2]
export async function sync(
  context: InvocationContext,
  client: Pick<Client, 'caller' | 'params'>,
  { id, params }: SyncFrame,
): Promise<readonly Frame[]> {
  const { connectionId } = client.caller
  const rows = new Map((await context.store.readSubscriptions(connectionId)).map((row) => [row.id, row]))
  const found = params.subscriptions.map((entry) => toLive(entry, rows.get(JSON.stringify(entry.id))))
  const live = found.filter((each) => each !== undefined)
  const kept = await renewSessions(context, connectionId, live)
  const states = await context.store.readSyncStates(
    live.map((each) => ({ ...each, connectionId, offset: each.cursor.offset })),
  )
  const stateOf = new Map(live.map((each, index) => [each, states[index] ?? {}]))

  const frames: Frame[] = []
  let bytes = 0
  for (const [index, entry] of params.subscriptions.entries()) {
    const present = presentOf(kept, found[index])
    const answers = await answerEntry(context, client, { entry, live: present, state: present && stateOf.get(present) })
    const size = answers.reduce((sum, answer) => sum + Buffer.byteLength(encode(answer)) + 1, 0)
    if (bytes > 0 && bytes + size > limits.pageBytes.value) break // [TL-SYNC-3] the client syncs the rest again
    bytes += size
    frames.push(...answers)
  }
  return [...frames, { id, result: { type: 'data' } }]
}

/**
 * Renews presence before the logs are read, so that the reads see the leaves which this appends. [TL-PRES-5]
 * [TL-PRES-6]
 */
async function renewSessions(context: InvocationContext, connectionId: string, live: readonly LiveEntry[]) {
  const kept = live.map(async (each): Promise<readonly [LiveEntry, unknown]> => {
    const { topic, seat, entry } = each
    return [each, await keepPresence(context, { topic, ref: entry.ref, connectionId, seat }).catch((thrown) => thrown)]
  })
  return new Map(await Promise.all(kept))
}

/** Undefined for a subscription whose session is absent: it is not live, and joins again by a new subscribe. */
function presentOf(kept: ReadonlyMap<LiveEntry, unknown>, live: LiveEntry | undefined): LiveEntry | undefined {
  return live === undefined || kept.get(live) === 'here' ? live : undefined
}

interface SyncedEntry {
  readonly entry: SyncEntry
  readonly live: LiveEntry | undefined
  readonly state: SyncState | undefined
}

async function answerEntry(
  context: InvocationContext,
  client: Pick<Client, 'caller' | 'params'>,
  { entry, live, state = {} }: SyncedEntry,
): Promise<readonly Frame[]> {
  try {
    if (live === undefined) throw notLive()
    const { caller, params } = client
    if (state.subscriber !== undefined) await checkAnonymous(context, caller, state.subscriber.path)
    const results = await syncLive(context, live, {
      state,
      factsOf: () => toFacts(caller, 'frame', { connectionParams: params }),
    })
    return results.map((result) => ({ id: entry.id, result }))
  } catch (thrown) {
    return [rejectRequest(context, { id: entry.id, type: 'subscription', cause: 'frame' }, thrown)]
  }
}

/** Undefined unless the connection's row, which decides, says that the subscription is live [LAW-CONNECTION-ROW]. */
function toLive(entry: SyncEntry, row: ConnectionSubscription | undefined): LiveEntry | undefined {
  const cursor = parseCursor(entry.from)
  if (cursor === undefined || row?.on !== true || row.ref !== entry.ref) return undefined
  const { topic, shard, id, seat } = row
  return topic === undefined || shard === undefined ? undefined : { entry, id, topic, shard, cursor, seat }
}

async function syncLive(
  context: InvocationContext,
  { entry, topic, cursor }: LiveEntry,
  { state, factsOf }: { readonly state: SyncState; readonly factsOf: () => ContextDetails },
): Promise<readonly Result[]> {
  const { subscriber } = state
  const retentionMs = context.retentionOf(channelOfTopic(topic))
  // The client's next subscribe repairs a lost row, and a row that an interrupted `auth` left with an old expiry.
  if (subscriber?.on !== true || subscriber.ref !== entry.ref || isExpired(subscriber, context.clock.now()))
    throw notLive()
  if (retentionMs === undefined) throw notLive()
  const found = upToDate(context, cursor, state) ?? (await replayFrom(context, { topic, retentionMs }, cursor))
  const isPiped = subscriber.piped !== undefined && found.slots.length > 0
  const view = subscriber.presence?.view
  const described = isPiped ? await describePipe(context, subscriber, factsOf()) : []
  const pipe = view === undefined ? described : viewPipes[view]
  const { path } = subscriber
  const range = { topic, pipe, path, from: found.from.offset, maxBytes: limits.pageBytes.value }
  return [{ type: 'synced', ...toRange(found) }, ...replayResults(context, range, shownSlots(view, found.slots))]
}

/**
 * The empty replay when the cursor is at the head: its slot is an anchor and no slot follows. Undefined for an ageing
 * head, which `replayFrom` extends.
 */
function upToDate(context: InvocationContext, cursor: Cursor, { at, after }: SyncState): Replay | undefined {
  const now = context.clock.now()
  if (after !== undefined || at === undefined || !isAnchor(at, now) || isAgeing(at, now)) return undefined
  return cursorOf(context, at).epoch === cursor.epoch ? { from: cursor, head: cursor, slots: [] } : undefined
}

function notLive(): TrunklineError {
  return new TrunklineError('CONNECTION_LOST', 'This subscription is not live on this connection. Subscribe again.', {
    mayHaveRun: false,
    retry: 'now',
  })
}
