import { defined } from '@trunkline/protocol'
import { UsageError } from '../../stage/usage-error.ts'
import { clientOptions, inputArgument, readInput, tokenOf } from '../calls/options.ts'
import { defineCommand } from '../definition/command.ts'
import { count, text } from '../definition/options.ts'

const longestInput = 30_000 // a longer frame is sent in chunks, to which no cursor is added

export const subscribeCommand = defineCommand({
  name: 'subscribe',
  heading: 'Use a line',
  summary: 'Print the events of a subscription as lines of JSON',
  description: `Subscribes and prints one JSON object a line until Ctrl-C, --count, or the end of the subscription: {"type":"event","id","data"}, {"type":"gap","reason","lastEventId"} for events that cannot be replayed, {"type":"error","message","code"}, and {"type":"ended"}. It resumes after the last event when the socket is lost. The states of the connection are on stderr, or with --json lines too: {"type":"started"} and {"type":"connection","status"}.`,
  onLine: true,
  args: { path: { required: true, description: 'The path of the procedure, such as room.live' }, input: inputArgument },
  options: {
    lastEventId: text('id', 'Begin after this event, as if the socket was lost there'),
    count: count('End after this number of events'),
    ...clientOptions,
  },
  examples: [
    [`trunkline subscribe room.live '{"room":"7"}'`, 'Follow a room of the trunkline dev that runs'],
    [`trunkline subscribe room.live '{"room":"7"}' --stage prod | jq .data.text`, 'Take a member of each event'],
    [`trunkline subscribe room.live '{"room":"7"}' --last-event-id 0.k3v9:64 --count 1`, 'Print the next event'],
  ],
  async run({ args: { path, input: given }, options, io, findLine }) {
    const input = await readInput(given, io.stdin)
    const [{ addressOf, connect }, { loadEntry, typeOf }, { follow }] = await Promise.all([
      import('../calls/connect.ts'),
      import('../calls/application.ts'),
      import('../calls/follow.ts'),
    ])
    const { url } = await addressOf(options.url, findLine)
    const application = await loadEntry(options.entry)
    if (application !== undefined) await typeOf(application, path, { command: 'subscribe', types: ['subscription'] })
    const { lastEventId, token } = options
    if (lastEventId !== undefined && JSON.stringify(input ?? null).length > longestInput)
      throw new UsageError(`Expected an input of at most ${longestInput} characters with --last-event-id.`)
    const caller = connect({ url, io, ...defined({ token: tokenOf(token), application, lastEventId }) })
    try {
      return await follow(caller, { path, input, io, ...defined({ count: options.count }) })
    } finally {
      await caller.connection.close()
    }
  },
})
