import { parseArgs } from 'node:util'
import { type ApplicationOptions, applicationDefaults, applicationRow, applicationWork } from './application.ts'
import { formatApplications, formatAssumptions, formatParts, formatPrices, formatUnits } from './format.ts'
import { lineUse } from './line.ts'
import { prices, pusherPlans } from './prices.ts'
import { losses, unitRows } from './tables.ts'
import { assumptions } from './workload.ts'

/** The usage of the command. */
export const costUsage = `trunkline cost [--users n] [--hours n] [--messages n] [--room n] [--calls n] [--answers n] [--json]

Prints what a line costs by the counts of its operations and a dated price table, next to AppSync Events, IoT Core, Ably,
Pusher, Durable Objects, Fargate with Socket.IO and SSE from Lambda: for units of use, and for an application.
--users, alone or with the other options, prints the application alone. --hours (2) is what a user is connected a day,
--messages (10), --calls (30) and --answers (1) what a user does a day, and --room (10) the connected subscribers of
each message. --json prints everything as JSON. It needs no network and no account. Free tiers, data transfer, storage,
logs and tax are not included.`

/** The users of the example application. */
const exampleUsers: readonly number[] = [100, 10_000, 1_000_000]

const names = ['users', 'hours', 'messages', 'room', 'calls', 'answers'] as const
const most = 1_000_000_000

/** Prints the prices. Resolves to the exit code. Throws an \`Error\` for an option that is not a number. */
export async function runCostCommand(
  args: readonly string[],
  log: (text: string) => void = console.log,
): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: text,
      hours: text,
      messages: text,
      room: text,
      calls: text,
      answers: text,
      json: { type: 'boolean' },
    },
  })
  const given = names.flatMap((name) => (values[name] === undefined ? [] : [[name, toNumber(name, values[name])]]))
  const { users, ...options }: Partial<ApplicationOptions> = Object.fromEntries(given)
  const application = { ...applicationDefaults, ...options }
  const counts = users === undefined ? exampleUsers : [users]
  if (values.json === true) log(JSON.stringify(toJson(counts, application), null, 2))
  else if (given.length > 0) log(formatApplications(counts, application))
  else
    log(
      [
        ...['## By unit', formatUnits(), '', '## What a line is billed for', formatParts(), ''],
        ...['## A whole application', formatApplications(counts, application), ''],
        ...['## Assumptions', formatAssumptions(), '', '## Prices', formatPrices()],
      ].join('\n'),
    )
  return 0
}

function toJson(users: readonly number[], options: Omit<ApplicationOptions, 'users'>) {
  const units = unitRows()
  const applications = users.map((each) => {
    const work = applicationWork({ users: each, ...options })
    return {
      users: each,
      ...options,
      work,
      line: lineUse(work),
      usd: applicationRow({ users: each, ...options }).quotes,
    }
  })
  return { units, losses: losses(units), applications, assumptions, prices, pusherPlans }
}

/** Users and rooms are whole; the others may be fractions of a day's average. */
function toNumber(name: (typeof names)[number], text: string): number {
  const isWhole = name === 'users' || name === 'room'
  const value = (isWhole ? /^\d{1,10}$/ : /^\d{1,10}(\.\d{1,6})?$/).test(text) ? Number(text) : Number.NaN
  const isTooMuch = value > (name === 'hours' ? 24 : most)
  if (!Number.isNaN(value) && !isTooMuch && (name !== 'users' || value > 0)) return value
  const bound =
    name === 'hours' ? 'from 0 to 24' : `from ${name === 'users' ? 1 : 0} to ${most.toLocaleString('en-US')}`
  throw new Error(`Expected --${name} to be a ${isWhole ? 'whole ' : ''}number ${bound}, got ${text}.`)
}
