/** One price of a list. */
export interface Price {
  readonly label: string
  /** US dollars for `per` units. `null`: no price was found. */
  readonly usd: number | null
  readonly per: number
  /** What is billed. */
  readonly unit: string
  readonly source: string
  /** The day on which the source was read, or which it gives for its prices. */
  readonly read: string
}

const million = 1_000_000
const transcribed = (name: string) => `https://github.com/api-evangelist/${name}`
const gateway = { source: 'https://aws.amazon.com/api-gateway/pricing/', read: '2026-09-20' }
const lambda = { source: 'https://aws.amazon.com/lambda/pricing/', read: '2026-09-20' }
const lambdaSeconds = {
  source: 'https://app.unpkg.com/artillery@2.0.28/files/lib/platform/aws-lambda/prices.js',
  read: '2026-11-30',
}
const dynamo = { source: 'https://airbyte.com/data-engineering-resources/dynamodb-pricing', read: '2026-11-30' }
const appSync = {
  source: 'https://huggingface.co/datasets/labofsahil/aws-pricing-dataset/blob/main/AWSAppSync.csv',
  read: '2026-11-30',
}
const appSyncPage = { source: 'https://aws.amazon.com/appsync/pricing/', read: '2026-11-30' }
const iot = { source: transcribed('amazon-iot-core'), read: '2026-09-20' }
const ably = { source: 'https://ably.com/docs/platform/pricing/resource-based', read: '2026-11-30' }
const ablyUsage = { source: transcribed('ably'), read: '2026-05-08' }
const pusher = { source: transcribed('pusher'), read: '2026-05-08' }
const cloudflare = { source: 'https://developers.cloudflare.com/durable-objects/platform/pricing/', read: '2026-11-30' }
const fargate = { source: 'https://vantage.sh/blog/fargate-pricing', read: '2026-11-30' }
const balancer = { source: transcribed('amazon-elastic-load-balancing'), read: '2026-09-20' }

/**
 * The public on-demand prices of us-east-1 unless a label names another region, or of a vendor's own list. Without free
 * tiers and discounts, and of the first tier: larger amounts of some cost less.
 */
export const prices = {
  messages: { label: 'API Gateway messages of 32 KB', usd: 1, per: million, unit: 'messages', ...gateway },
  connectionMinutes: { label: 'API Gateway connections', usd: 0.25, per: million, unit: 'minutes', ...gateway },
  httpRequests: { label: 'API Gateway HTTP API', usd: 1, per: million, unit: 'requests', ...gateway },
  requests: { label: 'Lambda requests', usd: 0.2, per: million, unit: 'requests', ...lambda },
  gbSeconds: { label: 'Lambda duration, arm64', usd: 13.3334, per: million, unit: 'GB-seconds', ...lambdaSeconds },
  streamedGb: {
    ...{ label: 'Lambda response streaming beyond 6 MB a request', usd: null, per: 1, unit: 'GB', ...lambda },
  },
  readUnits: { label: 'DynamoDB on demand, reads', usd: 0.125, per: million, unit: 'read units', ...dynamo },
  writeUnits: { label: 'DynamoDB on demand, writes', usd: 0.625, per: million, unit: 'write units', ...dynamo },
  queueRequests: {
    ...{ label: 'SQS standard queue', usd: 0.4, per: million, unit: 'requests' },
    ...{ source: 'https://gist.github.com/allenheltondev/d028926b7fe3b0656c96af9140ab55e3', read: '2020-03-11' },
  },
  appSyncOperations: {
    label: 'AppSync Events, 5 KB (EU, Ireland)',
    usd: 1,
    per: million,
    unit: 'operations',
    ...appSync,
  },
  appSyncMinutes: { label: 'AppSync connections', usd: 0.08, per: million, unit: 'minutes', ...appSyncPage },
  iotMessages: { label: 'IoT Core messages of 5 KB (EU, Ireland)', usd: 1, per: million, unit: 'messages', ...iot },
  iotMinutes: { label: 'IoT Core connections (EU, Ireland)', usd: 0.08, per: million, unit: 'minutes', ...iot },
  ablyMessages: { label: 'Ably messages, by use', usd: 2.5, per: million, unit: 'messages', ...ablyUsage },
  ablyMinutes: { label: 'Ably connections, by use', usd: 1, per: million, unit: 'minutes', ...ablyUsage },
  ablyChannelMinutes: { label: 'Ably channels, by use', usd: 1, per: million, unit: 'minutes', ...ablyUsage },
  ablyStandard: { label: 'Ably Standard, up to 10,000 connections', usd: 29, per: 1, unit: 'months', ...ably },
  ablyPro: { label: 'Ably Pro, up to 50,000 connections', usd: 399, per: 1, unit: 'months', ...ably },
  ablyUsers: { label: 'Ably monthly active users (all new accounts)', usd: null, per: 1, unit: 'users', ...ably },
  objectRequests: { label: 'Durable Objects', usd: 0.15, per: million, unit: 'requests', ...cloudflare },
  objectGbSeconds: { label: 'Durable Objects, awake', usd: 12.5, per: million, unit: 'GB-seconds', ...cloudflare },
  workersPlan: { label: 'Cloudflare Workers Paid', usd: 5, per: 1, unit: 'months', ...cloudflare },
  fargateCpu: { label: 'Fargate, arm64', usd: 0.03238, per: 1, unit: 'vCPU-hours', ...fargate },
  fargateGb: { label: 'Fargate memory, arm64', usd: 0.00356, per: 1, unit: 'GB-hours', ...fargate },
  balancerHours: { label: 'Application Load Balancer', usd: 0.0225, per: 1, unit: 'hours', ...balancer },
  balancerUnits: { label: 'Application Load Balancer capacity', usd: 0.008, per: 1, unit: 'LCU-hours', ...balancer },
} as const satisfies Record<string, Price>

export type PriceName = keyof typeof prices

/** A plan of Pusher Channels: dollars a month, its most connections, and its most messages a day. */
export interface Plan {
  readonly name: string
  readonly usd: number
  readonly connections: number
  readonly messagesPerDay: number
}

/** The listed plans, cheapest first. The free Sandbox has 100 connections and 200,000 messages a day. */
export const pusherPlans: readonly Plan[] = [
  { name: 'Startup', usd: 49, connections: 500, messagesPerDay: 1_000_000 },
  { name: 'Pro', usd: 99, connections: 2_000, messagesPerDay: 4_000_000 },
  { name: 'Business', usd: 299, connections: 5_000, messagesPerDay: 10_000_000 },
  { name: 'Premium', usd: 499, connections: 10_000, messagesPerDay: 20_000_000 },
  { name: 'Growth', usd: 699, connections: 15_000, messagesPerDay: 40_000_000 },
  { name: 'Plus', usd: 899, connections: 20_000, messagesPerDay: 60_000_000 },
  { name: 'Growth Plus', usd: 1_199, connections: 30_000, messagesPerDay: 90_000_000 },
]

/** Where the plans come from. */
export const pusherSource = pusher

/** The dollars of an amount. Throws for a price that was not found: a caller shows it as such. */
export function usdOf(name: PriceName, amount: number): number {
  const { usd, per, label }: Price = prices[name]
  if (usd === null) throw new Error(`Expected a price for ${label}, but none was found. Leave it out of the sum.`)
  return (amount * usd) / per
}
