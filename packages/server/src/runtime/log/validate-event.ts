import { TRPCError } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import type { ChannelDefinition } from '../../define/definition.ts'
import { formatTopic } from '../../define/topic.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

/** What a channel's schemas validate: a topic's key, an event, a member's data, or a stream's input or chunk. */
export type SchemaUse = 'key' | 'event' | 'data' | 'input' | 'chunk'

type Schema = ChannelDefinition['key'] | ChannelDefinition['event']

/**
 * Validates a value by the channel's schema and returns the schema's output. Throws a `TRPCError` BAD_REQUEST with the
 * issues, and also for a value that is not JSON, even if it makes the schema itself throw.
 */
export async function fitting(channel: ChannelDefinition, what: SchemaUse, value: unknown): Promise<unknown> {
  try {
    return outputOf(channel, what, await schemaOf(channel, what)['~standard'].validate(value))
  } catch (thrown) {
    throw notJsonError(channel, what, value) ?? thrown
  }
}

/** The same, synchronously. Throws a `TypeError` for an asynchronous schema. */
export function fittingNow(channel: ChannelDefinition, what: SchemaUse, value: unknown): unknown {
  const parsed = schemaOf(channel, what)['~standard'].validate(value)
  if (!(parsed instanceof Promise)) return outputOf(channel, what, parsed)
  parsed.catch(() => {}) // when a check throws, zod returns a rejected promise
  throw (
    notJsonError(channel, what, value) ??
    new TypeError(`The ${what} schema of channel ${channel.name} must be synchronous, and must not throw.`)
  )
}

/**
 * The topic of a validated key, as text. Throws a `TRPCError` BAD_REQUEST for a key that no topic name can hold: a lone
 * surrogate, a number that is not finite, more than 1,536 bytes.
 */
export function topicNameOf(channel: ChannelDefinition, key: unknown): string {
  try {
    return formatTopic(channel.name, key as Readonly<Record<string, string | number>>)
  } catch (cause) {
    throw new TRPCError({ code: 'BAD_REQUEST', cause })
  }
}

/** The error for a value that is not JSON. `thrown` is what `JSON.stringify` threw. */
function notJson(channel: ChannelDefinition, what: SchemaUse, thrown: unknown): TRPCError {
  const reason = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown)
  const isEndless = thrown instanceof RangeError || /circular|cyclic/i.test(reason ?? '')
  const why = isEndless ? 'it is circular or nested too deep' : `it could not be serialised: ${reason}`
  return new TRPCError({
    code: 'BAD_REQUEST',
    message: `${articled[what]} of ${channel.name} must be JSON, but ${why}.`,
    cause: thrown,
  })
}

interface Issue {
  readonly message: string
  readonly path?: readonly unknown[] | undefined
}

const articled: Readonly<Record<SchemaUse, string>> = {
  key: 'A key',
  event: 'An event',
  data: 'A member’s data',
  input: 'An input',
  chunk: 'A chunk',
}

function schemaOf(channel: ChannelDefinition, what: SchemaUse): Schema {
  if (what === 'key') return channel.key
  return what === 'input' ? (channel.stream?.input ?? channel.event) : channel.event
}

function outputOf(
  channel: ChannelDefinition,
  what: SchemaUse,
  parsed: { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] },
): unknown {
  if (parsed.issues === undefined) return parsed.value
  throw badRequest(channel, what, parsed.issues)
}

/**
 * Undefined if JSON can hold the value. A circular value makes a schema fail in many ways, so the value is checked
 * after a failure.
 */
function notJsonError(channel: ChannelDefinition, what: SchemaUse, value: unknown): TRPCError | undefined {
  try {
    JSON.stringify(value)
    return undefined
  } catch (thrown) {
    return notJson(channel, what, thrown)
  }
}

/** The error for a value that does not match, with its issues. */
function badRequest(channel: ChannelDefinition, what: SchemaUse, issues: readonly Issue[]): TRPCError {
  const texts = issues.map(({ message, path }) =>
    path?.length ? `${path.map(pathPart).join('.')}: ${message}` : message,
  )
  return new TRPCError({
    code: 'BAD_REQUEST',
    message: `This ${what} does not fit ${channel.stream === undefined ? 'channel' : 'stream'} ${channel.name}: ${texts.join('; ')}`,
  })
}

function pathPart(part: unknown): string {
  return String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)
}

/** The topic of a key, validated by the channel's schema. */
export async function topicOf(channel: ChannelDefinition, key: unknown): Promise<string> {
  return topicNameOf(channel, await fitting(channel, 'key', key))
}

/**
 * An event as JSON text. Throws BAD_REQUEST for a value that JSON would change, `TrunklineError` TOO_LARGE beyond
 * `eventBytes`.
 */
// [TL-LIM-5]
export function serialise(channel: ChannelDefinition, event: unknown): string {
  const data = serialiseAs(channel, 'event', event)
  const bytes = Buffer.byteLength(data)
  if (bytes <= limits.eventBytes.value) return data
  throw new TrunklineError(
    'TOO_LARGE',
    `An event of ${channel.name} has ${bytes} bytes; at most ${limits.eventBytes.value} can be pushed to a client. Publish less, such as a reference to the data.`,
  )
}

/** A value as JSON text. Throws BAD_REQUEST for a value that JSON would change. */
export function serialiseAs(channel: ChannelDefinition, what: SchemaUse, value: unknown): string {
  const data = stringify(channel, what, value)
  if (data !== undefined) return data
  const message = `${articled[what]} of ${channel.name} must be JSON, got ${typeof value}. Pass the key first and the value second.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

function stringify(channel: ChannelDefinition, what: SchemaUse, value: unknown): string | undefined {
  try {
    return JSON.stringify(value, refuseLossy(channel, what))
  } catch (thrown) {
    throw thrown instanceof TRPCError ? thrown : notJson(channel, what, thrown)
  }
}

/**
 * Throws for a value that JSON would silently change (a Date, a Map, NaN, a function), because subscribers would get
 * another value. Types report this at compile time, except for `any`.
 */
function refuseLossy(channel: ChannelDefinition, what: SchemaUse) {
  return function (this: unknown, name: string, value: unknown): unknown {
    const given: unknown = Reflect.get(Object(this), name)
    const lossy =
      (typeof given === 'object' && given !== null && !isPlain(given)) ||
      typeof given === 'function' ||
      typeof given === 'symbol' ||
      typeof given === 'bigint' ||
      (typeof given === 'number' && !Number.isFinite(given))
    if (!lossy) return value
    const kind = typeof given === 'object' ? given?.constructor?.name : String(typeof given)
    const place = name === '' ? 'the value itself' : JSON.stringify(name)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `${articled[what]} of ${channel.name} must survive JSON.stringify, but ${place} is ${insteadOf(given, kind)}.`,
    })
  }
}

/** What a value is, and what to write in its place. */
function insteadOf(given: unknown, kind: string | undefined): string {
  if (given instanceof Date) return 'a Date: use z.iso.datetime() or a number'
  if (given instanceof Map) return 'a Map: use an object or an array of pairs'
  if (given instanceof Set) return 'a Set: use an array'
  if (typeof given === 'number') return `${given}: use a finite number or null`
  if (typeof given === 'bigint') return 'a bigint: use its text or a number'
  return `a ${kind}: use a plain object of what it has`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}
