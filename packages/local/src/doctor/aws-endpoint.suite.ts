// One file over 200 lines: the control planes of all services that the doctor asks, and one account behind them.

import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  expectedProperties,
  expectedRoutes,
  expectedTemplate,
  functionNames,
  logicalId,
} from './context/expected-line.ts'

type Json = Readonly<Record<string, unknown>>
type Settings = Record<string, unknown>

const account = '123456789012'
const prefix = 'shop-prod-'
export const apiId = 'a1b2c3d4e5'
const arnOf = (name: string) => `arn:aws:lambda:local-1:${account}:function:${name}`
const delayQueueArn = `arn:aws:sqs:local-1:${account}:Later`
const failuresQueueArn = `arn:aws:sqs:local-1:${account}:DeadLetters`

/** The deployed names of all functions. */
export const deployedFunctions = Object.fromEntries(functionNames.map((name) => [name, prefix + name]))
const line = { functions: deployedFunctions }

/** The parts of the line that run on this machine. */
interface OnMachine {
  readonly table: string
  /** It is served as if by a custom domain, whose mapping has the name of the stage. */
  readonly callbackUrl: string
  readonly streamArn: string
}

/** What the control planes of AWS say of a healthy line. Tests break one thing of it. */
export function healthyAccount({ table, callbackUrl, streamArn }: OnMachine) {
  const properties = (id: string) => structuredClone(expectedProperties(line, id)) as Settings
  const functions = new Map<string, Settings>(
    functionNames.map((name) => [
      prefix + name,
      {
        FunctionName: prefix + name,
        State: 'Active',
        LastUpdateStatus: 'Successful',
        Runtime: 'nodejs24.x',
        Timeout: properties(`${logicalId(name)}LambdaFunction`)['Timeout'],
        Role: `arn:aws:iam::${account}:role/${prefix}${name}`,
        Environment: {
          Variables: {
            TRUNKLINE_TABLE: table,
            TRUNKLINE_CALLBACK_URL: callbackUrl,
            TRUNKLINE_DELIVER: `${prefix}deliver`,
            TRUNKLINE_WORKER: `${prefix}worker`,
            TRUNKLINE_DELAY_QUEUE_URL: 'https://sqs.local-1.amazonaws.com/123456789012/Later',
            SECRET_OF_THE_APPLICATION: 'hunter2',
          },
        },
      },
    ]),
  )
  const toFailures = { OnFailure: { Destination: failuresQueueArn } }
  const stage = properties('WebsocketsDeploymentStage')['DefaultRouteSettings'] as Settings
  return {
    functions,
    recursion: new Map<string, string>(functionNames.map((name) => [prefix + name, 'Allow'])),
    reserved: new Map<string, number>(),
    invokeConfigs: new Map<string, Settings>(
      ['deliver', 'worker'].map((name) => [
        prefix + name,
        {
          ...properties(`${logicalId(name)}LambdaEvConf`),
          FunctionName: arnOf(prefix + name),
          DestinationConfig: toFailures,
        },
      ]),
    ),
    mappings: new Map<string, readonly Settings[]>([
      [
        `${prefix}tableStream`,
        [
          {
            ...properties('TableStreamEventSourceMappingDynamodbTable'),
            ...{ UUID: 'm-1', State: 'Enabled', LastProcessingResult: 'OK' },
            ...{
              EventSourceArn: streamArn,
              FunctionName: undefined,
              Enabled: undefined,
              DestinationConfig: toFailures,
            },
          },
        ],
      ],
      [
        `${prefix}delayed`,
        [
          {
            ...{ UUID: 'm-2', State: 'Enabled', BatchSize: 10, EventSourceArn: delayQueueArn },
            FunctionResponseTypes: ['ReportBatchItemFailures'],
          },
        ],
      ],
    ]),
    limits: { ConcurrentExecutions: 1_000, UnreservedConcurrentExecutions: 1_000 },
    throttles: new Map<string, number>(),
    api: {
      ApiId: apiId,
      Description: properties('WebsocketsApi')['Description'],
      RouteSelectionExpression: '$request.body.method',
      DisableExecuteApiEndpoint: false,
    } as Settings,
    routes: expectedRoutes(line).map(
      ({ key, isTwoWay, isMock, isAuthorized }): Settings => ({
        RouteKey: key,
        Target: `integrations/${isMock ? 'mock' : 'proxy'}`,
        AuthorizationType: isAuthorized ? 'CUSTOM' : 'NONE',
        ...(isTwoWay && { RouteResponseSelectionExpression: '$default' }),
      }),
    ),
    integrations: [
      { IntegrationId: 'mock', IntegrationType: 'MOCK' },
      { IntegrationId: 'proxy', IntegrationType: 'AWS_PROXY' },
    ] as Settings[],
    authorizers: [{ AuthorizerId: 'auth', Name: 'authorizer', IdentitySource: [] }] as Settings[],
    stage: { DefaultRouteSettings: stage } as Settings,
    domainMappings: new Map<string, Settings[]>([
      [new URL(callbackUrl).host, [{ ApiId: apiId, Stage: 'dev', ApiMappingKey: 'dev' }]],
    ]),
    queues: new Map<string, Record<string, string>>([
      [
        'Later',
        {
          QueueArn: delayQueueArn,
          VisibilityTimeout: '180',
          MessageRetentionPeriod: '3600',
          RedrivePolicy: JSON.stringify({ deadLetterTargetArn: failuresQueueArn, maxReceiveCount: 5 }),
        },
      ],
      [
        'DeadLetters',
        { QueueArn: failuresQueueArn, MessageRetentionPeriod: '1209600', ApproximateNumberOfMessages: '0' },
      ],
    ]),
    backups: 'ENABLED',
    /** What the roles of the functions may not do, as `action` or `action role`. */
    deniedToRoles: new Set<string>(),
    /** What the person who runs the doctor may not do. */
    deniedToMe: new Set<string>(),
    /** What DynamoDB says in place of the local line's table, by operation. */
    dynamo: new Map<string, (answer: Json) => Json>(),
    /** The CloudFormation stack of the line. */
    stack: { outputs: { TableName: table } as Record<string, string>, resources: stackResources() },
    /** The lines of log groups, by the group's name. */
    logs: new Map<string, LogEvent[]>(),
    /** The requests that came, as `DynamoDB_20120810.Query`, with their bodies. */
    requests: [] as { readonly target: string; readonly text: string }[],
    /** The actions that were simulated, as `action on resource`. */
    simulated: new Set<string>(),
  }
}

const queueUrl = (name: string) => `https://sqs.local-1.amazonaws.com/${account}/${name}`

/** The physical ids of the resources of the template, by their logical ids. */
function stackResources(): Record<string, { readonly type: string; readonly id: string }> {
  const known: Readonly<Record<string, string>> = {
    WebsocketsApi: apiId,
    WebsocketsDeploymentStage: 'dev',
    Later: queueUrl('Later'),
    DeadLetters: queueUrl('DeadLetters'),
  }
  return Object.fromEntries(
    Object.entries(expectedTemplate(line).Resources).map(([id, { Type: type, Properties }]) => {
      const name = String(Properties['FunctionName'] ?? id).replace('service-stage-', prefix)
      return [id, { type, id: known[id] ?? (type === 'AWS::Lambda::Function' ? name : id) }]
    }),
  )
}

interface LogEvent {
  readonly timestamp: number
  readonly message: string
  readonly logStreamName: string
}

export type Account = ReturnType<typeof healthyAccount>

/** Serves the control planes of an account over HTTP, and passes on what is for the local line's table. */
export async function startAws(state: Account, dynamoEndpoint: string) {
  const server = createServer((request, response) => {
    void readBody(request).then((body) => answer(state, dynamoEndpoint, { request, response, body }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
}

function answer(state: Account, dynamoEndpoint: string, exchange: Exchange): void {
  const { request, response, body } = exchange
  const target = String(request.headers['x-amz-target'] ?? '')
  state.requests.push({ target, text: body.toString() })
  if (/^DynamoDB(?:Streams)?_/.test(target)) onDynamo(state, dynamoEndpoint, exchange, target)
  else respond(response, onControlPlane(state, target, { url: request.url ?? '/', text: body.toString() }))
}

function onControlPlane(
  state: Account,
  target: string,
  { url, text }: { readonly url: string; readonly text: string },
) {
  if (target.startsWith('AmazonSQS.')) return onSqs(state, JSON.parse(text) as Json)
  if (target.endsWith('.GetMetricData')) return deny(state, 'cloudwatch:GetMetricData') ?? onCloudWatch(state, text)
  if (target.endsWith('.FilterLogEvents'))
    return deny(state, 'logs:FilterLogEvents') ?? onLogs(state, JSON.parse(text) as FilterInput)
  const form = new URLSearchParams(text)
  const action = form.get('Action')
  if (action === 'GetCallerIdentity') return deny(state, 'sts:GetCallerIdentity') ?? onSts()
  if (action === 'DescribeStacks' || action === 'ListStackResources') return onStack(state, action)
  if (action === 'SimulatePrincipalPolicy') return deny(state, 'iam:SimulatePrincipalPolicy') ?? onIam(state, form)
  return onRest(state, new URL(url, 'http://aws'))
}

interface Answer {
  readonly status?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

function respond(response: ServerResponse, { status = 200, type = 'application/json', headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'x-amzn-requestid': 'r', ...headers })
  response.end(body)
}

const json = (value: unknown): Answer => ({ body: JSON.stringify(value) })

function failure(status: number, name: string, message: string): Answer {
  const body = JSON.stringify({ __type: name, message, Message: message })
  return { status, headers: { 'x-amzn-errortype': name }, body }
}

const xmlFailure = (code: string): Answer => ({
  status: 403,
  type: 'text/xml',
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>You may not.</Message></Error></ErrorResponse>`,
})

/** The refusal of an action, in the form of its service. */
function deny(state: Account, action: string): Answer | undefined {
  if (!state.deniedToMe.has(action)) return undefined
  return /^(?:iam|sts):/.test(action)
    ? xmlFailure('AccessDenied')
    : failure(403, 'AccessDeniedException', `You may not call ${action}.`)
}

const notFound = failure(404, 'ResourceNotFoundException', 'There is no such thing.')

function onDynamo(state: Account, endpoint: string, exchange: Exchange, target: string) {
  const operation = target.split('.')[1] ?? ''
  const denied = deny(state, `dynamodb:${operation}`)
  if (denied !== undefined) return respond(exchange.response, denied)
  const change = state.dynamo.get(operation)
  if (operation === 'DescribeContinuousBackups') {
    const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus: state.backups }
    const ContinuousBackupsDescription = { ContinuousBackupsStatus: 'ENABLED', PointInTimeRecoveryDescription }
    return respond(exchange.response, json({ ContinuousBackupsDescription }))
  }
  const { request, response, body } = exchange
  const headers = { ...request.headers, host: new URL(endpoint).host }
  const passedOn = send(endpoint, { method: 'POST', headers }, (answered) => {
    void readBody(answered).then((text) => {
      const changed = change === undefined ? text : JSON.stringify(change(JSON.parse(text.toString()) as Json))
      const { 'x-amz-crc32': _, 'content-length': __, ...rest } = answered.headers
      response.writeHead(answered.statusCode ?? 500, rest)
      response.end(changed)
    })
  })
  passedOn.end(body)
}

function onSqs(state: Account, { QueueUrl }: Json): Answer {
  const denied = deny(state, 'sqs:GetQueueAttributes')
  if (denied !== undefined) return denied
  const name = String(QueueUrl).split('/').at(-1) ?? ''
  const Attributes = state.queues.get(name)
  return Attributes === undefined
    ? failure(400, 'com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.')
    : json({ Attributes })
}

const onSts = (): Answer => ({
  type: 'text/xml',
  body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/dev</Arn><UserId>U</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
})

function onStack({ stack }: Account, action: string): Answer {
  const members = (each: readonly string[]) => each.map((text) => `<member>${text}</member>`).join('')
  const outputs = Object.entries(stack.outputs).map(
    ([name, value]) => `<OutputKey>${name}</OutputKey><OutputValue>${value}</OutputValue>`,
  )
  const resources = Object.entries(stack.resources).map(
    ([name, { type, id }]) =>
      `<LogicalResourceId>${name}</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId><ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>`,
  )
  const described = `<StackName>shop-prod</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members(outputs)}</Outputs>`
  const result =
    action === 'DescribeStacks'
      ? `<Stacks>${members([described])}</Stacks>`
      : `<StackResourceSummaries>${members(resources)}</StackResourceSummaries>`
  return {
    type: 'text/xml',
    body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
  }
}

function onIam(state: Account, form: URLSearchParams): Answer {
  const all = (name: string) => [...form].filter(([key]) => key.startsWith(name)).map(([, value]) => value)
  const role = form.get('PolicySourceArn') ?? ''
  const [resource = ''] = all('ResourceArns.')
  const results = all('ActionNames.').map((action) => {
    state.simulated.add(`${action} on ${resource}`)
    const isDenied = state.deniedToRoles.has(action) || state.deniedToRoles.has(`${action} ${role.split('-').at(-1)}`)
    const decision = isDenied ? 'implicitDeny' : 'allowed'
    return `<member><EvalActionName>${action}</EvalActionName><EvalResourceName>${resource}</EvalResourceName><EvalDecision>${decision}</EvalDecision></member>`
  })
  return {
    type: 'text/xml',
    body: `<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>${results.join('')}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`,
  }
}

function onCloudWatch(state: Account, body: string): Answer {
  const { MetricDataQueries } = JSON.parse(body) as { readonly MetricDataQueries: readonly MetricQuery[] }
  const MetricDataResults = MetricDataQueries.map(({ Id, MetricStat }) => {
    const name = MetricStat.Metric.Dimensions[0]?.Value ?? ''
    return { Id, Values: [state.throttles.get(name) ?? 0] }
  })
  return json({ MetricDataResults })
}

interface MetricQuery {
  readonly Id: string
  readonly MetricStat: { readonly Metric: { readonly Dimensions: readonly { readonly Value: string }[] } }
}

interface FilterInput {
  readonly logGroupName: string
  readonly startTime: number
  readonly endTime: number
  readonly nextToken?: string
}

const linesOfPage = 3 // as CloudWatch Logs ends a page after some MB

function onLogs({ logs }: Account, { logGroupName, startTime, endTime, nextToken = '0' }: FilterInput): Answer {
  const group = logs.get(logGroupName)
  if (group === undefined) return failure(400, 'ResourceNotFoundException', 'The specified log group does not exist.')
  const found = group.filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
  const end = Number(nextToken) + linesOfPage
  const next = end < found.length ? { nextToken: String(end) } : {}
  return json({ events: found.slice(Number(nextToken), end), ...next })
}

/** Lambda and API Gateway. */
function onRest(state: Account, { pathname, searchParams }: URL): Answer {
  const [, function_, what] = /\/functions\/([^/]+)\/([\w-]+)$/.exec(decodeURIComponent(pathname)) ?? []
  if (function_ !== undefined && what !== undefined) return onFunction(state, function_, what)
  if (pathname.includes('/event-source-mappings')) {
    const found = state.mappings.get(searchParams.get('FunctionName') ?? '')
    return deny(state, 'lambda:ListEventSourceMappings') ?? json({ EventSourceMappings: found ?? [] })
  }
  if (pathname.includes('/account-settings'))
    return deny(state, 'lambda:GetAccountSettings') ?? json({ AccountLimit: state.limits })
  return deny(state, 'apigateway:GET') ?? onApi(state, pathname)
}

function onFunction(state: Account, name: string, what: string): Answer {
  const reads: Readonly<Record<string, readonly [action: string, found: unknown]>> = {
    configuration: ['lambda:GetFunctionConfiguration', state.functions.get(name)],
    'event-invoke-config': ['lambda:GetFunctionEventInvokeConfig', state.invokeConfigs.get(name)],
    'recursion-config': ['lambda:GetFunctionRecursionConfig', { RecursiveLoop: state.recursion.get(name) }],
    concurrency: ['lambda:GetFunctionConcurrency', { ReservedConcurrentExecutions: state.reserved.get(name) }],
  }
  const [action = '', found] = reads[what] ?? []
  return deny(state, action) ?? (found === undefined ? notFound : json(found))
}

function onApi(state: Account, pathname: string): Answer {
  const [, domain] = /\/domainnames\/([^/]+)\/apimappings$/.exec(pathname) ?? []
  if (domain !== undefined) {
    const items = state.domainMappings.get(decodeURIComponent(domain))
    return items === undefined
      ? failure(404, 'NotFoundException', 'Invalid domain name')
      : json({ items: items.map(lower) })
  }
  const last = pathname.split('/').at(-1) ?? ''
  const lists: Readonly<Record<string, readonly Settings[]>> = {
    routes: state.routes,
    integrations: state.integrations,
    authorizers: state.authorizers,
  }
  if (lists[last] !== undefined) return json({ items: lists[last].map(lower) })
  if (pathname.includes('/stages/')) return json(lower(state.stage))
  return last === apiId ? json(lower(state.api)) : failure(404, 'NotFoundException', 'Invalid API identifier specified')
}

/** API Gateway's JSON has members that begin with a small letter. */
function lower(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lower)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      /^[A-Z]/.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name,
      lower(each),
    ]),
  )
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}
