// More than 200 lines: a table with one broken line for each failure that a check names.

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Account, apiId, deployedFunctions, healthyAccount, startAws } from './aws-endpoint.suite.ts'
import { checks } from './checks/checks.ts'
import { ownVersion } from './checks/versions.ts'
import { describeTable } from './context/deployed-line.ts'
import { expectedProperties, expectedRights, expectedTemplate, functionNames } from './context/expected-line.ts'
import type { DoctorTarget } from './context/target.ts'
import { examine, patient, startLine, targetOf } from './line-target.suite.ts'

const line = { functions: deployedFunctions }
const queueUrl = (name: string) => `https://sqs.local-1.amazonaws.com/123456789012/${name}`
const shop = (name: string) => `shop-prod-${name}`

let local: Awaited<ReturnType<typeof startLine>>
let streamArn: string
beforeAll(async () => {
  local = await startLine()
  const { LatestStreamArn = '' } = await describeTable({ target: targetOf(local) } as Parameters<
    typeof describeTable
  >[0])
  streamArn = LatestStreamArn
})
afterAll(() => local.close())
beforeEach(() => {
  for (const method of ['info', 'warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => {})
  return () => vi.restoreAllMocks()
})

/** Examines a deployed line: the local line's sockets and table, and the control planes of an account. */
async function examineAccount(
  change: (account: Account) => void,
  only?: string[],
  changes: Partial<DoctorTarget> = {},
) {
  const table = local.environment['TRUNKLINE_TABLE'] ?? ''
  const account = healthyAccount({ table, callbackUrl: local.httpUrl, streamArn })
  change(account)
  await using aws = await startAws(account, local.environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '')
  const config = { region: 'local-1', endpoint: aws.endpoint, credentials: { accessKeyId: 'k', secretAccessKey: 's' } }
  const target = targetOf(local, {
    kind: 'aws',
    functions: deployedFunctions,
    queues: { delay: queueUrl('Later'), failures: queueUrl('DeadLetters') },
    resources: {
      WebsocketsApi: { type: 'AWS::ApiGatewayV2::Api', id: apiId },
      WebsocketsDeploymentStage: { type: 'AWS::ApiGatewayV2::Stage', id: 'dev' },
    },
    outputs: { TrunklineVersion: ownVersion() },
    clientConfig: () => config,
    ...changes,
  })
  const settings = { ...patient, token: 'good' }
  return { account, results: await examine(target, { settings, ...(only !== undefined && { only }) }) }
}

const first = (account: Account, key: string) => account.routes.find(({ RouteKey }) => RouteKey === key) ?? {}
const mappingOf = (account: Account, name: string) => account.mappings.get(shop(name))?.[0] ?? {}
const functionOf = (account: Account, name: string) => account.functions.get(shop(name)) ?? {}
const variablesOf = (account: Account, name: string) =>
  (functionOf(account, name)['Environment'] as { readonly Variables: Record<string, string | undefined> }).Variables
const queueOf = (account: Account, name: string) => account.queues.get(name) ?? {}

describe('the doctor on a healthy deployed line', () => {
  it('passes every check', async () => {
    const { account, results } = await examineAccount(() => {})
    expect([...results.values()].filter(({ status }) => status !== 'passed')).toEqual([])
    expect([...results.keys()]).toEqual(checks.map(({ id }) => id))
    const names = {
      ...{ partition: 'aws', region: 'local-1', tableArn: 'table', streamArn: 'stream', apiId, stage: 'dev' },
      ...{ account: '', delayQueueArn: '', failuresQueueArn: '', functions: deployedFunctions },
    }
    const actions = functionNames.flatMap((name) => expectedRights(line, name, names))
    const simulated = new Set([...account.simulated].map((each) => each.split(' ')[0]))
    expect(simulated).toEqual(new Set(actions.map(({ action }) => action)))
  })

  it('passes one of a single function, whose role it examines once', async () => {
    const functions = { handler: shop('handler') }
    const resources = {
      WebsocketsApi: { type: 'AWS::ApiGatewayV2::Api', id: apiId },
      WebsocketsDeploymentStage: { type: 'AWS::ApiGatewayV2::Stage', id: 'dev' },
      AuthorizerWebsocketsAuthorizer: { type: 'AWS::ApiGatewayV2::Authorizer', id: 'auth' },
    }
    const { results } = await examineAccount(
      (account) => {
        const handler = functionOf(account, 'websocket')
        const variables = variablesOf(account, 'websocket')
        Object.assign(variables, { TRUNKLINE_DELIVER: shop('handler'), TRUNKLINE_WORKER: shop('handler') })
        account.functions.clear()
        account.functions.set(shop('handler'), { ...handler, Timeout: 30 })
        const { MaximumEventAgeInSeconds } = expectedProperties({ functions }, 'HandlerLambdaEvConf')
        const retried = { ...account.invokeConfigs.get(shop('deliver')), MaximumEventAgeInSeconds }
        account.invokeConfigs.set(shop('handler'), retried)
        account.mappings.set(shop('handler'), [...account.mappings.values()].flat())
        account.recursion.set(shop('handler'), 'Allow')
      },
      undefined,
      { functions, resources },
    )
    const others = [...results.values()].filter(({ status }) => status !== 'passed')
    expect(others.map(({ id, status }) => `${status} ${id}`)).toEqual(
      functionNames.filter((name) => name !== 'websocket').map((name) => `skipped iam-${name}`),
    )
  })

  it('asks for each action on a resource of the line, never on a pattern', async () => {
    const { account } = await examineAccount(() => {}, ['table', 'iam-websocket', 'iam-tableStream'])
    const simulated = [...account.simulated]
    expect(simulated.filter((each) => each.includes('*'))).toEqual([])
    expect(simulated).toContain(
      `lambda:InvokeFunction on ${'arn:aws:lambda:'}${regionAndAccount(simulated)}function:shop-prod-deliver`,
    )
    expect(
      simulated.some(
        (each) =>
          each.startsWith('execute-api:ManageConnections on ') &&
          each.endsWith(`:${apiId}/dev/POST/@connections/doctor`),
      ),
    ).toBe(true)
    expect(simulated).toContain(`dynamodb:GetRecords on ${streamArn}`)
  })

  it('names the version of this command in the template that it writes', () => {
    expect(expectedTemplate(line).Outputs['TrunklineVersion']?.Value).toBe(ownVersion())
  })

  it("prints no variable of the application's own", async () => {
    const { results } = await examineAccount(
      (account) => {
        variablesOf(account, 'worker')['TRUNKLINE_TABLE'] = 'other'
      },
      ['functions', 'callback', 'iam-worker'],
    )
    expect(results.get('functions')?.status).toBe('failed')
    expect(JSON.stringify([...results.values()])).not.toMatch(/hunter2|SECRET_OF/)
  })
})

/** `region:account:` of the ARNs that were simulated. */
function regionAndAccount(simulated: readonly string[]): string {
  return /arn:aws:lambda:([^:]*:[^:]*:)/.exec(simulated.join(' '))?.[1] ?? ''
}

type Case = readonly [
  what: string,
  id: string,
  change: (account: Account) => unknown,
  status: 'failed' | 'warning',
  detail: RegExp,
  remedy: RegExp,
]

const broken: readonly Case[] = [
  [
    'an account with 10 concurrent functions',
    'concurrency',
    (a) => Object.assign(a.limits, { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 }),
    'warning',
    /runs 10 functions/,
    /L-B99A9384/,
  ],
  [
    'an account that has reserved nearly all',
    'concurrency',
    (a) => Object.assign(a.limits, { UnreservedConcurrentExecutions: 40 }),
    'warning',
    /40 of them without a reservation/,
    /quota/,
  ],
  [
    'a function that is switched off',
    'concurrency',
    (a) => a.reserved.set(shop('worker'), 0),
    'failed',
    /worker has a reserved concurrency of 0/,
    /delete-function-concurrency --function-name shop-prod-worker/,
  ],
  [
    'throttled functions',
    'throttles',
    (a) => a.throttles.set(shop('websocket'), 12),
    'warning',
    /throttled websocket 12 times/,
    /concurrency/,
  ],
  [
    'a table without backups',
    'table',
    (a) => Object.assign(a, { backups: 'DISABLED' }),
    'warning',
    /Point-in-time recovery is off/,
    /update-continuous-backups --table-name/,
  ],
  [
    'TTL that is off',
    'table',
    (a) => a.dynamo.set('DescribeTimeToLive', () => ({ TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' } })),
    'failed',
    /TTL is DISABLED/,
    /update-time-to-live .*AttributeName=expires/,
  ],
  [
    'TTL on another attribute',
    'table',
    (a) =>
      a.dynamo.set('DescribeTimeToLive', () => ({
        TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' },
      })),
    'failed',
    /ENABLED for ttl/,
    /update-time-to-live/,
  ],
  [
    'a table that is being deleted',
    'table',
    (a) =>
      a.dynamo.set('DescribeTable', (answer) => ({
        Table: { ...(answer['Table'] as object), TableStatus: 'DELETING' },
      })),
    'failed',
    /DELETING, not ACTIVE/,
    /Wait until/,
  ],
  [
    'provisioned capacity',
    'table',
    (a) =>
      a.dynamo.set('DescribeTable', (answer) => ({
        Table: { ...(answer['Table'] as object), BillingModeSummary: { BillingMode: 'PROVISIONED' } },
      })),
    'warning',
    /provisioned capacity/,
    /--billing-mode PAY_PER_REQUEST/,
  ],
  [
    'a table without a stream',
    'stream',
    (a) =>
      a.dynamo.set('DescribeTable', (answer) => ({
        Table: { ...(answer['Table'] as object), LatestStreamArn: undefined },
      })),
    'failed',
    /has no stream/,
    /Deploy the stack again/,
  ],
  [
    'a stream of keys',
    'stream',
    (a) =>
      a.dynamo.set('DescribeStream', (answer) => ({
        StreamDescription: { ...(answer['StreamDescription'] as object), StreamViewType: 'KEYS_ONLY' },
      })),
    'failed',
    /KEYS_ONLY, not NEW_AND_OLD_IMAGES/,
    /switch the stream off/,
  ],
  [
    'a mapping that is disabled',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { State: 'Disabled' }),
    'failed',
    /is Disabled/,
    /update-event-source-mapping --uuid m-1 --enabled/,
  ],
  [
    'a mapping of an older stream',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { EventSourceArn: 'arn:old' }),
    'failed',
    /No event source mapping/,
    /turned off and on is another stream/,
  ],
  [
    'another filter',
    'event-source-mapping',
    (a) =>
      Object.assign(mappingOf(a, 'tableStream'), {
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
      }),
    'failed',
    /Expected the filter .*LOG#.* got \{"eventName":\["INSERT"\]\}/,
    /--filter-criteria '\{"Filters"/,
  ],
  [
    'no filter',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { FilterCriteria: undefined }),
    'failed',
    /got none/,
    /--filter-criteria/,
  ],
  [
    'a batch that is a problem',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { LastProcessingResult: 'PROBLEM: Function call failed' }),
    'failed',
    /Function call failed/,
    /logs of tableStream/,
  ],
  [
    'unlimited retries',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { MaximumRetryAttempts: -1 }),
    'warning',
    /MaximumRetryAttempts is -1; the template has 5/,
    /update-event-source-mapping/,
  ],
  [
    'batches that go nowhere',
    'event-source-mapping',
    (a) => Object.assign(mappingOf(a, 'tableStream'), { DestinationConfig: {} }),
    'failed',
    /go nowhere/,
    /Deploy/,
  ],
  [
    'a missing route',
    'routes',
    (a) => a.routes.splice(a.routes.indexOf(first(a, 'subscription')), 1),
    'failed',
    /route subscription is missing/,
    /Deploy/,
  ],
  [
    '$default without a response',
    'routes',
    (a) => Object.assign(first(a, '$default'), { RouteResponseSelectionExpression: undefined }),
    'failed',
    /\$default is one-way|\$default is two-way/,
    /Deploy/,
  ],
  [
    'a ping that runs a function',
    'routes',
    (a) => Object.assign(first(a, 'ping'), { Target: 'integrations/proxy' }),
    'failed',
    /ping has the integration AWS_PROXY, not MOCK/,
    /Deploy/,
  ],
  [
    '$connect without its authorizer',
    'routes',
    (a) => Object.assign(first(a, '$connect'), { AuthorizationType: 'NONE' }),
    'failed',
    /\$connect has the authorization NONE/,
    /Deploy/,
  ],
  [
    'an identity source',
    'routes',
    (a) => Object.assign(a.authorizers[0] ?? {}, { IdentitySource: ['route.request.header.Auth'] }),
    'failed',
    /identity source route\.request\.header\.Auth/,
    /Remove the identity source/,
  ],
  [
    'another selection expression',
    'routes',
    (a) => Object.assign(a.api, { RouteSelectionExpression: '$request.body.action' }),
    'failed',
    /\$request\.body\.action/,
    /Deploy/,
  ],
  [
    'a stage that refuses all',
    'throttling',
    (a) => Object.assign(a.stage, { DefaultRouteSettings: { ThrottlingRateLimit: 0, ThrottlingBurstLimit: 0 } }),
    'failed',
    /refuses every message/,
    /throttle/,
  ],
  [
    'a stage with a low limit',
    'throttling',
    (a) => Object.assign(a.stage, { DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 10 } }),
    'warning',
    /accepts 50 messages a second of all routes/,
    /throttle/,
  ],
  [
    'a route with a limit of 0',
    'throttling',
    (a) => Object.assign(a.stage, { RouteSettings: { ping: { ThrottlingRateLimit: 0, ThrottlingBurstLimit: 0 } } }),
    'failed',
    /of ping, and 0 at once/,
    /throttle/,
  ],
  [
    'a default endpoint that is disabled',
    'callback',
    (a) => {
      variablesOf(a, 'websocket')['TRUNKLINE_CALLBACK_URL'] = `https://${apiId}.execute-api.local-1.amazonaws.com/dev`
      a.api['DisableExecuteApiEndpoint'] = true
    },
    'failed',
    /default endpoint of the API is disabled/,
    /custom domain: https:\/\/<domain>\/<mapping>, without the stage/,
  ],
  [
    'the callback address of another API',
    'callback',
    (a) => {
      variablesOf(a, 'websocket')['TRUNKLINE_CALLBACK_URL'] = 'https://zzz.execute-api.local-1.amazonaws.com/dev'
    },
    'failed',
    /is not the API a1b2c3d4e5/,
    /TRUNKLINE_CALLBACK_URL/,
  ],
  [
    'a custom domain with the stage',
    'callback',
    (a) => {
      variablesOf(a, 'websocket')['TRUNKLINE_CALLBACK_URL'] = 'https://live.shop.example/dev'
      a.domainMappings.set('live.shop.example', [{ ApiId: apiId, Stage: 'dev' }])
    },
    'failed',
    /the stage is no part of the address/,
    /to https:\/\/live\.shop\.example\.$/,
  ],
  [
    'a custom domain without the mapping',
    'callback',
    (a) => {
      variablesOf(a, 'websocket')['TRUNKLINE_CALLBACK_URL'] = 'https://live.shop.example'
      a.domainMappings.set('live.shop.example', [{ ApiId: apiId, Stage: 'dev', ApiMappingKey: 'chat' }])
    },
    'failed',
    /no part of the address/,
    /to https:\/\/live\.shop\.example\/chat\.$/,
  ],
  [
    'a domain that is not mapped',
    'callback',
    (a) => {
      variablesOf(a, 'websocket')['TRUNKLINE_CALLBACK_URL'] = 'https://live.shop.example'
    },
    'failed',
    /has no mapping to the API/,
    /TRUNKLINE_CALLBACK_URL/,
  ],
  [
    'a function that does not exist',
    'functions',
    (a) => a.functions.delete(shop('deliver')),
    'failed',
    /shop-prod-deliver does not exist/,
    /Deploy/,
  ],
  [
    'a function of another table',
    'functions',
    (a) => {
      variablesOf(a, 'deliver')['TRUNKLINE_TABLE'] = 'other'
    },
    'failed',
    /TRUNKLINE_TABLE of deliver is other/,
    /Deploy/,
  ],
  [
    'a variable that is missing',
    'functions',
    (a) => {
      delete variablesOf(a, 'websocket')['TRUNKLINE_DELAY_QUEUE_URL']
    },
    'failed',
    /TRUNKLINE_DELAY_QUEUE_URL of websocket is not set/,
    /Deploy/,
  ],
  [
    'a short timeout',
    'functions',
    (a) => Object.assign(functionOf(a, 'worker'), { Timeout: 6 }),
    'failed',
    /timeout of worker is 6 s; the template has 900 s/,
    /Deploy/,
  ],
  [
    'a runtime that has ended',
    'functions',
    (a) => Object.assign(functionOf(a, 'http'), { Runtime: 'nodejs20.x' }),
    'warning',
    /nodejs20\.x of http has had no updates/,
    /nodejs24\.x/,
  ],
  [
    'an update that failed',
    'functions',
    (a) =>
      Object.assign(functionOf(a, 'http'), {
        LastUpdateStatus: 'Failed',
        LastUpdateStatusReason: 'The KMS key is disabled',
      }),
    'failed',
    /KMS key is disabled/,
    /Deploy/,
  ],
  [
    'an environment that cannot be read',
    'functions',
    (a) =>
      Object.assign(functionOf(a, 'http'), {
        Environment: { Error: { ErrorCode: 'AccessDeniedException', Message: 'Lambda was unable to decrypt' } },
      }),
    'warning',
    /environment of http cannot be read: Lambda was unable to decrypt/,
    /kms:Decrypt/,
  ],
  [
    'no on-failure destination',
    'retries',
    (a) => Object.assign(a.invokeConfigs.get(shop('deliver')) ?? {}, { DestinationConfig: {} }),
    'failed',
    /deliver has no on-failure destination/,
    /Deploy/,
  ],
  [
    'no settings of invocations',
    'retries',
    (a) => a.invokeConfigs.delete(shop('worker')),
    'failed',
    /worker has no settings/,
    /Deploy/,
  ],
  [
    'other retries',
    'retries',
    (a) => Object.assign(a.invokeConfigs.get(shop('worker')) ?? {}, { MaximumRetryAttempts: 0 }),
    'warning',
    /MaximumRetryAttempts is 0, the template has 1/,
    /Deploy/,
  ],
  [
    'loops that Lambda ends',
    'recursion',
    (a) => a.recursion.set(shop('worker'), 'Terminate'),
    'failed',
    /ends worker after it has invoked itself 16 times/,
    /put-function-recursion-config --function-name shop-prod-worker --recursive-loop Allow/,
  ],
  [
    'an action that is denied',
    'iam-websocket',
    (a) => a.deniedToRoles.add('dynamodb:UpdateItem websocket'),
    'failed',
    /does not allow dynamodb:UpdateItem on arn:aws:dynamodb/,
    /allow the action/,
  ],
  [
    'posts that are denied',
    'iam-tableStream',
    (a) => a.deniedToRoles.add('execute-api:ManageConnections'),
    'failed',
    /execute-api:ManageConnections on arn:aws:execute-api/,
    /boundary/,
  ],
  [
    'logs that are denied',
    'iam-authorizer',
    (a) => a.deniedToRoles.add('logs:PutLogEvents'),
    'failed',
    /logs:PutLogEvents/,
    /policy of the role/,
  ],
  [
    'short visibility',
    'delay-queue',
    (a) => Object.assign(queueOf(a, 'Later'), { VisibilityTimeout: '30' }),
    'failed',
    /hides messages for 30 s, less than six times/,
    /Deploy/,
  ],
  [
    'no redrive policy',
    'delay-queue',
    (a) => Object.assign(queueOf(a, 'Later'), { RedrivePolicy: undefined }),
    'failed',
    /go to no other queue/,
    /Deploy/,
  ],
  [
    'one receive',
    'delay-queue',
    (a) => Object.assign(queueOf(a, 'Later'), { RedrivePolicy: '{"deadLetterTargetArn":"arn","maxReceiveCount":1}' }),
    'warning',
    /given up after 1 receives/,
    /Deploy/,
  ],
  [
    'messages that end before their retries',
    'delay-queue',
    (a) => Object.assign(queueOf(a, 'Later'), { MessageRetentionPeriod: '600' }),
    'warning',
    /kept for 600 s; the longest delay and 5 receives take 1800 s/,
    /Deploy/,
  ],
  [
    'a queue without a consumer',
    'delay-queue',
    (a) => a.mappings.delete(shop('delayed')),
    'failed',
    /No event source mapping leads from the delay queue/,
    /Deploy/,
  ],
  [
    'a consumer that is disabled',
    'delay-queue',
    (a) => Object.assign(mappingOf(a, 'delayed'), { State: 'Disabled' }),
    'failed',
    /is Disabled/,
    /--uuid m-2 --enabled/,
  ],
  [
    'failures that wait',
    'failures-queue',
    (a) => Object.assign(queueOf(a, 'DeadLetters'), { ApproximateNumberOfMessages: '7' }),
    'warning',
    /7 invocations failed/,
    /trunkline redrive --dry-run/,
  ],
  [
    'failures that are soon gone',
    'failures-queue',
    (a) => Object.assign(queueOf(a, 'DeadLetters'), { MessageRetentionPeriod: '345600' }),
    'warning',
    /keeps messages for 4 days/,
    /Deploy/,
  ],
  [
    'another wire',
    'versions',
    (a) => Object.assign(a.api, { Description: 'trunkline wire 1, ping 0' }),
    'failed',
    /got "trunkline wire 1, ping 0"/,
    /Deploy with the version of this command/,
  ],
]

describe('the doctor on a deployed line with', () => {
  it.each(broken)('%s: %s has its remedy', async (_, id, change, status, detail, remedy) => {
    const { results } = await examineAccount(change, [id])
    const found = results.get(id)
    expect([found?.status, found?.detail]).toEqual([status, expect.stringMatching(detail)])
    expect(found?.remedy).toMatch(remedy)
  })

  it('clients at a default endpoint that is disabled', async () => {
    const webSocketUrl = `wss://${apiId}.execute-api.local-1.amazonaws.com/dev`
    const disable = (account: Account) => Object.assign(account.api, { DisableExecuteApiEndpoint: true })
    expect((await examineAccount(disable, ['routes'], { webSocketUrl })).results.get('routes')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('The default endpoint of the API is disabled'),
      remedy: expect.stringContaining('--url'),
    })
  })

  it('a template of another version', async () => {
    const { results } = await examineAccount(() => {}, ['versions'], { outputs: { TrunklineVersion: '0.0.1' } })
    expect(results.get('versions')).toMatchObject({
      status: 'warning',
      detail: `The template has the version 0.0.1, this command ${ownVersion()}.`,
      remedy: expect.stringContaining('npx @trunkline/local@<version> doctor'),
    })
  })
})

describe('credentials without a permission', () => {
  it.each([
    ['iam:SimulatePrincipalPolicy', ['table', 'iam-http']],
    ['lambda:GetFunctionConfiguration', ['functions', 'callback']],
    ['lambda:GetFunctionRecursionConfig', ['recursion']],
    ['lambda:GetFunctionEventInvokeConfig', ['retries']],
    ['lambda:GetFunctionConcurrency', ['concurrency']],
    ['lambda:GetAccountSettings', ['concurrency']],
    ['lambda:ListEventSourceMappings', ['event-source-mapping', 'delay-queue']],
    ['apigateway:GET', ['routes', 'throttling', 'callback', 'versions']],
    ['cloudwatch:GetMetricData', ['throttles']],
    ['sqs:GetQueueAttributes', ['delay-queue', 'failures-queue']],
    ['dynamodb:DescribeTable', ['table', 'clock']],
    ['dynamodb:DescribeTimeToLive', ['table']],
    ['dynamodb:DescribeContinuousBackups', ['table']],
    ['dynamodb:DescribeStream', ['stream']],
    ['dynamodb:PutItem', ['filter']],
  ])('name %s in %j', async (action, ids) => {
    const { results } = await examineAccount((account) => account.deniedToMe.add(action), ids)
    for (const id of ids.filter((each) => each !== 'table' || action.startsWith('dynamodb')))
      expect([id, results.get(id)]).toEqual([
        id,
        expect.objectContaining({
          status: 'warning',
          detail: `Not checked: Your credentials may not call ${action}.`,
          remedy: `Allow ${action} to the credentials with which you run the doctor.`,
        }),
      ])
  })

  it('that AWS does not know fail, with how to sign in', async () => {
    const { results } = await examineAccount(
      (account) => account.deniedToMe.add('sts:GetCallerIdentity'),
      ['credentials'],
    )
    expect(results.get('credentials')).toMatchObject({
      status: 'failed',
      remedy: expect.stringContaining('aws sso login'),
    })
  })
})
