/** A limit of an AWS account. */
export interface Wall {
  readonly label: string
  readonly perSecond: number
  /** What an account asks for to raise it; undefined where it cannot be raised. */
  readonly quota?: string
  readonly source: string
}

const gateway =
  'https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html'
const lambda = 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html'
const dynamo = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html'

/** The limits that the scenarios meet, by default in one account and region. */
export const walls = {
  posts: {
    label: 'requests to API Gateway',
    perSecond: 10_000,
    quota: 'API Gateway: throttle rate of the account',
    source: gateway,
  },
  connects: {
    label: 'new connections',
    perSecond: 500,
    quota: 'API Gateway: new connections per second (L-9ED1E49A)',
    source: gateway,
  },
  concurrency: {
    label: 'functions at a time',
    perSecond: 1_000, // not a rate: at a time
    quota: 'Lambda: concurrent executions',
    source: lambda,
  },
  scaling: { label: 'new environments of a function, in 10 s', perSecond: 1_000, source: lambda },
  partitionWrites: { label: 'writes to one partition key', perSecond: 1_000, source: dynamo },
  partitionReads: { label: 'reads of one partition key', perSecond: 3_000, source: dynamo },
  tableWrites: {
    label: 'writes to the table',
    perSecond: 40_000,
    quota: 'DynamoDB: on-demand write units of a table',
    source: dynamo,
  },
} as const satisfies Record<string, Wall>

export type WallName = keyof typeof walls

/** The limits of one run, in units a second; of `concurrency` in functions, and of `scaling` in functions a 10 s. */
export type Quotas = Readonly<Record<WallName, number>>

/** The limits of an account that asked for nothing. */
export const defaultQuotas = Object.fromEntries(
  Object.entries(walls).map(([name, { perSecond }]) => [name, perSecond]),
) as unknown as Quotas

/** API Gateway's burst: a bucket of so many requests, which cannot be raised. */
export const gatewayBurst = 5_000

/** The wall that was met first. */
export function createWallLog() {
  const met = new Map<WallName, number>()
  return {
    /** Notes that something waited for a wall, or was refused by it. */
    hit(name: WallName, at: number): void {
      if (!met.has(name)) met.set(name, at)
    },
    /** The walls in the order in which they were met. */
    first: (): readonly WallName[] => [...met].sort(([, a], [, b]) => a - b).map(([name]) => name),
  }
}
export type WallLog = ReturnType<typeof createWallLog>
