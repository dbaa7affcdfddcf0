import { defined } from '@trunkline/protocol'
import { UsageError } from '../../stage/usage-error.ts'
import { parseJson } from '../calls/options.ts'
import { defineCommand } from '../definition/command.ts'
import { file, flag, parseKey, text } from '../definition/options.ts'

export const publishCommand = defineCommand({
  name: 'publish',
  heading: 'Use a line',
  summary: 'Publish an event to a topic',
  description:
    'Publishes an event to a topic of a channel and prints its id. With --entry, or on a trunkline dev, the schemas of the channel validate key and event. Without them it refuses, unless --raw says that any JSON may be published: a subscriber gets only what its schema accepts when it is delivered.',
  onLine: true,
  args: {
    channel: { required: true, description: 'The name of the channel, such as room.messages' },
    key: { required: true, description: `The key of the topic as JSON, such as '{"room":"7"}'` },
    event: { required: true, description: 'The event as JSON' },
  },
  options: {
    entry: file('The module that exports your handlers: its channels validate the event'),
    raw: flag('Publish without validation, to a channel with a log and without partitions'),
    retention: text('time', 'With --raw: the retention of the channel, such as 7d (default: 24h)'),
    partitionKey: text('key', 'Of a channel with partitions: events of one partition key are in order'),
    idempotencyKey: text('key', 'Publishing again with the same key publishes nothing'),
  },
  examples: [
    [`trunkline publish room.messages '{"room":"7"}' '{"text":"hi"}'`, 'Publish to the trunkline dev that runs'],
    [
      `trunkline publish room.messages '{"room":"7"}' '{"text":"hi"}' --stage prod --entry src/lambda.ts`,
      'Publish to a deployed line, validated',
    ],
  ],
  async run({ args: { channel, key, event }, options, io, findLine }) {
    const { entry, raw, retention, idempotencyKey, partitionKey } = options
    if (raw && entry !== undefined) throw new UsageError('Expected either --entry or --raw, got both. Leave one out.')
    if (raw && partitionKey !== undefined)
      throw new UsageError('Expected --entry with --partition-key, got --raw: it publishes to the first partition.')
    if (retention !== undefined && !raw) throw new UsageError('Expected --raw with --retention, got --retention alone.')
    const [{ publishRaw, publishTyped }, { loadEntry }] = await Promise.all([
      import('../calls/publish.ts'),
      import('../calls/application.ts'),
    ])
    const publication = {
      channel,
      key: parseKey(key, 'the key'),
      event: parseJson(event, 'the event'),
      ...defined({ idempotencyKey, partitionKey }),
    }
    const stage = await findLine()
    const backend = await stage.backend()
    // with --raw the entry need not load: it only says which channels are presences and streams
    const known = raw ? loadEntry(stage.entry).catch(() => undefined) : loadEntry(entry ?? stage.entry)
    const application = await known
    if (application === undefined && !raw)
      throw new UsageError(
        `Expected --entry, the module that exports your handlers, to validate the event. Add it, or --raw to publish any JSON.`,
      )
    if (raw) io.note('The event is not validated.')
    const published = await (application === undefined || raw
      ? publishRaw(backend, { ...publication, ...defined({ retention, application }) })
      : publishTyped(backend, application, publication))
    io.result(published ?? { id: null }, published === undefined ? 'posted to the current subscribers' : published.id)
    return 0
  },
})
