import { type Cursor, defined, limits, parseCursor, type SyncFrame } from '@trunkline/protocol'
import { channelOfTopic } from '../../define/topic.ts'
import type { PresenceSessionKey, PresenceView } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionSubscription, PolledSubscription, SyncQuestion, SyncState } from '../../ports/subscriptions.ts'
import type { Client } from '../calls/worker-job.ts'
import { type ConnectionCaller, type ContextDetails, toFacts } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { encode, type Frame, type Result } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { isStreamTopic, partitionsValue, replayResults } from '../encoding/result-frames.ts'
import { countToSync } from '../log/partition-count.ts'
import { type Replay, toRange } from '../log/replay.ts'
import { cursorOf, isAgeing, isAnchor } from '../log/retention.ts'
import { keepPresence } from '../presence/renew-lease.ts'
import { shownSlots, viewPipes } from '../presence/rows/views.ts'
import { checkAnonymous } from '../procedures/check-anonymous.ts'
import { outgrown } from '../procedures/partitioned-subscription.ts'
import { describePipe } from '../procedures/read-pipe-steps.ts'
import { boundAnswer } from '../recipients/current-rows.ts'
import { stopRows } from '../recipients/end-subscriber.ts'
import { pipedOf } from '../recipients/recheck.ts'
import { replayTopic } from '../streams/replay-stream.ts'
import { lapseMs } from '../streams/state.ts'
import type { MessageSyncs } from './message-syncs.ts'
import { type Poll, toPoll } from './poll.ts'

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
  /** Over HTTP: what the topic's row would hold. */
  readonly polled: PolledSubscription | undefined
  readonly row: ConnectionSubscription & { readonly topic: string }
}

/**
 * Answers each subscription with what its log has after its cursor: a `synced` frame and its events; the sync's own
 * result comes last. All frames fit one message [LAW-SYNC-HEADS]. One query of the connection's rows and strongly
 * consistent batch reads show which topics have new events; only their logs are read. A subscription that is not live
 * is answered with CONNECTION_LOST. One for which the syncs of the message have no room is left out.
 */
// [TL-SYNC-1] [TL-SYNC-2]
export async function sync(
  syncs: MessageSyncs,
  client: Pick<Client, 'caller' | 'params'>,
  { id, params }: SyncFrame,
): Promise<readonly Frame[]> {
  const { connectionId, via } = client.caller
  const rows = await syncs.readRows(connectionId)
  const found = params.subscriptions.map((entry) => toLive(entry, rows.get(JSON.stringify(entry.id))))
  const live = found.filter((each) => each !== undefined)
  const kept = await renewSessions(syncs, { connectionId, ...defined({ via }) }, live)
  const poll = via === undefined ? undefined : toPoll(params.poll, syncs.outer.clock.now())
  const present = live.filter((each) => presentOf(kept, each) !== undefined)
  const stateOf = stateReader(syncs, { connectionId, needs: needsOf(via, poll) }, present)

  const answered: (readonly [id: string, frames: readonly Frame[]])[] = []
  let bytes = 0
  for (const [index, entry] of params.subscriptions.entries()) {
    const present = presentOf(kept, found[index])
    const state = present && (await stateOf(present))
    if (present !== undefined && state === undefined) {
      poll?.leaveOut(entry.id)
      continue // [TL-SYNC-8]
    }
    if (present !== undefined && state !== undefined && isQuiet(syncs, present, { state, poll }))
      if (poll?.verifies !== true || !(await hasGrown(syncs, present))) continue
    const maxBytes = limits.pageBytes.value - bytes - rangeBytes
    const answers = maxBytes <= 0 ? [] : await answerEntry(syncs, client, { entry, live: present, state, maxBytes })
    const size = answers.reduce((sum, answer) => sum + Buffer.byteLength(encode(answer)) + 1, 0)
    if (maxBytes <= 0 || (bytes > 0 && bytes + size > limits.pageBytes.value)) {
      for (const { id: left } of params.subscriptions.slice(index)) poll?.leaveOut(left)
      break // [TL-SYNC-3] the client syncs the rest again
    }
    if (answers.length === 0) poll?.leaveOut(entry.id)
    bytes += size
    answered.push([JSON.stringify(entry.id), answers])
  }
  const ended = await syncs.rights.endedSince(syncs.rowsReadAt, rows)
  const frames = answered.flatMap(([own, answers]) => (ended.has(own) ? [] : answers))
  const data = poll?.result({ hasNews: frames.length > 0, units: syncs.units + connectionUnits })
  const answer: readonly Frame[] = [...frames, { id, result: { type: 'data', ...defined({ data }) } }]
  return syncs.rights.hasPassed ? boundAnswer(answer) : answer
}

const connectionUnits = 1 // the request has read the row of the connection

/** What a sync reads of each subscription: over HTTP the topic has no row, and a poll rarely reads the position. */
function needsOf(via: ConnectionCaller['via'], poll: Poll | undefined): NonNullable<SyncQuestion['needs']> {
  if (via === undefined) return 'all'
  return poll === undefined || poll.verifies ? 'slots' : 'after'
}

/** Whether a poll has no news of a subscription: no slot follows, and a position that is verified is the head. */
function isQuiet(
  { context }: MessageSyncs,
  { topic, cursor }: LiveEntry,
  { state, poll }: { readonly state: SyncState; readonly poll: Poll | undefined },
): boolean {
  if (poll === undefined || state.after !== undefined) return false
  if (!poll.verifies) return true
  return (
    upToDate(context, cursor, state) !== undefined && !(isStreamTopic(context, topic) && mayHaveEnded(context, state))
  )
}

const rangeBytes = 1_024 // `synced` or an error at the start of an entry's frames, and `advance` at their end

/** Subscriptions whose states are read first; later groups are each twice as large, up to a hundred. */
const firstGroup = 16
const mostInGroup = 100

/**
 * Reads the states of subscriptions in groups, each when its first one is needed, so that nothing is read for those that
 * do not fit. Undefined when the syncs of the message may read no more.
 */
function stateReader(
  syncs: MessageSyncs,
  asked: Pick<SyncQuestion, 'connectionId' | 'needs'>,
  live: readonly LiveEntry[],
) {
  const states = new Map<LiveEntry, SyncState>()
  let size = firstGroup
  return async (wanted: LiveEntry): Promise<SyncState | undefined> => {
    if (!states.has(wanted)) {
      const group = live.slice(states.size).slice(0, syncs.roomFor(size))
      if (group.length === 0) return undefined
      const read = await syncs.context.store.readSyncStates(
        group.map(({ topic, shard, id, cursor }) => ({ ...asked, topic, shard, id, offset: cursor.offset })),
      )
      for (const [index, each] of group.entries()) states.set(each, read[index] ?? {})
      size = Math.min(2 * size, mostInGroup)
    }
    return states.get(wanted)
  }
}

/**
 * Renews presence before the logs are read, so that the reads see the leaves which this appends. [TL-PRES-5]
 * [TL-PRES-6]
 */
async function renewSessions(
  syncs: MessageSyncs,
  connection: Pick<ConnectionCaller, 'connectionId' | 'via'>,
  live: readonly LiveEntry[],
) {
  const kept = live.map(async (each): Promise<readonly [LiveEntry, unknown]> => {
    const { topic, seat, entry, polled } = each
    if (polled?.view !== undefined) syncs.addUnits(seat === undefined ? 1 : 2) // the sweep, and the member
    const row = { ...connection, topic, ref: entry.ref, seat }
    return [each, await keepPresence(syncs.outer, row).catch((thrown) => thrown)]
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
  /** What the message of the answer has room for. */
  readonly maxBytes: number
}

/** No frames for a subscription whose log may not be read any more. */
async function answerEntry(
  syncs: MessageSyncs,
  { caller, params }: Pick<Client, 'caller' | 'params'>,
  { entry, live, state = {}, maxBytes }: SyncedEntry,
): Promise<readonly Frame[]> {
  try {
    if (live === undefined) throw notLive()
    const followed = followedBy(live, state)
    if (followed !== undefined) await checkAnonymous(syncs.context, caller, followed.path)
    await syncs.rights.check(caller, live.row)
    await endOutgrown(syncs, live, followed)
    const factsOf = () => toFacts(caller, 'frame', { connectionParams: params })
    const results = await syncLive(syncs, live, { state, followed, maxBytes, factsOf })
    return results.map((result) => ({ id: entry.id, result }))
  } catch (thrown) {
    return [rejectRequest(syncs.context, { id: entry.id, type: 'subscription', cause: 'frame' }, thrown)]
  }
}

/** Undefined unless the connection's row, which decides, says that the subscription is live [LAW-CONNECTION-ROW]. */
function toLive(entry: SyncEntry, row: ConnectionSubscription | undefined): LiveEntry | undefined {
  const cursor = parseCursor(entry.from)
  if (cursor === undefined || row?.on !== true || row.ref !== entry.ref) return undefined
  const { topic, shard, id, seat, polled } = row
  if (topic === undefined || shard === undefined) return undefined
  return { entry, id, topic, shard, cursor, seat, polled, row: { ...row, topic } }
}

/** What a live subscription follows, as its topic's row says, or over HTTP the connection's own. */
interface Followed extends Pick<Subscriber, 'topic' | 'path' | 'part' | 'input'> {
  readonly isPiped: boolean
  readonly view: PresenceView | undefined
}

/**
 * Undefined if the topic's row is gone or of another attempt; the client's next subscribe repairs it. The row's expiry
 * does not matter, since the sender's authority holds. Over HTTP the connection's row alone decides. [TL-HTTP-8]
 */
function followedBy({ entry, topic, polled }: LiveEntry, { subscriber }: SyncState): Followed | undefined {
  if (polled !== undefined) return { topic, ...polled, isPiped: polled.piped === true, view: polled.view }
  if (subscriber?.on !== true || subscriber.ref !== entry.ref) return undefined
  const { path, part, input, presence } = subscriber
  return { topic, path, ...defined({ part, input }), isPiped: pipedOf(subscriber) !== undefined, view: presence?.view }
}

interface SyncedState {
  readonly state: SyncState
  readonly followed: Followed | undefined
  readonly maxBytes: number
  readonly factsOf: () => ContextDetails
}

async function syncLive(
  syncs: MessageSyncs,
  { id, topic, cursor }: LiveEntry,
  { state, followed, maxBytes, factsOf }: SyncedState,
): Promise<readonly Result[]> {
  const { context } = syncs
  const retentionMs = context.retentionOf(channelOfTopic(topic))
  if (followed === undefined || retentionMs === undefined) throw notLive()
  const isStream = isStreamTopic(context, topic)
  const current = isStream && mayHaveEnded(context, state) ? undefined : upToDate(context, cursor, state)
  if (current === undefined && !syncs.beginLog()) return [] // [TL-SYNC-8]
  const found = current ?? (await replayTopic(context, { topic, retentionMs }, cursor))
  const { path, view } = followed
  const isPiped = followed.isPiped && found.slots.length > 0
  const described = isPiped ? await describePipe(context, followed, factsOf()) : []
  const pipe = view === undefined ? described : viewPipes[view]
  const envelope = '{"id":,"result":},'.length + Buffer.byteLength(id)
  const range = { topic, pipe, path, from: found.from.offset, maxBytes, envelope }
  return [
    { type: 'synced', ...toRange(found) },
    ...(await addedPartitions(context, followed)),
    ...replayResults(context, range, shownSlots(view, found.slots)),
  ]
}

/**
 * Ends a subscription that follows the whole topic by one log, once its channel has partitions. Throws the error. A
 * version that declares one partition publishes to as many as were ever declared, so it reads the number.
 */
// [TL-PART-7]
async function endOutgrown({ context }: MessageSyncs, { row }: LiveEntry, followed: Followed | undefined) {
  if (followed === undefined) return
  const channel = followed.part === undefined ? context.channelOf(channelOfTopic(followed.topic)) : undefined
  const count = channel?.partitions?.count === 1 ? await countToSync(context, channel) : undefined
  const error = outgrown(context, followed, count)
  if (error === undefined) return
  await stopRows(context, row)
  throw error
}

/** Says that partitions were added, to a client that merges fewer. */
// [TL-PART-6]
async function addedPartitions(context: InvocationContext, { topic, part }: Followed): Promise<readonly Result[]> {
  const merged = mergedIn(part)
  const channel = merged === undefined ? undefined : context.channelOf(channelOfTopic(topic))
  if (channel === undefined) return []
  const count = await countToSync(context, channel)
  return count <= (merged ?? 0) ? [] : [partitionsValue(context.server, { count })]
}

/** How many partitions a client merges, by the row of partition 0. */
function mergedIn(part: string | undefined): number | undefined {
  const [, merged] = /^0\/(\d+)$/.exec(part ?? '') ?? []
  return merged === undefined ? undefined : Number(merged)
}

/** Whether partitions were added that a client over HTTP does not know. Its poll then has news. */
// [TL-PART-6] [TL-PART-7]
async function hasGrown({ context }: MessageSyncs, { topic, polled }: LiveEntry): Promise<boolean> {
  const channel = context.channelOf(channelOfTopic(topic))
  const known = polled?.part === undefined && channel?.partitions !== undefined ? 1 : mergedIn(polled?.part)
  return channel !== undefined && known !== undefined && (await countToSync(context, channel)) > known
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

/** Whether the producer of a stream at this slot may have been lost: then the stream is read, which settles it. */
// [LAW-STREAM-SETTLE]
function mayHaveEnded({ clock }: InvocationContext, { at }: SyncState): boolean {
  return at !== undefined && clock.now() - at.time > lapseMs
}

function notLive(): TrunklineError {
  return new TrunklineError('CONNECTION_LOST', 'This subscription is not live on this connection. Subscribe again.', {
    mayHaveRun: false,
    retry: 'now',
  })
}
