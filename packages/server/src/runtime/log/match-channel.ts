import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../../define/definition.ts'
import { formatTopic } from '../../define/topic.ts'

/** What a channel's schemas judge: a topic's key, an event, or a member's data. */
export type ParsedElement = 'key' | 'event' | 'data'

type Schema = ChannelDefinition['key'] | ChannelDefinition['event']

/** What the channel's schema makes of a value. Throws a `TRPCError` BAD_REQUEST with the issues; a value that no JSON text can hold is refused alike, even where it makes the schema itself fail. */
export async function fitting(channel: ChannelDefinition, what: ParsedElement, value: unknown): Promise<unknown> {
  try {
    return outputOf(channel, what, await schemaOf(channel, what)['~standard'].validate(value))
  } catch (thrown) {
    throw refusalOf(channel, what, value) ?? thrown
  }
}

/** The same for what answers at once. Throws a `TypeError` for a schema that is asynchronous. */
export function fittingNow(channel: ChannelDefinition, what: ParsedElement, value: unknown): unknown {
  const parsed = schemaOf(channel, what)['~standard'].validate(value)
  if (!(parsed instanceof Promise)) return outputOf(channel, what, parsed)
  parsed.catch(() => {}) // zod turns what a check throws into a rejection
  throw (
    refusalOf(channel, what, value) ??
    new TypeError(`The ${what} schema of channel ${channel.name} must be synchronous, and must not throw.`)
  )
}

/** The topic of a key that fits, as text. Throws a `TRPCError` BAD_REQUEST for what no name can carry: a lone surrogate, a number that is not finite, more than 1,536 bytes. */
export function topicNameOf(channel: ChannelDefinition, key: unknown): string {
  try {
    return formatTopic(channel.name, key as Readonly<Record<string, string | number>>) // by the key's schema; judged there where that says less
  } catch (cause) {
    throw new TRPCError({ code: 'BAD_REQUEST', cause })
  }
}

/** Why JSON cannot hold a value. `thrown` is what `JSON.stringify` threw. */
export function notJson(channel: ChannelDefinition, what: ParsedElement, thrown: unknown): TRPCError {
  const words = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown)
  const isEndless = thrown instanceof RangeError || /circular|cyclic/i.test(words ?? '')
  const why = isEndless ? 'it is circular or nested too deep' : `it could not be serialised: ${words}`
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

const articled: Readonly<Record<ParsedElement, string>> = { key: 'A key', event: 'An event', data: 'A member’s data' }

function schemaOf(channel: ChannelDefinition, what: ParsedElement): Schema {
  return what === 'key' ? channel.key : channel.event
}

function outputOf(
  channel: ChannelDefinition,
  what: ParsedElement,
  parsed: { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] },
): unknown {
  if (parsed.issues === undefined) return parsed.value
  throw badRequest(channel, what, parsed.issues)
}

/** A schema runs for ever into a circular value, and ends in whatever its library makes of that: then the value is at fault, and not the schema. */
function refusalOf(channel: ChannelDefinition, what: ParsedElement, value: unknown): TRPCError | undefined {
  try {
    JSON.stringify(value)
    return undefined
  } catch (thrown) {
    return notJson(channel, what, thrown)
  }
}

/** The refusal of a value with its issues in words. */
function badRequest(channel: ChannelDefinition, what: ParsedElement, issues: readonly Issue[]): TRPCError {
  const words = issues.map(({ message, path }) =>
    path?.length ? `${path.map(pathPart).join('.')}: ${message}` : message,
  )
  return new TRPCError({
    code: 'BAD_REQUEST',
    message: `This ${what} does not fit channel ${channel.name}: ${words.join('; ')}`,
  })
}

function pathPart(part: unknown): string {
  return String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)
}
