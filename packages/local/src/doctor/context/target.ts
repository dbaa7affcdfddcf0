/** The AWS services that the doctor calls, named as in the SDK's variables `AWS_ENDPOINT_URL_<name>`. */
export type DoctorService =
  | 'APIGATEWAYV2'
  | 'API_GATEWAY'
  | 'CLOUDWATCH'
  | 'DYNAMODB'
  | 'DYNAMODB_STREAMS'
  | 'IAM'
  | 'LAMBDA'
  | 'SQS'
  | 'STS'

/** The configuration of a client of the AWS SDK. What is absent, the SDK finds by itself. */
export interface ServiceConfig {
  readonly region?: string
  readonly profile?: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** The line that the doctor examines. What is absent is not known, and the checks that need it are skipped. */
export interface DoctorTarget {
  readonly kind: 'aws' | 'local'
  /** How people call it: `shop-prod`. */
  readonly name: string
  readonly table: string
  /** The address that clients use: `wss://…/prod`. */
  readonly webSocketUrl?: string
  /** The address of the callback API: `https://…/prod`. */
  readonly callbackUrl?: string
  /** The address of HTTP clients, without `/frames`. */
  readonly httpUrl?: string
  /** The names of deployed functions, by their short names: `{ websocket: 'shop-prod-websocket' }`. */
  readonly functions: Readonly<Record<string, string>>
  /** URLs of queues. */
  readonly queues: { readonly delay?: string; readonly failures?: string }
  /** The outputs of the stack by their names. */
  readonly outputs: Readonly<Record<string, string>>
  /** The physical ids of the stack's resources by their logical ids. */
  readonly resources: Readonly<Record<string, { readonly type: string; readonly id: string }>>
  readonly clientConfig: (service: DoctorService) => ServiceConfig
}
