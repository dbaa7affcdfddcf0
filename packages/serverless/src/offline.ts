import { type LineTemplateOptions, lineTemplate, type Resource, resolveParameters } from '@trunkline/deploy'
import { startOfflineQueue } from './offline-queue.ts'
import type { OfflineOptions, Serverless } from './serverless.ts'

/** What serverless-offline needs to know about a line. */
export interface OfflineLine {
  readonly options: LineTemplateOptions
  /** Values of the template's parameters by their names. */
  readonly parameters: Readonly<Record<string, string | number>>
}

type Resources = Readonly<Record<string, Resource>>
type Environment = Readonly<Record<string, string>>

/** Where serverless-offline listens, with its defaults. */
interface Addresses {
  readonly callbackUrl: string
  readonly lambdaUrl: string
}
type Places = Addresses & { readonly table: string; readonly queueUrl: string }

/**
 * Declares the events of the template for serverless-offline, which reads them from the functions of the service, and
 * an environment whose functions post to the emulator and invoke each other in it. Runs at the commands of
 * serverless-offline only, after osls has resolved all variables.
 */
export async function startOffline(serverless: Serverless, line: OfflineLine, given: OfflineOptions): Promise<void> {
  const { service } = serverless
  const { functions = {}, provider } = service
  const resources = toResources(line)
  const lineName = String(resources['WebsocketsApi']?.Properties['Name']) // `service-stage`
  const table = process.env['TRUNKLINE_TABLE'] || (line.options.existingTable?.name ?? lineName)
  const settings = { ...(service.custom?.['serverless-offline'] as OfflineOptions | undefined), ...given }
  const events = eventsOf(resources, table, Object.keys(functions))
  const addresses = addressesOf(settings)
  const delayed = `${lineName}-${'handler' in functions ? 'handler' : 'delayed'}`
  const invocationUrl = `${addresses.lambdaUrl}/2015-03-31/functions/${delayed}/invocations`
  const queueUrl = process.env['TRUNKLINE_DELAY_QUEUE_URL'] || (await startOfflineQueue(invocationUrl))
  for (const { Properties: deployed } of ofType(resources, 'AWS::Lambda::Function')) {
    const name = String(deployed['FunctionName']).slice(lineName.length + 1)
    const declared = functions[name] as { readonly events?: readonly object[] } | undefined
    if (declared === undefined) continue
    const { Variables } = deployed['Environment'] as { readonly Variables: Readonly<Record<string, unknown>> }
    Object.assign(declared, {
      timeout: deployed['Timeout'],
      environment: toEnvironment(Variables, { ...addresses, table, queueUrl }),
      events: [...(declared.events ?? []), ...(events[name] ?? [])],
    })
  }
  Object.assign(provider, {
    websocketsApiRouteSelectionExpression: resources['WebsocketsApi']?.Properties['RouteSelectionExpression'],
  })
  const endpoint = useEmulator()
  const { Properties } = resources['Table'] ?? {}
  if (endpoint !== undefined && Properties !== undefined)
    await createTable(endpoint, provider.region ?? 'us-east-1', { ...tableOf(Properties), TableName: table })
}

/** The template with an HTTP API in place of the other ways to `http`, which serverless-offline does not have. */
function toResources({ options, parameters }: OfflineLine): Resources {
  const { domain, site, ...others } = options
  const http = others.http === false || others.httpStream ? others.http : 'api'
  const template = lineTemplate({ ...others, ...(http !== undefined && { http }) })
  const known = Object.entries(parameters).filter(([name]) => name in template.Parameters && name !== 'HttpDoor')
  const values = Object.fromEntries(known.map(([name, value]) => [name, String(value)]))
  return resolveParameters(template, { ...values, CodeBucket: '', CodeKey: '' }).Resources
}

/** The events of each function, as serverless-offline and serverless-offline-dynamodb-streams read them. */
function eventsOf(
  resources: Resources,
  tableName: string,
  functions: readonly string[],
): Readonly<Record<string, readonly object[]>> {
  const nameFor = (duty: string) => (functions.includes('handler') ? 'handler' : duty)
  const routes = ofType(resources, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => Properties)
  const isSocket = ({ ApiId }: Resource['Properties']) => JSON.stringify(ApiId) === '{"Ref":"WebsocketsApi"}'
  const sockets = routes.filter(isSocket).map((route) => ({
    websocket: {
      route: route['RouteKey'],
      ...(route['AuthorizationType'] === 'CUSTOM' && {
        authorizer: { name: nameFor('authorizer'), identitySource: [] },
      }),
      // the function answers a ping, since serverless-offline has no MOCK integrations
      ...(route['RouteResponseSelectionExpression'] !== undefined && { routeResponseSelectionExpression: '$default' }),
    },
  }))
  const requests = routes
    .filter((route) => !isSocket(route))
    .map(({ RouteKey }) => {
      const [method = '', path = ''] = String(RouteKey).split(' ')
      return { httpApi: { method: method === 'ANY' ? '*' : method, path } }
    })
  const mapping = resources['TableStreamEventSourceMappingDynamodbTable']?.Properties ?? {}
  const { Filters } = mapping['FilterCriteria'] as { readonly Filters: readonly { readonly Pattern: string }[] }
  const stream = {
    type: 'dynamodb',
    tableName,
    batchSize: mapping['BatchSize'],
    startingPosition: mapping['StartingPosition'],
    maximumRetryAttempts: mapping['MaximumRetryAttempts'],
    filterPatterns: Filters.map(({ Pattern }) => JSON.parse(Pattern)),
  }
  const all = [
    ...sockets.map((event) => [nameFor('websocket'), event] as const),
    ...requests.map((event) => [nameFor('http'), event] as const),
    [nameFor('tableStream'), { stream }] as const,
  ]
  return Object.fromEntries(
    functions.map((name) => [name, all.filter(([owner]) => owner === name).map(([, event]) => event)]),
  )
}

function addressesOf({ host = 'localhost', httpsProtocol, websocketPort = 3001, lambdaPort = 3002 }: OfflineOptions) {
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  const callbackUrl = `${httpsProtocol ? 'https' : 'http'}://${reachable}:${websocketPort}`
  return { callbackUrl, lambdaUrl: `http://${reachable}:${lambdaPort}` }
}

/** The variables of a function. One of the shell takes the place of a reference to a resource, which is not there. */
function toEnvironment(
  variables: Readonly<Record<string, unknown>>,
  { callbackUrl, lambdaUrl, table, queueUrl }: Places,
): Environment {
  const known = Object.entries(variables).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : process.env[name]
    return text === undefined ? [] : [[name, text] as const]
  })
  return {
    ...Object.fromEntries(known),
    TRUNKLINE_TABLE: table,
    TRUNKLINE_CALLBACK_URL: callbackUrl,
    TRUNKLINE_DELAY_QUEUE_URL: queueUrl,
    AWS_ENDPOINT_URL_LAMBDA: lambdaUrl,
  }
}

/** The endpoint of an emulator of DynamoDB, with the variables that clients of its streams need besides. */
function useEmulator(): string | undefined {
  const { env } = process
  const endpoint = env['AWS_ENDPOINT_URL_DYNAMODB'] ?? env['AWS_ENDPOINT_URL']
  if (endpoint === undefined) return undefined
  env['AWS_ENDPOINT_URL_DYNAMODB_STREAMS'] ??= endpoint
  if (env['AWS_PROFILE'] !== undefined || env['AWS_ACCESS_KEY_ID'] !== undefined) return endpoint
  env['AWS_ACCESS_KEY_ID'] = 'local'
  env['AWS_SECRET_ACCESS_KEY'] = 'local'
  return endpoint
}

/** What emulators know of a table. TTL is a setting of its own. */
function tableOf({ AttributeDefinitions, BillingMode, KeySchema, StreamSpecification }: Resource['Properties']) {
  const stream = { ...(StreamSpecification as object), StreamEnabled: true }
  return { AttributeDefinitions, BillingMode, KeySchema, StreamSpecification: stream }
}

/** Creates the table of an emulator, which checks no signature, unless it is there. */
async function createTable(endpoint: string, region: string, request: { readonly TableName: string }): Promise<void> {
  const scope = `${process.env['AWS_ACCESS_KEY_ID'] ?? 'local'}/20260101/${region}/dynamodb/aws4_request`
  const refused = (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new Error(`The table ${request.TableName} could not be created at ${endpoint}: ${reason}`, { cause })
  }
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': 'DynamoDB_20120810.CreateTable',
      'X-Amz-Date': '20260101T000000Z',
      Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0`,
    },
    body: JSON.stringify(request),
  }).catch((error: unknown) => Promise.reject(refused(error)))
  const text = await response.text()
  if (!response.ok && !text.includes('ResourceInUseException')) throw refused(text)
}

function ofType(resources: Resources, type: string): readonly Resource[] {
  return Object.values(resources).filter(({ Type }) => Type === type)
}
