import type { Backend } from '@trunkline/server/ports'

/** How a user names a line. Empty: by the environment's TRUNKLINE_TABLE, else a running `trunkline dev`. */
export interface StageOptions {
  /** The stage of a deployed line, whose stack is `<service>-<stage>`. */
  readonly stage?: string
  /** The service of the stage. @default the only one with a line of that stage */
  readonly service?: string
  /** The name of the CloudFormation stack. */
  readonly stack?: string
  readonly region?: string
  /** The AWS profile with the credentials. */
  readonly profile?: string
  /** The port or the address of a running `trunkline dev`. Empty: the only one, or the one at port 4400. */
  readonly local?: string
}

/** Where the variables of a line and of the AWS SDK are read. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The services that commands use. The names are those of the SDK's `AWS_ENDPOINT_URL_<name>` variables. */
export type AwsService =
  | 'APIGATEWAYV2'
  | 'API_GATEWAY'
  | 'CLOUDFORMATION'
  | 'CLOUDWATCH'
  | 'CLOUDWATCH_LOGS'
  | 'DYNAMODB'
  | 'DYNAMODB_STREAMS'
  | 'IAM'
  | 'LAMBDA'
  | 'SQS'
  | 'STS'

/** The configuration of a client of the AWS SDK. What is absent, the SDK finds by itself. */
export interface ClientConfig {
  readonly region?: string
  readonly profile?: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A line that runs: deployed on AWS, or on this machine. What the line does not have, or what is unknown, is absent. */
export interface Stage {
  /** The stack's name, the table's name for a line that the environment names, or the address of a local line. */
  readonly name: string
  readonly kind: 'aws' | 'local'
  readonly region?: string
  /** The name of the table. */
  readonly table: string
  /** `wss://…/prod`, or `ws://localhost:4400/dev`. */
  readonly webSocketUrl?: string
  /** The callback URL of the WebSocket API: `https://….execute-api.….amazonaws.com/prod`. */
  readonly callbackUrl?: string
  /** The address of `POST /frames`. */
  readonly httpUrl?: string
  /** The inspector of a local line: `http://localhost:4400/_inspector`. */
  readonly inspectorUrl?: string
  /** The module with the handlers of a `trunkline dev`. */
  readonly entry?: string
  /** The names of the deployed functions by their short names: `websocket`, `authorizer`, `deliver`, `worker` … */
  readonly functions: Readonly<Record<string, string>>
  /** The URLs of the queues: `delay` for delayed work, `failures` for what failed for good. */
  readonly queues: { readonly delay?: string; readonly failures?: string }
  /** The names of the functions' log groups by the functions' short names. Empty for a local line. */
  readonly logGroups: Readonly<Record<string, string>>
  /** The outputs of the stack by their names. Empty for a line without one. */
  readonly outputs: Readonly<Record<string, string>>
  /** The physical ids of the stack's resources by their logical ids. Empty for a line without a stack. */
  readonly resources: Readonly<Record<string, { readonly type: string; readonly id: string }>>
  /** The configuration of a client for a service: `new DynamoDBClient(stage.clientConfig('DYNAMODB'))`. */
  readonly clientConfig: (service: AwsService) => ClientConfig
  /** The backend of a script on this line, for `line.withBackend` and `createLine({ backend })`. */
  readonly backend: () => Promise<Backend>
}
