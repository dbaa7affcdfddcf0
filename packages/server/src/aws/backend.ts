import { checkOptionNames, defined } from '@trunkline/protocol'
import { createApiGateway } from '../apigateway/gateway.ts'
import { createLambdaInvoker } from '../invoker/invoker.ts'
import { createQueueInvoker } from '../invoker/queue-invoker.ts'
import type { Backend } from '../ports/backend.ts'
import type { Clock } from '../ports/clock.ts'
import type { Invoker } from '../ports/invoker.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { lazyOperations } from './lazy-store.ts'
import { erasureOperations, storeOperations } from './operation-names.ts'

/** The AWS resources of a line. */
export interface AwsBackendOptions {
  /** The name of the DynamoDB table. */
  readonly table: string
  /**
   * The callback URL of the WebSocket API: `https://<api>.execute-api.<region>.amazonaws.com/<stage>`. Without it, the
   * function of the table's stream delivers events.
   */
  readonly callbackUrl?: string
  /** The name of the function `deliver`. */
  readonly deliverFunction?: string
  /** The name of the function `worker`. */
  readonly workerFunction?: string
  /** The URL of the SQS queue that delays invocations of `deliver`. Presence needs it for `graceMs`. */
  readonly delayQueueUrl?: string
  /** @default the AWS SDK's own search */
  readonly region?: string
  /** The endpoint of DynamoDB. @default the AWS SDK's own search */
  readonly endpoint?: string
  /** The endpoint of Lambda. @default the AWS SDK's own search */
  readonly lambdaEndpoint?: string
  /** The endpoint of SQS. @default the AWS SDK's own search */
  readonly sqsEndpoint?: string
  /** @default the AWS SDK's own search */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /**
   * The deployment's restore number. Raise it after a table was restored, so that every older cursor is a gap. @default
   * 0
   */
  readonly restore?: number
  /** @default the machine's clock */
  readonly clock?: Clock
  /** Receives a warning for rows that a script wrote with errors [TL-ROW-1]. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
}

const names: Readonly<Record<keyof AwsBackendOptions, true>> = {
  table: true,
  callbackUrl: true,
  deliverFunction: true,
  workerFunction: true,
  delayQueueUrl: true,
  region: true,
  endpoint: true,
  lambdaEndpoint: true,
  sqsEndpoint: true,
  credentials: true,
  restore: true,
  clock: true,
  log: true,
}

/** The backend on AWS. Each client of the AWS SDK is imported and created with its first request. */
export function awsBackend(options: AwsBackendOptions): Backend {
  checkOptionNames('awsBackend', options, names)
  const { table, callbackUrl, endpoint, restore, clock, log } = options
  const common = defined({ region: options.region, credentials: options.credentials, clock })
  const functions = defined({ deliver: options.deliverFunction, worker: options.workerFunction })
  return {
    store: {
      kind: 'dynamodb',
      ...lazyOperations(storeOperations, (dynamodb) =>
        dynamodb.createDynamoStore({ ...common, table, ...defined({ endpoint, log }) }),
      ),
    },
    erasure: lazyOperations(erasureOperations, (dynamodb) =>
      dynamodb.createDynamoErasure({ ...common, table, ...defined({ endpoint }) }),
    ),
    ...defined({
      gateway: callbackUrl === undefined ? undefined : createApiGateway({ ...common, callbackUrl }),
      invoker: Object.keys(functions).length === 0 ? undefined : invokerOf(options, common, functions),
      restore,
      clock,
    }),
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
    ...createLambdaInvoker({ ...common, functions, ...defined({ endpoint: lambdaEndpoint }) }),
    invokeDelayed: createQueueInvoker({ ...common, ...defined({ queueUrl: delayQueueUrl, endpoint: sqsEndpoint }) }),
  }
}
