import { limits, withDocs } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'
import { describeValue } from './describe-value.ts'

/** A schema of a flat object of strings and finite numbers. The object becomes the topic's name. */
export type KeySchema = core.$ZodType<
  Readonly<Record<string, string | number>>,
  Readonly<Record<string, string | number>>
>
/** Any schema whose output survives JSON. */
export type EventSchema = core.$ZodType

/** Throws a `TypeError` unless the value can name a channel. */
export function checkName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected the name of a channel to be a text, got ${name === '' ? 'an empty one.' : describeValue(name)} Write line.channel('chat.messages', { key, event }).`,
    ),
  )
}

/**
 * Throws a `TypeError` for schemas that the types refuse: one that is not of zod 4, or a key that is no object. Without
 * it, the first publish or subscribe fails by an error that does not name the declaration.
 */
export function checkDeclaration(name: string, schemas: Readonly<Record<string, unknown>>): void {
  for (const [use, schema] of Object.entries(schemas)) checkSchema(`${use} of channel ${name}`, schema)
  const { type = '', shape = {} } = (schemas['key'] as SchemaWithShape)._zod.def
  if (/^(string|number|boolean|bigint|date|array|null|undefined)$/.test(type))
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected key of channel ${name} to be a schema of an object, got one of ${type}. Write z.object({ room: z.string() }).`,
      ),
    )
  for (const [member, { _zod }] of Object.entries(shape))
    if (neverOfKeys.test(_zod.def.type ?? ''))
      throw new TypeError(
        withDocs(
          'declarations',
          `Expected ${member} in key of channel ${name} to be a text or a number, got a schema of ${_zod.def.type}. Write z.string() or z.number(), or convert it with z.transform.`,
        ),
      )
}

/** Types of members whose values cannot be in a topic's name. */
const neverOfKeys = /^(object|array|tuple|record|map|set|boolean|bigint|date|null|undefined)$/

interface SchemaWithShape {
  readonly _zod: {
    readonly def: { readonly type?: string; readonly shape?: Readonly<Record<string, SchemaWithShape>> }
  }
}

const isSchema = (value: unknown) => (Object(value) as { readonly _zod?: unknown })._zod !== undefined

/** Throws a `TypeError` for a value that is no schema of zod 4. `what` names it. */
export function checkSchema(what: string, schema: unknown): void {
  const given = Object(schema) as { readonly '~standard'?: { readonly vendor?: unknown } }
  if (isSchema(schema)) return
  const members = Object.keys(given).filter((name) => isSchema(Reflect.get(given, name)))
  if (members.length > 0)
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected ${what} to be a schema of zod 4, got an object of schemas. Write z.object({ ${members[0]}: … }).`,
      ),
    )
  const got = given['~standard'] && `a schema of ${given['~standard'].vendor === 'zod' ? 'zod 3' : 'another library'}.`
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected ${what} to be a schema of zod 4, got ${got ?? describeValue(schema)} Install zod 4 and write import * as z from 'zod'.`,
    ),
  )
}

/**
 * The name of one topic of a channel: `channel?name=s:text&size=n:7`. Pairs are sorted by name, and everything is
 * escaped. Strings and numbers differ. Throws a `TypeError` for a lone surrogate, a number that is not finite, and a
 * name of more than 1,536 bytes.
 */
// [TL-TOPIC-1]
export function formatTopic(channel: string, key: Readonly<Record<string, string | number>>): string {
  const pairs = Object.keys(key)
    .sort()
    .map((name) => `${escapePart(name)}=${formatValue(name, key[name])}`)
  const topic = `${escapePart(channel)}?${pairs.join('&')}`
  const bytes = topic.length // escaped, so each character is ASCII
  if (bytes > limits.topicBytes.value)
    // [TL-TOPIC-2]
    throw new TypeError(
      withDocs(
        'declarations',
        `Topic name is ${bytes} bytes; at most ${limits.topicBytes.value} are allowed. Shorten the key.`,
      ),
    )
  return topic
}

/** The name of the channel of a topic. */
export function channelOfTopic(topic: string): string {
  const end = topic.indexOf('?')
  const name = end < 0 ? topic : topic.slice(0, end)
  return name.includes('%') ? decodeURIComponent(name) : name // a delivery asks for each row
}

/** The log of one partition of a topic. That of partition 0 has the topic's own name, so that a topic may grow. */
// [TL-PART-1]
export function topicOfPartition(topic: string, index: number): string {
  return index === 0 ? topic : `${topic}/${index}` // no other part of a name has a slash
}

/** The topic of a partition's log, and the number of the partition. */
export function partitionOfTopic(log: string): { readonly topic: string; readonly index: number } {
  const at = log.indexOf('/')
  return at < 0 ? { topic: log, index: 0 } : { topic: log.slice(0, at), index: Number(log.slice(at + 1)) }
}

/** The key in a topic's name: the inverse of `formatTopic`. Throws a `TypeError` for a text that it did not make. */
export function keyOfTopic(topic: string): Readonly<Record<string, string | number>> {
  const name = partitionOfTopic(topic).topic
  const pairs = name.slice(name.indexOf('?') + 1)
  return Object.fromEntries(pairs === '' ? [] : pairs.split('&').map((pair) => parsePair(topic, pair)))
}

function parsePair(topic: string, pair: string): readonly [string, string | number] {
  const [, name = '', type, text = ''] = /^([^=]*)=([sn]):(.*)$/.exec(pair) ?? []
  if (type === undefined)
    throw new TypeError(withDocs('declarations', `Expected the name of a topic, got ${JSON.stringify(topic)}.`))
  const value = decodeURIComponent(text)
  return [decodeURIComponent(name), type === 'n' ? Number(value) : value]
}

function formatValue(name: string, value: unknown): string {
  if (typeof value === 'string') return `s:${escapePart(value)}`
  if (typeof value === 'number' && Number.isFinite(value)) return `n:${value + 0}` // −0 + 0 is 0
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected ${JSON.stringify(name)} of a key to be a string or a finite number, got ${String(value)}. Convert it in the key's schema.`,
    ),
  )
}

function escapePart(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    throw new TypeError(
      withDocs(
        'declarations',
        'Expected a key without lone surrogates, which cannot be encoded as UTF-8, got a key with one. Use well-formed text.',
      ),
    )
  }
}
