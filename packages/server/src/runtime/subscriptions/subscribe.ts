import { TRPCError } from '@trpc/server'
import { type FrameId, limits, parseCursor, type SnapshotResult } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { Client } from '../calls/worker-job.ts'
import { type Caller, toFacts } from '../context/caller.ts'
import { type MessageCounts, surelyFailed, tooManySubscriptions } from '../context/connection-counts.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { gapError, markEntered, TrunklineError, topicChanged } from '../context/trunkline-error.ts'
import { type Frame, sizeOf } from '../encoding/encode.ts'
import { resultBytes, snapshotResult } from '../encoding/result-frames.ts'
import { placePartition, replayFromStart } from '../log/place-partition.ts'
import { type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { leaveSubscription } from '../presence/session.ts'
import { describeSubscription } from '../procedures/run-procedure.ts'
import { replayStream, toChunkCursor } from '../streams/replay-stream.ts'
import { answerClosedStream } from './answer-closed-stream.ts'
import { channelHooks } from './channel-hooks.ts'
import { generatorHooks, warnOfGenerator } from './generator-hooks.ts'
import { checkHasLog, refuseGenerator } from './needs-socket.ts'
import { orderedHooks } from './stock-client-hooks.ts'
import type {
  Claim,
  SubscribeRequest,
  Subscribing,
  SubscriptionHooks,
  SubscriptionStart,
} from './subscription-hooks.ts'

/**
 * Makes a subscription live and returns the frames that answer it. Returns none when a newer attempt or a stop has
 * overtaken it, and none for subscriptions that are answered by posts: a generator, and a stock client's on a log.
 * [LAW-REGISTER-THEN-READ]: its rows are committed before the log is read. [LAW-CONNECTION-ROW]: the connection's own
 * row decides. Throws what the procedure throws.
 */
export async function subscribe(
  context: InvocationContext,
  { counts, ...client }: Client & { readonly counts: MessageCounts },
  request: SubscribeRequest,
): Promise<readonly Frame[]> {
  const { caller, params } = client
  const facts = toFacts(caller, 'frame', { connectionParams: params })
  if (caller.via !== undefined) await refuseGenerator(context, request.path)
  const run = { ...request, facts, signal: (context.running ?? context.deadline).signal }
  const described = await context.enter(context, () => describeSubscription(context.server, run))
  const found = described.status === 'channel' ? described.descriptor : undefined
  const descriptor = found && (await placePartition(context, { caller, request }, found))
  if (caller.via !== undefined) checkHasLog(request.path, descriptor)
  try {
    if (described.status === 'generator' && !described.recognised) warnOfGenerator(context, request.path)
    const closed = descriptor && (await answerClosedStream(context, { client, request }, descriptor))
    if (closed !== undefined) return closed
    const hooks = hooksOf(context, { client, request }, descriptor)
    return await start(context, { ...{ caller, request, descriptor, hooks, counts }, expires: client.expires })
  } catch (thrown) {
    throw markEntered(toTRPCError(thrown))
  }
}

/** The steps for the kind of a subscription. `descriptor` is undefined for a generator. */
function hooksOf(
  context: InvocationContext,
  subscribing: Subscribing,
  descriptor: SubscriptionDescriptor | undefined,
): SubscriptionHooks {
  if (descriptor === undefined) return generatorHooks(context, subscribing)
  const hooks = channelHooks(context, subscribing, descriptor)
  const { client, request } = subscribing
  const { connectionId, extensions } = client.caller
  if (extensions || descriptor.channel.retentionMs === undefined) return hooks
  const { topic, pipe } = descriptor
  return orderedHooks(context, { topic, connectionId, id: JSON.stringify(request.id), ref: request.ref, pipe }, hooks)
}

/** One attempt to subscribe. `descriptor` is undefined for a generator. */
interface Attempt {
  readonly caller: Caller
  readonly request: SubscribeRequest
  readonly descriptor: SubscriptionDescriptor | undefined
  readonly hooks: SubscriptionHooks
  readonly counts: MessageCounts
  /** When the rows of the connection expire, in epoch seconds. */
  readonly expires: number
}

/** The steps of a subscribe, which are the same for all kinds of subscriptions. */
async function start(context: InvocationContext, attempt: Attempt): Promise<readonly Frame[]> {
  const { caller, request, hooks } = attempt
  await hooks.beforeClaim()
  // S1: the connection's own row
  const claim = await claimCounted(context, attempt)
  if (claim.status === 'refused') return refuseClaim(context, attempt, claim.row)
  if (claim.repeated === true && !caller.extensions) throw duplicate(request.id)
  try {
    return await register(context, attempt, claim.shard)
  } catch (thrown) {
    // The error ends the subscription at the client, so its rows are stopped too. [TL-ERR-4]
    if (hooks.isCounted) await stopRows(context, attempt, claim.shard).catch(() => {})
    throw thrown
  }
}

/**
 * S1 with a place among the live subscriptions of the connection. The place is taken first, so that a refused subscribe
 * writes no row, and given back when the row was live before: it is counted already. [TL-SUB-17]
 */
async function claimCounted(context: InvocationContext, attempt: Attempt): Promise<Claim> {
  const { caller, request, hooks, counts } = attempt
  if (!hooks.isCounted) return hooks.claim()
  const { subscriptions } = counts
  const hasPlace = await subscriptions.take()
  if (!hasPlace) {
    const existing = await context.store.readSubscription(caller.connectionId, JSON.stringify(request.id))
    if (existing?.on !== true || existing.topic === undefined) throw tooManySubscriptions(context)
  }
  let claim: Claim
  const isTooLate = context.deadline.isPassed
  try {
    claim = await hooks.claim()
  } catch (thrown) {
    if (hasPlace && (isTooLate || surelyFailed(thrown))) subscriptions.give()
    throw thrown
  }
  const isNew = claim.status === 'claimed' && !claim.wasLive
  if (hasPlace && !isNew) subscriptions.give()
  if (hasPlace || !isNew || (await subscriptions.take())) return claim
  // It was stopped after it was read. The place that this stop gives belongs to a row that never had one.
  await context.store.stopSubscription({ ...idOf(attempt), expires: attempt.expires })
  throw tooManySubscriptions(context)
}

/** The steps after the claim. */
async function register(context: InvocationContext, attempt: Attempt, shard: number): Promise<readonly Frame[]> {
  const { request, descriptor, hooks } = attempt
  // S2: the topic's row; S3: the connection is still open, and with the authority that was written
  const row = await hooks.registered(shard)
  if (row === undefined) return []
  // S4: the log, read only after S2, so that every later event is read or pushed [TL-SUB-2]
  let loaded: SubscriptionStart
  try {
    await hooks.resumed()
    const found = await replay(context, request, descriptor)
    loaded = await loadState(context, attempt, found)
  } catch (thrown) {
    await hooks.ended(thrown)
    throw thrown
  }
  return hooks.started(row, loaded)
}

/**
 * Ends the attempt of a subscription, and frees its place. Its topic's row stays, so that a late write of an earlier
 * attempt finds a newer one.
 */
async function stopRows(
  context: InvocationContext,
  attempt: Attempt,
  shard: number | undefined,
  topic = attempt.descriptor?.topic,
): Promise<void> {
  const row = { ...idOf(attempt), expires: attempt.expires }
  // A polled subscription has no row under its topic. [TL-HTTP-8]
  if (topic !== undefined && shard !== undefined && attempt.caller.via === undefined)
    await context.store.stopSubscriber({ ...row, topic, shard })
  const stop = await context.store.stopSubscription(row)
  if (stop.status === 'stopped' && stop.wasLive) attempt.counts.subscriptions.give()
}

function idOf({ caller, request }: Attempt): Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref'> {
  return { connectionId: caller.connectionId, id: JSON.stringify(request.id), ref: request.ref }
}

/** Reads the log from the position of the subscription; undefined for an ephemeral channel, which has no log. */
async function replay(
  context: InvocationContext,
  request: SubscribeRequest,
  descriptor: SubscriptionDescriptor | undefined,
): Promise<Replay | undefined> {
  if (descriptor?.channel.retentionMs === undefined) return undefined
  const { topic, channel } = descriptor
  const log = { topic, retentionMs: descriptor.channel.retentionMs }
  const lastEventId = request.lastEventId ?? descriptor.lastEventId
  if (channel.stream !== undefined)
    return replayStream(context, { ...log, rules: channel.stream }, toChunkCursor(lastEventId))
  if (lastEventId === undefined && descriptor.partition?.at === 'start')
    return replayFromStart(context, log, descriptor)
  if (lastEventId === undefined)
    return replayNewest(context, log, descriptor.load === undefined ? descriptor.replay : 0)
  const cursor = parseCursor(lastEventId)
  if (cursor !== undefined) return replayFrom(context, log, cursor)
  return { ...(await replayNewest(context, log, 0)), gap: 'new-epoch' } // [TL-SUB-4] not a cursor
}

/**
 * Loads the state that a subscription begins with after its position was determined [LAW-STARTED-IS-LIVE], so that
 * every event after the state follows it. A resume without a gap needs no state. Throws GAP for a stock client whose
 * events are lost, since it does not know `gap`.
 */
// [TL-SNAP-1] [TL-SNAP-2] [TL-SNAP-3] [TL-STOCK-6]
async function loadState(
  context: InvocationContext,
  { caller, request, descriptor, hooks }: Attempt,
  found: Replay | undefined,
): Promise<SubscriptionStart> {
  const isResumed = (request.lastEventId ?? descriptor?.lastEventId) !== undefined && found?.gap === undefined
  if (found !== undefined && !isResumed && hooks.loadState !== undefined) {
    const { at, state } = await hooks.loadState(found)
    return { found: at, snapshot: toSnapshot(context, caller, snapshotResult(context.server, at.from, state)) }
  }
  if (found?.gap !== undefined && !caller.extensions) throw gapError(found.gap)
  return { found, snapshot: undefined }
}

/** Throws TOO_LARGE for a state that cannot be sent to this client. */
function toSnapshot(context: InvocationContext, { extensions }: Caller, result: SnapshotResult) {
  const bytes = sizeOf(result)
  const most = resultBytes(extensions ? context.server : { maxMessageBytes: limits.messageBytes.value })
  if (bytes <= most) return result
  throw new TrunklineError(
    'TOO_LARGE',
    `The state that startWith loads has ${bytes} bytes; at most ${most} can be sent to this client. ` +
      'Load less: read(key, { maxBytes }) returns a page and the cursor of the rest.',
    { mayHaveRun: true },
  )
}

/** Differs from every topic's name: that of a generator. */
const noTopic = ''

/**
 * The response to a subscribe whose claim lost to the existing row: none when the subscribe is out of date, `stopped`
 * to a stock client. Throws `Duplicate id` for a stock client's second subscription under a live id, and TOPIC_CHANGED.
 */
// [TL-SUB-13] [TL-SUB-14] [TL-STOCK-2] [TL-STOCK-7]
async function refuseClaim(
  context: InvocationContext,
  attempt: Attempt,
  existing: ConnectionSubscription,
): Promise<readonly Frame[]> {
  const { caller, request, descriptor } = attempt
  const { id, ref, path } = request
  if (!caller.extensions && existing.on) throw duplicate(id)
  // Without an answer it would wait forever.
  if (!caller.extensions) return [{ id, result: { type: 'stopped' } }]
  const { topic, shard, seat } = existing
  if (topic === undefined || topic === (descriptor?.topic ?? noTopic) || existing.ref >= ref) return []
  // The error ends the subscription at the client, so its rows are stopped too.
  await stopRows(context, attempt, shard, topic)
  await leaveSubscription(context, { topic, ref, seat })
  throw topicChanged(path)
}

/** tRPC's error for a second subscription under a live id. */
function duplicate(id: FrameId): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: `Duplicate id ${id}` })
}
