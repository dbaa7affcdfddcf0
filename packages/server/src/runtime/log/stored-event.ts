import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../../define/definition.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot } from '../../ports/log.ts'
import type { Parsed } from '../context/parsed-events.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { fingerprintOf } from './fingerprint.ts'
import { readerSchemaOf, type Side } from './reader-schema.ts'

/** A slot that holds an event. */
type Stored = Pick<Slot, 'offset' | 'epoch' | 'data' | 'schema'>

/**
 * The event of a slot, by the reader's schema. An event that was published under the same schema is returned as stored.
 * Any other goes through the channel's `upcast` and schema, once for each invocation. Throws a `TRPCError` with the
 * offset for an event that does not match, and what `JSON.parse` throws for data that is not JSON.
 */
// [TL-ROW-7]
export function eventOf(context: RuntimeContext, topic: string, slot: Stored): unknown {
  return JSON.parse(eventTextOf(context, topic, slot))
}

/** The same as JSON text. */
export function eventTextOf(context: RuntimeContext, topic: string, slot: Stored): string {
  const { data = 'null' } = slot
  const channel = readingChannel(context, topic, slot)
  if (channel === undefined) return data
  const parsed = context.parsed.find(nameOf(topic, slot)) ?? keep(context, nameOf(topic, slot), parseNow(channel, slot))
  if ('thrown' in parsed) throw parsed.thrown
  return parsed.text
}

/**
 * Parses those events that another schema made, so that `eventOf` can return them synchronously even if the schema is
 * asynchronous.
 */
export async function parseEvents(context: RuntimeContext, topic: string, slots: readonly Stored[]): Promise<void> {
  for (const slot of slots) {
    const channel = slot.data === undefined ? undefined : readingChannel(context, topic, slot)
    if (channel === undefined || context.parsed.find(nameOf(topic, slot)) !== undefined) continue
    keep(context, nameOf(topic, slot), await parse(channel, slot))
  }
}

/** The channel whose schema parses a slot; undefined if that schema made the slot's event. */
function readingChannel(context: RuntimeContext, topic: string, { schema }: Stored): ChannelDefinition | undefined {
  const channel = context.channelOf(channelOfTopic(topic))
  if (channel === undefined) return undefined
  return schema !== undefined && schema === fingerprintOf(channel.event) ? undefined : channel
}

/** Includes the epoch, since the same offset may hold another event after a table was emptied. */
const nameOf = (topic: string, { offset, epoch }: Stored) => `${topic} ${epoch}:${offset}`

function keep(context: RuntimeContext, name: string, parsed: Parsed): Parsed {
  context.parsed.keep(name, parsed)
  return parsed
}

/** The steps of parsing. Each yields a value or, for an asynchronous schema, a promise of it. */
function* steps(channel: ChannelDefinition, slot: Stored): Generator<unknown, string, unknown> {
  const stored: unknown = JSON.parse(slot.data ?? 'null')
  const { presence, stream } = channel
  if (stream !== undefined) {
    const chunks: unknown[] = []
    for (const chunk of stored as readonly unknown[]) chunks.push(yield* upgrade(channel, chunk, slot.schema))
    return toText(chunks)
  }
  const change = presence === undefined ? undefined : (stored as { readonly data?: unknown })
  if (change !== undefined && change.data === undefined) return slot.data ?? 'null' // a leave
  const value = yield* upgrade(channel, change === undefined ? stored : change.data, slot.schema)
  return toText(change === undefined ? value : { ...change, data: value })
}

/** Parses a stored value, which was made by the schema `fingerprint`, by the reader's schema. */
function* upgrade(
  channel: ChannelDefinition,
  old: unknown,
  fingerprint: string | undefined,
): Generator<unknown, unknown, unknown> {
  const current = channel.upcast === undefined ? old : yield channel.upcast(old)
  // A value without a fingerprint may be the output of the reader's own schema.
  const sides: readonly Side[] = fingerprint === undefined ? ['output', 'input'] : ['input']
  let issues: readonly Issue[] = []
  for (const side of sides) {
    const result = (yield readerSchemaOf(channel.event, side)['~standard'].validate(current)) as Result
    if (result.issues === undefined) return result.value
    issues = result.issues
  }
  throw new Error(wordsOf(issues))
}

/**
 * The data of a presence member by the reader's schema. A member's row carries no fingerprint, so its data may be of
 * the reader's own schema or of an older one. Throws a `TRPCError` that names the channel for data that does not fit.
 */
// [TL-ROW-7]
export function memberDataOf(channel: ChannelDefinition | undefined, text: string): unknown {
  const stored: unknown = JSON.parse(text)
  if (channel === undefined) return stored
  try {
    return runNow(upgrade(channel, stored, undefined))
  } catch (thrown) {
    const message = `A member's data of ${channel.name} cannot be parsed by its schema: ${messageOf(thrown)}`
    throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message, cause: thrown })
  }
}

function toText(event: unknown): string {
  const text: string | undefined = JSON.stringify(event)
  if (text === undefined) throw new Error(`it becomes ${typeof event}, which is not JSON`)
  return text
}

interface Issue {
  readonly message: string
  readonly path?: readonly unknown[] | undefined
}

type Result = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

function parseNow(channel: ChannelDefinition, slot: Stored): Parsed {
  try {
    return { text: runNow(steps(channel, slot)) }
  } catch (thrown) {
    return { thrown: unreadable(channel, slot, thrown) }
  }
}

/** Runs the steps of parsing. A step must not be asynchronous. Throws what they throw. */
function runNow<T>(parsing: Generator<unknown, T, unknown>): T {
  for (let step = parsing.next(); ; step = parsing.next(step.value)) {
    if (step.done) return step.value
    if (!(step.value instanceof Promise)) continue
    step.value.catch(() => {}) // the error below is thrown instead
    throw new Error('its schema or upcast is asynchronous')
  }
}

async function parse(channel: ChannelDefinition, slot: Stored): Promise<Parsed> {
  try {
    const parsing = steps(channel, slot)
    for (let step = parsing.next(); ; step = parsing.next(await step.value)) if (step.done) return { text: step.value }
  } catch (thrown) {
    return { thrown: unreadable(channel, slot, thrown) }
  }
}

function unreadable({ name }: ChannelDefinition, { offset }: Stored, cause: unknown): unknown {
  const message = `The event at offset ${offset} of ${name} cannot be parsed by the channel's schema: ${messageOf(cause)}`
  return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message, cause })
}

function wordsOf(issues: readonly Issue[]): string {
  return issues
    .map(({ message, path = [] }) => (path.length === 0 ? message : `${path.map(pathPart).join('.')}: ${message}`))
    .join('; ')
}

function pathPart(part: unknown): string {
  return String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
