import { isDenied } from '../../stage/denied.ts'
import type { AwsService, ClientConfig } from '../../stage/stage.ts'
import { type CheckContext, MissingPermission } from './check.ts'
import type { DoctorTarget } from './target.ts'

type Sdk = typeof import('./sdk.ts')
type Config = ClientConfig & { readonly maxAttempts: number }

/** A client of the AWS SDK, and the SDK with its commands, which is loaded with the first use. */
type Connect<C> = (context: Pick<CheckContext, 'target'>) => Promise<{ readonly sdk: Sdk; readonly client: C }>

const requestHandler = { requestTimeout: 8_000, connectionTimeout: 3_000 } // of the 20 s that a check has

function connector<C>(service: AwsService, create: (sdk: Sdk, config: Config) => C): Connect<C> {
  const connected = new WeakMap<DoctorTarget, ReturnType<Connect<C>>>()
  return ({ target }) => {
    const config = { ...target.clientConfig(service), maxAttempts: 3, requestHandler }
    const connecting = connected.get(target) ?? import('./sdk.ts').then((sdk) => ({ sdk, client: create(sdk, config) }))
    connected.set(target, connecting)
    return connecting
  }
}

export const apiGateway = connector('APIGATEWAYV2', (sdk, config) => new sdk.ApiGatewayV2Client(config))
export const cloudWatch = connector('CLOUDWATCH', (sdk, config) => new sdk.CloudWatchClient(config))
export const dynamo = connector('DYNAMODB', (sdk, config) => new sdk.DynamoDBClient(config))
export const dynamoStreams = connector('DYNAMODB_STREAMS', (sdk, config) => new sdk.DynamoDBStreamsClient(config))
export const iam = connector('IAM', (sdk, config) => new sdk.IAMClient(config))
export const lambda = connector('LAMBDA', (sdk, config) => new sdk.LambdaClient(config))
export const sqs = connector('SQS', (sdk, config) => new sdk.SQSClient(config))
export const sts = connector('STS', (sdk, config) => new sdk.STSClient(config))

/** A client of the callback API at an address. */
export async function callbackApi({ target }: Pick<CheckContext, 'target'>, endpoint: string) {
  const sdk = await import('./sdk.ts')
  const config = { ...target.clientConfig('API_GATEWAY'), endpoint, maxAttempts: 1, requestHandler }
  return { sdk, client: new sdk.ApiGatewayManagementApiClient(config) }
}

/**
 * Sends a request that needs an IAM action of the person who runs the doctor. Rejects with `MissingPermission` when it
 * is denied, otherwise with the SDK's error.
 */
export async function request<T>(action: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (thrown) {
    if (isDenied(thrown)) throw new MissingPermission(action, thrown)
    throw thrown
  }
}

/** Whether an error is AWS's answer that there is no such thing. */
export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && /NotFound|NoSuchEntity|NonExistentQueue|QueueDoesNotExist/.test(thrown.name)
}
