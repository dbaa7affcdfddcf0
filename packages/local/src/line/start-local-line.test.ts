import { EventEmitter, once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { iterate, trunklineError } from '@trunkline/client'
import { createLine, deny } from '@trunkline/server'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const typing = line.ephemeral('typing', { key, event: z.object({ author: z.string() }) })
const hanging = new EventEmitter()
const t = initTRPC.context<{ user: string | null }>().create()
const router = t.router({
  whoami: t.procedure.query(({ ctx }) => ctx.user),
  hang: t.procedure.query(() => {
    hanging.emit('begun')
    return new Promise<never>(() => {})
  }),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 50 })),
  shouts: t.procedure
    .input(key)
    .subscription(({ input }) => messages.subscribe(input).filter(({ text }) => text === text.toUpperCase())),
  onTyping: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
  type: t.procedure.input(key).mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user ?? 'nobody' })),
})

const options = {
  router,
  line,
  authorize: ({ token }: { readonly token: string | undefined }) =>
    token === undefined || token === 'bad'
      ? deny('who are you?')
      : { principal: token, claims: { name: token }, expiresAt: new Date(Date.now() + 3_600_000 * 24) },
  createContext: ({ principal }: { readonly principal: string | null }) => ({ user: principal }),
} as const

describe('a local line', () => {
  test('carries calls and live events over real sockets', async () => {
    await using local = await startLocalLine(options)
    const ann = local.connect({ token: () => 'ann' })
    const bob = local.connect({ token: () => 'bob' })
    expect(await ann.client.whoami.query()).toBe('ann')
    const seen = iterate(bob.client.live, { room: 'x' })
    const first = seen.next()
    await ann.client.post.mutate({ room: 'x', text: 'hi' })
    expect((await first).value?.data).toEqual({ text: 'hi' })
    expect((await local.run(() => messages.read({ room: 'x' }))).events).toHaveLength(1)
  })

  test('delivers the events of a script through the stream', async () => {
    await using local = await startLocalLine(options)
    const bob = local.connect({ token: () => 'bob' })
    const seen = iterate(bob.client.live, { room: 'x' })
    const first = seen.next()
    await local.run(() => messages.publish({ room: 'x' }, { text: 'from a script' }))
    expect((await first).value?.data).toEqual({ text: 'from a script' })
  })

  test('delivers events that were published while the socket was cut, once each and in order', async () => {
    await using local = await startLocalLine(options)
    const ann = local.connect({ token: () => 'ann' })
    const bob = local.connect({ token: () => 'bob' })
    const texts: string[] = []
    const all = new Promise<void>((resolve) => {
      bob.client.live.subscribe({ room: 'x' }, { onData: ({ data }) => texts.push(data.text) === 7 && resolve() })
    })
    await ann.client.post.mutate({ room: 'x', text: '0' })
    local.faults.cut(bob.connection)
    for (const text of ['1', '2', '3', '4', '5']) await ann.client.post.mutate({ room: 'x', text })
    await ann.client.post.mutate({ room: 'x', text: '6' })
    await all
    expect(texts).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  })

  test('keeps lines of one declaration apart', async () => {
    await using one = await startLocalLine(options)
    await using two = await startLocalLine(options)
    await one.run(() => messages.publish({ room: 'x' }, { text: 'one' }))
    expect((await two.run(() => messages.read({ room: 'x' }))).events).toEqual([])
    await expect(messages.publish({ room: 'x' }, { text: 'where?' })).rejects.toThrow('local.run')
  })

  test('sends a rejected client the reason', async () => {
    await using local = await startLocalLine(options)
    const nobody = local.connect({ token: () => 'bad' })
    const error: unknown = await nobody.client.whoami.query().catch((thrown: unknown) => thrown)
    expect(trunklineError(error)).toMatchObject({ code: 'CLOSED' })
    expect(nobody.connection.state).toMatchObject({
      status: 'closed',
      cause: { code: 'refused', message: 'who are you?' },
    })
  })

  test('answers a call whose function hangs with a typed error, and continues', async () => {
    await using local = await startLocalLine(options)
    const ann = local.connect({ token: () => 'ann', timeoutMs: 60_000 })
    await ann.client.whoami.query()
    const begun = once(hanging, 'begun')
    const call = ann.client.hang.query().catch((thrown: unknown) => thrown)
    await begun
    await local.clock.advance('30s')
    expect(trunklineError(await call)?.code).toBe('TIMEOUT')
    expect(await ann.client.whoami.query()).toBe('ann')
  })

  test('applies the options of its gateway: limits, rates and undocumented behaviour', async () => {
    const gateway = {
      limits: { messageBytes: 1_000 },
      throttles: { connects: { burst: 1, perSecond: 0 } },
      undocumented: { wrongPathStatus: 404 },
    }
    await using local = await startLocalLine({ ...options, gateway })
    expect((await fetch(`${local.url.replace('ws', 'http').replace('/dev', '/other')}`)).status).toBe(404)
    const socket = new WebSocket(local.url)
    await once(socket, 'open')
    const [rejection] = await once(
      new WebSocket(local.url).on('error', () => {}),
      'error',
    )
    expect(String(rejection)).toContain('429')
    socket.send('x'.repeat(1_001))
    expect((await once(socket, 'close'))[0]).toBe(1009)
  })

  test('answers a call whose function was killed with a typed error, and continues', async () => {
    await using local = await startLocalLine(options)
    const ann = local.connect({ token: () => 'ann', timeoutMs: 2_000 })
    await ann.client.whoami.query()
    using killed = local.faults.on('function', 'kill', { times: 1, path: 'whoami' })
    const error: unknown = await ann.client.whoami.query().catch((thrown: unknown) => thrown)
    expect(trunklineError(error)?.code).toBe('FUNCTION_FAILED')
    expect(killed.hits).toBe(1)
    expect(await ann.client.whoami.query()).toBe('ann')
  })

  test('survives the two-hour limit of a socket without a gap', async () => {
    await using local = await startLocalLine(options)
    const bob = local.connect({ token: () => 'bob' })
    const seen = iterate(bob.client.live, { room: 'x' })
    const first = seen.next()
    await local.run(() => messages.publish({ room: 'x' }, { text: 'before' }))
    await first
    await local.clock.advance('2h')
    const second = seen.next()
    await local.run(() => messages.publish({ room: 'x' }, { text: 'after' }))
    expect((await second).value?.data).toEqual({ text: 'after' })
  })

  test('passes ephemeral events and filtered ones', async () => {
    await using local = await startLocalLine(options)
    const ann = local.connect({ token: () => 'ann' })
    const shouts = iterate(ann.client.shouts, { room: 'x' })
    const typed = iterate(ann.client.onTyping, { room: 'x' })
    const shout = shouts.next()
    const author = typed.next()
    await local.idle()
    await ann.client.whoami.query()
    await local.idle()
    await ann.client.type.mutate({ room: 'x' })
    await ann.client.post.mutate({ room: 'x', text: 'quiet' })
    await ann.client.post.mutate({ room: 'x', text: 'LOUD' })
    expect((await author).value).toEqual({ author: 'ann' })
    expect((await shout).value?.data).toEqual({ text: 'LOUD' })
  })

  test('serves a stock tRPC client', async () => {
    const open = {
      ...options,
      authorize: () => ({ principal: 'stock', claims: {}, expiresAt: new Date(Date.now() + 3_600_000) }),
    }
    await using local = await startLocalLine(open)
    const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never })
    const client = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
    expect(await client.whoami.query()).toBe('stock')
    const event = new Promise((resolve, reject) => {
      client.live.subscribe(
        { room: 'x' },
        { onData: resolve, onError: reject, onStarted: () => void client.post.mutate({ room: 'x', text: 'hi' }) },
      )
    })
    expect(await event).toMatchObject({ data: { text: 'hi' } })
    await wsClient.close()
  })

  test('applies the transformer of its router', async () => {
    const s = initTRPC.create({ transformer: superjson })
    const dates = s.router({
      now: s.procedure.query(() => new Date(5)),
      boom: s.procedure.query(() => {
        throw new Error('x')
      }),
    })
    await using local = await startLocalLine({ router: dates })
    const { client } = local.connect()
    expect(await client.now.query()).toEqual(new Date(5))
    await expect(client.boom.query()).rejects.toThrow('x')
  })

  test('starts in under half a second when the process is warm', async () => {
    const times: number[] = []
    for (let n = 0; n < 3; n++) {
      const before = performance.now()
      await using _local = await startLocalLine(options)
      times.push(performance.now() - before)
    }
    expect(Math.min(...times)).toBeLessThan(500) // the fastest of three, since the machine may be busy
  })
})
