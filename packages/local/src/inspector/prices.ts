import type { CostView } from './view.ts'

/** The billed items that a line uses. */
export const metered = ['messages', 'connectionMinutes', 'requests', 'gbSeconds', 'readUnits', 'writeUnits'] as const
export type Metered = (typeof metered)[number]

/** The amount of each item. */
export type Usage = Readonly<Record<Metered, number>>

/** One price with its source. */
export interface Price {
  readonly label: string
  /** US dollars per million. */
  readonly usdPerMillion: number
  readonly source: string
}

const gateway = 'https://aws.amazon.com/api-gateway/pricing/'
const lambda = "infracost's golden file lambda_function_test"
const dynamo = 'https://airbyte.com/data-engineering-resources/dynamodb-pricing'

/** The public on-demand prices of us-east-1, without free tier and discounts. */
export const prices: Readonly<Record<Metered, Price>> = {
  messages: { label: 'API Gateway messages, 32 KB', usdPerMillion: 1, source: gateway },
  connectionMinutes: { label: 'API Gateway connection minutes', usdPerMillion: 0.25, source: gateway },
  requests: { label: 'Lambda requests', usdPerMillion: 0.2, source: lambda },
  gbSeconds: { label: 'Lambda GB-seconds, arm64', usdPerMillion: 13.3334, source: lambda },
  readUnits: { label: 'DynamoDB read units', usdPerMillion: 0.125, source: dynamo },
  writeUnits: { label: 'DynamoDB write units', usdPerMillion: 0.625, source: dynamo },
}

/** The day on which the prices were read. */
const pricesRead = '2026-11-23'

/** The memory of a line's functions, which determines the price of a second. */
export const memoryMb = 512

const messageBytes = 32 * 1_024 // messages are billed in steps of 32 KB

/** The number of billed messages for a message of `bytes`. */
export function toMessages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / messageBytes))
}

/** The GB-seconds of a run. Started milliseconds are billed. */
export function toGbSeconds(ms: number): number {
  return (Math.max(1, Math.ceil(ms)) / 1_000) * (memoryMb / 1_024)
}

/** The cost of the usage so far, and of an hour at the current rate. */
export function toCost(used: Usage, perHour: Usage): CostView {
  const usd = (item: Metered, amount: number) => (amount * prices[item].usdPerMillion) / 1_000_000
  const lines = metered.map((item) => ({
    label: prices[item].label,
    source: prices[item].source,
    usdPerMillion: prices[item].usdPerMillion,
    used: used[item],
    usd: usd(item, used[item]),
    usdPerHour: usd(item, perHour[item]),
  }))
  return {
    pricesRead,
    lines,
    usd: lines.reduce((sum, line) => sum + line.usd, 0),
    usdPerHour: lines.reduce((sum, line) => sum + line.usdPerHour, 0),
  }
}
