import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { outputs, queue, shop, startCloudFormation } from '../testing/cloudformation.suite.ts'
import { runTrunkline } from '../testing/command-line.suite.ts'
import { findStage } from './find-stage.ts'

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

test('a region that is missing is named with how to set it', async () => {
  vi.stubEnv('AWS_REGION', undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('TRUNKLINE_TABLE', 'shop')
  await expect(findStage({ stage: 'prod' })).rejects.toThrow('Region is missing. Set --region or AWS_REGION.')
  const { code, err } = await runTrunkline(['connections', '--yes'])
  const said = /^Region is missing\. Set --region or AWS_REGION\.\nSee \S+\n$/
  expect([code, err]).toEqual([1, expect.stringMatching(said)])
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
