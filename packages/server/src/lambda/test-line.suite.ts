// More than 200 lines: the line that all tests of handlers share.
import type { AnyTRPCRouter } from '@trpc/server'
import { defined, formatOffer } from '@trunkline/protocol'
import type { AuthorizeResult } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import type { Line } from '../line/line.ts'
import { createMemoryGateway, type MemoryGateway } from '../memory/gateway.ts'
import { memoryBackend } from '../memory/store.ts'
import type { Backend } from '../ports/backend.ts'
import type { Clock } from '../ports/clock.ts'
import type { Invoker } from '../ports/invoker.ts'
import { loadParts } from '../ports/lazy-part.ts'
import type { Slot } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { createLambdaHandlers } from './handlers.ts'
import type { ServeOptions } from './options.ts'

await loadParts() // a file is read in real time, in which the clock of a test does not advance

/** A clock that does not advance by itself. Sleeps end when it is advanced past their end. */
export interface FakeClock extends Clock {
  advance(ms: number): Promise<void>
  time: number
}

export function createFakeClock(start = 1_800_000_000_000): FakeClock {
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  let seed = 1
  return {
    time: start,
    now() {
      return this.time
    },
    random() {
      seed = (Math.imul(seed, 48_271) + 11) >>> 0
      return seed / 2 ** 32
    },
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: this.time + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      })
    },
    async advance(ms) {
      this.time += ms
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) {
        if (sleeper.at > this.time) continue
        sleepers.delete(sleeper)
        sleeper.wake()
        await settle()
      }
      await settle()
    },
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let tick = 0; tick < 20; tick++) await new Promise((resolve) => setImmediate(resolve))
}

export interface TestLine {
  readonly line: Line
  readonly clock: FakeClock
  readonly store: Store
  readonly gateway: MemoryGateway
  readonly invoked: { readonly name: string; readonly payload: unknown }[]
  /** What a connection over HTTP must not have: posts, deletions, and rows under a topic. Each of them throws too. */
  readonly misdirected: readonly string[]
  readonly backend: Backend
  readonly handlers: ReturnType<typeof createLambdaHandlers>
  /** Runs `fn` bound to this line's store alone, as a script is. */
  readonly asScript: <T>(fn: () => T) => T
  connect(options?: ConnectOptions): Promise<TestClient>
  /** Runs the worker with the oldest job that it was not run with yet, or with `job`, as Lambda would. */
  work(job?: unknown, options?: { readonly remaining?: () => number }): Promise<unknown>
  /** Hands slots to the stream's handler, as the table would. */
  stream(slots: readonly { readonly topic: string; readonly slot: Slot }[]): Promise<unknown>
}

interface ConnectOptions {
  readonly stock?: boolean
  readonly token?: string
  readonly connectionId?: string
  /** The secret session id that the client offers. @default one of the connection's own */
  readonly session?: string
  readonly origin?: string
  readonly query?: Readonly<Record<string, string>>
  /** The authorizer of a version whose joins put no rows of sessions. */
  readonly olderDeployment?: boolean
}

export interface TestClient {
  readonly connectionId: string
  readonly result: unknown
  /** Sends a message as the gateway would; resolves with the route's answer, parsed (undefined for `{}`). */
  send(message: unknown): Promise<unknown>
  /** Every frame that was posted, arrays taken apart. */
  frames(): readonly unknown[]
  disconnect(): Promise<void>
}

let connections = 0

/** A line in memory, reached through its real handlers with events of the gateway's shape. */
export function createTestLine(
  options: Omit<ServeOptions<AnyTRPCRouter, AuthorizeResult>, 'line'> & {
    readonly line?: Line
    readonly store?: (store: Store) => Store
    readonly invoker?: (invoker: Invoker) => Invoker
    readonly withoutInvoker?: boolean
  },
): TestLine {
  const { line = createLine(), store: wrap = (made: Store) => made, withoutInvoker, ...rest } = options
  const { invoker: wrapInvoker = (made: Invoker) => made, ...serve } = rest
  const clock = createFakeClock()
  const misdirected: string[] = []
  const { store: made, erasure } = memoryBackend({ clock })
  const store = wrap(withoutHttpRows(made, misdirected))
  const gateway = withoutHttp(createMemoryGateway(), misdirected)
  const invoked: TestLine['invoked'] = []
  const invoker = wrapInvoker({
    kind: 'memory',
    invoke: async (name, payload) => void invoked.push({ name, payload }),
  })
  const backend: Backend = { store, erasure, gateway, clock, ...(withoutInvoker ? {} : { invoker }) }
  const handlers = createLambdaHandlers({ ...serve, line, createContext: serve.createContext ?? (() => ({})) } as never)
  const call = (
    name: Exclude<keyof typeof handlers, 'httpStream'>,
    event: unknown,
    remaining: number | (() => number) = 28_000,
  ) =>
    line.withBackend(backend, () =>
      handlers[name](JSON.parse(JSON.stringify(event)), {
        getRemainingTimeInMillis: () => (typeof remaining === 'number' ? remaining : remaining()),
      }),
    )
  let worked = 0
  const nextJob = () => {
    const jobs = invoked.filter(({ name }) => name === 'worker')
    const job = jobs[worked]
    if (job === undefined) throw new Error(`The worker was invoked ${jobs.length} times, and ran them all.`)
    worked += 1
    return job.payload
  }

  async function connect(how: ConnectOptions = {}): Promise<TestClient> {
    const connectionId = how.connectionId ?? `c${++connections}=`
    const offer = formatOffer({
      session: how.session ?? `session-${connectionId.replace('=', '')}-0123456789`,
      token: how.token ?? null,
    })
    const headers = {
      ...(how.stock ? {} : { 'Sec-WebSocket-Protocol': offer.join(', ') }),
      ...defined({ Origin: how.origin }),
    }
    const base = { connectionId, connectedAt: clock.now(), identity: { sourceIp: '192.0.2.1' } }
    const handshake = {
      headers,
      requestContext: { ...base, eventType: 'CONNECT', routeKey: '$connect' },
      ...defined({ queryStringParameters: how.query }),
    }
    const admitted = (await call('authorizer', { ...handshake, type: 'REQUEST', methodArn: 'arn:x' })) as {
      readonly context: Record<string, string>
      readonly policyDocument: { readonly Statement: readonly [{ readonly Effect: string }] }
    }
    const { trunkline = '{}' } = admitted.context
    const older = { ...admitted.context, trunkline: trunkline.replace(',"namesSessions":true', '') }
    const authorizer = how.olderDeployment === true ? older : admitted.context
    const allowed = admitted.policyDocument.Statement[0].Effect === 'Allow'
    const result = allowed
      ? await call('websocket', { ...handshake, requestContext: { ...handshake.requestContext, authorizer } })
      : { statusCode: 403 }
    if ((result as { readonly statusCode: number }).statusCode === 200) gateway.open(connectionId)
    return {
      connectionId,
      result,
      async send(message) {
        const body = typeof message === 'string' ? message : JSON.stringify(message)
        const method = (message as { readonly method?: string })?.method ?? ''
        const oneWay =
          ['subscription', 'subscription.stop', 'connectionParams'].includes(method) && !Array.isArray(message)
        const requestContext = { ...base, authorizer, eventType: 'MESSAGE', routeKey: oneWay ? method : '$default' }
        const answer = (await call('websocket', { requestContext, body })) as { readonly body: string }
        return answer.body === '{}' ? undefined : answer.body === 'PONG' ? 'PONG' : (JSON.parse(answer.body) as unknown)
      },
      frames: () => gateway.posted(connectionId).flatMap((text) => JSON.parse(text) as unknown),
      async disconnect() {
        gateway.close(connectionId)
        await call('websocket', {
          requestContext: { ...base, authorizer, eventType: 'DISCONNECT', routeKey: '$disconnect' },
        })
      },
    }
  }
  return {
    line,
    clock,
    store,
    gateway,
    invoked,
    misdirected,
    backend,
    handlers,
    asScript: (fn) => line.withBackend({ store, clock }, fn),
    connect,
    work: (job = nextJob(), { remaining = () => 900_000 } = {}) => call('worker', job, remaining),
    stream: (slots) => call('tableStream', { Records: slots.map(toRecord) }, 60_000),
  }
}

function withoutHttp(gateway: MemoryGateway, misdirected: string[]): MemoryGateway {
  const { post, disconnect } = gateway
  const check = (what: string, connectionId: string) => {
    if (!connectionId.startsWith('http-')) return
    misdirected.push(`${what} ${connectionId}`)
    throw new Error(`The gateway knows no connection ${connectionId}.`)
  }
  return Object.assign(gateway, {
    async post(this: MemoryGateway, ...args: Parameters<MemoryGateway['post']>) {
      check('post', args[0])
      return post.apply(gateway, args)
    },
    async disconnect(this: MemoryGateway, ...args: Parameters<MemoryGateway['disconnect']>) {
      check('disconnect', args[0])
      return disconnect.apply(gateway, args)
    },
  })
}

function withoutHttpRows(store: Store, misdirected: string[]): Store {
  const writes = ['putSubscriber', 'stopSubscriber', 'deleteSubscriber'] as const
  const guarded = writes.map((name) => [
    name,
    async (row: Parameters<Store['putSubscriber']>[0]) => {
      if (row.connectionId.startsWith('http-')) {
        misdirected.push(`${name} ${row.connectionId}`)
        throw new Error(`A connection over HTTP has no row under a topic.`)
      }
      return store[name](row)
    },
  ])
  const own = Object.fromEntries(guarded) as Partial<Store>
  return new Proxy(store, {
    get: (target, name) => Reflect.get(Object.hasOwn(own, name) ? own : target, name) as unknown,
  })
}

let sequence = 0
function toRecord({ topic, slot }: { readonly topic: string; readonly slot: Slot }) {
  const numbers = { time: slot.time, expires: slot.expires, inline: slot.inline }
  const texts = {
    pk: `LOG#${topic}`,
    sk: String(slot.offset).padStart(16, '0'),
    epoch: slot.epoch,
    publishId: slot.publishId,
    data: slot.data,
    schema: slot.schema,
    state: slot.state,
  }
  const image = {
    ...Object.fromEntries(
      Object.entries(numbers).flatMap(([k, v]) => (v === undefined ? [] : [[k, { N: String(v) }]])),
    ),
    ...(slot.own && { own: { BOOL: true } }),
    ...Object.fromEntries(Object.entries(texts).flatMap(([k, v]) => (v === undefined ? [] : [[k, { S: v }]]))),
  }
  return { eventName: 'INSERT', dynamodb: { NewImage: image, SequenceNumber: String(++sequence) } }
}
