/** What AWS charges for, of what a line uses. */
export const metered = ['messages', 'connectionMinutes', 'requests', 'gbSeconds', 'readUnits', 'writeUnits'] as const
export type Metered = (typeof metered)[number]

/** How much of each. */
export type Usage = Readonly<Record<Metered, number>>

/** One price, and who says so. */
export interface Price {
  readonly label: string
  /** US dollars for a million. */
  readonly usdPerMillion: number
  readonly source: string
}

const gateway = 'https://aws.amazon.com/api-gateway/pricing/'
const lambda = "infracost's golden file lambda_function_test"
const dynamo = 'https://airbyte.com/data-engineering-resources/dynamodb-pricing'

/** The public prices of us-east-1, on demand, without free tier and discounts. */
export const prices: Readonly<Record<Metered, Price>> = {
  messages: { label: 'API Gateway messages, 32 KB', usdPerMillion: 1, source: gateway },
  connectionMinutes: { label: 'API Gateway connection minutes', usdPerMillion: 0.25, source: gateway },
  requests: { label: 'Lambda requests', usdPerMillion: 0.2, source: lambda },
  gbSeconds: { label: 'Lambda GB-seconds, arm64', usdPerMillion: 13.3334, source: lambda },
  readUnits: { label: 'DynamoDB read units', usdPerMillion: 0.125, source: dynamo },
  writeUnits: { label: 'DynamoDB write units', usdPerMillion: 0.625, source: dynamo },
}

/** The day on which they were read. */
export const pricesRead = '2026-11-23'

/** What a function of a line has: it decides what a second of it costs. */
export const memoryMb = 512

const messageBytes = 32 * 1_024 // 32 KB: a message is billed in steps of it

/** How many messages one of `bytes` is billed as. */
export function toMessages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / messageBytes))
}

/** The GB-seconds of a run, billed by the millisecond begun. */
export function toGbSeconds(ms: number): number {
  return (Math.max(1, Math.ceil(ms)) / 1_000) * (memoryMb / 1_024)
}
