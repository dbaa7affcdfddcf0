import { type Quote, services } from './services.ts'
import { assumptions, daysInMonth, idle, minutesInMonth, type Workload } from './workload.ts'

/** A row of a table: what is priced, and the quote of each service. */
export interface QuoteRow {
  readonly name: string
  readonly quotes: Readonly<Record<string, Quote>>
}

const million = 1_000_000
const listener: Workload = {
  ...idle,
  ...{ connectionMinutes: minutesInMonth, connects: daysInMonth, audience: 10, peakSockets: 1 },
}
/** A client that polls has no connection. It says hello again after each two hours, which is left out. */
const polling = (seconds: number): Workload => ({ ...idle, polls: (minutesInMonth * 60) / seconds })

/** The services that have what a row asks for. @default all */
type Only = readonly string[]

const units: readonly { readonly name: string; readonly work: Workload; readonly not?: Only; readonly only?: Only }[] =
  [
    {
      name: '1,000,000 calls',
      work: { ...idle, calls: million },
      not: ['AppSync Events', 'IoT Core', 'Ably', 'Pusher'],
    },
    ...[2, 10, 100, 10_000].map((audience) => ({
      name: `1,000,000 events to rooms of ${audience.toLocaleString('en-US')}`,
      work: { ...idle, events: million, audience, peakSockets: audience },
    })),
    { name: 'a client that is always on, for a month', work: listener },
    { name: 'the same over HTTP, polled each second', work: polling(1), only: ['a line'] },
    { name: 'the same over HTTP, polled each 15 s', work: polling(15), only: ['a line'] },
    { name: '1,000 AI answers', work: { ...idle, answers: 1_000, peakSockets: 1 } },
  ]

/** What a unit of use costs, apart from what each service costs for a month without any. */
export function unitRows(): readonly QuoteRow[] {
  const monthly = { name: 'a month in which nothing happens', quotes: toQuotes(({ monthly: quote }) => quote) }
  const rows = units.map(({ name, work, not = [], only }) => ({
    name,
    quotes: toQuotes(({ name: service, usage }) =>
      not.includes(service) || (only !== undefined && !only.includes(service)) ? 'none' : usage(work),
    ),
  }))
  return [monthly, ...rows]
}

function toQuotes(quoteOf: (service: (typeof services)[number]) => Quote): Readonly<Record<string, Quote>> {
  return Object.fromEntries(services.map((service) => [service.name, quoteOf(service)]))
}

/** Where another service is cheaper: the row, the cheapest one, and how many times as much a line costs. */
export interface Loss {
  readonly row: string
  readonly cheapest: string
  readonly times: number
}

/** The rows in which a line is not the cheapest, by use alone. */
export function losses(rows: readonly QuoteRow[]): readonly Loss[] {
  return rows.flatMap(({ name, quotes }) => {
    const own = quotes['a line']
    const [cheapest, usd] = Object.entries(quotes)
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
      .reduce((best, entry) => (entry[1] < best[1] ? entry : best), ['', Number.POSITIVE_INFINITY])
    if (typeof own !== 'number' || cheapest === 'a line' || usd >= own) return []
    return [{ row: name, cheapest, times: usd === 0 ? Number.POSITIVE_INFINITY : own / usd }]
  })
}

/** What the answers and the polls of the tables are. */
export const answerText = `${assumptions.answerBatches} batches in ${assumptions.answerSeconds} s`
