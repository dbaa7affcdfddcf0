import { TRPCError } from '@trpc/server'
import { formatCursor, limits } from '@trunkline/protocol'
import type { Published, PublishOptions } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { append } from './append.ts'
import { appendRepeatable, type Repeatable } from './append-repeatable.ts'
import { publishIdOf, rowNameOfPublish } from './call-key.ts'
import { deliverEphemeral, deliverInline } from './deliver.ts'
import type { DeliverJob } from './deliver-job.ts'
import { fingerprintOf } from './fingerprint.ts'
import { fitting, notJson, topicNameOf } from './fits-channel.ts'
import { cursorOf } from './frames.ts'
import { inlineMs } from './inline.ts'
import { nextPublish } from './keyed-scope.ts'
import { LineFailure } from './line-failure.ts'
import { expiresFor } from './log.ts'
import { canDeliver, type Scope } from './scope.ts'

/** Validates, appends, delivers. Throws a `TRPCError` BAD_REQUEST for a key or an event that does not fit, `LineFailure` TOO_LARGE beyond `limits.eventBytes`. */
export async function publish(
  scope: Scope,
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

/** Under which key this publish is made at most once: its own, or that of the mutation it stands in (law 1a). */
function onceUnder(scope: Scope, own: string | undefined, topic: string, retentionMs: number): Repeatable | undefined {
  if (own === undefined) return scope.keyed && nextPublish(scope.keyed, topic)
  const key = rowNameOfPublish(topic, own)
  return { key, publishId: publishIdOf(key, topic, 1), expires: expiresFor(scope.clock.now(), retentionMs) }
}

/** Posts an event of an ephemeral channel at once: at most once, in no order. Throws when neither a gateway nor the deliver function is bound. */
export async function publishEphemeral(
  scope: Scope,
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

/** The topic of a key, validated by the channel's schema. */
export async function topicOf(channel: ChannelDefinition, key: unknown): Promise<string> {
  return topicNameOf(channel, await fitting(channel, 'key', key))
}

async function prepare(scope: Scope, channel: ChannelDefinition, key: unknown, event: unknown) {
  scope.deadline?.signal.throwIfAborted() // nothing is published after the deadline
  const topic = await topicOf(channel, key)
  return { topic, data: serialise(channel, await fitting(channel, 'event', event)), retentionMs: channel.retentionMs }
}

/** An event as JSON text. Throws BAD_REQUEST for what JSON would change, `LineFailure` TOO_LARGE beyond `eventBytes`. */
// [TL-LIM-5]
export function serialise(channel: ChannelDefinition, event: unknown): string {
  const data = stringify(channel, event)
  if (data === undefined)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `An event of ${channel.name} must be JSON, got ${typeof event}.`,
    })
  const bytes = Buffer.byteLength(data)
  if (bytes <= limits.eventBytes.value) return data
  throw new LineFailure(
    'TOO_LARGE',
    `An event of ${channel.name} has ${bytes} bytes; at most ${limits.eventBytes.value} can be pushed to a client.`,
  )
}

function stringify(channel: ChannelDefinition, event: unknown): string | undefined {
  try {
    return JSON.stringify(event, refuseLossy(channel))
  } catch (thrown) {
    throw thrown instanceof TRPCError ? thrown : notJson(channel, 'event', thrown)
  }
}

/** What JSON would change without a word (a Date, a Map, NaN, a function) is refused by its place: subscribers would get something else. Types say so at compile time, save behind `any`. */
function refuseLossy(channel: ChannelDefinition) {
  return function (this: unknown, name: string, value: unknown): unknown {
    const given: unknown = Reflect.get(Object(this), name)
    const lossy =
      (typeof given === 'object' && given !== null && !isPlain(given)) ||
      typeof given === 'function' ||
      typeof given === 'symbol' ||
      typeof given === 'bigint' ||
      (typeof given === 'number' && !Number.isFinite(given))
    if (!lossy) return value
    const kind =
      typeof given === 'object' ? given?.constructor?.name : typeof given === 'number' ? String(given) : typeof given
    const place = name === '' ? 'itself' : `at ${JSON.stringify(name)}`
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `An event of ${channel.name} must survive JSON.stringify, but ${place} is a ${kind}: use z.iso.datetime(), a number or a plain object.`,
    })
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}
