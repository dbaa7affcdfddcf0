import { defined } from '@trunkline/protocol'
import type { EraseSubject } from '@trunkline/server/erase'
import { UsageError } from '../../stage/usage-error.ts'
import { defineCommand } from '../definition/command.ts'
import { interruptedCode } from '../definition/io.ts'
import { count, file, type TopicKey, text, topicKey } from '../definition/options.ts'

export const eraseCommand = defineCommand({
  name: 'erase',
  heading: 'Operate a line',
  summary: 'Remove what a line holds about a principal or a topic',
  description:
    'Removes what the line holds about a principal, or the events of a topic, and prints a line a second. Ctrl-C leaves a file (--file names it) from which --resume-from continues; the exit code is then 128 and the number of the signal. A principal also needs the callback URL of the line. Running it again is harmless.',
  onLine: true,
  options: {
    principal: text('name', 'The principal'),
    topic: text('name', 'The topic by its name in the table, such as chat?room=s:7'),
    channel: text('name', 'The channel of the topic, with --key'),
    key: topicKey("The topic's key, with --channel"),
    partition: count('The partition, of a channel with partitions', { least: 0, most: 15 }),
    resumeFrom: file('The file of an erasure that was stopped'),
    file: file('The file to continue from after a stop'),
    rate: count('The highest number of rows written in a second (default: unlimited)'),
  },
  examples: [
    ['trunkline erase --principal ann --stage prod', 'Remove what the line holds about ann'],
    [`trunkline erase --channel chat --key '{"room":"7"}' --stage prod`, 'Remove the events of a topic'],
    ['trunkline erase --resume-from trunkline-erase-20261231T120000.json', 'Continue what was stopped'],
  ],
  async run({ options, io, findLine }) {
    const { resumeFrom, file, rate } = options
    const subject = toSubject(options)
    const [{ runErase }, { toTopic }] = await Promise.all([
      import('../../erase/run-erase.ts'),
      import('../table/topics.ts'),
    ])
    if (options.topic !== undefined) toTopic({ topic: options.topic }) // refuses what is no name of a topic
    const settings = defined({ subject, resumeFrom, file, perSecond: rate })
    const log = io.isJson ? io.note : io.print
    const report = await runErase(await findLine(), settings, { log, signal: io.interrupted })
    io.result({ status: report.status, counts: report.counts }, [])
    if (report.status === 'stopped') return interruptedCode(io.interrupted.reason)
    return report.counts.failed > 0 ? 1 : 0
  },
})

interface Named {
  readonly principal?: string
  readonly topic?: string
  readonly channel?: string
  readonly key?: TopicKey
  readonly partition?: number
  readonly resumeFrom?: string
}

function toSubject({ principal, topic, channel, key, partition, resumeFrom }: Named): EraseSubject | undefined {
  const given = Object.keys(defined({ principal, topic, channel, 'resume-from': resumeFrom }))
  if (given.length !== 1 || (channel === undefined) !== (key === undefined))
    throw new UsageError(
      `Expected one of --principal, --topic, --channel with --key, and --resume-from, got ${given.map((name) => `--${name}`).join(', ') || 'none'}${key === undefined ? '' : ' and --key'}.`,
    )
  if (partition !== undefined && topic === undefined && channel === undefined)
    throw new UsageError('Expected --topic or --channel with --partition, got neither. Leave --partition out.')
  if (principal !== undefined) return { principal }
  const part = defined({ partition })
  if (topic !== undefined) return { topic, ...part }
  return channel === undefined || key === undefined ? undefined : { channel, key, ...part }
}
