import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { lineTemplate } from '@trunkline/deploy'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findStage } from './find-stage.ts'

interface FakeStack {
  readonly name: string
  readonly status?: string
  readonly outputs: Readonly<Record<string, string>>
}

/** The physical ids that AWS gives to the resources of a template that commands read. */
const template = lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda' })
const queue = (name: string) => `https://sqs.eu-west-1.amazonaws.com/1/shop-${name}`
const physicalIds: Readonly<Record<string, string>> = {
  WebsocketsApi: 'abc123',
  WebsocketsDeploymentStage: 'prod',
  Later: queue('Later'),
  DeadLetters: queue('DeadLetters'),
}
const resources = Object.entries(template.Resources).map(([name, { Type, Properties }]) => {
  const { FunctionName, LogGroupName } = (Properties ?? {}) as Record<string, unknown>
  return { name, type: Type, id: physicalIds[name] ?? String(FunctionName ?? LogGroupName ?? `${name}-id`) }
})
const outputs = { WebSocketUrl: 'wss://abc123.execute-api.eu-west-1.amazonaws.com/prod', TableName: 'shop-Table-1' }
const shop: FakeStack = { name: 'shop-prod', outputs: { ...outputs, DeadLettersUrl: queue('DeadLetters') } }

/** CloudFormation's query API with pages of one stack and of 20 resources. */
async function startCloudFormation(stacks: readonly FakeStack[]) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    const asked = new URLSearchParams(body)
    const [status, text] = answer(stacks, asked)
    response.writeHead(status, { 'content-type': 'text/xml' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(stacks: readonly FakeStack[], asked: URLSearchParams): readonly [number, string] {
  const name = asked.get('StackName')
  const page = Number(asked.get('NextToken') ?? 0)
  const found = stacks.filter((each) => name === null || each.name === name)
  if (found.length === 0 && name !== null)
    return failure(400, 'ValidationError', `Stack with id ${name} does not exist`)
  if (name === 'forbidden-prod') return failure(403, 'AccessDenied', 'User is not authorized')
  if (asked.get('Action') === 'DescribeStacks')
    return success(
      'DescribeStacks',
      `<Stacks>${found
        .slice(page, page + 1)
        .map(toStack)
        .join('')}</Stacks>`,
      {
        next: found.length > page + 1 ? page + 1 : undefined,
      },
    )
  const members = resources
    .slice(page, page + 20)
    .map(
      ({ name: logical, type, id }) =>
        `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId><ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>`,
    )
  return success('ListStackResources', `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`, {
    next: resources.length > page + 20 ? page + 20 : undefined,
  })
}

function toStack({ name, status = 'UPDATE_COMPLETE', outputs }: FakeStack): string {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  return `<member><StackName>${name}</StackName><StackStatus>${status}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member>`
}

function success(action: string, result: string, { next }: { readonly next: number | undefined }) {
  const token = next === undefined ? '' : `<NextToken>${next}</NextToken>`
  const inner = `<${action}Result>${result}${token}</${action}Result>`
  return [
    200,
    `<${action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${inner}</${action}Response>`,
  ] as const
}

function failure(status: number, code: string, message: string) {
  return [
    status,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ] as const
}

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(AWS|TRUNKLINE)_/.test(name)) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true')
})
afterEach(() => vi.unstubAllEnvs())

describe('a deployed line', () => {
  test('is found by its stage alone, with everything that its stack has', async () => {
    const others = [
      { name: 'web-prod', outputs: { Url: 'https://example.com' } },
      { name: 'shop-dev', outputs },
      { name: 'old-prod', status: 'DELETE_IN_PROGRESS', outputs },
    ]
    await using _ = await startCloudFormation([...others, shop])
    const stage = await findStage({ stage: 'prod' })
    expect(stage).toMatchObject({
      name: 'shop-prod',
      kind: 'aws',
      region: 'eu-west-1',
      table: 'shop-Table-1',
      webSocketUrl: outputs.WebSocketUrl,
      callbackUrl: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
      queues: { delay: queue('Later'), failures: queue('DeadLetters') },
      outputs: shop.outputs,
    })
    expect(stage.functions).toMatchObject({ websocket: 'shop-prod-websocket', deliver: 'shop-prod-deliver' })
    expect(stage.logGroups).toMatchObject({ tableStream: '/aws/lambda/shop-prod-tableStream' })
    expect(stage.resources['WebsocketsApi']).toEqual({ type: 'AWS::ApiGatewayV2::Api', id: 'abc123' })
    expect(stage.clientConfig('LAMBDA')).toEqual({ region: 'eu-west-1' })
  })

  test('is found by its service and stage, by its stack, and as osls names its address', async () => {
    const { WebSocketUrl, ...others } = outputs
    const osls = { name: 'chat-prod', outputs: { ...others, ServiceEndpointWebsocket: WebSocketUrl } }
    await using _ = await startCloudFormation([shop, osls])
    expect(await findStage({ service: 'shop', stage: 'prod' })).toMatchObject({ name: 'shop-prod' })
    expect(await findStage({ stack: 'chat-prod' })).toMatchObject({ name: 'chat-prod', webSocketUrl: WebSocketUrl })
  })

  test('is in the region of --region', async () => {
    await using _ = await startCloudFormation([shop])
    expect(await findStage({ stage: 'prod', region: 'us-east-1' })).toMatchObject({ region: 'us-east-1' })
  })

  test.each([
    [{ stage: 'test' }, 'There is no line of the stage test in eu-west-1; its lines are shop-prod, chat-prod.'],
    [
      { stage: 'prod' },
      'Expected one line of the stage prod in eu-west-1, got shop-prod, chat-prod. Name one with --service',
    ],
    [{ stack: 'none' }, 'There is no stack none in eu-west-1'],
    [{ stack: 'web' }, 'The stack web has no line of Trunkline'],
    [{ service: 'forbidden', stage: 'prod' }, 'The command needs cloudformation:DescribeStacks'],
  ])('that %j does not name is an error with the remedy', async (options, message) => {
    const chat = { name: 'chat-prod', outputs }
    await using _ = await startCloudFormation([
      shop,
      chat,
      { name: 'web', outputs: {} },
      { name: 'forbidden-prod', outputs: {} },
    ])
    await expect(findStage(options)).rejects.toThrow(message)
  })

  test('without any in the region says so', async () => {
    await using _ = await startCloudFormation([])
    await expect(findStage({ stage: 'prod' })).rejects.toThrow('There is no line of Trunkline in eu-west-1.')
  })
})

describe('a line of the environment', () => {
  test('has the functions of its deployment by the name of deliver', async () => {
    vi.stubEnv('TRUNKLINE_TABLE', 'shop')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', 'https://abc.execute-api.eu-west-1.amazonaws.com/prod')
    vi.stubEnv('TRUNKLINE_DELIVER', 'shop-prod-deliver')
    expect(await findStage()).toMatchObject({
      kind: 'aws',
      table: 'shop',
      webSocketUrl: 'wss://abc.execute-api.eu-west-1.amazonaws.com/prod',
      functions: { websocket: 'shop-prod-websocket' },
      logGroups: { websocket: '/aws/lambda/shop-prod-websocket' },
    })
  })
})

describe('options that contradict each other', () => {
  test.each([
    [{ local: '', stage: 'prod' }, 'got --local and --stage'],
    [{ stack: 'shop-prod', stage: 'prod' }, 'got --stack shop-prod and --stage'],
    [{ service: 'shop' }, 'Expected --stage with --service shop'],
    [{ profile: 'ops' }, 'Expected --stage or --stack with --profile'],
    [{ local: 'here' }, 'Expected --local to be a port such as 4400'],
  ])('are refused: %j', async (options, message) => {
    await expect(findStage(options)).rejects.toThrow(message)
    await expect(findStage(options)).rejects.toHaveProperty('name', 'UsageError')
  })
})
