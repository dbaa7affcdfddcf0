import { type ApplicationOptions, applicationRow, applicationText, applicationWork } from './application.ts'
import { lineItems, lineUse } from './line.ts'
import { type Price, prices, pusherPlans, pusherSource, usdOf } from './prices.ts'
import { type Quote, services } from './services.ts'
import { answerText, losses, type QuoteRow, unitRows } from './tables.ts'
import { assumptions, idle, type Workload } from './workload.ts'

/** Dollars with three digits; words as they are. */
export function formatQuote(quote: Quote): string {
  if (typeof quote === 'string') return quote
  if (quote === 0) return '$0'
  if (quote >= 100) return `$${Math.round(quote).toLocaleString('en-US')}`
  if (quote >= 1) return `$${quote.toFixed(2)}`
  if (quote < 0.00001) return '< $0.00001'
  return `$${Number(quote.toPrecision(3)).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 8 })}`
}

function table(rows: readonly QuoteRow[]): string {
  const names = services.map(({ name }) => name)
  const cells = ({ name, quotes }: QuoteRow) => [
    name,
    ...names.map((service) => formatQuote(quotes[service] ?? 'none')),
  ]
  return [
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '--:|').join('')}`,
    ...rows.map((row) => `| ${cells(row).join(' | ')} |`),
  ].join('\n')
}

const formatTimes = (times: number) => (times < 10 ? times.toFixed(1) : Math.round(times).toLocaleString('en-US'))

function lossList(rows: readonly QuoteRow[]): string {
  return losses(rows)
    .map(({ row, cheapest, times }) =>
      Number.isFinite(times)
        ? `- **${row}:** ${cheapest} is the cheapest. A line costs ${formatTimes(times)} times as much.`
        : `- **${row}:** ${cheapest} costs nothing.`,
    )
    .join('\n')
}

/** The tables of units: what each costs, and where a line is not the cheapest. */
export function formatUnits(): string {
  const rows = unitRows()
  return [
    table(rows),
    '',
    `An AI answer has ${answerText}. "none": the service has no such thing. The first row comes on top of the others, save`,
    "for Pusher, whose cells are the cheapest plan. An SSE listener costs the same however many events come, so a room's",
    'listeners are in the row of the client.',
    '',
    '### Where a line costs more',
    lossList(rows),
  ].join('\n')
}

/** What makes up the price of a line for one of each unit. */
export function formatParts(): string {
  const million = 1_000_000
  const works: readonly (readonly [string, Workload])[] = [
    ['1,000,000 calls', { ...idle, calls: million }],
    ['1,000,000 events to rooms of 10', { ...idle, events: million, audience: 10 }],
    ['a client that is always on, for a month', { ...idle, connectionMinutes: 43_200, connects: 30 }],
    ['1,000 AI answers', { ...idle, answers: 1_000 }],
  ]
  const lines = works.map(([name, work]) => {
    const use = lineUse(work)
    return `| ${[name, ...lineItems.map((item) => formatQuote(usdOf(item, use[item])))].join(' | ')} |`
  })
  const titles = lineItems.map((item) => prices[item].label.replace(/, arm64| of 32 KB| on demand/, ''))
  return [`| | ${titles.join(' | ')} |`, `|---|${titles.map(() => '--:|').join('')}`, ...lines].join('\n')
}

/** The example application for these numbers of users. */
export function formatApplications(users: readonly number[], options: Omit<ApplicationOptions, 'users'>): string {
  const rows = users.map((each) => applicationRow({ users: each, ...options }))
  const sockets = users.map((each) => applicationWork({ users: each, ...options }).peakSockets.toLocaleString('en-US'))
  return [
    applicationText(options),
    `That is ${sockets.join(', ')} sockets at the peak.`,
    '',
    table(rows),
    '',
    '### Where a line costs more for it',
    lossList(rows) || 'Nowhere.',
  ].join('\n')
}

/** The dated price table. */
export function formatPrices(): string {
  const rows = Object.values(prices).map(({ label, usd, per, unit, source, read }: Price) => {
    const price = usd === null ? 'not found' : `$${usd.toLocaleString('en-US', { maximumFractionDigits: 6 })}`
    return `| ${label} | ${price} | ${per === 1 ? '' : `${per.toLocaleString('en-US')} `}${unit} | ${source} | ${read} |`
  })
  const plans = pusherPlans.map(
    ({ name, usd, connections, messagesPerDay }) =>
      `| Pusher ${name}: ${connections.toLocaleString('en-US')} connections, ${messagesPerDay.toLocaleString('en-US')} messages a day | $${usd.toLocaleString('en-US')} | months | ${pusherSource.source} | ${pusherSource.read} |`,
  )
  const enterprise = `| Pusher Enterprise | not found | months | ${pusherSource.source} | ${pusherSource.read} |`
  return ['| | price | for | source | read |', '|---|--:|---|---|---|', ...rows, ...plans, enterprise].join('\n')
}

/** What the tables assume. */
export function formatAssumptions(): string {
  const { functionGb, runMs, postMs, keepaliveMinutes, handoverMinutes, messageBytes, objectMs, objectGb } = assumptions
  const { deliveryMs, taskCpus, taskGb, taskSockets, leastTasks, otherCallMs, listenerGb } = assumptions
  const { listenerPollSeconds } = assumptions
  return [
    `- A line's functions have ${functionGb * 1_024} MB. A run takes ${runMs} ms apart from its waits, and each post ${postMs} ms. A request`,
    '  to the table waits for 5 ms, and a post for 10 ms.',
    `- A client syncs each ${keepaliveMinutes} minutes, and changes its socket each ${handoverMinutes} minutes.`,
    `- A message or a delivered event has ${messageBytes} bytes.`,
    `- A Durable Object has ${objectGb * 1_024} MB and is awake for ${objectMs} ms for each message that comes in. It hibernates otherwise.`,
    `- Socket.IO takes ${deliveryMs} ms of CPU for each delivery. A task has ${taskCpus} vCPU and ${taskGb} GB, and holds`,
    `  ${taskSockets.toLocaleString('en-US')} sockets. There are at least ${leastTasks}, behind an Application Load Balancer.`,
    `- The function of an SSE listener has ${listenerGb * 1_024} MB and reads the log each ${listenerPollSeconds} s.`,
    `- Calls of an application on AppSync, IoT Core, Ably or Pusher go to an HTTP API and a function of ${otherCallMs} ms.`,
  ].join('\n')
}
