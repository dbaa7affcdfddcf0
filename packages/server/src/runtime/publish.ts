import { formatCursor } from '@trunkline/protocol'
import type { Published, PublishOptions } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { publishIdOf, rowNameOfPublish } from './calls/idempotency-key.ts'
import { nextPublish } from './calls/publish-ids.ts'
import { canDeliver, type RuntimeContext } from './context/scope.ts'
import { deliverEphemeral, deliverInline, inlineMs } from './delivery/deliver.ts'
import type { DeliverJob } from './delivery/deliver-job.ts'
import { append } from './log/append.ts'
import { appendRepeatable, type Repeatable } from './log/append-once.ts'
import { fingerprintOf } from './log/fingerprint.ts'
import { fitting } from './log/match-channel.ts'
import { cursorOf, expiresFor } from './log/retention.ts'
import { serialise, topicOf } from './log/validate-event.ts'

/** Validates, appends, delivers. Throws a `TRPCError` BAD_REQUEST for a key or an event that does not fit, `TrunklineError` TOO_LARGE beyond `limits.eventBytes`. */
export async function publish(
  scope: RuntimeContext,
  channel: ChannelDefinition,
  key: unknown,
  event: unknown,
  options: PublishOptions = {},
): Promise<Published> {
  const { topic, data, retentionMs } = await prepare(scope, channel, key, event)
  if (retentionMs === undefined) throw new TypeError(`Channel ${channel.name} keeps nothing; use publishEphemeral.`)
  const inline = canDeliver(scope) ? { inline: scope.clock.now() + inlineMs } : {} // [TL-ROW-5]
  const once = onceUnder(scope, options.idempotencyKey, topic, retentionMs)
  const entry = { topic, retentionMs, data, schema: fingerprintOf(channel.event), ...inline }
  const slot = await (once === undefined ? append(scope, entry) : appendRepeatable(scope, entry, once))
  scope.telemetry.measure('publishes', 1)
  if (canDeliver(scope)) await deliverInline(scope, topic, slot)
  return { id: formatCursor(cursorOf(scope, slot)) }
}

/** Under which key this publish is made at most once: its own, or that of the mutation it stands in [LAW-PUBLISH-ONCE]. */
function onceUnder(
  scope: RuntimeContext,
  own: string | undefined,
  topic: string,
  retentionMs: number,
): Repeatable | undefined {
  if (own === undefined) return scope.keyed && nextPublish(scope.keyed, topic)
  const key = rowNameOfPublish(topic, own)
  return { key, publishId: publishIdOf(key, topic, 1), expires: expiresFor(scope.clock.now(), retentionMs) }
}

/** Posts an event of an ephemeral channel at once: at most once, in no order. Throws when neither a gateway nor the deliver function is bound. */
export async function publishEphemeral(
  scope: RuntimeContext,
  channel: ChannelDefinition,
  key: unknown,
  event: unknown,
): Promise<void> {
  const { topic, data } = await prepare(scope, channel, key, event)
  scope.telemetry.measure('publishes', 1)
  if (canDeliver(scope)) return deliverEphemeral(scope, topic, data)
  if (scope.invoker === undefined)
    throw new Error(
      `Nothing here can deliver an event of the ephemeral channel ${channel.name}: bind a gateway or an invoker.`,
    )
  await scope.invoker.invoke('deliver', { topic, data } satisfies DeliverJob)
}

async function prepare(scope: RuntimeContext, channel: ChannelDefinition, key: unknown, event: unknown) {
  scope.deadline?.signal.throwIfAborted() // nothing is published after the deadline
  const topic = await topicOf(channel, key)
  return { topic, data: serialise(channel, await fitting(channel, 'event', event)), retentionMs: channel.retentionMs }
}
