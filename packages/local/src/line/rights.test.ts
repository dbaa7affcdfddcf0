import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createClient, createConnection, trunklineError } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

let members: ReadonlySet<string> = new Set(['a', 'b'])
const line = createLine()
const messages = line.channel('rights', {
  key: z.object({ room: z.string() }),
  event: z.object({ text: z.string() }),
  recheck: 'delivery',
  authorize: async ({ room }) => members.has(room) || `You are no member of ${room}.`,
})
const t = initTRPC.create()
const router = t.router({
  live: t.procedure.input(messages.key).subscription(({ input }) => messages.subscribe(input)),
  ping: t.procedure.query(() => 'pong'),
})

const start = () => startLocalLine({ router, line, onError: () => {} })
const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000 }) // the maximum on a loaded machine
const publish = (local: Awaited<ReturnType<typeof start>>, room: string) =>
  local.run(() => messages.publish({ room }, { text: room }))

/** Our own client, and tRPC's. */
const clients = {
  'the SDK': async (url: string, room: string) => {
    const connection = createConnection({ url, WebSocket })
    const client = createClient<typeof router>({ connection })
    const seen = observe()
    client.live.subscribe({ room }, { ...seen.listener, onData: ({ data }) => seen.events.push(data.text) })
    return { ...seen, ping: () => client.ping.query(), [Symbol.asyncDispose]: () => connection.close() }
  },
  'tRPC’s own client': async (url: string, room: string) => {
    const wsClient = createWSClient({ url, WebSocket: WebSocket as never })
    const client = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
    const seen = observe()
    client.live.subscribe({ room }, { ...seen.listener, onData: ({ data }) => void seen.events.push(data.text) })
    return { ...seen, ping: () => client.ping.query(), [Symbol.asyncDispose]: () => wsClient.close() }
  },
}

function observe() {
  const [events, errors, started]: [string[], string[], string[]] = [[], [], []]
  const listener = {
    onStarted: () => void started.push('started'),
    onError: (error: Error) => void errors.push(error.message),
  }
  return { events, errors, started, listener }
}

afterEach(() => {
  members = new Set(['a', 'b'])
})

describe.each(Object.entries(clients))('%s', (_, connect) => {
  test('gets the reason of a refused subscribe, and its connection stays usable [TL-RIGHT-1]', async () => {
    await using local = await start()
    await using ann = await connect(local.url, 'c')
    await until(() => expect(ann.errors).toEqual(['You are no member of c.']))
    expect(await ann.ping()).toBe('pong')
    expect([ann.started, ann.events]).toEqual([[], []])
  })
  test('loses a room at the next event, once, and does not subscribe again [TL-RIGHT-4]', async () => {
    await using local = await start()
    await using ann = await connect(local.url, 'a')
    await using bob = await connect(local.url, 'b')
    await until(() => expect([ann.started, bob.started, ann.errors]).toEqual([['started'], ['started'], []]))
    await publish(local, 'a')
    await until(() => expect(ann.events).toEqual(['a']))
    members = new Set(['b'])
    await publish(local, 'a')
    await until(() => expect(ann.errors).toEqual(['You are no member of a.']))
    members = new Set(['a', 'b'])
    local.faults.cut() // what would be subscribed to is asked for again
    await until(() => expect(bob.started.length).toBeGreaterThan(1))
    await publish(local, 'a')
    await publish(local, 'b')
    await until(() => expect(bob.events).toContain('b'))
    expect(await ann.ping()).toBe('pong')
    expect([ann.events, ann.errors, ann.started]).toEqual([['a'], ['You are no member of a.'], ['started']])
  })
})

test('the refusal is an error of the application, not of Trunkline', async () => {
  await using local = await start()
  const connection = createConnection({ url: local.url, WebSocket })
  const client = createClient<typeof router>({ connection })
  const onError = vi.fn()
  client.live.subscribe({ room: 'c' }, { onError, onData: () => {} })
  await until(() => expect(onError).toHaveBeenCalledOnce())
  const [error] = onError.mock.calls[0] as [Error & { readonly data?: { readonly code: string } }]
  expect(error.data).toMatchObject({ code: 'FORBIDDEN' })
  expect(trunklineError(error)).toBeUndefined()
  await connection.close()
})
