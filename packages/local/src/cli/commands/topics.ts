import { setTimeout as sleep } from 'node:timers/promises'
import { defined } from '@trunkline/protocol'
import { UsageError } from '../../stage/usage-error.ts'
import { alignColumns } from '../definition/align.ts'
import { defineCommand } from '../definition/command.ts'
import { count, flag, text } from '../definition/options.ts'
import { scanOptions } from '../table/scan-table.ts'

const followMs = 1_000
const defaultLimit = 50

const topicArguments = {
  channel: { required: false, description: 'The name of the channel, such as room.messages' },
  key: { required: false, description: `The key of the topic as JSON, such as '{"room":"7"}'` },
} as const
const topic = text('name', 'The topic by its name in the table, such as room.messages?room=s:7')

export const topicsListCommand = defineCommand({
  name: 'topics list',
  heading: 'Operate a line',
  summary: 'List topics with their newest events and subscribers',
  description:
    'Lists topics: the offset and the time of the newest event, and the number of subscribers. With a channel and a key, or --topic, it reads only the rows of that topic. Otherwise it scans the table: it states the number of items and of read units of a deployed line first, asks, and stops after 10,000 rows.',
  onLine: true,
  args: topicArguments,
  options: { topic, ...scanOptions },
  examples: [
    [`trunkline topics list room.messages '{"room":"7"}' --stage prod`, 'Show one topic'],
    ['trunkline topics list room.messages --stage prod --yes', 'Scan for the topics of a channel'],
  ],
  async run({ args: { channel, key }, options: { topic, max, yes }, io, findLine }) {
    const { allTopics, describeTopic, toTopic } = await import('../table/topics.ts')
    const name = topic !== undefined || key !== undefined ? toTopic({ channel, key, topic }) : undefined
    const stage = await findLine()
    const listed =
      name === undefined
        ? await allTopics({ stage, io, ...defined({ max, yes }) }, channel)
        : { topics: await describeTopic(stage, name) }
    const { topics } = listed
    const rows = topics.map(({ channel: of, key: at, partition, newest, newestAt, subscribers }) => [
      of,
      partition === undefined ? JSON.stringify(at) : `${JSON.stringify(at)} partition ${partition}`,
      newest === undefined ? 'no events' : `newest ${newest} at ${newestAt}`,
      `${subscribers} ${subscribers === 1 ? 'subscriber' : 'subscribers'}`,
    ])
    io.result(listed, [...alignColumns(rows), `${topics.length} ${topics.length === 1 ? 'topic' : 'topics'}`])
    return 0
  },
})

export const topicsReadCommand = defineCommand({
  name: 'topics read',
  heading: 'Operate a line',
  summary: 'Print the events in the log of a topic',
  description:
    'Prints the events of a topic in the order of its log: the newest 50, or those from an offset on. With --json each line is {"offset","id","time","data"}; the id is for trunkline subscribe --last-event-id. It reads the rows of this topic alone, also those that are older than the retention of the channel and not deleted yet.',
  onLine: true,
  args: topicArguments,
  options: {
    topic,
    partition: count('The partition, of a channel with partitions (default: 0)', { least: 0, most: 15 }),
    from: count('The first offset'),
    to: count('The last offset'),
    limit: count('The most events (default: 50)', { most: 100_000 }),
    follow: flag('Print new events until Ctrl-C'),
  },
  examples: [
    [`trunkline topics read room.messages '{"room":"7"}' --stage prod`, 'Print the newest events'],
    [`trunkline topics read --topic 'room.messages?room=s:7' --from 64 --to 70 --json`, 'Print a range as JSON'],
    [`trunkline topics read room.messages '{"room":"7"}' --follow`, 'Follow a topic of the trunkline dev that runs'],
  ],
  async run({ args, options, io, findLine }) {
    const { from, to, limit = defaultLimit, follow } = options
    if (from !== undefined && to !== undefined && from > to)
      throw new UsageError(`Expected --from not to be above --to, got --from ${from} and --to ${to}.`)
    if (follow && to !== undefined) throw new UsageError('Expected either --follow or --to, got both. Leave one out.')
    const { readEvents, toTopic } = await import('../table/topics.ts')
    const name = toTopic({ ...args, topic: options.topic, partition: options.partition })
    const backend = await (await findLine()).backend()
    const print = ({ offset, time, data, erased, id }: Awaited<ReturnType<typeof readEvents>>[number]) =>
      io.print(
        io.isJson
          ? JSON.stringify({ offset, id, time, ...(erased ? { erased } : { data }) })
          : `${offset}  ${time}  ${erased ? '(erased)' : JSON.stringify(data)}`,
      )
    const events = await readEvents(backend, name, { limit, ...defined({ from, to }) })
    for (const event of events) print(event)
    if (events.length === 0 && !follow) io.note(`The log of ${name} has no events there. Check the name and the key.`)
    let last = events.at(-1)?.offset ?? (from ?? 1) - 1
    while (follow && !io.interrupted.aborted) {
      await sleep(followMs, undefined, { signal: io.interrupted }).catch(() => {}) // interrupted: the loop ends
      for (const event of await readEvents(backend, name, { from: last + 1, limit: 1_000 })) {
        print(event)
        last = event.offset
      }
    }
    return 0
  },
})
