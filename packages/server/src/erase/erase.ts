import { withDocs } from '@trunkline/protocol'
import { describeValue } from '../define/describe-value.ts'
import { channelOfTopic, formatTopic, partitionOfTopic, topicOfPartition } from '../define/topic.ts'
import { internalsOf, type LineInternals } from '../line/internals.ts'
import type { Line } from '../line/line.ts'
import { type EraseReport, runErasure } from '../runtime/erasure/erase.ts'
import type { ErasedSubject, EraseOptions, EraseState } from '../runtime/erasure/run.ts'
import { countToRead } from '../runtime/log/partition-count.ts'

/**
 * What to erase.
 * - `principal`: the rows about it, as `authorize` names it. Events of channels stay, since the line does not know whom
 *   their data is about
 * - `topic`: the events of one topic, by its name, such as `chat.messages?room=s:7`, or by its channel and key. Of a
 *   channel with partitions, the events of one `partition`, from 0, or of the one in the name: `reactions?show=s:7/2`
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
  const of = await toSubject(subject, internals)
  checkOptions(of, options)
  return runErasure(internals.context(), of, options)
}

async function toSubject(subject: EraseSubject, internals: LineInternals): Promise<ErasedSubject> {
  const { principal, topic, channel, key, partition } = (subject ?? {}) as Partial<Record<string, unknown>>
  const given = [principal, topic, channel].filter((name) => name !== undefined)
  const [only] = given
  if (given.length !== 1 || typeof only !== 'string' || only === '')
    throw new TypeError(
      withDocs(
        'options',
        `Expected { principal }, { topic } or { channel, key }, each name a text that is not empty, got ${describeValue(subject)}`,
      ),
    )
  if (principal !== undefined) return { principal: only }
  if (channel !== undefined && (typeof key !== 'object' || key === null))
    throw new TypeError(
      withDocs('options', `Expected key to be an object of texts and numbers, got ${describeValue(key)}`),
    )
  const named = channel === undefined ? only : formatTopic(only, key as Readonly<Record<string, string | number>>)
  const { topic: name, index } = partitionOfTopic(named)
  checkTopic(name, named, internals)
  return { topic: topicOfPartition(name, await checkPartition(internals, { topic: name, index, partition })) }
}

interface GivenPartition {
  readonly topic: string
  /** The partition in the name of the topic. 0: none. */
  readonly index: number
  readonly partition: unknown
}

/**
 * Each partition of a topic is a log that is erased by itself, so the caller says which. The table says how many there
 * are: the line of a script may declare no channels, or no longer these partitions.
 */
async function checkPartition(internals: LineInternals, { topic, index, partition }: GivenPartition): Promise<number> {
  const name = channelOfTopic(topic)
  const declared = internals.channels().find((channel) => channel.name === name)
  const { partitions: count } = await countToRead(internals.context(), declared ?? { name })
  const isPartitioned = declared?.partitions !== undefined || count > 1
  const chosen = partition ?? (index === 0 ? undefined : index)
  if (!isPartitioned && chosen === undefined) return 0
  const isPartition = Number.isInteger(chosen) && Number(chosen) >= 0 && Number(chosen) < count
  const isOther = index !== 0 && index !== chosen
  if (isPartitioned && isPartition && !isOther) return Number(chosen)
  const expected = isPartitioned ? `a partition from 0 to ${count - 1}` : 'no partition'
  const got =
    chosen === undefined ? 'none.' : isOther ? `${index} in the topic and another one.` : describeValue(chosen)
  throw new TypeError(
    withDocs('options', `Expected ${expected} for channel ${name}, got ${got} Erase each partition by itself.`),
  )
}

const topicForm = /^[^?#\s]+\?(?:[^=&]+=(?:s:[^&]*|n:[^&]+)(?:&[^=&]+=(?:s:[^&]*|n:[^&]+))*)?$/

/** `given`: the name with its partition. */
function checkTopic(topic: string, given: string, internals: LineInternals): void {
  if (!topicForm.test(topic) || !/^[^/]*(?:\/\d{1,2})?$/.test(given))
    throw new TypeError(
      withDocs(
        'options',
        `Expected the name of a topic, such as chat.messages?room=s:7, got ${JSON.stringify(given)}. Or pass { channel, key }.`,
      ),
    )
  const names = internals.channels().map(({ name }) => name)
  if (names.length > 0 && !names.includes(channelOfTopic(topic)))
    throw new TypeError(
      withDocs(
        'options',
        `Expected a topic of a channel of this line (${names.join(', ')}), got ${JSON.stringify(topic)}. Check its name.`,
      ),
    )
}

function checkOptions(of: ErasedSubject, { from, perSecond }: EraseOptions): void {
  if (perSecond !== undefined && !(Number.isFinite(perSecond) && perSecond > 0))
    throw new RangeError(
      withDocs('options', `Expected perSecond to be a number above 0, got ${describeValue(perSecond)}`),
    )
  if (from === undefined) return
  if ((from as Partial<EraseState> | null)?.version !== 1 || typeof from.step !== 'string')
    throw new TypeError(
      withDocs('options', `Expected \`from\` to be the state of an erasure, got ${describeValue(from)}`),
    )
  if (JSON.stringify(from.of) !== JSON.stringify(of))
    throw new TypeError(
      withDocs(
        'options',
        `Expected the state of an erasure of ${JSON.stringify(of)}, got that of ${JSON.stringify(from.of)}. Pass the same subject.`,
      ),
    )
}
