// More than 200 lines: the deployment that the frames meet, in one place.
import type { AnyTRPCRouter } from '@trpc/server'
import { formatOffer } from '@trunkline/protocol'
import type { AuthorizeResult } from '@trunkline/server'
import { loadParts } from '@trunkline/server/internal'
import { createLambdaHandlers, type ServeOptions } from '@trunkline/server/lambda'
import { createMemoryStore } from '@trunkline/server/memory'
import type { Backend, Gateway, LogEntry, Telemetry } from '@trunkline/server/ports'
import { createRandom, mix } from '../../packages/simulator/src/kernel/random.ts'
import { authorityMs, createApplication, createAuthorize, type Effects, tokens } from './application.ts'
import type { Message } from './generate.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

await loadParts() // a file is read in real time, in which the virtual clock does not advance

/** The states of a connection that frames are sent in. */
export const states = [
  'before-hello',
  'named',
  'subscribed',
  'expired',
  'refused',
  'stock',
  'stock-params',
  'stock-params-pending',
  'closed',
] as const
export type State = (typeof states)[number]

/** A connection, with what it was sent. */
export interface Connection {
  readonly id: string
  readonly state: State
  readonly isStock: boolean
  /** The texts that were posted and not taken yet. */
  posted: string[]
  isOpen: boolean
  /** The ids of what was sent, by their JSON. */
  readonly usedIds: Set<string>
  readonly context: object
}

/** The effects of one message. */
export interface Delivered {
  /** The body that the function returned; undefined when it threw. */
  readonly body: string | undefined
  readonly thrown: unknown
  readonly isTwoWay: boolean
  readonly posted: readonly string[]
  /** Milliseconds of the clock of the line. */
  readonly elapsedMs: number
  /** Milliseconds of the machine's clock. */
  readonly tookMs: number
  /** CPU time of the whole process, or `tookMs` where it was not measured. */
  readonly cpuMs: number
  /** Procedures that ran. */
  readonly ran: number
  /** The errors of the functions that it started. */
  readonly jobFailures: readonly unknown[]
}

export interface World {
  readonly clock: VirtualClock
  /** Log lines that were written and not taken yet. */
  logs: LogEntry[]
  open(state: State, rooms: readonly string[]): Promise<Connection>
  /** Ends a connection, as the gateway does when its client leaves. */
  close(connection: Connection): Promise<void>
  send(connection: Connection, message: Message, options?: SendOptions): Promise<Delivered>
  /** Runs what was delayed. Resolves with what it threw. */
  runDelayed(): Promise<readonly unknown[]>
  /** Lets every row expire and deletes it. */
  expireRows(): Promise<void>
  /** Those that were opened and not closed. */
  readonly connections: ReadonlyMap<string, Connection>
}

interface SendOptions {
  /** The `method` of the message, by which API Gateway selects a route. @default it is read from the message */
  readonly method?: unknown
  /** Measures the CPU: a system call that takes longer than many frames. @default false */
  readonly measuresCpu?: boolean
}

/** Replaces the handlers: for tests of the fuzzer itself. */
export type Wrap = (handlers: Handlers) => Handlers

export interface WorldOptions {
  readonly wrap?: Wrap | undefined
  /** Replaces a part of the backend. @default the one in memory */
  readonly backend?: (backend: Required<Pick<Backend, 'store' | 'gateway' | 'invoker' | 'clock'>>) => Backend
  /** The router to serve. @default a procedure of each kind */
  readonly application?: (
    backend: Backend,
    effects: Effects,
  ) => Pick<ServeOptions<AnyTRPCRouter, AuthorizeResult>, 'router' | 'line'>
  readonly createContext?: ServeOptions<AnyTRPCRouter, AuthorizeResult>['createContext']
  readonly authorize?: ServeOptions<AnyTRPCRouter, AuthorizeResult>['authorize']
}

type Handlers = Pick<ReturnType<typeof createLambdaHandlers>, 'authorizer' | 'websocket' | 'worker' | 'deliver'>

const start = 1_800_000_000_000
const mostJobs = 2_000 // that one message may lead to
const functionMs = { authorizer: 5_000, websocket: 28_500, worker: 900_000, deliver: 300_000 }
const days10 = 10 * 86_400_000
const sweepOperations = 4_096 // the store deletes expired rows once in 1,024
const oneWay: ReadonlySet<unknown> = new Set(['subscription', 'subscription.stop', 'connectionParams'])

/** A line in memory behind its Lambda handlers, as API Gateway meets it. */
export function createWorld(seed: number, options: WorldOptions = {}): World {
  const { wrap = (handlers) => handlers, application = createApplication, createContext = () => ({}) } = options
  const clock = createVirtualClock(start, createRandom(seed, 'clock'))
  const store = createMemoryStore({ clock })
  const effects: Effects = { ran: 0 }
  const connections = new Map<string, Connection>()
  const jobs: { readonly name: 'worker' | 'deliver'; readonly payload: unknown }[] = []
  const delayed: unknown[] = []
  const gateway = createGateway(connections)
  const invoker = {
    kind: 'fuzz',
    invoke: async (name: 'worker' | 'deliver', payload: unknown) => void jobs.push({ name, payload: copy(payload) }),
    invokeDelayed: async (payload: unknown) => void delayed.push(copy(payload)),
  }
  const made = { store, gateway, clock, invoker }
  const served = application(options.backend?.(made) ?? made, effects)
  const world: Pick<World, 'logs'> = { logs: [] }
  const telemetry: Telemetry = {
    kind: 'fuzz',
    begin: () => ({ measure: () => {}, log: (entry) => void world.logs.push(entry), end: () => {} }),
  }
  const authorize = options.authorize ?? createAuthorize(() => clock.time)
  const handlers = wrap(createLambdaHandlers({ ...served, telemetry, authorize, createContext }))

  async function call(name: keyof Handlers, event: unknown): Promise<unknown> {
    const until = clock.time + functionMs[name]
    const context = { functionName: name, getRemainingTimeInMillis: () => until - clock.time }
    return clock.drive(handlers[name](event, context))
  }

  async function runJobs(): Promise<unknown[]> {
    const failures: unknown[] = []
    for (let done = 0; jobs.length > 0; done++) {
      const job = jobs.shift()
      if (done >= mostJobs) {
        jobs.length = 0
        return [...failures, new Error(`One message led to more than ${mostJobs} invocations.`)]
      }
      if (job !== undefined) await call(job.name, job.payload).catch((thrown: unknown) => failures.push(thrown))
    }
    return failures
  }

  let opened = 0
  async function open(state: State, rooms: readonly string[]): Promise<Connection> {
    opened += 1
    const isStock = state.startsWith('stock')
    const id = `c${opened}=`
    const token = { expired: tokens.expiring, refused: tokens.denied, stock: null }[state as 'stock'] ?? tokens.named
    const offer = formatOffer({ session: `session-${opened}-0123456789`, token })
    const requestContext = { connectionId: id, connectedAt: clock.time, identity: { sourceIp: '192.0.2.1' } }
    const handshake = {
      headers: isStock ? {} : { 'Sec-WebSocket-Protocol': offer.join(', ') },
      ...(state.startsWith('stock-params') ? { queryStringParameters: { connectionParams: '1' } } : {}),
      requestContext: { ...requestContext, eventType: 'CONNECT', routeKey: '$connect' },
    }
    const admitted = await call('authorizer', { ...handshake, type: 'REQUEST', methodArn: 'arn:aws:execute-api:x' })
    const { context: authorizer } = admitted as { readonly context: object }
    const context = { ...requestContext, authorizer }
    await call('websocket', { ...handshake, requestContext: { ...handshake.requestContext, authorizer } })
    const connection: Connection = { id, state, isStock, posted: [], isOpen: true, usedIds: new Set(), context }
    connections.set(id, connection)
    await prepare(connection, rooms)
    connection.posted = []
    return connection
  }

  async function prepare(connection: Connection, rooms: readonly string[]): Promise<void> {
    const { state } = connection
    const hello = JSON.stringify({ id: 'hello', method: 'hello' })
    if (state === 'named' || state === 'subscribed' || state === 'expired') await send(connection, hello)
    if (state === 'subscribed')
      for (const [index, path] of ['live', 'loud', 'onTyping', 'join', 'watch', 'trackedTicks'].entries()) {
        connection.usedIds.add(String(index))
        const params = { path, input: { room: rooms[0] }, ref: 1 }
        await send(connection, JSON.stringify({ id: index, method: 'subscription', params }))
      }
    if (state === 'expired') clock.time += authorityMs.expiring + 1
    if (state === 'stock-params') await send(connection, '{"method":"connectionParams","data":{"lang":"en"}}')
    if (state === 'closed') await close(connection)
  }

  async function close(connection: Connection): Promise<void> {
    connection.isOpen = false
    connections.delete(connection.id)
    const requestContext = { ...connection.context, eventType: 'DISCONNECT', routeKey: '$disconnect' }
    await call('websocket', { requestContext })
  }

  async function send(connection: Connection, message: Message, options: SendOptions = {}): Promise<Delivered> {
    const { measuresCpu = false, method = methodOf(message) } = options
    const routeKey = typeof method === 'string' && oneWay.has(method) ? method : '$default'
    const requestContext = { ...connection.context, eventType: 'MESSAGE', routeKey, requestId: 'r1' }
    const event = { requestContext, ...(message === undefined ? {} : { body: message }), isBase64Encoded: false }
    clock.time += 1 // a cancel counts for the calls of its own millisecond too
    const [time, ran] = [clock.time, effects.ran]
    const cpu = measuresCpu ? process.cpuUsage() : undefined
    const startedAt = performance.now()
    const answer = await call('websocket', event).catch((thrown: unknown) => new Thrown(thrown))
    const tookMs = performance.now() - startedAt
    const { user, system } = cpu === undefined ? { user: tookMs * 1_000, system: 0 } : process.cpuUsage(cpu)
    const elapsedMs = clock.time - time
    const jobFailures = await runJobs()
    const posted = connection.posted
    connection.posted = []
    return {
      body: answer instanceof Thrown ? undefined : (answer as { readonly body?: string }).body,
      thrown: answer instanceof Thrown ? answer.thrown : undefined,
      isTwoWay: routeKey === '$default',
      ...{ posted, elapsedMs, tookMs, cpuMs: (user + system) / 1_000, ran: effects.ran - ran, jobFailures },
    }
  }

  return Object.assign(world, {
    ...{ clock, open, close, send, connections },
    async runDelayed() {
      const failures: unknown[] = []
      for (let done = 0; delayed.length > 0 && done < mostJobs; done++)
        await call('deliver', delayed.shift()).catch((thrown: unknown) => failures.push(thrown))
      return [...failures, ...(await runJobs())]
    },
    async expireRows() {
      clock.time += days10
      for (let n = 0; n < sweepOperations; n++) await store.readConnection('none')
    },
  })
}

class Thrown {
  readonly thrown: unknown
  constructor(thrown: unknown) {
    this.thrown = thrown
  }
}

/** The random numbers of one round, so that a round can be repeated alone. */
export function seedRound(world: World, seed: number, round: number): void {
  world.clock.seed(createRandom(mix(seed, round), 'round'))
}

function createGateway(connections: ReadonlyMap<string, Connection>): Gateway {
  return {
    kind: 'fuzz',
    async post(connectionId, text) {
      const connection = connections.get(connectionId)
      if (connection?.isOpen !== true) return { status: 'gone' }
      connection.posted.push(text)
      return { status: 'posted' }
    },
    async disconnect(connectionId) {
      const connection = connections.get(connectionId)
      if (connection !== undefined) connection.isOpen = false
      return 'closed'
    },
  }
}

/** The payload as the platform passes it on. */
function copy(payload: unknown): unknown {
  return JSON.parse(JSON.stringify(payload))
}

/** `$request.body.method`, as API Gateway selects a route. */
function methodOf(message: Message): unknown {
  try {
    return (JSON.parse(message ?? '') as { readonly method?: unknown } | null)?.method
  } catch {
    return undefined
  }
}
