import { defined } from '@trunkline/protocol'
import { UsageError } from '../../stage/usage-error.ts'
import { tokenOf } from '../calls/options.ts'
import { defineCommand } from '../definition/command.ts'
import { interruptedCode } from '../definition/io.ts'
import { flag, text } from '../definition/options.ts'

export const doctorCommand = defineCommand({
  name: 'doctor',
  heading: 'Operate a line',
  summary: 'Call each part of a line, and say what to do about what is wrong',
  description:
    'Calls each part of a line as its clients and functions do: credentials, table, stream, delivery, routes, keepalive, authorizer, callback address, roles action by action, queues, quotas, clocks and versions. Prints for each check what it saw and what to do. Exits with 1 when a check failed; warnings do not fail. It leaves nothing behind, and reads no data of the application.',
  onLine: true,
  options: {
    token: text('token', 'A token that authorize of the application accepts (default: TRUNKLINE_TOKEN)'),
    principal: text('name', 'With --facts: the principal of the token (default: the sub of a JWT)'),
    origin: text('origin', 'The origin of a page that may connect, such as https://app.example.com'),
    url: text('address', 'The address of the sockets, where clients use another one than the stack names'),
    only: text('ids', 'Only these checks and those that they need, separated by commas'),
    facts: flag('Also look at what AWS does not document'),
    slow: flag('With that, also at what takes 11 minutes'),
  },
  examples: [
    ['trunkline doctor --stage prod --token "$TOKEN"', 'Examine a deployed line'],
    ['trunkline doctor --local', 'Examine the line of a running trunkline dev'],
    ['trunkline doctor --stage prod --only filter,ping --json', 'Run two checks, and print the results as JSON'],
  ],
  async run({ options, io, findLine }) {
    const { principal, origin, url, only, facts, slow } = options
    if (url !== undefined && !/^wss?:\/\/[^/]/.test(url))
      throw new UsageError(`Expected --url to be an address such as wss://live.example.com, got ${url}.`)
    const ids = only?.split(',').map((id) => id.trim())
    const { formatCounts, formatResult, runDoctor } = await import('../../doctor/run-doctor.ts')
    const stage = await findLine()
    const report = await runDoctor(
      { ...stage, ...defined({ webSocketUrl: url ?? stage.webSocketUrl }) },
      {
        ...defined({ token: tokenOf(options.token), principal, origin, facts, slow, only: ids }),
        interrupted: io.interrupted,
        onResult(result, remaining) {
          if (!io.isJson) for (const line of formatResult(result)) io.print(line)
          io.progress(`${remaining} more`)
        },
      },
    )
    io.result(report, `${report.line}: ${formatCounts(report.counts)}`)
    if (io.interrupted.aborted) return interruptedCode(io.interrupted.reason)
    return report.ok ? 0 : 1
  },
})
