import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { FunctionOptions } from '../packages/local/src/emulators/lambda/invocations/lambda-function.ts'
import {
  delayedSettings,
  delayQueueSettings,
  functionSettings,
  routes as localRoutes,
  streamSettings,
} from '../packages/local/src/line/deployment.ts'
import { repository } from './repository.ts'
import { packageTemplate, resourcesOf, statementsOf, type Template } from './template.ts'

const names = ['authorizer', 'websocket', 'tableStream', 'deliver', 'delayed', 'worker', 'http'] as const
/** `delayed` is the handler of `deliver` with another timeout. */
const handlerOf = (name: string) => (name === 'delayed' ? 'deliver' : name)
const settingsOf = (name: (typeof names)[number]): Omit<FunctionOptions, 'name' | 'run'> =>
  name === 'delayed' ? delayedSettings : functionSettings[name]
const oneWay = ['subscription', 'subscription.stop', 'connectionParams'] as const
const deadLetters = { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }
const arn = (name: string) => ({ 'Fn::GetAtt': [name, 'Arn'] })

let template: Template
beforeAll(async () => {
  template = await packageTemplate()
}, 120_000)

/** The event source of a function. */
const mappingOf = (id: string) =>
  [...resourcesOf(template, 'AWS::Lambda::EventSourceMapping').values()].find(
    ({ Properties }) => JSON.stringify(Properties['FunctionName']) === JSON.stringify(arn(`${id}LambdaFunction`)),
  )
const properties = (id: string) => template.Resources[id]?.Properties
const logicalId = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`

/** The routes of the WebSocket API. */
const socketRoutes = () =>
  [...resourcesOf(template, 'AWS::ApiGatewayV2::Route')].filter(
    ([, { Properties }]) => JSON.stringify(Properties['ApiId']) === '{"Ref":"WebsocketsApi"}',
  )

describe('functions', () => {
  it.each(names)('%s runs on nodejs24.x and arm64 under a role of its own', (name) => {
    expect(properties(`${logicalId(name)}LambdaFunction`)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      FunctionName: `trunkline-chat-dev-${name}`,
      Handler: `examples/chat/src/server/lambda.${handlerOf(name)}`,
      Role: arn(`${logicalId(name)}Role`),
    })
  })

  it('are these seven', () => {
    const expected = names.map((name) => `${logicalId(name)}LambdaFunction`)
    expect([...resourcesOf(template, 'AWS::Lambda::Function').keys()].sort()).toEqual(expected.sort())
  })

  it('that answer frames time out before the gateway does, at 29 s', () => {
    expect(properties('WebsocketLambdaFunction')?.['Timeout']).toBeLessThan(29)
    expect(properties('AuthorizerLambdaFunction')?.['Timeout']).toBeLessThan(29)
  })

  it('get the table, the callback URL and the functions to invoke from the environment', () => {
    for (const name of names) {
      expect(properties(`${logicalId(name)}LambdaFunction`)?.['Environment']).toMatchObject({
        Variables: {
          TRUNKLINE_TABLE: { Ref: 'Table' },
          TRUNKLINE_CALLBACK_URL: {
            // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
            'Fn::Sub': 'https://${WebsocketsApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/dev',
          },
          TRUNKLINE_DELIVER: properties('DeliverLambdaFunction')?.['FunctionName'],
          TRUNKLINE_WORKER: properties('WorkerLambdaFunction')?.['FunctionName'],
          TRUNKLINE_DELAY_QUEUE_URL: { Ref: 'Later' },
          TRUNKLINE_RESTORE: { Ref: 'RestoreNumber' },
        },
      })
    }
  })

  it('that are invoked asynchronously send failed events to the queue', () => {
    const configurations = [...resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').values()]
    const byFunction = new Map(
      configurations.map(({ Properties }) => [
        z.object({ Ref: z.string() }).parse(Properties['FunctionName']).Ref,
        Properties,
      ]),
    )
    const DestinationConfig = { OnFailure: { Destination: deadLetters } }
    expect(byFunction.get('DeliverLambdaFunction')).toMatchObject({
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 900,
      DestinationConfig,
    })
    expect(byFunction.get('WorkerLambdaFunction')).toMatchObject({
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 1_080,
      DestinationConfig,
    })
  })

  it('that deliver have two retries, even if each attempt took the whole timeout', () => {
    const { timeoutMs, asyncRetries = 0, maximumEventAgeMs = 0 } = functionSettings.deliver
    const retryDelaysMs = 60_000 + 120_000
    expect(maximumEventAgeMs).toBeGreaterThanOrEqual(asyncRetries * timeoutMs + retryDelaysMs)
  })

  it('that continue in another invocation of themselves may recurse without limit: Lambda stops after 16 by default', () => {
    for (const id of ['DeliverLambdaFunction', 'DelayedLambdaFunction', 'WorkerLambdaFunction'])
      expect([id, properties(id)?.['RecursiveLoop']]).toEqual([id, 'Allow'])
  })

  it('that run long calls and generators have Lambda’s longest timeout, and a retry after it', () => {
    const worker = properties('WorkerLambdaFunction')
    expect(worker?.['Timeout']).toBe(900)
    const [configuration] = [...resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').values()].filter(
      ({ Properties }) => JSON.stringify(Properties['FunctionName']).includes('WorkerLambdaFunction'),
    )
    const retryDelaySeconds = 60
    expect(configuration?.Properties['MaximumEventAgeInSeconds']).toBeGreaterThanOrEqual(900 + retryDelaySeconds)
  })
})

describe('the concurrency of worker', () => {
  it('is a parameter of the stack, and that of the account where none is set', () => {
    expect(template.Parameters?.['WorkerConcurrency']).toMatchObject({ Type: 'String', Default: '' })
    expect(template.Conditions?.['HasWorkerConcurrency']).toEqual({
      'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'WorkerConcurrency' }, ''] }],
    })
    expect(properties('WorkerLambdaFunction')?.['ReservedConcurrentExecutions']).toEqual({
      'Fn::If': ['HasWorkerConcurrency', { Ref: 'WorkerConcurrency' }, { Ref: 'AWS::NoValue' }],
    })
  })
  it('is reserved for no other function but http', () => {
    const reserved = [...resourcesOf(template, 'AWS::Lambda::Function')].filter(
      ([, { Properties }]) => 'ReservedConcurrentExecutions' in Properties,
    )
    expect(reserved.map(([id]) => id).sort()).toEqual(['HttpLambdaFunction', 'WorkerLambdaFunction'])
  })
})

describe('the local line', () => {
  it('gives each function the timeout and the retries of the template', () => {
    const configurations = [...resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').values()]
    for (const name of names) {
      const id = `${logicalId(name)}LambdaFunction`
      const { timeoutMs, asyncRetries, maximumEventAgeMs } = settingsOf(name)
      expect([name, properties(id)?.['Timeout']]).toEqual([name, timeoutMs / 1_000])
      if (asyncRetries === undefined || maximumEventAgeMs === undefined) continue
      expect(configurations.map(({ Properties }) => Properties)).toContainEqual(
        expect.objectContaining({
          FunctionName: { Ref: id },
          MaximumRetryAttempts: asyncRetries,
          MaximumEventAgeInSeconds: maximumEventAgeMs / 1_000,
        }),
      )
    }
  })

  it('has the routes of the template, with the same two-way routes', () => {
    const received = socketRoutes().map(([, { Properties }]) => ({
      key: Properties['RouteKey'],
      twoWay: Properties['RouteResponseSelectionExpression'] === '$default',
    }))
    expect(new Set(localRoutes.map(({ key, twoWay = false }) => ({ key, twoWay })))).toEqual(new Set(received))
  })

  it('maps the stream as the template does', () => {
    expect(mappingOf('TableStream')?.Properties).toMatchObject({
      BatchSize: streamSettings.batchSize,
      ParallelizationFactor: streamSettings.parallelizationFactor,
      MaximumRetryAttempts: streamSettings.maximumRetryAttempts,
      MaximumRecordAgeInSeconds: (streamSettings.maximumRecordAgeMs ?? 0) / 1_000,
      BisectBatchOnFunctionError: streamSettings.bisect,
    })
  })
})

describe('routes', () => {
  const routes = socketRoutes
  const routeOf = (key: string) => {
    const found = routes().find(([, { Properties }]) => Properties['RouteKey'] === key)
    if (found === undefined) throw new Error(`the template has no route ${key}`)
    return { id: found[0], ...found[1] }
  }
  const hasResponse = (routeId: string) =>
    [...resourcesOf(template, 'AWS::ApiGatewayV2::RouteResponse').values()].some(
      ({ Properties }) => z.object({ Ref: z.string() }).parse(Properties['RouteId']).Ref === routeId,
    )

  it('are selected by the method of a frame', () => {
    expect(properties('WebsocketsApi')).toMatchObject({
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.method',
    })
  })

  it('are those of PROTOCOL.md', () => {
    const keys = routes().map(([, { Properties }]) => Properties['RouteKey'])
    expect(keys.sort()).toEqual(['$connect', '$disconnect', '$default', 'ping', ...oneWay].sort())
  })

  it.each(['$default', 'ping'])('%s is two-way', (key) => {
    const { id, Properties } = routeOf(key)
    expect(Properties['RouteResponseSelectionExpression']).toBe('$default')
    expect(hasResponse(id)).toBe(true)
  })

  it.each(['$connect', '$disconnect', ...oneWay])('%s is one-way', (key) => {
    const { id, Properties } = routeOf(key)
    expect(Properties).not.toHaveProperty('RouteResponseSelectionExpression')
    expect(hasResponse(id)).toBe(false)
  })

  it('reach the authorizer without an identity source, so that no request is refused before it', () => {
    expect(routeOf('$connect').Properties).toMatchObject({
      AuthorizationType: 'CUSTOM',
      AuthorizerId: { Ref: 'AuthorizerWebsocketsAuthorizer' },
    })
    expect(properties('AuthorizerWebsocketsAuthorizer')).toMatchObject({
      AuthorizerType: 'REQUEST',
      IdentitySource: [],
    })
  })

  it('answer ping by a MOCK integration that runs no function', () => {
    expect(routeOf('ping').Properties['Target']).toEqual({ 'Fn::Sub': `integrations/\${PingIntegration}` })
    expect(properties('PingIntegration')).toMatchObject({
      IntegrationType: 'MOCK',
      RequestTemplates: { $default: '{"statusCode": 200}' },
    })
    expect(properties('PingIntegrationResponse')).toMatchObject({
      IntegrationId: { Ref: 'PingIntegration' },
      IntegrationResponseKey: '$default',
      ResponseTemplates: { $default: '{"pong":true}' },
    })
    expect(routeOf('ping').DependsOn).toContain('PingIntegrationResponse')
  })

  it('exist, with their responses, before the API is deployed', () => {
    const [deployment] = resourcesOf(template, 'AWS::ApiGatewayV2::Deployment').values()
    const responses = [...resourcesOf(template, 'AWS::ApiGatewayV2::RouteResponse').keys()]
    const needed = [...routes().map(([id]) => id), ...responses]
    expect(deployment?.DependsOn).toEqual(expect.arrayContaining(needed))
  })

  it('have a description that changes with ping, because a deployment does not detect that change', () => {
    const ping = [properties('PingIntegration'), properties('PingIntegrationResponse')]
    const hash = createHash('sha256').update(JSON.stringify(ping)).digest('hex').slice(0, 12)
    const description = properties('WebsocketsApi')?.['Description']
    expect({ hash, description }, 'ping changed: raise `websocketsDescription` and write its new hash here').toEqual({
      hash: 'af9fa44eda38',
      description: 'trunkline wire 1, ping 1',
    })
  })

  it('may be invoked only by this API', () => {
    for (const { Properties } of resourcesOf(template, 'AWS::Lambda::Permission').values()) {
      if (JSON.stringify(Properties['FunctionName']).includes('HttpLambdaFunction')) continue
      expect(JSON.stringify(Properties['SourceArn'])).toContain(`\${WebsocketsApi}/`)
    }
  })
})

describe('the doors of http', () => {
  const isHttp = (value: unknown) => JSON.stringify(value).includes('"Http')
  const conditionOf = (id: string) => template.Resources[id]?.Condition

  it('are a parameter of the stack: an HTTP API, a function URL, or none', () => {
    expect(template.Parameters?.['HttpDoor']).toMatchObject({ Default: '', AllowedValues: ['', 'api', 'url'] })
    expect(template.Conditions).toMatchObject({
      HasHttpApi: { 'Fn::Equals': [{ Ref: 'HttpDoor' }, 'api'] },
      HasHttpUrl: { 'Fn::Equals': [{ Ref: 'HttpDoor' }, 'url'] },
    })
    const ids = Object.keys(template.Resources).filter((id) => /^Http(Api|Url)/.test(id))
    expect(ids.length).toBeGreaterThan(7)
    for (const id of ids)
      expect([id, conditionOf(id)]).toEqual([id, id.startsWith('HttpApi') ? 'HasHttpApi' : 'HasHttpUrl'])
  })

  it('of the API are /frames and /read, in payload format 2.0, without CORS of the gateway', () => {
    const routes = [...resourcesOf(template, 'AWS::ApiGatewayV2::Route').values()].filter(({ Properties }) =>
      isHttp(Properties['ApiId']),
    )
    const keys = ['ANY /read/{path}', 'OPTIONS /frames', 'POST /frames']
    expect(routes.map(({ Properties }) => Properties['RouteKey']).sort()).toEqual(keys)
    expect(properties('HttpApi')).not.toHaveProperty('CorsConfiguration')
    expect(properties('HttpApiIntegration')).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      TimeoutInMillis: 30_000,
    })
    expect(properties('HttpApiStage')).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingBurstLimit: 500, ThrottlingRateLimit: 1_000 },
    })
  })

  it('of the function URL need both permissions, and the URL has no CORS of its own', () => {
    expect(properties('HttpUrl')).toEqual({ TargetFunctionArn: arn('HttpLambdaFunction'), AuthType: 'NONE' })
    expect(properties('HttpUrlPermission')).toMatchObject({
      Action: 'lambda:InvokeFunctionUrl',
      FunctionUrlAuthType: 'NONE',
    })
    expect(properties('HttpUrlInvokePermission')).toMatchObject({
      Action: 'lambda:InvokeFunction',
      InvokedViaFunctionUrl: true,
    })
  })

  it('let only this HTTP API in', () => {
    expect(JSON.stringify(properties('HttpApiPermission')?.['SourceArn'])).toContain(`\${HttpApi}/*`)
  })

  it('end a request before the API does, at 30 s', () => {
    expect(properties('HttpLambdaFunction')?.['Timeout']).toBeLessThan(30)
  })

  it('have a concurrency that is a parameter of the stack, and that of the account where none is set', () => {
    expect(template.Parameters?.['HttpConcurrency']).toMatchObject({ Type: 'String', Default: '' })
    expect(properties('HttpLambdaFunction')?.['ReservedConcurrentExecutions']).toEqual({
      'Fn::If': ['HasHttpConcurrency', { Ref: 'HttpConcurrency' }, { Ref: 'AWS::NoValue' }],
    })
  })
})

describe('the stream', () => {
  const mapping = () => [mappingOf('TableStream')]

  it('passes new log slots to tableStream, isolates a bad record and keeps failed batches', () => {
    expect(mapping()[0]?.Properties).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
      FunctionName: arn('TableStreamLambdaFunction'),
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: deadLetters } },
    })
  })

  it('runs the function only for new log slots and members with a pending change', () => {
    const { Filters } = z
      .object({ Filters: z.array(z.object({ Pattern: z.string() })) })
      .parse(mapping()[0]?.Properties['FilterCriteria'])
    expect(Filters.map(({ Pattern }) => JSON.parse(Pattern))).toEqual([
      {
        eventName: ['INSERT'],
        dynamodb: { Keys: { pk: { S: [{ prefix: 'LOG#' }] } }, NewImage: { own: { BOOL: [{ exists: false }] } } },
      },
      {
        eventName: ['INSERT', 'MODIFY'],
        dynamodb: { Keys: { pk: { S: [{ prefix: 'PRES#' }] } }, NewImage: { pending: { BOOL: [true] } } },
      },
    ])
  })
})

describe('the queue that delays invocations', () => {
  it('passes its messages to delayed, repeats those that failed, and moves them to the on-failure queue after five attempts', () => {
    expect(mappingOf('Delayed')?.Properties).toMatchObject({
      EventSourceArn: arn('Later'),
      FunctionName: arn('DelayedLambdaFunction'),
      BatchSize: delayQueueSettings.batchSize,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(properties('Later')).toMatchObject({
      RedrivePolicy: { deadLetterTargetArn: deadLetters, maxReceiveCount: delayQueueSettings.maxReceiveCount },
      SqsManagedSseEnabled: { 'Fn::If': ['HasKmsKey', { Ref: 'AWS::NoValue' }, true] },
    })
  })

  it('runs at most ten functions at once, so that members who leave together lose few races [LAW-BACK-OFF]', () => {
    expect(mappingOf('Delayed')?.Properties).toMatchObject({ ScalingConfig: { MaximumConcurrency: 10 } })
  })

  it('has the settings of the local line', () => {
    expect(properties('Later')).toMatchObject({ VisibilityTimeout: delayQueueSettings.visibilityMs / 1_000 })
    expect(properties('DelayedLambdaFunction')?.['Timeout']).toBe(delayedSettings.timeoutMs / 1_000)
  })
})

describe('every queue that feeds a function', () => {
  const longestDelaySeconds = 900
  const queueShape = z.object({
    VisibilityTimeout: z.number(),
    MessageRetentionPeriod: z.number(),
    RedrivePolicy: z.object({ deadLetterTargetArn: z.unknown(), maxReceiveCount: z.number() }),
  })
  const named = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })
  const idOf = (reference: unknown) => named.safeParse(reference).data?.['Fn::GetAtt'][0] ?? ''
  const fed = () =>
    [...resourcesOf(template, 'AWS::Lambda::EventSourceMapping').values()].flatMap(({ Properties }) => {
      const queue = idOf(Properties['EventSourceArn'])
      if (template.Resources[queue]?.Type !== 'AWS::SQS::Queue') return []
      const timeout = z.number().parse(properties(idOf(Properties['FunctionName']))?.['Timeout'])
      return [{ queue, timeout, mapping: Properties, ...queueShape.parse(properties(queue)) }]
    })

  it('is known to this test', () => {
    expect(fed().map(({ queue }) => queue)).toEqual(['Later'])
  })

  it('has a visibility timeout of six times the timeout of its function, as AWS recommends', () => {
    for (const { queue, timeout, VisibilityTimeout } of fed())
      expect([queue, VisibilityTimeout >= 6 * timeout]).toEqual([queue, true])
  })

  it('allows at least five receives, so that throttled ones do not move a message to the on-failure queue', () => {
    for (const { queue, RedrivePolicy } of fed())
      expect([queue, RedrivePolicy.maxReceiveCount >= 5]).toEqual([queue, true])
  })

  it('repeats a failed message within three minutes', () => {
    for (const { queue, VisibilityTimeout } of fed()) expect([queue, VisibilityTimeout <= 180]).toEqual([queue, true])
  })

  it('retains a message longer than its delay and attempts take', () => {
    for (const { queue, VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy } of fed()) {
      const tried = RedrivePolicy.maxReceiveCount * VisibilityTimeout
      expect([queue, MessageRetentionPeriod > longestDelaySeconds + tried]).toEqual([queue, true])
    }
  })

  it('repeats only the messages that failed, and keeps those that failed at every attempt', () => {
    for (const { mapping, RedrivePolicy } of fed()) {
      expect(mapping).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'] })
      expect(RedrivePolicy.deadLetterTargetArn).toEqual(deadLetters)
    }
  })
})

describe('encryption at rest', () => {
  const key = { Ref: 'KmsKey' }
  const none = { Ref: 'AWS::NoValue' }

  it('is by the KMS key of the parameter KmsKey, for the table and for both queues', () => {
    expect(properties('Table')?.['SSESpecification']).toEqual({
      'Fn::If': ['HasKmsKey', { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key }, none],
    })
    for (const queue of ['Later', 'DeadLetters'])
      expect(properties(queue)).toMatchObject({
        KmsMasterKeyId: { 'Fn::If': ['HasKmsKey', key, none] },
        SqsManagedSseEnabled: { 'Fn::If': ['HasKmsKey', none, true] },
      })
    expect([...resourcesOf(template, 'AWS::SQS::Queue').keys()].sort()).toEqual(['DeadLetters', 'Later'])
  })

  it("is by AWS's own keys without the parameter", () => {
    expect(template.Parameters?.['KmsKey']).toMatchObject({ Type: 'String', Default: '' })
    expect(template.Conditions).toMatchObject({ HasKmsKey: { 'Fn::Not': [{ 'Fn::Equals': [key, ''] }] } })
  })
})

describe('the table', () => {
  it('is on demand, has TTL, point-in-time recovery and a stream of both images, and is retained with the stack', () => {
    expect(template.Resources['Table']?.DeletionPolicy).toBe('Retain')
    expect(properties('Table')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    })
  })
})

describe('roles', () => {
  const actionsOf = (role: string) => statementsOf(template, role).flatMap(({ Action }) => Action)
  const may = (role: string, action: string, resource: unknown) => {
    const granted = statementsOf(template, role).filter(({ Action }) => [Action].flat().includes(action))
    expect(granted.map(({ Resource }) => Resource)).toEqual([resource].flat())
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
  const account = 'arn:${AWS::Partition}:%:${AWS::Region}:${AWS::AccountId}:'
  const functionArn = (name: string) => ({
    'Fn::Sub': `${account.replace('%', 'lambda')}function:trunkline-chat-dev-${name}`,
  })
  const connections = { 'Fn::Sub': `${account.replace('%', 'execute-api')}\${WebsocketsApi}/dev/*/@connections/*` }

  it('are one for each function', () => {
    expect([...resourcesOf(template, 'AWS::IAM::Role').keys()].sort()).toEqual(
      names.map((name) => `${logicalId(name)}Role`).sort(),
    )
    expect([...resourcesOf(template, 'AWS::IAM::Policy').keys()]).toEqual(['KeyPolicy'])
  })

  it.each(names)('%s has no permission on the resource *, and no action with a wildcard', (name) => {
    for (const { Action, Resource } of statementsOf(template, `${logicalId(name)}Role`)) {
      expect([Resource].flat()).not.toContain('*')
      expect([Action].flat().filter((action) => action.includes('*'))).toEqual([])
    }
  })

  it.each(names)('%s writes only its own log', (name) => {
    may(`${logicalId(name)}Role`, 'logs:PutLogEvents', arn(`${logicalId(name)}LogGroup`))
  })

  it('authorizer has no access to the line', () => {
    expect(actionsOf('AuthorizerRole')).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents'])
  })

  it.each(['Websocket', 'TableStream', 'Deliver', 'Delayed', 'Worker', 'Http'])(
    '%s posts to this stage’s connections and works on the line’s table',
    (name) => {
      may(`${name}Role`, 'execute-api:ManageConnections', connections)
      may(`${name}Role`, 'dynamodb:PutItem', arn('Table'))
    },
  )

  it.each([
    ['Websocket', ['deliver', 'worker']],
    ['TableStream', ['deliver', 'worker']],
    ['Deliver', ['deliver', 'worker']],
    ['Delayed', ['deliver', 'worker']],
    ['Worker', ['deliver', 'worker']],
    ['Http', ['deliver', 'worker']],
  ])('%s invokes %j', (name, invoked) => {
    may(`${name}Role`, 'lambda:InvokeFunction', invoked.map(functionArn))
  })

  it('grant exactly the table requests that the store makes', () => {
    const folder = join(repository, 'packages/server/src/dynamodb')
    const ofScripts = /(?:^|[\\/])scan\.ts$/ // an erasure's, which no function reaches: tests/iam
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !/\.(test|suite)\.ts$/.test(name) && !ofScripts.test(name),
    )
    const code = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join()
    const commands = [...code.matchAll(/\bsdk\.(Batch\w+|Get|Put|Update|Delete|Query|Scan|Transact\w+)Command\b/g)]
    const made = new Set(
      commands.map(([, name]) => `dynamodb:${name === 'Query' || name === 'Scan' ? name : `${name}Item`}`),
    )
    const granted = new Set(actionsOf('WebsocketRole').filter((action) => action.startsWith('dynamodb:')))
    expect(granted).toEqual(made)
  })

  it('only tableStream reads the stream', () => {
    may('TableStreamRole', 'dynamodb:GetRecords', { 'Fn::GetAtt': ['Table', 'StreamArn'] })
    for (const name of ['Websocket', 'Deliver', 'Delayed', 'Worker', 'Http'])
      expect(actionsOf(`${name}Role`)).not.toContain('dynamodb:GetRecords')
  })

  it('outputs the URL of the on-failure queue, for a redrive', () => {
    expect(template.Outputs['DeadLettersUrl']?.Value).toEqual({ Ref: 'DeadLetters' })
  })

  it.each(['TableStream', 'Deliver', 'Worker'])(
    '%s may send failed events to the queue, and delay an invocation',
    (name) => {
      may(`${name}Role`, 'sqs:SendMessage', [arn('Later'), deadLetters])
    },
  )

  it.each(['Websocket', 'Delayed', 'Http'])('%s may delay an invocation', (name) => {
    may(`${name}Role`, 'sqs:SendMessage', arn('Later'))
  })

  it('only delayed receives delayed invocations', () => {
    may('DelayedRole', 'sqs:ReceiveMessage', arn('Later'))
    may('DelayedRole', 'sqs:DeleteMessage', arn('Later'))
    may('DelayedRole', 'sqs:GetQueueAttributes', arn('Later'))
    for (const name of ['Websocket', 'TableStream', 'Deliver', 'Worker', 'Http'])
      expect(actionsOf(`${name}Role`)).not.toContain('sqs:ReceiveMessage')
  })
})
