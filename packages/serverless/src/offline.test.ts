import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import TrunklinePlugin from './index.ts'
import type { OfflineOptions, Serverless } from './serverless.ts'

interface Declared {
  readonly timeout?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly events?: readonly Readonly<Record<string, unknown>>[]
}

const endpoints = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_DYNAMODB_STREAMS'] as const
beforeEach(() => {
  const others = ['TRUNKLINE_TABLE', 'TRUNKLINE_DELAY_QUEUE_URL', 'AWS_PROFILE', 'AWS_ACCESS_KEY_ID']
  for (const name of [...endpoints, ...others, 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

function createService(settings: object, custom: object = {}, commandLine: OfflineOptions = {}) {
  const functions: Record<string, Declared> = {}
  const provider = { runtime: 'nodejs24.x', region: 'eu-west-1', compiledCloudFormationTemplate: { Resources: {} } }
  const serverless: Serverless = {
    service: {
      service: 'shop',
      custom: { trunkline: { handler: 'src/lambda', ...settings }, ...custom },
      functions,
      provider,
    },
    extendConfiguration: ([section, name = ''], value) => {
      if (section === 'functions') Object.assign(functions, { [name]: value })
    },
    getProvider: () => ({ getStage: () => 'dev' }),
  }
  const { hooks } = new TrunklinePlugin(serverless, commandLine)
  return { functions, provider, start: async (hook = 'before:offline:start') => hooks[hook]?.() }
}

const eventsOf = (declared: Declared | undefined, kind: string) =>
  declared?.events?.flatMap((event) => (kind in event ? [event[kind]] : [])) ?? []

/** A DynamoDB that gives one answer. */
async function startDynamo(status: number, answer: object) {
  const requests: Readonly<Record<string, unknown>>[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    requests.push(JSON.parse(body))
    response.writeHead(status).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return { requests, close: () => server.close() }
}

describe('serverless-offline', () => {
  it.each(['before:offline:start', 'before:offline:start:init'])(
    'gets the routes of the template at %s',
    async (hook) => {
      const { functions, provider, start } = createService({})
      await start(hook)
      expect(eventsOf(functions['websocket'], 'websocket')).toEqual([
        { route: '$connect', authorizer: { name: 'authorizer', identitySource: [] } },
        { route: '$disconnect' },
        { route: '$default', routeResponseSelectionExpression: '$default' },
        { route: 'subscription' },
        { route: 'subscription.stop' },
        { route: 'connectionParams' },
        { route: 'ping', routeResponseSelectionExpression: '$default' },
      ])
      expect(provider).toMatchObject({ websocketsApiRouteSelectionExpression: '$request.body.method' })
      expect(eventsOf(functions['http'], 'httpApi')).toEqual([
        { method: 'POST', path: '/frames' },
        { method: 'OPTIONS', path: '/frames' },
        { method: '*', path: '/read/{path}' },
      ])
    },
  )

  it('gets the stream of the table with its filters, for serverless-offline-dynamodb-streams', async () => {
    const { functions, start } = createService({})
    await start()
    const [stream] = eventsOf(functions['tableStream'], 'stream')
    expect(stream).toMatchObject({ type: 'dynamodb', tableName: 'shop-dev', startingPosition: 'TRIM_HORIZON' })
    expect(stream).toMatchObject({ filterPatterns: [{ eventName: ['INSERT'] }, { eventName: ['INSERT', 'MODIFY'] }] })
  })

  it('declares no events for other commands, so that osls packages what it packaged without it', () => {
    for (const declared of Object.values(createService({}).functions)) expect(declared).not.toHaveProperty('events')
  })

  it('gets an environment in which functions post to it and invoke each other in it', async () => {
    const settings = { environment: { STRIPE: 'test', CARDS: { Ref: 'Cards' } }, origins: ['https://shop.example'] }
    const { functions, start } = createService(settings)
    await start()
    expect(functions['worker']).toMatchObject({ timeout: 900 })
    expect(functions['websocket']).toMatchObject({ timeout: 28 })
    expect(functions['websocket']?.environment).toEqual({
      TRUNKLINE_TABLE: 'shop-dev',
      TRUNKLINE_CALLBACK_URL: 'http://localhost:3001',
      TRUNKLINE_DELAY_QUEUE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/000000000000\/later$/),
      TRUNKLINE_DELIVER: 'shop-dev-deliver',
      TRUNKLINE_WORKER: 'shop-dev-worker',
      TRUNKLINE_RESTORE: '0',
      TRUNKLINE_ORIGINS: 'https://shop.example',
      AWS_ENDPOINT_URL_LAMBDA: 'http://localhost:3002',
      POWERTOOLS_METRICS_NAMESPACE: 'Trunkline',
      POWERTOOLS_SERVICE_NAME: 'shop-dev',
      STRIPE: 'test',
    })
  })

  it('takes variables of the shell for what only a stack has, and a table of another name', async () => {
    vi.stubEnv('TRUNKLINE_TABLE', 'mine')
    vi.stubEnv('CARDS', 'cards')
    vi.stubEnv('TRUNKLINE_DELAY_QUEUE_URL', 'http://localhost:9324/queue/later')
    const { functions, start } = createService({
      environment: { CARDS: { Ref: 'Cards' } },
      parameters: { RestoreNumber: 2 },
    })
    await start()
    expect(functions['deliver']?.environment).toMatchObject({
      ...{ TRUNKLINE_TABLE: 'mine', CARDS: 'cards', TRUNKLINE_RESTORE: '2' },
      TRUNKLINE_DELAY_QUEUE_URL: 'http://localhost:9324/queue/later',
    })
    expect(eventsOf(functions['tableStream'], 'stream')).toMatchObject([{ tableName: 'mine' }])
  })

  it('is found at its ports: those of the command line, else of custom.serverless-offline', async () => {
    const custom = { 'serverless-offline': { host: '0.0.0.0', websocketPort: 4001, lambdaPort: 4002 } }
    const { functions, start } = createService({}, custom, { websocketPort: '5001' })
    await start()
    expect(functions['websocket']?.environment).toMatchObject({
      TRUNKLINE_CALLBACK_URL: 'http://localhost:5001',
      AWS_ENDPOINT_URL_LAMBDA: 'http://localhost:4002',
    })
  })

  it('runs all events by the one function, without an authorizer and without HTTP where the line has none', async () => {
    const { functions, start } = createService({ functions: 'one', authorizer: false, http: false })
    await start()
    expect(Object.keys(functions)).toEqual(['handler'])
    expect(eventsOf(functions['handler'], 'websocket')[0]).toEqual({ route: '$connect' })
    expect(eventsOf(functions['handler'], 'stream')).toHaveLength(1)
    expect(eventsOf(functions['handler'], 'httpApi')).toEqual([])
  })

  it('serves a line whose template has a domain, a page, a table that exists or a function URL', async () => {
    const domain = { name: 'live.shop.example', certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/1' }
    const existingTable = { name: 'restored', arn: 'arn', streamArn: 'arn' }
    const { functions, start } = createService({ domain, site: true, existingTable, httpStream: true, http: 'url' })
    await start()
    expect(functions['websocket']?.environment?.['TRUNKLINE_TABLE']).toBe('restored')
    expect(eventsOf(functions['websocket'], 'websocket')).toHaveLength(7)
    expect(eventsOf(functions['http'], 'httpApi')).toEqual([])
  })
})

describe('an emulator of DynamoDB', () => {
  it('gets the table with its stream, and so do the clients of streams', async () => {
    const dynamo = await startDynamo(200, {})
    await createService({}).start()
    dynamo.close()
    expect(dynamo.requests).toMatchObject([
      { TableName: 'shop-dev', StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } },
    ])
    const { env } = process
    expect(env['AWS_ENDPOINT_URL_DYNAMODB_STREAMS']).toBe(env['AWS_ENDPOINT_URL_DYNAMODB'])
    expect(env['AWS_ACCESS_KEY_ID']).toBe('local')
  })

  it('keeps a table that it has', async () => {
    const dynamo = await startDynamo(400, { __type: 'com.amazonaws.dynamodb.v20120810#ResourceInUseException' })
    await createService({}).start()
    dynamo.close()
  })

  it('is named in the error when it refuses the table or does not answer', async () => {
    const dynamo = await startDynamo(400, { __type: 'ValidationException' })
    await expect(createService({}).start()).rejects.toThrow(/table shop-dev could not be created at .*Validation/)
    dynamo.close()
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', 'http://127.0.0.1:1')
    await expect(createService({}).start()).rejects.toThrow('table shop-dev could not be created at http://127.0.0.1:1')
  })
})
