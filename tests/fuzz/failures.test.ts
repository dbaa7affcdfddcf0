// More than 200 lines: each kind of failure, and the frames that meet it.
import { initTRPC, lazy, TRPCError } from '@trpc/server'
import { createLine, type LineMeta } from '@trunkline/server'
import { type Backend, type Store, StoreError } from '@trunkline/server/ports'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createAuthorize, tokens } from './application.ts'
import { findLeak, findToken } from './leaks.ts'
import { type Connection, createWorld, type State, type WorldOptions } from './world.ts'

const table = 'trunkline-chat-prod-Table-1A2B3C4D5E'
const arn = `arn:aws:dynamodb:eu-west-1:123456789012:table/${table}`
const role = 'arn:aws:sts::123456789012:assumed-role/trunkline-chat-prod-WebsocketRole/trunkline-chat-prod-websocket'
const file = '/var/task/examples/chat/src/server/lambda.mjs'

/** An error as the AWS SDK throws it. */
function sdkError(name: string, message: string, status = 400): Error {
  const $metadata = { httpStatusCode: status, requestId: 'KJ2D8H3N5', attempts: 3 }
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata })
}

const sdkErrors = {
  denied: sdkError(
    'AccessDeniedException',
    `User: ${role} is not authorized to perform: dynamodb:PutItem on resource: ${arn}`,
  ),
  missing: sdkError('ResourceNotFoundException', `Requested resource not found: Table: ${table} not found`),
  invalid: sdkError('ValidationException', `One or more parameter values were invalid: ${table} Size of hashkey`),
  throttled: sdkError('ProvisionedThroughputExceededException', `Throughput exceeds the limit of table ${table}`),
  unreachable: Object.assign(sdkError('Error', 'getaddrinfo ENOTFOUND dynamodb.eu-west-1.amazonaws.com', 0), {
    code: 'ENOTFOUND',
  }),
}
type SdkError = keyof typeof sdkErrors

/** An error of the application, whose message is for its clients and whose stack is not. */
const ownError = () => {
  const error = new Error('This is not possible.')
  error.stack = `Error: This is not possible.\n    at resolve (file://${file}:12:34)\n    at node:internal/process/task_queues:95:5`
  return error
}

/** The errors that the application throws, by the place where it throws them. */
interface Failing {
  readonly at?: string
  readonly thrown?: () => unknown
}

const key = z.object({ room: z.string() })

/** A router whose procedures fail in the place that `failing` names. */
function createFailingApplication(backend: Backend, { at, thrown = ownError }: Failing) {
  const failAt = (place: string) => {
    if (at === place) throw thrown()
  }
  const line = createLine({ backend })
  const events = line.channel('room', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({}) })
  const t = initTRPC.meta<LineMeta>().create({
    errorFormatter: ({ shape }) => {
      failAt('errorFormatter')
      return shape
    },
  })
  const p = t.procedure.meta({ anonymous: true }).use(({ next }) => {
    failAt('middleware')
    return next()
  })
  const router = t.router({
    ask: p.query(() => failAt('resolver')),
    fails: p.query(() => {
      throw ownError()
    }),
    valid: p.input(z.object({ a: z.number() })).query(() => 1),
    checked: p
      .input((value) => {
        failAt('validator')
        return value
      })
      .query(() => 1),
    output: p.output(z.object({ a: z.number() })).query(() => ({ a: at === 'output' ? 'x' : 1 }) as { a: number }),
    post: p.input(key).mutation(async ({ input }) => {
      failAt('resolver')
      return (await events.publish(input, { text: 'hi' })).id
    }),
    type: p.input(key).mutation(({ input }) => typing.publish(input, { text: 'hi' })),
    update: p.input(key).mutation(({ input }) => here.update(input, {})),
    slow: p.meta({ longRunning: true }).query(() => failAt('resolver')),
    slowOnce: p.meta({ longRunning: true }).mutation(() => failAt('resolver')),
    late: lazy(async () => {
      failAt('lazy router')
      return { who: t.router({ whoami: p.query(() => 'you') }) }
    }),
    live: p.input(key).subscription(({ input }) => {
      failAt('resolver')
      return events.subscribe(input)
    }),
    page: p.input(key).subscription(({ input }) => events.subscribe(input).startWith(() => failAt('startWith'))),
    loud: p.input(key).subscription(({ input }) =>
      events.subscribe(input).filter(() => {
        failAt('filter')
        return true
      }),
    ),
    upper: p.input(key).subscription(({ input }) =>
      events.subscribe(input).map((event) => {
        failAt('map')
        return event
      }),
    ),
    onTyping: p.input(key).subscription(({ input }) => typing.subscribe(input)),
    join: p.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
    ticks: p.subscription(async function* () {
      yield 1
      failAt('producer')
      yield 2
    }),
  })
  return { line, router }
}

const input = { room: 'x' }
const frames: readonly unknown[] = [
  '{nope',
  { id: 0, method: 'hello' },
  ...['ask', 'fails', 'valid', 'checked', 'output', 'slow', 'late.who.whoami', 'nowhere'].map((path, id) => ({
    ...{ id, method: 'query', params: { path, input: 'x' } },
  })),
  ...['post', 'type', 'update', 'slowOnce'].map((path, id) => ({ id, method: 'mutation', params: { path, input } })),
  ...['post', 'slowOnce'].map((path, id) => ({ id, method: 'mutation', params: { path, input, key: `own.${path}` } })),
  ...['live', 'page', 'loud', 'upper', 'onTyping', 'join', 'ticks'].map((path, index) => ({
    ...{ id: `s${index}`, method: 'subscription', params: { path, input, ref: 1 } },
  })),
  { id: 1, method: 'mutation', params: { path: 'post', input } },
  { id: 1, method: 'sync', params: { subscriptions: [{ id: 's0', ref: 1, from: '0.a:0' }] } },
  { id: 1, method: 'auth', params: { token: tokens.named } },
  { id: 1, method: 'auth', params: { token: 'tkn-none' } },
  { id: 1, method: 'cancel' },
  { id: 7, method: 'chunk', params: { message: 'm', part: 0, of: 1, bytes: 2, text: '[]' } },
  { method: 'connectionParams', data: { lang: 'en' } },
  { id: 's0', method: 'subscription.stop', params: { ref: 1 } },
]

/** Sends every frame while something fails, and gives what clients and the log got. */
async function meet(
  options: WorldOptions,
  { state = 'named', arm = () => {} }: { state?: State; arm?: () => void } = {},
) {
  const world = createWorld(1, options)
  const logs: unknown[] = []
  const connections: Connection[] = []
  const texts: string[] = []
  const escaped: unknown[] = []
  for (const each of [state, 'stock'] as const) connections.push(await world.open(each, ['x']))
  arm()
  for (const connection of connections)
    for (const frame of frames) {
      if (!connection.isOpen) break
      const sent = await world.send(connection, typeof frame === 'string' ? frame : JSON.stringify(frame))
      texts.push(...sent.posted, sent.body ?? '')
      escaped.push(...(sent.thrown === undefined ? [] : [sent.thrown]))
      logs.push(...world.logs)
      world.logs = []
    }
  return { texts, logs: logs.map((entry) => JSON.stringify(entry)), escaped }
}

const leaksIn = (texts: readonly string[]) =>
  texts.flatMap((text) => {
    const found = findLeak(text) ?? [table, role, file, '123456789012'].find((secret) => text.includes(secret))
    return found === undefined ? [] : [`${found}: ${text.slice(0, 300)}`]
  })
const tokensIn = (logs: readonly string[]) => logs.flatMap((text) => findToken(text) ?? [])

/** A store whose operations fail while `isArmed` says so. */
const failingStore = (store: Store, isArmed: () => boolean, fail: (operation: keyof Store) => unknown): Store =>
  new Proxy(store, {
    get: (target, name) => {
      const found = Reflect.get(target, name) as unknown
      if (typeof found !== 'function' || !isArmed()) return found
      return async () => {
        throw fail(name as keyof Store)
      }
    },
  })

const places = [
  ...['middleware', 'resolver', 'validator', 'output', 'errorFormatter', 'lazy router'],
  ...['startWith', 'filter', 'map', 'producer'],
]

describe('no message to a client holds a stack, an ARN, a table’s name or a token, and no log line a token', () => {
  for (const name of Object.keys(sdkErrors) as SdkError[])
    for (const isWrapped of [true, false])
      it(`when every request to the table fails: ${name}${isWrapped ? '' : ', thrown as it is'}`, async () => {
        let isArmed = false
        const cause = sdkErrors[name]
        const fail = (operation: keyof Store) =>
          isWrapped
            ? new StoreError(operation, true, { cause, refused: name === 'invalid' ? 'invalid' : undefined })
            : cause
        const { texts, logs } = await meet(
          {
            application: (backend) => createFailingApplication(backend, {}),
            backend: (made) => ({ ...made, store: failingStore(made.store, () => isArmed, fail) }),
          },
          { arm: () => (isArmed = true) },
        )
        expect(texts.length).toBeGreaterThan(20)
        expect(leaksIn(texts)).toEqual([])
        expect(tokensIn(logs)).toEqual([])
      })

  for (const place of places)
    for (const [what, thrown] of [
      ['an error of its own', ownError],
      ['an error of the AWS SDK', () => sdkErrors.denied],
      ['that a table is missing', () => sdkErrors.missing],
      ['a TRPCError over one of the AWS SDK', () => new TRPCError({ code: 'CONFLICT', cause: sdkErrors.missing })],
      ['an error that quotes one', () => new Error(`Cannot save: ${sdkErrors.denied.message}`)],
      ['a text', () => 'thrown'],
      ['nothing', () => undefined],
    ] as const)
      it(`when ${place} throws ${what}`, async () => {
        const failing = { at: place, thrown }
        const { texts, logs } = await meet({ application: (backend) => createFailingApplication(backend, failing) })
        expect(leaksIn(texts)).toEqual([])
        expect(tokensIn(logs)).toEqual([])
      })

  it.each([
    ['an error of its own', ownError],
    ['an error of the AWS SDK', () => sdkErrors.denied],
  ])('when createContext throws %s', async (_, thrown) => {
    const { texts, logs } = await meet({
      application: (backend) => createFailingApplication(backend, {}),
      createContext: () => {
        throw thrown()
      },
    })
    expect(leaksIn(texts)).toEqual([])
    expect(tokensIn(logs)).toEqual([])
  })

  it.each([
    ['an error of its own', ownError],
    ['an error of the AWS SDK', () => sdkErrors.denied],
  ])('when authorize throws %s at an `auth`', async (_, thrown) => {
    let isArmed = false
    const admit = createAuthorize(() => 1_800_000_000_000)
    const { texts, logs } = await meet(
      {
        application: (backend) => createFailingApplication(backend, {}),
        authorize: (request) => {
          if (isArmed) throw thrown()
          return admit(request)
        },
      },
      { arm: () => (isArmed = true) },
    )
    expect(leaksIn(texts)).toEqual([])
    expect(tokensIn(logs)).toEqual([])
  })

  it('when no function can be started', async () => {
    const { texts, logs } = await meet({
      application: (backend) => createFailingApplication(backend, {}),
      backend: (made) => ({ ...made, invoker: { kind: 'failing', invoke: () => Promise.reject(sdkErrors.denied) } }),
    })
    expect(leaksIn(texts)).toEqual([])
    expect(tokensIn(logs)).toEqual([])
  })

  it('when the gateway answers with an error', async () => {
    const { texts, logs } = await meet({
      application: (backend) => createFailingApplication(backend, {}),
      backend: (made) => ({
        ...made,
        gateway: {
          ...made.gateway,
          post: async () => ({ status: 'failed', unknown: true, reason: sdkErrors.denied.message }),
        },
      }),
    })
    expect(leaksIn(texts)).toEqual([])
    expect(tokensIn(logs)).toEqual([])
  })

  it.each(['refused', 'expired', 'subscribed'] as const)('on a connection that is %s', async (state) => {
    const { texts, logs } = await meet(
      { application: (backend) => createFailingApplication(backend, { at: 'resolver' }) },
      { state },
    )
    expect(leaksIn(texts)).toEqual([])
    expect(tokensIn(logs)).toEqual([])
  })

  it('and a failure of the server does reach the log, with its stack', async () => {
    const { texts, logs } = await meet({ application: (backend) => createFailingApplication(backend, {}) })
    expect(texts.filter((text) => text.includes('This is not possible.'))).toHaveLength(2)
    expect(logs.filter((text) => text.includes(file))).toHaveLength(2)
  })
})
