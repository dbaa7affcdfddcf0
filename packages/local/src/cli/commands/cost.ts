import { UsageError } from '../../stage/usage-error.ts'
import { alignTables } from '../definition/align.ts'
import { defineCommand } from '../definition/command.ts'
import { count, type OptionDefinition } from '../definition/options.ts'

const most = 1_000_000_000

/** A number that may be a fraction: the average of a day. */
function average(description: string, largest = most): OptionDefinition<number> {
  const parse = (given: string, option: string) => {
    const value = /^\d{1,10}(\.\d{1,6})?$/.test(given) ? Number(given) : Number.NaN
    if (value <= largest) return value
    throw new UsageError(
      `Expected ${option} to be a number from 0 to ${largest.toLocaleString('en-US')}, got ${given}.`,
    )
  }
  return { value: '<n>', description, parse }
}

export const costCommand = defineCommand({
  name: 'cost',
  heading: 'Describe an application',
  summary: 'Print what a line costs, next to other services',
  description:
    'Prints what a line costs by the counts of its operations and a dated price table, next to AppSync Events, IoT Core, Ably, Pusher, Durable Objects, Fargate with Socket.IO and SSE from Lambda: for units of use, and for an application. With an option it prints the application alone. It needs no network and no account. Free tiers, data transfer, storage, logs and tax are not included.',
  options: {
    users: count('Users of the application, each of whom comes every day', { most }),
    hours: average('Hours a day that a user is connected (default: 2)', 24),
    messages: average('Messages a day that a user publishes (default: 10)'),
    room: count('Connected subscribers who get each message (default: 10)', { least: 0, most }),
    calls: average('Calls a day that publish nothing (default: 30)'),
    answers: average('Answers of an AI model a day (default: 1)'),
  },
  examples: [
    ['trunkline cost', 'Print all tables'],
    ['trunkline cost --users 5000 --messages 40 --room 25', 'Print what a chat with 5,000 users costs in a month'],
  ],
  async run({ options, io }) {
    const { costReport } = await import('../../cost/report.ts')
    const { json, text } = costReport(options)
    io.result(json, alignTables(text))
    return 0
  },
})
