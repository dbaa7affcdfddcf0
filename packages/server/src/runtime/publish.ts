import { defined, formatCursor, formatPartitionId } from '@trunkline/protocol'
import type { Published, PublishOptions } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import type { PartitionKey } from '../define/partitions.ts'
import { partitionOfTopic } from '../define/topic.ts'
import type { Slot } from '../ports/log.ts'
import { publishIdOf, rowNameOfPublish } from './calls/idempotency-key.ts'
import { canDeliver, type Keyed, type RuntimeContext } from './context/runtime-context.ts'
import { deliverEphemeral, deliverInline, inlineMs } from './delivery/deliver.ts'
import type { DeliverJob } from './delivery/deliver-job.ts'
import { append } from './log/append.ts'
import { appendOnce, type PublishKey } from './log/append-once.ts'
import { choosePartition } from './log/choose-partition.ts'
import { fingerprintOf } from './log/fingerprint.ts'
import type { LogRef } from './log/replay.ts'
import { cursorOf, expiresFor } from './log/retention.ts'
import { fitting, serialise, topicNameOf } from './log/validate-event.ts'
import { countPublished } from './rates/count-published.ts'

/** An event to publish, and the key of its topic. */
export interface Publication extends PartitionKey {
  readonly key: unknown
  readonly event: unknown
}

/**
 * Validates an event, appends it to its log and delivers it. Throws a `TRPCError` BAD_REQUEST for a key or an event
 * that does not match the channel, `TrunklineError` TOO_LARGE for an event larger than `limits.eventBytes` and
 * RATE_LIMITED for one of a call whose caller publishes too much.
 */
export function publish(
  context: RuntimeContext,
  channel: ChannelDefinition,
  publication: Publication & PublishOptions,
): Promise<Published> {
  return counted(context, channel, () => publishNow(context, channel, publication))
}

/** Runs a publish, which is in `context.publishing` until it settles. */
async function counted<T>(context: RuntimeContext, { name }: ChannelDefinition, run: () => Promise<T>): Promise<T> {
  const mark = { channel: name }
  context.publishing.add(mark)
  try {
    return await run()
  } finally {
    context.publishing.delete(mark)
  }
}

async function publishNow(
  context: RuntimeContext,
  channel: ChannelDefinition,
  { idempotencyKey, ...publication }: Publication & PublishOptions,
): Promise<Published> {
  const { data, retentionMs, ...placed } = await prepare(context, channel, publication)
  if (retentionMs === undefined)
    throw new TypeError(`Channel ${channel.name} is ephemeral and has no log. Use publishEphemeral.`)
  const publishKey = publishKeyOf(context, { topic: placed.topic, retentionMs }, idempotencyKey)
  const topic = await choosePartition(context, channel, placed, publishKey)
  const event = { retentionMs, data, schema: fingerprintOf(channel.event) }
  const inline = canDeliver(context) ? context : undefined
  const request = {
    topic,
    toEvent: () => ({ ...event, ...(inline && { inline: inline.clock.now() + inlineMs }) }), // [TL-ROW-5]
    deliver: inline && ((slots: readonly Slot[]) => deliverInline(inline, topic, slots)),
  }
  const { slot, delivered } = await (publishKey === undefined
    ? append(context, request)
    : appendOnce(context, request, publishKey))
  context.telemetry.measure('publishes', 1)
  await delivered
  return { id: formatPartitionId(partitionOfTopic(topic).index, formatCursor(cursorOf(context, slot))) }
}

/**
 * The key under which this publish happens at most once: its own, or that of the surrounding mutation
 * [LAW-PUBLISH-ONCE].
 */
function publishKeyOf(
  context: RuntimeContext,
  { topic, retentionMs }: LogRef,
  own: string | undefined,
): PublishKey | undefined {
  if (own === undefined) return context.keyed && nextPublish(context.keyed, topic)
  const key = rowNameOfPublish(topic, own)
  return { key, publishId: publishIdOf(key, topic, 1), expires: expiresFor(context.clock.now(), retentionMs) }
}

/** The key and id of the next publish to a topic under a claim. */
function nextPublish({ key, owner, expires, counts }: Keyed, topic: string): PublishKey {
  const n = (counts.get(topic) ?? 0) + 1
  counts.set(topic, n)
  return { key, expires, publishId: publishIdOf(key, topic, n), ...defined({ owner }) }
}

/**
 * Posts an event of an ephemeral channel immediately, at most once and without order. Throws when the backend has
 * neither a gateway nor an invoker.
 */
export function publishEphemeral(
  context: RuntimeContext,
  channel: ChannelDefinition,
  publication: Publication,
): Promise<void> {
  return counted(context, channel, () => publishEphemeralNow(context, channel, publication))
}

async function publishEphemeralNow(
  context: RuntimeContext,
  channel: ChannelDefinition,
  publication: Publication,
): Promise<void> {
  const { topic, data } = await prepare(context, channel, publication)
  context.telemetry.measure('publishes', 1)
  if (canDeliver(context)) return deliverEphemeral(context, topic, data)
  if (context.invoker === undefined)
    throw new Error(
      `Expected the backend to have a gateway or an invoker to deliver an event of the ephemeral channel ${channel.name}, got neither. Give it one.`,
    )
  await context.invoker.invoke('deliver', { topic, data } satisfies DeliverJob)
}

async function prepare(context: RuntimeContext, channel: ChannelDefinition, publication: Publication) {
  context.deadline?.signal.throwIfAborted() // nothing is published after the deadline
  const key = await fitting(channel, 'key', publication.key)
  const topic = topicNameOf(channel, key)
  const event = await fitting(channel, 'event', publication.event)
  const data = serialise(channel, event)
  await countPublished(context, data)
  const { partitionKey } = publication
  return { topic, key, event, data, retentionMs: channel.retentionMs, ...defined({ partitionKey }) }
}
