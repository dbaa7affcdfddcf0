/** What something costs. */
export interface Cost {
  /** Requests to DynamoDB. */
  readonly requests: number
  readonly readUnits: number
  readonly writeUnits: number
  /** Those of the requests that write. */
  readonly writes: number
  /** Posts, closed connections, and messages to Lambda and SQS. */
  readonly posts: number
  /** Functions that ran. */
  readonly functions: number
  /** Milliseconds of all functions together. */
  readonly ms: number
  /** Messages that API Gateway takes from clients. */
  readonly messagesIn: number
  /** Messages to clients: posts to connections and answers of two-way routes. */
  readonly messagesOut: number
  /** Requests to the HTTP API. */
  readonly httpRequests: number
  /** Messages put into the delay queue. */
  readonly queued: number
}

const none: Cost = {
  ...{ requests: 0, readUnits: 0, writeUnits: 0, writes: 0, posts: 0, functions: 0, ms: 0 },
  ...{ messagesIn: 0, messagesOut: 0, httpRequests: 0, queued: 0 },
}

/** Adds up costs. */
export function createCounts() {
  let total: { -readonly [Name in keyof Cost]: number } = { ...none }
  return {
    add(cost: Partial<Cost>): void {
      for (const [name, amount] of Object.entries(cost)) total[name as keyof Cost] += amount
    },
    reset(): void {
      total = { ...none }
    },
    total: (): Cost => ({ ...total }),
  }
}

/** `of` without `less`, for each of `count` times. */
export function marginalCost(of: Cost, less: Cost, count: number): Cost {
  const names = Object.keys(none) as (keyof Cost)[]
  return Object.fromEntries(names.map((name) => [name, (of[name] - less[name]) / count])) as unknown as Cost
}
