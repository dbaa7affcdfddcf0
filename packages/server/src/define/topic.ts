import { limits } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'

/** A flat object of strings and numbers: it becomes the topic's name. */
export type KeySchema = core.$ZodType<
  Readonly<Record<string, string | number>>,
  Readonly<Record<string, string | number>>
>
/** Any schema whose output survives JSON. */
export type EventSchema = core.$ZodType

const encoder = new TextEncoder()

/**
 * Names one topic of a channel: `channel?name=s:text&size=n:7`, pairs sorted by name, everything escaped, strings and numbers kept apart.
 * Throws a `TypeError` for what cannot be a name: a lone surrogate, a number that is not finite, more than 1,536 bytes.
 */
// [TL-TOPIC-1]
export function formatTopic(channel: string, key: Readonly<Record<string, string | number>>): string {
  const pairs = Object.keys(key)
    .sort()
    .map((name) => `${escapePart(name)}=${formatValue(name, key[name])}`)
  const topic = `${escapePart(channel)}?${pairs.join('&')}`
  const bytes = encoder.encode(topic).length
  if (bytes > limits.topicBytes.value)
    // [TL-TOPIC-2]
    throw new TypeError(`A key makes a topic name of ${bytes} bytes; at most ${limits.topicBytes.value} fit.`)
  return topic
}

/** The channel's name in a topic's. */
export function channelOfTopic(topic: string): string {
  const end = topic.indexOf('?')
  return decodeURIComponent(end < 0 ? topic : topic.slice(0, end))
}

function formatValue(name: string, value: unknown): string {
  if (typeof value === 'string') return `s:${escapePart(value)}`
  if (typeof value === 'number' && Number.isFinite(value)) return `n:${value + 0}` // −0 + 0 is 0
  throw new TypeError(`A key holds strings and finite numbers; ${JSON.stringify(name)} is ${String(value)}.`)
}

function escapePart(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    throw new TypeError('A key holds a lone surrogate, which no name can carry.')
  }
}
