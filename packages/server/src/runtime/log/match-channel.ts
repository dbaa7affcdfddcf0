import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../../define/definition.ts'
import { formatTopic } from '../../define/topic.ts'

/** What a channel's schemas validate: a topic's key, an event, or a member's data. */
export type SchemaUse = 'key' | 'event' | 'data'

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
export function notJson(channel: ChannelDefinition, what: SchemaUse, thrown: unknown): TRPCError {
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

const articled: Readonly<Record<SchemaUse, string>> = { key: 'A key', event: 'An event', data: 'A member’s data' }

function schemaOf(channel: ChannelDefinition, what: SchemaUse): Schema {
  return what === 'key' ? channel.key : channel.event
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
    message: `This ${what} does not fit channel ${channel.name}: ${texts.join('; ')}`,
  })
}

function pathPart(part: unknown): string {
  return String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)
}
