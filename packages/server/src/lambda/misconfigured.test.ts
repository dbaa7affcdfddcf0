import { type AnyTRPCRouter, initTRPC } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { internalsOf } from '../line/internals.ts'
import { publishBatch } from '../line/publish-all.ts'
import { createLambdaHandlers } from './handlers.ts'
import { recordingTelemetry } from './recording-telemetry.suite.ts'
import { createSourceHandler } from './source/source.ts'
import { createTestLine, type TestClient } from './test-line.suite.ts'

const key = z.object({ room: z.string() })
const input = { room: 'x' }

async function ask(client: TestClient, method: string, path: string, given: unknown = input): Promise<unknown> {
  const before = client.frames().length
  const returned = await client.send({ id: 1, method, params: { path, input: given } })
  return returned ?? client.frames()[before]
}

describe('a channel whose line was not given to createLambdaHandlers', () => {
  /** `given` is the line that is served. */
  function lineOf(given: 'none' | 'other' | 'namesake' | 'own') {
    const { telemetry, logs } = recordingTelemetry()
    const own = createLine({ envPrefix: 'NOT_SET' })
    const chat = own.channel('chat', { key, event: z.string() })
    const typing = own.ephemeral('typing', { key, event: z.string() })
    const here = own.presence('here', { key, data: z.object({}) })
    const other = createLine()
    if (given === 'namesake') {
      other.channel('chat', { key, event: z.string() })
      other.ephemeral('typing', { key, event: z.string() })
      other.presence('here', { key, data: z.object({}) })
    }
    const p = initTRPC.create().procedure.input(key)
    const router = initTRPC.create().router({
      chat: p.subscription(({ input: to }) => chat.subscribe(to)),
      loud: p.subscription(({ input: to }) => chat.subscribe(to).filter(() => true)),
      page: p.subscription(({ input: to }) => chat.subscribe(to).startWith(() => 'state')),
      typing: p.subscription(({ input: to }) => typing.subscribe(to)),
      here: p.subscription(({ input: to }) => here.join(to, { member: 'ann', data: {} })),
      post: p.mutation(({ input: to }) => chat.publish(to, 'hi')),
      type: p.mutation(({ input: to }) => typing.publish(to, 'hi')),
      read: p.query(({ input: to }) => chat.read(to)),
      update: p.mutation(({ input: to }) => here.update(to, {})),
      all: p.mutation(async ({ input: to }) => {
        const [settled] = await publishBatch(own, [chat.entry(to, 'hi')])
        if (settled?.status === 'rejected') throw settled.reason
      }),
    })
    const line = given === 'none' ? undefined : given === 'own' ? own : other
    return { ...createTestLine({ ...defined({ line }), router, telemetry }), logs, chat, own }
  }
  const words = (channel: string) =>
    `Channel ${channel} belongs to a line that was not given to createLambdaHandlers({ line })`

  for (const given of ['other', 'namesake'] as const)
    for (const stock of [false, true])
      test(`is refused at subscribe with the remedy (${given}, ${stock ? 'stock' : 'ours'})`, async () => {
        const made = lineOf(given)
        const client = await made.connect({ stock })
        for (const path of ['chat', 'loud', 'page', 'typing', 'here']) {
          const channel = ['typing', 'here'].includes(path) ? path : 'chat'
          const error = {
            message: expect.stringContaining(`${words(channel)}. Pass the line that declares it. See https://`),
            data: { code: 'INTERNAL_SERVER_ERROR' },
          }
          expect(await ask(client, 'subscription', path)).toMatchObject({ error })
        }
        expect(made.logs.map(({ level }) => level)).toEqual(Array.from({ length: 5 }, () => 'ERROR'))
        expect(await made.store.readSubscriptions(client.connectionId)).toEqual([])
      })
  test('is named with the remedy when code inside publishes, reads and updates', async () => {
    const made = lineOf('other')
    const client = await made.connect()
    const calls = { post: 'chat', type: 'typing', read: 'chat', update: 'here', all: 'chat' }
    for (const [path, channel] of Object.entries(calls)) {
      const answer = await ask(client, path === 'read' ? 'query' : 'mutation', path)
      expect([path, answer]).toMatchObject([path, { error: { message: expect.stringContaining(words(channel)) } }])
    }
    await expect(made.chat.publish(input, 'hi')).rejects.toThrow('set NOT_SET_TABLE') // outside of a function that is served
  })
  test('uses its own backend, also in a function of another line', async () => {
    const made = lineOf('other')
    const id = await made.asScript(() => made.own.withBackend(made.backend, () => made.chat.publish(input, 'hi')))
    expect(id).toMatchObject({ id: expect.any(String) })
  })
  test('is served when its line was given', async () => {
    const client = await lineOf('own').connect()
    expect(await ask(client, 'subscription', 'chat')).toMatchObject({ result: { type: 'started' } })
  })
})

describe('a value that a circular import leaves undefined', () => {
  const router = initTRPC.create().router({})
  const none = undefined as never
  test('is reported when the handlers are made, and not by the first frame', () => {
    const made = (given: unknown) => () => createLambdaHandlers({ router: given as AnyTRPCRouter })
    expect(made(undefined)).toThrow(
      /^Expected router to be made by tRPC's router\(…\), got undefined\. A circular import/,
    )
    expect(made(null)).toThrow('got null.')
    expect(made({})).toThrow('got object.')
    expect(made({ _def: {} })).toThrow('Expected router')
    expect(made(router)).not.toThrow()
    expect(() => createLambdaHandlers({ router, line: {} as never })).toThrow('Expected a line made by createLine()')
  })
  test('is reported by every function that takes a line', async () => {
    const words = /^Expected a line made by createLine\(\), got undefined\. A circular import/
    expect(() => internalsOf(none)).toThrow(words)
    expect(() => createSourceHandler({ line: none, image: z.object({}), toEvents: () => [] })).toThrow(words)
    await expect(publishBatch(none, [])).rejects.toThrow(words)
  })
})

describe('a data transformer', () => {
  const marking = { serialize: (value: unknown) => value, deserialize: (value: unknown) => structuredClone(value) }
  const text = {
    serialize: (value: unknown) => `#${JSON.stringify(value) ?? 'null'}`,
    deserialize: (given: string) => JSON.parse(given.slice(1)) as unknown,
  }
  function lineWith(transformer?: unknown) {
    const { telemetry, logs } = recordingTelemetry()
    const line = createLine()
    const chat = line.channel('chat', { key, event: z.string() })
    const t = initTRPC.create(transformer === undefined ? {} : { transformer: transformer as typeof superjson })
    const p = t.procedure.input(key)
    const router = t.router({
      ask: p.query(({ input: { room } }) => room),
      post: p.mutation(({ input: { room } }) => room),
      live: p.subscription(({ input: to }) => chat.subscribe(to)),
      loose: t.procedure.input(z.any()).query(({ input: given }) => given === undefined),
      json: t.procedure.input(z.object({ json: z.string() })).query(({ input: { json } }) => json),
    })
    return { ...createTestLine({ line, router, telemetry }), logs }
  }
  const frames = [
    ['query', 'ask'],
    ['mutation', 'post'],
    ['subscription', 'live'],
  ] as const

  for (const [name, transformer] of Object.entries({ superjson, text }))
    for (const stock of [false, true])
      test(`of the router only (${name}) is reported at both ends (${stock ? 'stock' : 'ours'})`, async () => {
        const { connect, logs } = lineWith(transformer)
        const client = await connect({ stock })
        const message = expect.stringContaining(
          'The router has a data transformer and this input did not go through it',
        )
        for (const [method, path] of frames)
          expect(await ask(client, method, path)).toMatchObject({ error: { message, data: { code: 'BAD_REQUEST' } } })
        expect(logs).toMatchObject([{ level: 'WARN', message }])
      })
  test('of the client only is reported at both ends', async () => {
    for (const stock of [false, true]) {
      const { connect, logs } = lineWith()
      const client = await connect({ stock })
      for (const [method, path] of frames)
        expect(await ask(client, method, path, superjson.serialize(input))).toMatchObject({ error: {} })
      const message = expect.stringContaining('the router has none')
      expect(logs).toMatchObject([{ level: 'WARN', message }])
    }
  })
  test('on both sides, or on none, is nothing to report', async () => {
    const inputs = [input, undefined, null, {}, [], 'text', 7]
    for (const transformer of [undefined, superjson, text, marking]) {
      const { connect, logs } = lineWith(transformer)
      const client = await connect()
      const toWire = (value: unknown): unknown => (transformer?.serialize ?? ((same: unknown) => same))(value)
      for (const given of inputs) {
        const answer = await ask(client, 'query', 'loose', toWire(given))
        expect([given, answer]).toMatchObject([given, { result: { type: 'data' } }])
      }
      if (transformer === undefined)
        expect(await ask(client, 'query', 'json', { json: 'x' })).toMatchObject({ result: { data: 'x' } })
      expect(logs).toEqual([])
    }
  })
  test('is in the answer to hello [TL-HELLO-6]', async () => {
    for (const [transformer, expected] of [
      [undefined, false],
      [superjson, true],
      [text, true],
    ] as const) {
      const client = await lineWith(transformer).connect()
      expect(await client.send({ id: 'h', method: 'hello' })).toMatchObject({ result: { transformer: expected } })
    }
  })
})

describe('options that are no functions', () => {
  const router = initTRPC.create().router({})

  test.each(['authorize', 'createContext', 'onError', 'onConnect', 'onDisconnect'])(
    '%s is refused at start',
    (name) => {
      const words = `Expected ${name} to be a function, got string. Pass one, or leave it out.`
      expect(() => createLambdaHandlers({ router, [name]: 'x' } as never)).toThrow(words)
    },
  )
  test.each([
    [[], 'Expected the options of createLambdaHandlers to be an object, got undefined. Pass one.'],
    [[{ router, athorize: () => anonymous }], 'got "athorize". Did you mean authorize?'],
    [[{ router, createcontext: () => ({}) }], 'got "createcontext". Did you mean createContext?'],
  ])('%j as options are refused with the names that there are', (given, words) => {
    expect(() => Reflect.apply(createLambdaHandlers, undefined, given)).toThrow(words)
  })
  test('an application with members of its own is accepted', () => {
    expect(createLambdaHandlers({ router, messages: {}, middleware: [] } as never)).toHaveProperty('websocket')
  })
  test('a source handler names its wrong option', () => {
    const line = createLine()
    expect(() => createSourceHandler({ line, image: {}, toEvents: () => [] } as never)).toThrow(
      'Expected image of createSourceHandler to be a schema of zod 4, got object.',
    )
    expect(() => createSourceHandler({ line, image: key } as never)).toThrow(
      'Expected toEvents of createSourceHandler to be a function of a change, got undefined.',
    )
  })
})

test.each([
  [{ claims: {}, expiresAt: new Date(2e12) }, 'got an object whose principal is undefined.'],
  [{ principal: '', claims: {}, expiresAt: new Date(2e12) }, 'got an empty principal.'],
  [{ principal: 'ann', claims: {}, expiresAt: 2e12 }, 'got an object whose expiresAt is number.'],
  [{ principal: 'ann', claims: {}, expiresAt: new Date('soon') }, 'got an object whose expiresAt is an invalid Date.'],
])('authorize that returns %o gets an error that names the wrong member', async (result, words) => {
  const event = { type: 'REQUEST', methodArn: 'arn', headers: {}, requestContext: { connectionId: 'c' } }
  const { authorizer } = createLambdaHandlers({
    router: initTRPC.create().router({}),
    authorize: () => result as never,
  })
  await expect(authorizer(event, {})).rejects.toThrow(words)
})

test('an answer that JSON cannot hold fails by an error that says what to return', async () => {
  const { procedure, router } = initTRPC.create()
  const client = await createTestLine({ router: router({ big: procedure.query(() => 1n) }) }).connect()
  expect(await ask(client, 'query', 'big')).toMatchObject({
    error: { message: expect.stringContaining('Expected an answer that JSON can hold, got one that it cannot: ') },
  })
})

describe('a publish that is not awaited', () => {
  function lineOf(work: (publish: () => Promise<unknown>) => unknown) {
    const { telemetry, logs } = recordingTelemetry()
    const line = createLine()
    const chat = line.channel('chat', { key, event: z.string() })
    const t = initTRPC.create()
    const post = t.procedure.mutation(() => work(() => chat.publish(input, 'hi')))
    return { ...createTestLine({ line, router: t.router({ post }), telemetry }), logs }
  }
  test('is a warning when the function has answered before it', async () => {
    const made = lineOf((publish) => void publish())
    expect(await ask(await made.connect(), 'mutation', 'post')).toMatchObject({ result: { type: 'data' } })
    expect(made.logs).toMatchObject([
      {
        level: 'WARN',
        message: expect.stringMatching(/one of channel chat had not finished when the function answered.* See https:/),
        facts: { channel: 'chat' },
      },
    ])
  })
  test('is no warning where it was awaited, also with others', async () => {
    const made = lineOf((publish) => Promise.all([publish(), publish()]))
    await ask(await made.connect(), 'mutation', 'post')
    expect(made.logs).toEqual([])
  })
})

describe('a procedure that returns something else', () => {
  const { telemetry } = recordingTelemetry()
  async function errorOf(made: (t: ReturnType<typeof initTRPC.create>, chat: Channel) => object, method: string) {
    const line = createLine()
    const chat = line.channel('chat', { key, event: z.string() })
    const errors: Error[] = []
    const router = initTRPC.create().router({ run: made(initTRPC.create(), chat as never) as never })
    const onError = ({ error }: { readonly error: Error }) => errors.push(error)
    await ask(await createTestLine({ line, router, telemetry, onError }).connect(), method, 'run')
    return `${errors[0]?.message} ${(errors[0]?.cause as Error | undefined)?.message}`
  }
  type Channel = Pick<ReturnType<ReturnType<typeof createLine>['channel']>, 'name'> & {
    readonly subscribe: (to: object) => Record<string, (given: unknown) => unknown>
  }
  test.each<[string, (chat: Channel) => unknown, string]>([
    ['the channel', (chat) => chat, 'got channel chat itself. Return its subscribe(key).'],
    ['a function', (chat) => chat.subscribe, 'got a function. Call it.'],
    ['nothing', () => undefined, 'got undefined. Return it from the resolver.'],
    ['a filter of a text', (chat) => chat.subscribe(input)['filter']?.('x'), 'Expected filter to get a function, got'],
    ['a state', (chat) => chat.subscribe(input)['startWith']?.([]), 'Write startWith(() => …).'],
  ])('as a subscription with %s names it', async (_, resolve, words) => {
    const made = (t: ReturnType<typeof initTRPC.create>, chat: Channel) =>
      t.procedure.subscription((() => resolve(chat)) as never)
    expect(await errorOf(made, 'subscription')).toContain(words)
  })
  test('from a middleware names the procedure', async () => {
    const made = (t: ReturnType<typeof initTRPC.create>) => t.procedure.use((() => 'x') as never).query(() => 1)
    expect(await errorOf(made, 'query')).toContain('Expected each middleware of run to return the result of next()')
  })
})
