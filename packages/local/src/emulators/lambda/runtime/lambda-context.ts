/** The second argument of a handler, as Lambda's Node runtime passes it. */
export interface LambdaContext {
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  /** A decimal string, as in Lambda. */
  readonly memoryLimitInMB: string
  readonly awsRequestId: string
  readonly logGroupName: string
  readonly logStreamName: string
  callbackWaitsForEmptyEventLoop: boolean
  /** Milliseconds until the deadline, by the line's clock; never below 0. */
  getRemainingTimeInMillis(): number
}

/** The fields of a context that are sent to a worker as JSON. */
export interface ContextSeed {
  readonly functionName: string
  readonly awsRequestId: string
  /** Epoch milliseconds of the line's clock. */
  readonly deadline: number
}

/** The region and account in the ARNs of local functions and queues. */
export const localRegion = 'us-east-1'
export const localAccount = '000000000000'

/** The ARN of a local function. */
export function functionArn(name: string): string {
  return `arn:aws:lambda:${localRegion}:${localAccount}:function:${name}`
}

/** Creates the context of one invocation. `now` returns the line's time. */
export function createContext(seed: ContextSeed, now: () => number): LambdaContext {
  return {
    functionName: seed.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn(seed.functionName),
    memoryLimitInMB: '1024',
    awsRequestId: seed.awsRequestId,
    logGroupName: `/aws/lambda/${seed.functionName}`,
    logStreamName: `local/[$LATEST]${seed.awsRequestId.replaceAll('-', '')}`,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, seed.deadline - now()),
  }
}
