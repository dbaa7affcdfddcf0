import { maxPartitions } from '@trunkline/protocol'
import { describeValue } from '../define/describe-value.ts'
import { channelOfTopic, formatTopic, topicOfPartition } from '../define/topic.ts'
import { internalsOf, type LineInternals } from '../line/internals.ts'
import type { Line } from '../line/line.ts'
import { type EraseReport, runErasure } from '../runtime/erasure/erase.ts'
import type { ErasedSubject, EraseOptions, EraseState } from '../runtime/erasure/run.ts'

/**
 * What to erase.
 * - `principal`: the rows about it, as `authorize` names it. Events of channels stay, since the line does not know whom
 *   their data is about
 * - `topic`: the events of one topic, by its name, such as `chat.messages?room=s:7`, or by its channel and key. Of a
 *   channel with partitions, the events of one `partition`, from 0
 */
export type EraseSubject =
  | { readonly principal: string }
  | { readonly topic: string; readonly partition?: number }
  | {
      readonly channel: string
      readonly key: Readonly<Record<string, string | number>>
      readonly partition?: number
    }

/**
 * Removes what a line holds about a principal or in a topic. Run it in a script, with the rights of an operator: a
 * principal needs `dynamodb:Scan` and `dynamodb:DescribeTable` on the table, and a gateway. A principal who may still
 * connect leaves new rows, so end its access first. Repeating an erasure is harmless. Throws a `TypeError` for a subject
 * that is none, or for a `state` of another one.
 */
export async function erase(line: Line, subject: EraseSubject, options: EraseOptions = {}): Promise<EraseReport> {
  const internals = internalsOf(line)
  const of = toSubject(subject, internals)
  checkOptions(of, options)
  return runErasure(internals.context(), of, options)
}

function toSubject(subject: EraseSubject, internals: LineInternals): ErasedSubject {
  const { principal, topic, channel, key, partition } = (subject ?? {}) as Partial<Record<string, unknown>>
  const given = [principal, topic, channel].filter((name) => name !== undefined)
  const [only] = given
  if (given.length !== 1 || typeof only !== 'string' || only === '')
    throw new TypeError(
      `Expected { principal }, { topic } or { channel, key }, each name a text that is not empty, got ${describeValue(subject)}`,
    )
  if (principal !== undefined) return { principal: only }
  if (channel !== undefined && (typeof key !== 'object' || key === null))
    throw new TypeError(`Expected key to be an object of texts and numbers, got ${describeValue(key)}`)
  const named = channel === undefined ? only : formatTopic(only, key as Readonly<Record<string, string | number>>)
  return { topic: topicOfPartition(checkTopic(named, internals), checkPartition(named, partition, internals)) }
}

/** Each partition of a topic is a log that is erased by itself, so the caller says which. */
function checkPartition(topic: string, partition: unknown, internals: LineInternals): number {
  const channel = internals.channels().find(({ name }) => name === channelOfTopic(topic))
  const isPartitioned = channel?.partitions !== undefined
  if (partition === undefined && !isPartitioned) return 0
  if (isPartitioned && Number.isInteger(partition) && Number(partition) >= 0 && Number(partition) < maxPartitions)
    return Number(partition)
  const expected = isPartitioned ? `a partition from 0 to ${channel.partitions.count - 1}` : 'no partition'
  throw new TypeError(
    `Expected ${expected} for channel ${channelOfTopic(topic)}, got ${partition === undefined ? 'none' : describeValue(partition)} Erase each partition by itself.`,
  )
}

const topicForm = /^[^?#\s]+\?(?:[^=&]+=(?:s:[^&]*|n:[^&]+)(?:&[^=&]+=(?:s:[^&]*|n:[^&]+))*)?$/

function checkTopic(topic: string, internals: LineInternals): string {
  if (!topicForm.test(topic))
    throw new TypeError(
      `Expected the name of a topic, such as chat.messages?room=s:7, got ${JSON.stringify(topic)}. Or pass { channel, key }.`,
    )
  const names = internals.channels().map(({ name }) => name)
  if (names.length > 0 && !names.includes(channelOfTopic(topic)))
    throw new TypeError(
      `Expected a topic of a channel of this line (${names.join(', ')}), got ${JSON.stringify(topic)}. Check its name.`,
    )
  return topic
}

function checkOptions(of: ErasedSubject, { from, perSecond }: EraseOptions): void {
  if (perSecond !== undefined && !(Number.isFinite(perSecond) && perSecond > 0))
    throw new RangeError(`Expected perSecond to be a number above 0, got ${describeValue(perSecond)}`)
  if (from === undefined) return
  if ((from as Partial<EraseState> | null)?.version !== 1 || typeof from.step !== 'string')
    throw new TypeError(`Expected \`from\` to be the state of an erasure, got ${describeValue(from)}`)
  if (JSON.stringify(from.of) !== JSON.stringify(of))
    throw new TypeError(
      `Expected the state of an erasure of ${JSON.stringify(of)}, got that of ${JSON.stringify(from.of)}. Pass the same subject.`,
    )
}
