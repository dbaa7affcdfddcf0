import { createApiGateway } from '../apigateway/gateway.ts'
import { createDynamoStore } from '../dynamodb/store.ts'
import { createLambdaInvoker } from '../invoker/invoker.ts'
import { createQueueInvoker } from '../invoker/queue-invoker.ts'
import type { Backend } from '../ports/backend.ts'
import type { Clock } from '../ports/clock.ts'
import type { Invoker } from '../ports/invoker.ts'
import type { LogEntry } from '../ports/telemetry.ts'

export { lineTable } from '../dynamodb/table.ts'

export interface AwsBackendOptions {
  readonly table: string
  /** `https://<api>.execute-api.<region>.amazonaws.com/<stage>`; without it, events are delivered by the table's stream. */
  readonly callbackUrl?: string
  /** Names of the functions that functions start. */
  readonly deliverFunction?: string
  readonly workerFunction?: string
  /** URL of the SQS queue that delays invocations of `deliver`: presence ends a leave by it. */
  readonly delayQueueUrl?: string
  /** @default as the AWS SDK finds it */
  readonly region?: string
  /** Of DynamoDB. @default as the AWS SDK finds it */
  readonly endpoint?: string
  /** Of Lambda. @default as the AWS SDK finds it */
  readonly lambdaEndpoint?: string
  /** Of SQS. @default as the AWS SDK finds it */
  readonly sqsEndpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** @default 0 */
  readonly restore?: number
  readonly clock?: Clock
  /** Who is told of rows that a script wrote wrong. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
}

/** The AWS backend by hand. Every client of the AWS SDK is imported and made by its first request, not here. */
export function awsBackend(options: AwsBackendOptions): Backend {
  const { table, callbackUrl, endpoint, deliverFunction, workerFunction, restore, clock, log } = options
  const common = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(clock === undefined ? {} : { clock }),
  }
  const functions = {
    ...(deliverFunction === undefined ? {} : { deliver: deliverFunction }),
    ...(workerFunction === undefined ? {} : { worker: workerFunction }),
  }
  return {
    store: createDynamoStore({
      ...common,
      table,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(log === undefined ? {} : { log }),
    }),
    ...(callbackUrl === undefined ? {} : { gateway: createApiGateway({ ...common, callbackUrl }) }),
    ...(Object.keys(functions).length === 0 ? {} : { invoker: invokerOf(options, common, functions) }),
    ...(restore === undefined ? {} : { restore }),
    ...(clock === undefined ? {} : { clock }),
  }
}

type Common = Pick<AwsBackendOptions, 'region' | 'credentials' | 'clock'>
type Functions = Parameters<typeof createLambdaInvoker>[0]['functions']

function invokerOf(
  { lambdaEndpoint, sqsEndpoint, delayQueueUrl }: AwsBackendOptions,
  common: Common,
  functions: Functions,
): Invoker {
  return {
    ...createLambdaInvoker({
      ...common,
      functions,
      ...(lambdaEndpoint === undefined ? {} : { endpoint: lambdaEndpoint }),
    }),
    invokeDelayed: createQueueInvoker({
      ...common,
      ...(delayQueueUrl === undefined ? {} : { queueUrl: delayQueueUrl }),
      ...(sqsEndpoint === undefined ? {} : { endpoint: sqsEndpoint }),
    }),
  }
}
