import { limits, parseCursor } from '@trunkline/protocol'
import { notServed } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { Client } from '../calls/worker-job.ts'
import { carryAuthority } from '../connections/renew-auth.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { toFacts } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { firstShard, rememberShards } from '../context/shard-hints.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { resultBytes, snapshotResult } from '../encoding/result-frames.ts'
import { type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { deleteConnection } from '../posting/post.ts'
import { describeSubscription } from '../procedures/run-procedure.ts'
import { newLock } from '../stock-clients/subscription-lock.ts'
import { duplicate, refuseClaim } from './refuse-subscribe.ts'
import { startGenerator, warnOfGenerator } from './start-generator.ts'
import { startedFrames } from './started-frames.ts'
import { checkStoredBytes, toStoredContext } from './stored-context.ts'
import type { SubscribeRequest } from './subscribe-request.ts'
import { beginStock } from './subscribe-stock-client.ts'
import { hooksOf, type SubscriptionHooks } from './subscription-hooks.ts'

/**
 * Makes a subscription live and gives the frames that answer it, as texts; none when a newer attempt or a stop has overtaken it, and none to a stock client's on a log, which is posted its own.
 * [LAW-REGISTER-THEN-READ]: its rows are committed before the log is read. [LAW-CONNECTION-ROW]: the connection's own row decides. Throws what the procedure throws.
 */
export async function subscribe(
  scope: InvocationContext,
  subscribing: Client,
  request: SubscribeRequest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { caller, params } = subscribing
  const described = await describeSubscription(scope.server, {
    ...request,
    facts: toFacts(caller, 'frame', params),
    signal,
  })
  try {
    if (described.status === 'channel') return await register(scope, subscribing, request, described.descriptor)
    if (!described.recognised) warnOfGenerator(scope, request.path)
    return await startGenerator(scope, subscribing, request)
  } catch (thrown) {
    throw markEntered(toTRPCError(thrown))
  }
}

/** Commits the rows of a described subscription, then reads its log. */
async function register(
  scope: InvocationContext,
  { caller, params, expires }: Client,
  request: SubscribeRequest,
  descriptor: SubscriptionDescriptor,
): Promise<readonly string[]> {
  const { topic, channel } = descriptor
  if (scope.channelOf(channel.name) !== channel) throw foreignChannel(channel.name)
  const id = JSON.stringify(request.id)
  const attempt = { connectionId: caller.connectionId, id, ref: request.ref, topic }
  const hooks = hooksOf(scope, { caller, descriptor, attempt })
  const stored = toStoredContext(scope.server, { caller, params, rawInput: request.rawInput }, descriptor)
  const shard = firstShard(scope.shardHints, topic, caller.connectionId)
  await checkStoredBytes(scope, { ...attempt, shard }, stored)
  await hooks.beforeClaim()
  // S1: the connection's own row
  const claim = await scope.store.claimSubscription({ ...attempt, ...hooks.claim, shard, expires })
  if (claim.status === 'refused') return refuseClaim(scope, caller, { ...request, topic }, claim.row)
  if (claim.repeated && !caller.extensions) throw duplicate(request.id)
  const isOrdered = !caller.extensions && channel.retentionMs !== undefined
  const row: Subscriber = {
    ...toSubscriber(caller, request, descriptor),
    ...stored,
    ...hooks.row,
    connectionId: caller.connectionId,
    id,
    shard: claim.shard,
    expires,
    ...(isOrdered ? { lock: newLock(scope) } : {}), // [LAW-STOCK-ORDER]: no other function posts before `started` [TL-CHAIN-1]
  }
  // S2: the topic's row; S3: the connection is still open, and with the authority that was written
  const commit = async () => {
    if ((await scope.store.putSubscriber(row)) !== 'put') return false
    await checkStoredBytes(scope, row, stored).catch((thrown: unknown) => withdraw(scope, row, thrown))
    return hooks.registered(row, () => stillOpen(scope, row))
  }
  // S4: the log, read only after S2, so that every later event is read or pushed [TL-SUB-2]
  const load = async () => {
    try {
      await hooks.resumed(request.lastEventId)
      const found = await replay(scope, request, descriptor)
      return await begin(scope, { request, descriptor, hooks, extensions: caller.extensions }, found)
    } catch (thrown) {
      await hooks.failed(thrown)
      throw thrown
    }
  }
  if (isOrdered) return beginStock(scope, row, descriptor, { register: commit, load })
  if (!(await commit())) return []
  const { keepaliveMs } = hooks
  return startedFrames(scope, request, descriptor, {
    id,
    ...(await load()),
    extensions: caller.extensions,
    keepaliveMs,
  })
}

interface Beginning {
  readonly request: SubscribeRequest
  readonly descriptor: SubscriptionDescriptor
  readonly hooks: SubscriptionHooks
  readonly extensions: boolean
}

/**
 * The state that a subscription begins with, loaded after the position was taken [LAW-STARTED-IS-LIVE], so that every
 * event after the state follows it. A whole resume needs no state.
 */
// [TL-SNAP-1] [TL-SNAP-2] [TL-SNAP-3]
async function begin(
  scope: InvocationContext,
  { request, descriptor, hooks, extensions }: Beginning,
  found: Replay | undefined,
): Promise<Begun> {
  const isResumed = (request.lastEventId ?? descriptor.lastEventId) !== undefined && found?.gap === undefined
  if (found === undefined || isResumed || hooks.loadState === undefined) return { found, begun: undefined }
  const { at, state } = await hooks.loadState(found)
  const result = snapshotResult(scope.server, at.from, state)
  const bytes = Buffer.byteLength(result)
  const most = resultBytes(extensions ? scope.server : { maxMessageBytes: limits.messageBytes.value })
  if (bytes <= most) return { found: at, begun: result }
  throw new TrunklineError(
    'TOO_LARGE',
    `The state that startWith loads has ${bytes} bytes; at most ${most} can be sent to this client. ` +
      'Load less: read(key, { maxBytes }) returns a page and the cursor of the rest.',
    { mayHaveRun: true },
  )
}

interface Begun {
  readonly found: Replay | undefined
  /** The snapshot's result, as text. */
  readonly begun: string | undefined
}

/** No event would ever reach it: what publishes and delivers here belongs to another line. */
function foreignChannel(name: string): Error {
  return new Error(`Channel ${name} ${notServed}.`)
}

/** Takes the rows of a refused subscribe away: its answer ends the subscription at the client. */
async function withdraw(scope: InvocationContext, row: Subscriber, thrown: unknown): Promise<never> {
  await scope.store.stopSubscription(row)
  await scope.store.deleteSubscriber(row)
  throw thrown
}

function toSubscriber(
  caller: ConnectionCaller,
  request: SubscribeRequest,
  descriptor: SubscriptionDescriptor,
): Omit<Subscriber, 'connectionId' | 'id' | 'shard' | 'expires'> {
  return {
    topic: descriptor.topic,
    ref: request.ref,
    on: true,
    path: request.path,
    extensions: caller.extensions,
    ...(caller.authExp === undefined ? {} : { authExp: caller.authExp }),
  }
}

/** S3. A connection that closed meanwhile leaves no row. One without a row, as after a restore of the table, is disconnected: its client would ask in vain for as long as the socket lives. One whose authority was renewed meanwhile gets the new expiry. */
async function stillOpen(scope: InvocationContext, row: Subscriber): Promise<boolean> {
  const { connection, shards = 1 } = await scope.store.readConnectionAndShards(row.connectionId, row.topic)
  rememberShards(scope.shardHints, row.topic, shards) // this row stands; the process's next one is put by it
  if (connection?.state !== 'OPEN' || connection.expires * 1_000 <= scope.clock.now()) {
    await scope.store.deleteSubscriber(row)
    if (connection === undefined) await deleteConnection(scope, row.connectionId) // its row comes with another socket [TL-SUB-16]
    return false
  }
  if (connection.authExp !== row.authExp)
    await carryAuthority(scope, row.connectionId, connection.authExp, (authExp) =>
      scope.store.setSubscriberAuthExp({ ...row, authExp }),
    )
  return true
}

async function replay(
  scope: InvocationContext,
  request: SubscribeRequest,
  descriptor: SubscriptionDescriptor,
): Promise<Replay | undefined> {
  const { retentionMs } = descriptor.channel
  if (retentionMs === undefined) return undefined // ephemeral: there is no log
  const log = { topic: descriptor.topic, retentionMs }
  const lastEventId = request.lastEventId ?? descriptor.lastEventId
  if (lastEventId === undefined) return replayNewest(scope, log, descriptor.load === undefined ? descriptor.replay : 0)
  const cursor = parseCursor(lastEventId)
  if (cursor !== undefined) return replayFrom(scope, log, cursor)
  return { ...(await replayNewest(scope, log, 0)), gap: 'new-epoch' } // [TL-SUB-4] no cursor of ours
}
