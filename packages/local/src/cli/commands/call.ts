import { defined } from '@trunkline/protocol'
import { clientOptions, inputArgument, readInput, tokenOf } from '../calls/options.ts'
import { defineCommand } from '../definition/command.ts'
import { formatJson } from '../definition/io.ts'
import { choice, count, text } from '../definition/options.ts'

export const callCommand = defineCommand({
  name: 'call',
  heading: 'Use a line',
  summary: 'Call a query or a mutation',
  description:
    'Calls a procedure by its path and prints its answer as JSON. Without --type and --entry, the line is asked for a query of this path first, and then for a mutation: a procedure of the other type does not run.',
  onLine: true,
  args: { path: { required: true, description: 'The path of the procedure, such as room.send' }, input: inputArgument },
  options: {
    type: choice(['query', 'mutation'], 'The type of the procedure'),
    key: text('key', 'The idempotency key of a mutation: two of one principal with the same key are one'),
    timeout: count('Seconds until the call fails (default: 30)', { most: 3_600 }),
    ...clientOptions,
  },
  examples: [
    [`trunkline call room.send '{"room":"7","text":"hi"}'`, 'Call a mutation of the trunkline dev that runs'],
    [`trunkline call room.list --stage prod --token "$TOKEN"`, 'Call a query of a deployed line as somebody'],
    [`echo '{"room":"7"}' | trunkline call room.clear - --token "$TOKEN" --key clear-1`, 'Read the input from a pipe'],
  ],
  async run({ args: { path, input: given }, options, io, findLine }) {
    const input = await readInput(given, io.stdin)
    const [
      { addressOf, connect },
      { loadEntry, refuseUnknown, typeOf },
      { callProcedure, isUnknownPath, toCommandFailure },
    ] = await Promise.all([
      import('../calls/connect.ts'),
      import('../calls/application.ts'),
      import('../calls/call-procedure.ts'),
    ])
    const { url, entry } = await addressOf(options.url, findLine)
    const application = await loadEntry(options.entry)
    const known = application && (await typeOf(application, path, { command: 'call', types: ['query', 'mutation'] }))
    const { timeout, key } = options
    const timeoutMs = timeout === undefined ? undefined : timeout * 1_000
    const caller = connect({ url, io, ...defined({ token: tokenOf(options.token), application, timeoutMs }) })
    try {
      const type =
        options.type ?? (known as 'query' | 'mutation' | undefined) ?? (key === undefined ? undefined : 'mutation')
      const call = { path, input, key, signal: io.interrupted }
      const answer = await Promise.race([callProcedure(caller, defined({ ...call, type })), caller.unreachable])
      io.print(formatJson(answer, 2))
      return 0
    } catch (error) {
      if (application === undefined && isUnknownPath(error)) await refuseUnknown(entry, path)
      throw toCommandFailure(error, { isAnonymous: tokenOf(options.token) === undefined })
    } finally {
      await caller.connection.close()
    }
  },
})
