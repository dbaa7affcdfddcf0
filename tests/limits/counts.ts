/** What something costs. */
export interface Cost {
  /** Requests to DynamoDB. */
  readonly requests: number
  readonly readUnits: number
  readonly writeUnits: number
  /** Posts, closed connections, and messages to Lambda and SQS. */
  readonly posts: number
  /** Functions that ran. */
  readonly functions: number
  /** Milliseconds of all functions together. */
  readonly ms: number
}

/** Adds up costs. */
export function createCounts() {
  const none = { requests: 0, readUnits: 0, writeUnits: 0, posts: 0, functions: 0, ms: 0 }
  let total = { ...none }
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
