// One file over 200 lines: all tests share one local line.

import { type AnyTRPCRouter, initTRPC } from '@trpc/server'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { createLine, deny } from '@trunkline/server'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { createConnection } from '../connection/create-connection.ts'
import { trunklineError } from '../session/machine/trunkline-error.ts'
import { createClient } from '../trpc/create-client.ts'
import { iterate } from '../trpc/iterate.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
/** The faults that procedures inject into their own line. */
const hooks: {
  local?: Pick<LocalLine<AnyTRPCRouter>, 'faults' | 'clock'>
  /** Loses the answers that are in flight. */
  cut?: () => void
  cutAt?: string
  waitsFor?: Promise<void>
  runs: string[]
} = {
  runs: [],
}
const t = initTRPC.context<{ user: string | null }>().create()
const router = t.router({
  whoami: t.procedure.query(({ ctx }) => ctx.user),
  post: t.procedure.input(key.extend({ text: z.string() })).mutation(async ({ input: { room, text } }) => {
    hooks.runs.push(text)
    await hooks.waitsFor
    await messages.publish({ room }, { text })
    if (text !== hooks.cutAt) return hooks.runs.length
    delete hooks.cutAt
    hooks.cut?.() // the mutation took effect, and the answer is lost
    return hooks.runs.length
  }),
  search: t.procedure.query(() => 'found'),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  page: t.procedure
    .input(key)
    .subscription(({ input }) => messages.subscribe(input).startWith(() => ({ text: `state of ${input.room}` }))),
})

const hour = 3_600_000
type Client = Awaited<ReturnType<typeof start>>['connect'] extends (...options: never[]) => { readonly client: infer C }
  ? C
  : never

async function start(transport: Transport = 'socket') {
  hooks.runs = []
  const local = await startLocalLine({
    router,
    line,
    authorize: ({ token }: { readonly token: string | undefined }) =>
      token === undefined || token === 'bad'
        ? deny('who are you?')
        : {
            principal: token,
            claims: { name: token },
            expiresAt: new Date((hooks.local?.clock.now() ?? Date.now()) + hour),
          },
    createContext: ({ principal }: { readonly principal: string | null }) => ({ user: principal }),
  })
  hooks.local = local
  hooks.cut = () => {
    if (transport === 'socket') local.faults.cut()
    else losses += 1
  }
  return local
}
afterEach(() => {
  delete hooks.local
  delete hooks.cut
  delete hooks.waitsFor
})

type Transport = 'socket' | 'http'

/** Counts the moments at which the answers of the requests that were out were lost. */
let losses = 0
const lossyFetch: typeof fetch = async (input, init) => {
  const before = losses
  const response = await fetch(input, init)
  if (losses > before) throw new TypeError('Failed to fetch')
  return response
}
/** A client's options for one of the transports. */
const over = <O extends object>(transport: Transport, options: O) => ({ ...options, transport, fetch: lossyFetch })

describe.each<Transport>(['socket', 'http'])('Over %s', (transport) => {
  test('a mutation whose answer is lost with its socket happens once, and is answered once [TL-KEY-1]', async () => {
    await using local = await start(transport)
    const ann = local.connect(over(transport, { token: () => 'ann' }))
    await ann.client.whoami.query()
    hooks.cutAt = 'hi'
    expect(await ann.client.post.mutate({ room: 'x', text: 'hi' })).toBe(1)
    expect(hooks.runs).toEqual(['hi'])
    expect((await local.run(() => messages.read({ room: 'x' }))).events).toHaveLength(1)
  })

  test("a caller's key makes a second call the same mutation, and rejects another input [TL-KEY-3]", async () => {
    await using local = await start(transport)
    const ann = local.connect(over(transport, { token: () => 'ann' }))
    const options = { idempotencyKey: 'order 7' }
    expect(await ann.client.post.mutate({ room: 'x', text: 'hi' }, options)).toBe(1)
    expect(await ann.client.post.mutate({ room: 'x', text: 'hi' }, options)).toBe(1)
    const error: unknown = await ann.client.post.mutate({ room: 'x', text: 'ho' }, options).catch((e: unknown) => e)
    expect(trunklineError(error)?.code).toBe('KEY_REUSED')
  })

  test('without a key, a mutation whose socket is lost fails and is not sent again', async () => {
    await using local = await start(transport)
    const ann = local.connect(over(transport, { token: () => 'ann' }))
    await ann.client.whoami.query()
    hooks.cutAt = 'hi'
    const error: unknown = await ann.client.post
      .mutate({ room: 'x', text: 'hi' }, { idempotencyKey: false })
      .catch((e: unknown) => e)
    expect(trunklineError(error)).toMatchObject({ code: 'CONNECTION_LOST', mayHaveRun: true })
    expect(hooks.runs).toEqual(['hi'])
  })

  test('mutations with one ordering key keep their order when the socket is lost [TL-LANE-1]', async () => {
    await using local = await start(transport)
    const ann = local.connect(over(transport, { token: () => 'ann' }))
    hooks.cutAt = '2'
    const texts = ['1', '2', '3', '4']
    await Promise.all(texts.map((text) => ann.client.post.mutate({ room: 'x', text }, { orderingKey: 'a' })))
    expect(hooks.runs).toEqual(texts)
  })

  // Over HTTP, an hour has 240 polls; `http/polls.test.ts` renews in virtual time.
  test.skipIf(transport === 'http')('the authorization is renewed repeatedly [TL-AUTH-1]', async () => {
    await using local = await start(transport)
    let asked = 0
    const ann = local.connect(
      over(transport, {
        token: () => {
          asked += 1
          return 'ann'
        },
      }),
    )
    const states: string[] = []
    const seen = iterate(ann.client.live, { room: 'x' })
    const next = seen.next()
    expect(await ann.client.whoami.query()).toBe('ann')
    ann.connection.subscribe(({ status }) => states.push(status))
    for (let quarter = 0; quarter < 6; quarter += 1) {
      await local.clock.advance('15m')
      await local.idle()
    }
    expect(asked).toBeGreaterThan(1)
    expect(await ann.client.whoami.query()).toBe('ann')
    await local.run(() => messages.publish({ room: 'x' }, { text: 'hi' }))
    expect((await next).value?.data).toEqual({ text: 'hi' })
    expect(states).toEqual([])
  })

  test('a subscription with a snapshot gets it first, then the events after it [TL-SNAP-1]', async () => {
    await using local = await start(transport)
    const ann = local.connect(over(transport, { token: () => 'ann' }))
    const seen = iterate(ann.client.page, { room: 'x' })
    expect((await seen.next()).value?.data).toEqual({ text: 'state of x' })
    const next = seen.next()
    await ann.client.post.mutate({ room: 'x', text: 'hi' })
    expect((await next).value?.data).toEqual({ text: 'hi' })
    hooks.cut?.()
    const after = seen.next()
    await ann.client.post.mutate({ room: 'x', text: 'ho' })
    expect((await after).value?.data).toEqual({ text: 'ho' }) // a resume without a gap sends no snapshot
  })
})

test('the notice moves a client to another socket without a visible interruption [TL-HAND-1]', async () => {
  await using local = await start()
  const ann = local.connect({ token: () => 'ann' })
  const states: string[] = []
  const texts: string[] = []
  let finish = () => {}
  const all = new Promise<void>((resolve) => (finish = resolve))
  await new Promise<void>((onStarted) => {
    const onData = ({ data }: { data: { text: string } }) => texts.push(data.text) === 20 && finish()
    ann.client.live.subscribe({ room: 'x' }, { onStarted: () => onStarted(), onData })
  })
  ann.connection.subscribe(({ status }) => states.push(status))
  await local.clock.advance('1m')
  const posts: Promise<unknown>[] = []
  for (let n = 0; n < 20; n += 1) {
    if (n === 5) await local.notify()
    posts.push(ann.client.post.mutate({ room: 'x', text: String(n) }, { orderingKey: 'a' }))
  }
  await Promise.all(posts)
  await all
  expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
  expect(states).toEqual([])
})

test.each<readonly [string, string, (client: Client) => void]>([
  [
    'a query that was aborted',
    'search',
    (client) => {
      const aborts = new AbortController()
      client.search.query(undefined, { signal: aborts.signal }).catch(() => {})
      aborts.abort()
    },
  ],
  [
    'a query past its own deadline',
    'search',
    (client) => client.search.query(undefined, { timeoutMs: 1 }).catch(() => {}),
  ],
  [
    'a subscription that was stopped',
    'live',
    (client) => client.live.subscribe({ room: 'x' }, { onData: () => {} }).unsubscribe(),
  ],
])(
  'a mutation in flight is answered when the function of another frame fails (%s) [TL-GW-2]',
  async (_, path, begin) => {
    await using local = await start()
    const { client } = local.connect({ token: () => 'ann' })
    await client.whoami.query()
    let finish = () => {}
    hooks.waitsFor = new Promise((resolve) => (finish = resolve))
    const posted = client.post.mutate({ room: 'x', text: 'hi' })
    await expect.poll(() => hooks.runs).toEqual(['hi'])
    using failed = local.faults.on('function', 'fail', { path, times: 1 })
    begin(client)
    await expect.poll(() => failed.hits).toBe(1)
    await client.whoami.query()
    await client.whoami.query() // the gateway's error arrived in the meantime
    finish()
    expect(await posted).toBe(1)
    expect(hooks.runs).toEqual(['hi'])
  },
)

test.each(['fail', 'kill'] as const)(
  'a mutation whose function fails (%s) is sent again under its key, and takes effect once [TL-KEY-10]',
  async (effect) => {
    await using local = await start()
    const { client } = local.connect({ token: () => 'ann' })
    await client.whoami.query()
    local.faults.on('function', effect, { path: 'post', times: 2 })
    expect(await client.post.mutate({ room: 'x', text: 'hi' })).toBe(1)
    expect(hooks.runs).toEqual(['hi'])
  },
)

test.each([
  [10, 'a monotonic clock'],
  [-24 * 60, 'a monotonic clock'],
  [10, 'no other clock'],
] as const)(
  'a mutation takes effect after the clock was set by %d min while connected (%s) [TL-HELLO-5]',
  async (minutes, other) => {
    await using local = await start()
    let setMs = 0
    const now = () => Date.now() + setMs
    const clock = other === 'no other clock' ? { now } : { now, monotonic: () => performance.now() }
    await using connection = createConnection({ url: local.url, WebSocket, token: () => 'ann' }, clock)
    const client = createClient<typeof router>({ connection })
    expect(await client.post.mutate({ room: 'x', text: 'before' })).toBe(1)
    setMs = minutes * 60_000
    expect(await client.post.mutate({ room: 'x', text: 'after' })).toBe(2)
    expect(hooks.runs).toEqual(['before', 'after'])
  },
)
