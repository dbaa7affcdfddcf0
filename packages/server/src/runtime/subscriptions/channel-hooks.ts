import { type DataResult, defined, formatCursor, limits, type StartedResult, withDocs } from '@trunkline/protocol'
import { notServed } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceView } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { PolledSubscription } from '../../ports/subscriptions.ts'
import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { firstShard, rememberShards } from '../context/shard-hints.ts'
import { sizeOf } from '../encoding/encode.ts'
import { partitionsValue, replayResults } from '../encoding/result-frames.ts'
import { countToRead } from '../log/partition-count.ts'
import { toRange } from '../log/replay.ts'
import { deleteConnection } from '../posting/post.ts'
import { presenceHooks } from '../presence/join.ts'
import { shownSlots } from '../presence/rows/views.ts'
import { boundAnswer } from '../recipients/current-rows.ts'
import { pipedOf } from '../recipients/recheck.ts'
import { newLock } from '../stock-clients/subscription-lock.ts'
import { checkStoredBytes, type StoredContext, toStoredContext } from './stored-context.ts'
import { type SubscribeRight, subscribeRight } from './subscribe-right.ts'
import type { Subscribing, SubscriptionHooks, SubscriptionStart } from './subscription-hooks.ts'

/** The steps of a subscribe to a channel: a log, an ephemeral channel, or a presence, whose session also joins. */
export function channelHooks(
  context: InvocationContext,
  { client, request }: Subscribing,
  descriptor: SubscriptionDescriptor,
): SubscriptionHooks {
  const { caller, expires } = client
  const { topic, channel, presence, load, pipe } = descriptor
  if (context.channelOf(channel.name) !== channel)
    throw new Error(withDocs('lines', `Channel ${channel.name} ${notServed}. Pass the line that declares it.`))
  const { connectionId, extensions } = caller
  const isPolled = caller.via === 'http'
  const attempt = { connectionId, id: JSON.stringify(request.id), ref: request.ref, topic }
  const joining = presence && presenceHooks(context, { caller, descriptor, attempt, presence })
  const right = subscribeRight(context, descriptor, { caller, attempt })
  const stored = toStoredContext(context.server, { caller, rawInput: request.rawInput }, descriptor)
  const shard = isPolled ? 0 : firstShard(context.shardHints, topic, connectionId)
  const isOrdered = !extensions && channel.retentionMs !== undefined
  const part = partOf(descriptor)
  const loadState = joining?.loadState ?? (load && loadWith(context, load))
  return {
    isCounted: true,
    async beforeClaim() {
      await right.beforeClaim()
      if (!isPolled) await checkStoredBytes(context, { ...attempt, shard }, stored)
      await joining?.beforeClaim()
    },
    claim: () => {
      const holdsClaims = stored.piped && !isPolled && ({ claims: true } as const)
      const polled = isPolled ? { polled: toPolled({ path: request.path, part }, stored, presence?.view) } : {}
      const claim = { ...attempt, ...joining?.claim, ...holdsClaims, ...polled, shard, expires }
      return context.store.claimSubscription(claim)
    },
    async registered(claimed) {
      const row: Subscriber = {
        ...{ ...attempt, shard: claimed, on: true, path: request.path, extensions, expires },
        ...{ ...defined({ authExp: caller.authExp, part }), ...stored, ...joining?.row },
        // [LAW-STOCK-ORDER]: no other function posts before `started`. [TL-CHAIN-1]
        ...(isOrdered && { lock: newLock(context) }),
      }
      if (!isPolled) {
        if ((await context.store.putSubscriber(row)) !== 'put') return undefined
        await checkStoredBytes(context, row, stored)
      }
      const isOpen = () => (isPolled ? isPolledOpen : isStillOpen)(context, row, right)
      const isLive = joining === undefined ? isOpen() : joining.registered(row, isOpen)
      const end = async (thrown: unknown) => {
        if (right.isGuarded) await joining?.ended(thrown)
        throw thrown
      }
      return (await isLive.catch(end)) ? row : undefined
    },
    resumed: async () => joining?.resumed(request.lastEventId),
    ...(loadState && { loadState }),
    ended: async (thrown) => joining?.ended(thrown),
    async started(row, { found, snapshot }) {
      if (!(await right.stillHolds(row))) return []
      const started = extensions
        ? startedResult(request.ref, { found, snapshot }, joining?.keepaliveMs ?? streamKeepaliveOf(channel))
        : { type: 'started' as const }
      const slots = shownSlots(presence?.view, found?.slots ?? [])
      const maxBytes = limits.pageBytes.value - (snapshot === undefined ? 0 : sizeOf(snapshot))
      const range = { topic, pipe, path: request.path, from: found?.from.offset ?? 0, maxBytes, skip: found?.skip }
      const events = found === undefined ? [] : replayResults(context, range, slots)
      const partitions = extensions ? await partitionsResult(context, descriptor, { found, snapshot }) : []
      const results = [...partitions, started, ...(snapshot === undefined ? [] : [snapshot]), ...events]
      const frames = results.map((result) => ({ id: request.id, result }))
      return right.isGuarded ? boundAnswer(frames) : frames
    },
  }
}

/** What the rows hold of a partition: its number, and how many partitions the client merges if it does. */
function partOf({ partition, partitions }: SubscriptionDescriptor): string | undefined {
  if (partition !== undefined) return `${partition.index}/${partition.count}`
  return partitions?.only === undefined ? undefined : `${partitions.only}`
}

/**
 * How many partitions the channel has, where this one begins, and whether the state follows: a value without an id, before `started`. The number is
 * read after the rows are put, so that a partition which is added later gets its first event after this.
 */
// [TL-PART-6] [LAW-PARTITIONS]
async function partitionsResult(
  context: InvocationContext,
  { channel, partition }: SubscriptionDescriptor,
  { found, snapshot }: SubscriptionStart,
): Promise<readonly DataResult[]> {
  if (partition === undefined || found === undefined) return []
  const { index, count } = partition
  const { partitions } = index === 0 ? await countToRead(context, channel) : { partitions: count }
  const said = { count: Math.max(count, partitions), at: formatCursor(found.from) }
  return [partitionsValue(context.server, { ...said, ...(snapshot && { state: true }) })]
}

/** Loads the state of `startWith` within the deadline. */
function loadWith(
  { deadline }: InvocationContext,
  load: NonNullable<SubscriptionDescriptor['load']>,
): NonNullable<SubscriptionHooks['loadState']> {
  return async (at) => ({ at, state: await withinDeadline(deadline, Promise.resolve(load())) })
}

/**
 * How often a client asks for the head of a stream, at most: a reader that hears nothing for a minute asks, and whoever
 * asks finds out that the producer was lost. A client spreads its keepalive by 20 %.
 */
const streamKeepaliveMs = 50_000

// [TL-STREAM-7]
function streamKeepaliveOf({ stream }: SubscriptionDescriptor['channel']): number | undefined {
  return stream && streamKeepaliveMs
}

// [TL-SUB-1] [TL-EPH-1] [TL-PRES-5]
export function startedResult(
  ref: number,
  { found, snapshot }: SubscriptionStart,
  keepaliveMs: number | undefined,
): StartedResult {
  const covered = found && toRange(found)
  return { type: 'started', ref, ...covered, ...(snapshot && { snapshot: true }), ...defined({ keepaliveMs }) }
}

/** What a poll needs of a subscription. The row of its topic would hold it over a socket. [TL-HTTP-8] */
function toPolled(
  { path, part }: Pick<Subscriber, 'path'> & { readonly part: string | undefined },
  stored: StoredContext,
  view: PresenceView | undefined,
): PolledSubscription {
  return { path, ...defined({ input: stored.input, view, part }), ...(pipedOf(stored) && { piped: true }) }
}

/** S3 over HTTP: the connection is still open. It has no row to delete, and a poll reads the claims anew. */
async function isPolledOpen(context: InvocationContext, row: Subscriber, right: SubscribeRight): Promise<boolean> {
  const readAt = context.clock.now()
  const connection = await context.store.readConnection(row.connectionId)
  if (connection?.state !== 'OPEN' || connection.expires * 1_000 <= context.clock.now()) return false
  await right.confirm(row, connection, readAt)
  return true
}

/**
 * S3. Deletes the row of a connection that was closed meanwhile. Disconnects a connection without a row, as after a
 * restore of the table: its client would ask in vain while the socket is open. Writes the connection's claims into a
 * row that holds older ones; the row's expiry is a lower bound and stays [LAW-SERVER-IDENTITY]. Throws when those
 * claims no longer let the caller get the topic.
 */
async function isStillOpen(context: InvocationContext, row: Subscriber, right: SubscribeRight): Promise<boolean> {
  const readAt = context.clock.now()
  const { connection, shards = 1 } = await context.store.readConnectionAndShards(row.connectionId, row.topic)
  rememberShards(context.shardHints, row.topic, shards) // for the next row; this one keeps its shard
  if (connection?.state !== 'OPEN' || connection.expires * 1_000 <= context.clock.now()) {
    await context.store.deleteSubscriber(row)
    if (connection === undefined) await deleteConnection(context, row.connectionId) // [TL-SUB-16]
    return false
  }
  await right.confirm(row, connection, readAt)
  const { claims, renewedAt } = connection
  if (row.piped !== undefined && renewedAt !== undefined && claims !== undefined && claims !== row.piped.claims)
    await context.store.setSubscriberClaims({ ...row, claims, renewedAt })
  return true
}
