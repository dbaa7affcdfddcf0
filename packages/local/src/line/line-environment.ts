import { awsBackend } from '@trunkline/server/aws'
import type { Backend } from '@trunkline/server/ports'
import type { LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { LocalClock } from '../emulators/clock.ts'
import type { LocalDynamo } from '../emulators/dynamodb/dynamo.ts'
import type { LocalFunctions } from '../emulators/lambda/functions.ts'
import type { FaultLayer } from '../faults/faults.ts'
import { delayQueueSettings } from './deployment.ts'
import { storeLimit } from './store-limit.ts'

/** The region and credentials of a local line. */
export const region = 'local-1'
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** The emulators of one line. */
export interface Emulators {
  readonly clock: LocalClock
  readonly gateway: LocalGateway
  readonly functions: LocalFunctions
  readonly dynamo: LocalDynamo
  readonly faults: FaultLayer
  /** The name of the line's table. */
  readonly table: string
}

type Environment = Readonly<Record<string, string>>

/** The environments of a function and of a script. A script's has no origins. */
export function createEnvironments({ gateway, functions, dynamo, table }: Emulators): {
  readonly environment: Environment
  readonly scriptEnvironment: Environment
} {
  const scriptEnvironment = {
    TRUNKLINE_TABLE: table,
    TRUNKLINE_CALLBACK_URL: gateway.callbackUrl,
    TRUNKLINE_DELIVER: 'deliver',
    TRUNKLINE_WORKER: 'worker',
    TRUNKLINE_DELAY_QUEUE_URL: functions.queueUrl(delayQueueSettings.name),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: functions.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: dynamo.endpoint,
    AWS_ENDPOINT_URL_SQS: functions.sqs.endpoint,
    TRUNKLINE_FAILURES: functions.sqs.failuresUrl,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
  const environment = {
    ...scriptEnvironment,
    TRUNKLINE_ORIGINS: [...ownOrigins(gateway), ...processOrigins()].join(','),
  }
  return { environment, scriptEnvironment }
}

/**
 * The backends of a function and of a script: real SDK clients over HTTP. A script closes connections by its gateway; what
 * it publishes is delivered by the table's stream.
 */
export function createBackends({ clock, gateway, functions, dynamo, faults, table }: Emulators): {
  readonly functionBackend: Backend
  readonly scriptBackend: Backend
} {
  const shared = {
    table,
    region,
    credentials,
    clock,
    endpoint: dynamo.endpoint,
    lambdaEndpoint: functions.endpoint,
    sqsEndpoint: functions.sqs.endpoint,
    deliverFunction: 'deliver',
    workerFunction: 'worker',
    delayQueueUrl: functions.queueUrl(delayQueueSettings.name),
  }
  const script = awsBackend({ ...shared, callbackUrl: gateway.callbackUrl })
  return {
    functionBackend: faults.bind(awsBackend({ ...shared, callbackUrl: gateway.callbackUrl })),
    scriptBackend: { ...script, store: storeLimit.ofScript(script.store) },
  }
}

/** The origins of the page that this line serves. They are allowed by default. */
export function ownOrigins({ port }: LocalGateway): readonly string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
}

/** The allowed origins from this process's environment: pages that another server delivers, such as Vite's. */
function processOrigins(): readonly string[] {
  return (process.env['TRUNKLINE_ORIGINS'] ?? '').split(',').flatMap((origin) => origin.trim() || [])
}
