import { type ApplicationOptions, applicationDefaults, applicationRow, applicationWork } from './application.ts'
import { formatApplications, formatAssumptions, formatParts, formatPrices, formatUnits } from './format.ts'
import { lineUse } from './line.ts'
import { prices, pusherPlans } from './prices.ts'
import { losses, unitRows } from './tables.ts'
import { assumptions } from './workload.ts'

/** The users of the example application. */
const exampleUsers: readonly number[] = [100, 10_000, 1_000_000]

/** What a line costs: everything without options, and the application alone with some of them. */
export function costReport(given: Partial<ApplicationOptions>): { readonly json: unknown; readonly text: string } {
  const { users, ...options } = given
  const application = { ...applicationDefaults, ...options }
  const counts = users === undefined ? exampleUsers : [users]
  const isApplication = Object.keys(given).length > 0
  return {
    json: toJson(counts, application),
    text: isApplication ? formatApplications(counts, application) : formatAll(counts, application),
  }
}

function formatAll(counts: readonly number[], application: Omit<ApplicationOptions, 'users'>): string {
  return [
    ...['## By unit', formatUnits(), '', '## What a line is billed for', formatParts(), ''],
    ...['## A whole application', formatApplications(counts, application), ''],
    ...['## Assumptions', formatAssumptions(), '', '## Prices', formatPrices()],
  ].join('\n')
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
