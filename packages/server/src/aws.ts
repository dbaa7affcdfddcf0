import { createApiGateway } from './apigateway/gateway.ts'
import { createDynamoStore } from './dynamodb/store.ts'
import { createLambdaInvoker } from './lambda/invoker.ts'
import type { LineBinding } from './ports/binding.ts'
import type { Clock } from './ports/clock.ts'

export { lineTable } from './dynamodb/table.ts'

export interface AwsBindingOptions {
  readonly table: string
  /** `https://<api>.execute-api.<region>.amazonaws.com/<stage>`; without it, events are delivered by the table's stream. */
  readonly callbackUrl?: string
  /** Names of the functions that functions start. */
  readonly deliverFunction?: string
  readonly workerFunction?: string
  /** @default as the AWS SDK finds it */
  readonly region?: string
  /** Of DynamoDB. @default as the AWS SDK finds it */
  readonly endpoint?: string
  /** Of Lambda. @default as the AWS SDK finds it */
  readonly lambdaEndpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** @default 0 */
  readonly restore?: number
  readonly clock?: Clock
}

/** The AWS binding by hand. Every client of the AWS SDK is imported and made by its first request, not here. */
export function awsBinding(options: AwsBindingOptions): LineBinding {
  const { table, callbackUrl, endpoint, lambdaEndpoint, deliverFunction, workerFunction, restore, clock } = options
  const common = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  }
  const functions = {
    ...(deliverFunction === undefined ? {} : { deliver: deliverFunction }),
    ...(workerFunction === undefined ? {} : { worker: workerFunction }),
  }
  return {
    store: createDynamoStore({ ...common, table, ...(endpoint === undefined ? {} : { endpoint }) }),
    ...(callbackUrl === undefined ? {} : { gateway: createApiGateway({ ...common, callbackUrl }) }),
    ...(Object.keys(functions).length === 0
      ? {}
      : {
          invoker: createLambdaInvoker({
            ...common,
            functions,
            ...(lambdaEndpoint === undefined ? {} : { endpoint: lambdaEndpoint }),
          }),
        }),
    ...(restore === undefined ? {} : { restore }),
    ...(clock === undefined ? {} : { clock }),
  }
}
