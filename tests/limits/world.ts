// More than 200 lines: the deployment whose requests are counted, in one place.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { formatOffer } from '@trunkline/protocol'
import { createDynamoStore, lineTable } from '@trunkline/server/dynamodb'
import { loadParts } from '@trunkline/server/internal'
import { createLambdaHandlers, type Rates } from '@trunkline/server/lambda'
import type { CountName, Gateway, Store } from '@trunkline/server/ports'
import { createLocalClock } from '../../packages/local/src/emulators/clock.ts'
import { type StreamRecord, startDynamo } from '../../packages/local/src/emulators/dynamodb/dynamo.ts'
import { createRandom } from '../../packages/simulator/src/kernel/random.ts'
import { createVirtualClock } from '../fuzz/virtual-clock.ts'
import { createApplication, createAuthorize } from './application.ts'
import { copyItem } from './copy-item.ts'
import { type Cost, createCounts } from './counts.ts'

await loadParts() // a file is read in real time, in which the virtual clock does not advance

/** How long a request takes, in milliseconds of the world's clock. */
const latencyMs = { table: 5, other: 10 } as const

/** A client's connection. */
export interface Connection {
  readonly id: string
  readonly handshake: object
  context: object
  readonly posted: string[]
}

export interface ConnectOptions {
  /** @default anonymous */
  readonly token?: string
  /** A client without `trunkline.1`. @default false */
  readonly stock?: boolean
  /** Announces connection parameters. @default false */
  readonly expectsParams?: boolean
}

type Handlers = Pick<
  ReturnType<typeof createLambdaHandlers>,
  'authorizer' | 'websocket' | 'worker' | 'deliver' | 'tableStream' | 'http'
>
export type World = Awaited<ReturnType<typeof createWorld>>

const start = 1_800_000_000_000
const functionMs = {
  ...{ authorizer: 5_000, websocket: 28_500, worker: 900_000, deliver: 300_000, tableStream: 60_000 },
  http: 28_500,
}
const httpSession = 'session-http-0123456789abc'
const oneWay: ReadonlySet<unknown> = new Set(['subscription', 'subscription.stop', 'connectionParams'])
const queueBatch = 10 // `batchSize` of the delay queue in serverless.yml
const streamBatch = 100 // `batchSize` of the table's stream in serverless.yml

/**
 * A line behind its Lambda handlers over a DynamoDB that meters capacity. Requests to the table run one at a time in the
 * order of their start, and take time of a clock of their own, so that every count is the same on each run.
 */
export async function createWorld() {
  const counts = createCounts()
  let running = 0
  let last: Promise<unknown> = Promise.resolve()
  const clock = createVirtualClock(start, createRandom(1, 'limits'), () => running > 0)
  const localClock = createLocalClock({ seed: 1 })
  const dynamo = await startDynamo({
    clock: localClock,
    sweepMs: Number.POSITIVE_INFINITY,
    // a strong read of nothing costs one unit, for which the emulator counts none
    onUse: ({ readUnits, writeUnits }) =>
      counts.add({
        ...{ requests: 1, writeUnits, writes: writeUnits > 0 ? 1 : 0 },
        readUnits: readUnits + writeUnits === 0 ? 1 : readUnits,
      }),
  })
  const table = 'limits'
  await dynamo.createTable(lineTable(table))
  const records: StreamRecord[] = []
  dynamo.stream(table).onRecord((record) => void (startsFunction(record) && records.push(record)))
  const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
  const client = new DynamoDBClient({ endpoint: dynamo.endpoint, ...access })
  const dynamoStore = createDynamoStore({ table, endpoint: dynamo.endpoint, ...access, requestTimeoutMs: 15_000 })

  /** One operation of the store: it waits for those before it, and then takes time for each of its requests. */
  async function operate(run: () => Promise<unknown>): Promise<unknown> {
    running += 1
    let before = 0
    const ran = last.then(() => {
      before = counts.total().requests
      return run()
    })
    last = ran.then(
      () => counts.total().requests - before,
      () => 1,
    )
    const requests = (await last) as number
    running -= 1
    await clock.sleep(latencyMs.table * requests)
    return ran
  }
  const store = new Proxy(dynamoStore, {
    get(target, name: keyof Store) {
      const member = target[name]
      if (typeof member !== 'function') return member
      return (...args: never[]) => operate(() => (member as (...all: never[]) => Promise<unknown>)(...args))
    },
  })

  const connections = new Map<string, Connection>()
  const gateway: Gateway = {
    kind: 'limits',
    async post(id, text) {
      counts.add({ posts: 1, messagesOut: 1 })
      await clock.sleep(latencyMs.other)
      connections.get(id)?.posted.push(text)
      return { status: connections.has(id) ? 'posted' : 'gone' }
    },
    async disconnect(id) {
      counts.add({ posts: 1 })
      await clock.sleep(latencyMs.other)
      connections.delete(id)
      return 'closed'
    },
  }
  const jobs: { readonly name: 'worker' | 'deliver'; readonly payload: unknown }[] = []
  async function begin(name: 'worker' | 'deliver', payload: unknown): Promise<void> {
    counts.add({ posts: 1 })
    await clock.sleep(latencyMs.other)
    jobs.push({ name, payload: JSON.parse(JSON.stringify(payload)) })
  }
  const delayed: unknown[] = []
  const invoker = {
    kind: 'limits',
    invoke: begin,
    async invokeDelayed(payload: unknown) {
      counts.add({ posts: 1, queued: 1 })
      await clock.sleep(latencyMs.other)
      delayed.push(payload)
    },
  }
  let application = createApplication({ store, gateway, clock, invoker })
  const createHandlers = (rates: Rates = {}): Handlers =>
    createLambdaHandlers({
      ...application,
      authorize: createAuthorize(() => clock.time),
      createContext: () => ({}),
      telemetry: { kind: 'limits', begin: () => ({ measure: () => {}, log: () => {}, end: () => {} }) },
      rates,
    })
  let handlers = createHandlers()

  async function call(name: keyof Handlers, event: unknown): Promise<unknown> {
    const [from, until] = [clock.time, clock.time + functionMs[name]]
    const context = { functionName: name, getRemainingTimeInMillis: () => until - clock.time }
    const result = await clock.drive(handlers[name](event, context))
    counts.add({ functions: 1, ms: clock.time - from })
    return result
  }

  /** Runs what the functions before started, also by the stream of the table. */
  async function runStarted(): Promise<void> {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await call(job.name, job.payload)
    if (records.length === 0) return
    await call('tableStream', { Records: records.splice(0, streamBatch) })
    await runStarted()
  }

  let opened = 0
  async function connect({ token, stock = false, expectsParams = false }: ConnectOptions = {}): Promise<Connection> {
    opened += 1
    const id = `c${opened}=`
    const offer = formatOffer({ session: `session-${opened}-0123456789abc`, token: token ?? null })
    const requestContext = { connectionId: id, connectedAt: clock.time, identity: { sourceIp: '192.0.2.1' } }
    const handshake = {
      headers: stock ? {} : { 'Sec-WebSocket-Protocol': offer.join(', ') },
      ...(expectsParams ? { queryStringParameters: { connectionParams: '1' } } : {}),
      requestContext: { ...requestContext, eventType: 'CONNECT', routeKey: '$connect' },
    }
    const admitted = await call('authorizer', { ...handshake, type: 'REQUEST', methodArn: 'arn:aws:execute-api:x' })
    const { context: authorizer } = admitted as { readonly context: object }
    await call('websocket', { ...handshake, requestContext: { ...handshake.requestContext, authorizer } })
    const connection = { id, handshake, context: { ...requestContext, authorizer }, posted: [] }
    connections.set(id, connection)
    return connection
  }

  async function send({ context }: Connection, message: object | string): Promise<string> {
    const method = typeof message === 'string' ? undefined : (message as { readonly method?: unknown }).method
    const routeKey = oneWay.has(method) ? String(method) : '$default'
    const body = typeof message === 'string' ? message : JSON.stringify(message)
    const requestContext = { ...context, eventType: 'MESSAGE', routeKey, requestId: 'r1' }
    clock.time += 1
    counts.add({ messagesIn: 1, messagesOut: routeKey === '$default' ? 1 : 0 })
    const answer = await call('websocket', { requestContext, body, isBase64Encoded: false })
    await runStarted()
    return (answer as { readonly body?: string }).body ?? ''
  }

  async function disconnect({ id, context }: Connection): Promise<void> {
    connections.delete(id)
    await call('websocket', { requestContext: { ...context, eventType: 'DISCONNECT', routeKey: '$disconnect' } })
    await runStarted()
  }

  /** Sends frames over HTTP, under a connection if `hello` has opened one, or with a token. Returns the response. */
  async function http(connectionId: string | undefined, frames: readonly object[], token?: string) {
    const headers = {
      'content-type': 'application/json',
      'trunkline-session': httpSession,
      ...(connectionId !== undefined && { 'trunkline-connection': connectionId }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    const requestContext = { requestId: 'r1', http: { method: 'POST', sourceIp: '192.0.2.1' } }
    clock.time += 1
    counts.add({ httpRequests: 1 })
    const event = { version: '2.0', rawPath: '/frames', headers, body: JSON.stringify(frames), requestContext }
    const response = await call('http', event)
    await runStarted()
    return response as { readonly headers: Readonly<Record<string, string>>; readonly body: string }
  }

  /** Reads the log of a subscription over HTTP. `rest` is what follows its input in the query. */
  async function read(path: string, rest: string, method: 'GET' | 'HEAD' = 'GET') {
    clock.time += 1
    counts.add({ httpRequests: 1 })
    await call('http', {
      ...{ version: '2.0', rawPath: `/read/${path}`, headers: { authorization: 'Bearer ann-1' } },
      rawQueryString: `input=${encodeURIComponent('{"room":"x"}')}${rest}`,
      requestContext: { requestId: 'r1', http: { method, sourceIp: '192.0.2.1' } },
    })
    await runStarted()
  }

  return {
    ...{ clock, connect, send, http, read, disconnect },
    get application() {
      return application
    },
    /** From now on a version with this many partitions runs, in a process that has read nothing yet. */
    deploy(partitions?: number): void {
      application = createApplication({ store: new Proxy(store, {}), gateway, clock, invoker }, partitions)
      handlers = createHandlers()
    },
    /** From now on the handlers have these rates. */
    setRates(rates: Rates): void {
      handlers = createHandlers(rates)
    },
    /** Counts for a connection what it does not have. */
    async fill({ id }: Connection, name: CountName, add: number): Promise<void> {
      await dynamoStore.addToCount(id, { name, add, max: add, mark: 'fill', expires: start / 1_000 + 7_200 })
    },
    /** Runs the messages that are in the delay queue now, and what they start. */
    async runDelayed(): Promise<void> {
      clock.time += 60_000
      const messages = delayed.splice(0).map((job) => JSON.stringify(job))
      for (let at = 0; at < messages.length; at += queueBatch) {
        const bodies = messages.slice(at, at + queueBatch)
        await call('deliver', {
          Records: bodies.map((body, index) => ({ messageId: `m${index}`, eventSource: 'aws:sqs', body })),
        })
      }
      await runStarted()
    },
    /** Puts copies of an item of the table with other sort keys, under the same `pk` or another one. */
    async copyItem(prefix: string, sortKeys: readonly string[], pk?: string): Promise<void> {
      await copyItem(client, { table, prefix, sortKeys, ...(pk !== undefined && { pk }) })
      records.length = 0
    },
    /** Opens sockets that have no rows of their own. Returns their ids. */
    openSockets(count: number): readonly string[] {
      const ids = Array.from({ length: count }, (_, n) => `s${n}=`)
      for (const id of ids) connections.set(id, { id, handshake: {}, context: {}, posted: [] })
      return ids
    },
    growShards: (topic: string, to: number) => dynamoStore.growShards(topic, 1, to),
    /** Runs what a script does, and what it starts. */
    async run(action: () => Promise<unknown>): Promise<void> {
      await clock.drive(action())
      await runStarted()
    },
    /** Runs what a script does. What it starts never runs, and time passes until it is lost. */
    async runLost(action: () => Promise<unknown>): Promise<void> {
      await clock.drive(action())
      jobs.length = records.length = 0
      clock.time += 301_000
    },
    /** What `act` costs. */
    async measure(act: () => Promise<unknown>): Promise<Cost> {
      counts.reset()
      await act()
      return counts.total()
    },
    async close(): Promise<void> {
      client.destroy()
      await dynamo.close()
      localClock.close()
    },
  }
}

/** The filters of the table's stream in serverless.yml. */
function startsFunction({ eventName, dynamodb }: StreamRecord): boolean {
  const pk = dynamodb.Keys.pk?.S ?? ''
  if (pk.startsWith('LOG#')) return eventName === 'INSERT'
  return pk.startsWith('PRES#') && eventName !== 'REMOVE' && dynamodb.NewImage?.pending?.BOOL === true
}
