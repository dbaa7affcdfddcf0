import { initTRPC, lazy } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous, type LineMeta } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import type { Store } from '../ports/store.ts'
import { createLambdaHandlers } from './handlers.ts'
import type { ServeOptions } from './options.ts'
import { createTestLine, type TestClient } from './test-line.suite.ts'

const input = { room: 'x' }
const hour = 3_600_000

function createRoom(
  options: Partial<Pick<ServeOptions<never, never>, 'anonymousMay'>> & {
    readonly store?: (store: Store) => Store
    readonly unnamed?: true
  } = {},
) {
  const { unnamed, ...given } = options
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({}) })
  const here = line.presence('here', { key, data: z.object({}) })
  const ran: string[] = []
  const t = initTRPC.meta<LineMeta>().create()
  const seen = t.procedure.use(({ path, next }) => {
    ran.push(path)
    return next()
  })
  const p = seen.input(key)
  const named = {
    query: p.query(() => 'done'),
    mutation: p.mutation(() => 'done'),
    long: p.meta({ longRunning: true }).query(() => 'done'),
    longMutation: p.meta({ longRunning: true }).mutation(() => 'done'),
    log: p.subscription((to) => messages.subscribe(to.input)),
    filtered: p.subscription((to) => messages.subscribe(to.input).filter(() => true)),
    typing: p.subscription((to) => typing.subscribe(to.input)),
    here: p.subscription((to) => here.join(to.input, { member: 'ann', data: {} })),
    watch: p.subscription((to) => here.watch(to.input)),
    generator: p.subscription(async function* () {
      yield 1
    }),
    marked: p.meta({ generator: true }).subscription(() => (async function* () {})()),
  }
  const open = {
    query: p.meta({ anonymous: true }).query(() => 'done'),
    log: p.meta({ anonymous: true }).subscription((to) => messages.subscribe(to.input)),
  }
  const router = t.router({
    ...named,
    open,
    later: lazy(async () => ({ default: t.router({ query: p.query(() => 'done'), open: open.query }) })),
  })
  const contexts: unknown[] = []
  const made = createTestLine({
    ...given,
    line,
    router,
    ...(!unnamed && {
      authorize: ({ token }) =>
        token === undefined
          ? anonymous
          : { principal: token, claims: {}, expiresAt: new Date(1_800_000_000_000 + hour) },
    }),
    createContext: ((call: unknown) => {
      contexts.push(call)
      return {}
    }) as never,
    onError: () => {},
  })
  return { ...made, ran, contexts, messages }
}

/** A store that counts writes. */
function countWrites(writes: string[]) {
  return (inner: Store): Store =>
    new Proxy(inner, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: readonly unknown[]) => {
          if (!/^(read|loadShards)/.test(String(name))) writes.push(String(name))
          return Reflect.apply(member, target, args) as unknown
        }
      },
    })
}

/** Sends a frame and returns its answer, wherever it came. */
async function ask(client: TestClient, frame: unknown): Promise<unknown> {
  const before = client.frames().length
  const returned = await client.send(frame)
  return returned ?? client.frames()[before]
}

const frameOf = (method: string, path: string, params: object = {}) => ({
  id: 1,
  method,
  params: { path, input, ...(method === 'subscription' ? { ref: 1 } : {}), ...params },
})
const refused = {
  error: { data: { code: 'UNAUTHORIZED' }, message: expect.stringMatching(/Connect with a token.*anonymous: true/) },
}

/** Each kind of frame that runs a procedure. */
const frames = [
  ['a query', frameOf('query', 'query')],
  ['a mutation', frameOf('mutation', 'mutation')],
  ['a mutation with a key', frameOf('mutation', 'mutation', { key: 'own.key-1' })],
  ['a mutation that is sent again', frameOf('mutation', 'mutation', { key: 'own.key-1', resend: true })],
  ['a long call', frameOf('query', 'long')],
  ['a long call with a key', frameOf('mutation', 'longMutation', { key: 'own.key-1' })],
  ['a subscription', frameOf('subscription', 'log')],
  ['a filtered subscription', frameOf('subscription', 'filtered')],
  ['a subscription to ephemeral events', frameOf('subscription', 'typing')],
  ['a subscription that joins', frameOf('subscription', 'here')],
  ['a subscription that watches', frameOf('subscription', 'watch')],
  ['a generator', frameOf('subscription', 'generator')],
  ['a generator that is marked', frameOf('subscription', 'marked')],
  ['a resume', frameOf('subscription', 'log', { ref: 2, lastEventId: 'x:1' })],
  ['a query of a lazy router', frameOf('query', 'later.query')],
] as const

describe('[TL-HS-8] an anonymous caller of an application with authorize', () => {
  for (const stock of [false, true])
    test.each(frames)(
      `is refused %s before anything of the procedure runs or is written (${stock ? 'stock client' : 'client'})`,
      async (_, frame) => {
        const writes: string[] = []
        const room = createRoom({ store: countWrites(writes) })
        const client = await room.connect({ stock })
        writes.length = 0
        expect(await ask(client, frame)).toMatchObject({ id: 1, ...refused })
        expect(client.frames().length).toBeLessThanOrEqual(1)
        expect({ writes, ran: room.ran, contexts: room.contexts, invoked: room.invoked }).toEqual({
          ...{ writes: [], ran: [], contexts: [], invoked: [] },
        })
      },
    )

  test('is refused a frame of an array, and gets the answers to the others', async () => {
    const client = await createRoom().connect()
    const answer = await client.send([frameOf('query', 'query'), { ...frameOf('query', 'open.query'), id: 2 }])
    const all = [...client.frames(), ...[answer ?? []].flat()]
    expect(all).toContainEqual(expect.objectContaining({ id: 1, error: expect.anything() }))
    expect(all).toContainEqual({ id: 2, result: { type: 'data', data: 'done' } })
  })

  test('is refused the sync of a subscription that an earlier deployment let it start', async () => {
    const shared: { store?: Store } = {}
    const before = createRoom({ anonymousMay: 'everything', store: (made) => (shared.store = made) })
    const early = await before.connect({ connectionId: 'c9=' })
    const subscribed = await ask(early, frameOf('subscription', 'log'))
    const from = (subscribed as { readonly result: { readonly from: string } }).result.from
    const after = createRoom({ store: () => shared.store as Store })
    const client = await after.connect({ connectionId: 'c9=' })
    const sync = { id: 2, method: 'sync', params: { subscriptions: [{ id: 1, ref: 1, from }] } }
    const answers = [await client.send(sync)].flat()
    expect([...client.frames(), ...answers]).toMatchObject([{ id: 1, ...refused }, { id: 2 }])
    expect(after.ran).toEqual([])
  })

  test.each(['open.query', 'later.open'])('may use %s, which is declared for it', async (path) => {
    const room = createRoom()
    const client = await room.connect()
    expect(await ask(client, frameOf('query', path))).toEqual({ id: 1, result: { type: 'data', data: 'done' } })
    expect(room.ran).toEqual([path])
  })

  test('may start, resume and sync a subscription that is declared for it', async () => {
    const client = await createRoom().connect()
    const started = await ask(client, frameOf('subscription', 'open.log'))
    expect(started).toMatchObject({ result: { type: 'started' } })
    const { from } = (started as { readonly result: { readonly from: string } }).result
    const sync = { id: 2, method: 'sync', params: { subscriptions: [{ id: 1, ref: 1, from }] } }
    expect([await client.send(sync)].flat()).toContainEqual(
      expect.objectContaining({ id: 1, result: expect.objectContaining({ type: 'synced' }) }),
    )
  })

  test('gets NOT_FOUND for a path that the router does not have', async () => {
    const client = await createRoom().connect()
    expect(await ask(client, frameOf('query', 'nope'))).toMatchObject({ error: { data: { code: 'NOT_FOUND' } } })
  })

  test("may use everything where anonymousMay is 'everything'", async () => {
    const client = await createRoom({ anonymousMay: 'everything' }).connect()
    expect(await ask(client, frameOf('query', 'query'))).toMatchObject({ result: { data: 'done' } })
  })
})

test('a caller with a name may use everything', async () => {
  const client = await createRoom().connect({ token: 'ann' })
  expect(await ask(client, frameOf('query', 'query'))).toMatchObject({ result: { data: 'done' } })
})

test('without authorize everybody may use everything', async () => {
  const client = await createRoom({ unnamed: true }).connect()
  expect(await ask(client, frameOf('query', 'query'))).toMatchObject({ result: { data: 'done' } })
})

test('another value of anonymousMay throws when the handlers are made', () => {
  const router = initTRPC.create().router({})
  const make = () => createLambdaHandlers({ router, authorize: () => anonymous, anonymousMay: 'all' as never })
  expect(make).toThrow("Expected anonymousMay to be 'declared' or 'everything'")
})
