import { defined, formatCursor } from '@trunkline/protocol'
import type { Published, PublishOptions } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { publishIdOf, rowNameOfPublish } from './calls/idempotency-key.ts'
import { canDeliver, type Keyed, type RuntimeContext } from './context/runtime-context.ts'
import { deliverEphemeral, deliverInline, inlineMs } from './delivery/deliver.ts'
import type { DeliverJob } from './delivery/deliver-job.ts'
import { append, appendOnce, type PublishKey } from './log/append.ts'
import { fingerprintOf } from './log/fingerprint.ts'
import type { LogRef } from './log/replay.ts'
import { cursorOf, expiresFor } from './log/retention.ts'
import { fitting, serialise, topicOf } from './log/validate-event.ts'

/** An event to publish, and the key of its topic. */
export interface Publication {
  readonly key: unknown
  readonly event: unknown
}

/**
 * Validates an event, appends it to its log and delivers it. Throws a `TRPCError` BAD_REQUEST for a key or an event
 * that does not match the channel, `TrunklineError` TOO_LARGE for an event larger than `limits.eventBytes`.
 */
export async function publish(
  scope: RuntimeContext,
  channel: ChannelDefinition,
  { idempotencyKey, ...publication }: Publication & PublishOptions,
): Promise<Published> {
  const { topic, data, retentionMs } = await prepare(scope, channel, publication)
  if (retentionMs === undefined)
    throw new TypeError(`Channel ${channel.name} is ephemeral and has no log. Use publishEphemeral.`)
  const inline = canDeliver(scope) ? scope.clock.now() + inlineMs : undefined // [TL-ROW-5]
  const publishKey = publishKeyOf(scope, { topic, retentionMs }, idempotencyKey)
  const newEvent = { topic, retentionMs, data, schema: fingerprintOf(channel.event), ...defined({ inline }) }
  const slot = await (publishKey === undefined ? append(scope, newEvent) : appendOnce(scope, newEvent, publishKey))
  scope.telemetry.measure('publishes', 1)
  if (canDeliver(scope)) await deliverInline(scope, topic, slot)
  return { id: formatCursor(cursorOf(scope, slot)) }
}

/**
 * The key under which this publish happens at most once: its own, or that of the surrounding mutation
 * [LAW-PUBLISH-ONCE].
 */
function publishKeyOf(
  scope: RuntimeContext,
  { topic, retentionMs }: LogRef,
  own: string | undefined,
): PublishKey | undefined {
  if (own === undefined) return scope.keyed && nextPublish(scope.keyed, topic)
  const key = rowNameOfPublish(topic, own)
  return { key, publishId: publishIdOf(key, topic, 1), expires: expiresFor(scope.clock.now(), retentionMs) }
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
export async function publishEphemeral(
  scope: RuntimeContext,
  channel: ChannelDefinition,
  publication: Publication,
): Promise<void> {
  const { topic, data } = await prepare(scope, channel, publication)
  scope.telemetry.measure('publishes', 1)
  if (canDeliver(scope)) return deliverEphemeral(scope, topic, data)
  if (scope.invoker === undefined)
    throw new Error(
      `Expected the backend to have a gateway or an invoker to deliver an event of the ephemeral channel ${channel.name}, got neither. Give it one.`,
    )
  await scope.invoker.invoke('deliver', { topic, data } satisfies DeliverJob)
}

async function prepare(scope: RuntimeContext, channel: ChannelDefinition, { key, event }: Publication) {
  scope.deadline?.signal.throwIfAborted() // nothing is published after the deadline
  const topic = await topicOf(channel, key)
  return { topic, data: serialise(channel, await fitting(channel, 'event', event)), retentionMs: channel.retentionMs }
}
