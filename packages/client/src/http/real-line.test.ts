import { initTRPC } from '@trpc/server'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { anonymous, createLine } from '@trunkline/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { trunklineError } from '../session/machine/trunkline-error.ts'
import { type ProxyFault, startProxy } from '../testing/http-proxy.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
const runs: string[] = []
const t = initTRPC.create()
const router = t.router({
  echo: t.procedure.input(z.string()).query(({ input }) => input),
  post: t.procedure.input(key.extend({ text: z.string() })).mutation(({ input: { room, text } }) => {
    runs.push(text)
    return messages.publish({ room }, { text })
  }),
  type: t.procedure.input(key).mutation(({ input }) => typing.publish(input, { text: 'typing' })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  typing: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
})

let local: LocalLine<typeof router>
let proxy: Awaited<ReturnType<typeof startProxy>>
beforeAll(async () => {
  local = await startLocalLine({ router, line, authorize: () => anonymous, anonymousMay: 'everything' })
  proxy = await startProxy(local.httpUrl)
})
afterAll(async () => {
  await local.close()
  await proxy[Symbol.asyncDispose]()
})
beforeEach(() => {
  runs.length = 0
  Object.assign(proxy.faults, { next: () => 'none', allowsUpgrades: false })
})

const proxied: typeof fetch = (input, init) => fetch(proxy.through(String(input)), init)
/** A socket that opens through the proxy. */
class ProxiedSocket extends WebSocket {
  constructor(url: string, protocols: string[] = []) {
    super(proxy.through(url), protocols)
  }
}
const connect = (transport: 'http' | 'both') =>
  local.connect({ transport, fetch: proxied, WebSocket: ProxiedSocket, onGap: () => {} })

describe('A client behind a proxy', () => {
  const faults: readonly ProxyFault[] = [
    'doubled',
    'delayed',
    'lost',
    'unanswered',
    'cut',
    'portal',
    429,
    502,
    503,
    504,
  ]
  test.each(faults)(
    'that has each second request %s: calls have one effect, and each event comes once [TL-MOVE-2]',
    async (fault) => {
      const room = String(fault)
      const { client, connection } = connect('http')
      const seen: string[] = []
      await new Promise<void>((onStarted) => {
        client.live.subscribe({ room }, { onStarted: () => onStarted(), onData: ({ data }) => seen.push(data.text) })
      })
      proxy.faults.next = (n) => (n % 2 === 0 ? fault : 'none')
      for (const text of ['1', '2', '3']) await client.post.mutate({ room, text }, { orderingKey: 'a' })
      expect(await client.echo.query('x')).toBe('x')
      await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['1', '2', '3'])
      expect(runs).toEqual(['1', '2', '3'])
      proxy.faults.next = () => 'none'
      await connection.close()
    },
  )

  test('that refuses upgrades uses HTTP, and moves to the socket when it is allowed [TL-MOVE-5] [TL-MOVE-7]', async () => {
    const { client, connection } = connect('both')
    const [seen, states, pending, typed]: [string[], string[], string[], string[]] = [[], [], [], []]
    const reasons: (string | undefined)[] = []
    connection.subscribe((state) => states.push('transport' in state ? state.transport : state.status))
    const started = new Promise<void>((onStarted) => {
      client.live.subscribe({ room: 'x' }, { onStarted: () => onStarted(), onData: ({ data }) => seen.push(data.text) })
    })
    client.typing.subscribe(
      { room: 'x' },
      {
        onData: (data) => typed.push(data.text),
        onPending: ({ code }) => pending.push(code),
        onConnectionStateChange: ({ error }) => reasons.push(trunklineError(error)?.code),
      },
    )
    await expect.poll(() => connection.state, { timeout: 15_000 }).toEqual({ status: 'open', transport: 'http' })
    await started
    await client.post.mutate({ room: 'x', text: 'over HTTP' })
    await expect.poll(() => [pending, reasons.at(-1)]).toEqual([['NEEDS_SOCKET'], 'NEEDS_SOCKET'])
    await local.clock.advance('40s')
    expect(connection.state).toEqual({ status: 'open', transport: 'http' }) // the probe was refused
    proxy.faults.allowsUpgrades = true
    await local.clock.advance('90s')
    await expect.poll(() => connection.state, { timeout: 15_000 }).toEqual({ status: 'open', transport: 'socket' })
    await client.post.mutate({ room: 'x', text: 'over the socket' })
    await expect.poll(() => seen).toEqual(['over HTTP', 'over the socket'])
    await client.type.mutate({ room: 'x' })
    await expect.poll(() => typed).toEqual(['typing'])
    expect(states.filter((state) => state === 'http' || state === 'socket')).toEqual(['http', 'socket'])
    await connection.close()
  })

  test('with HTTP alone, what needs a socket fails with the reason', async () => {
    const { client, connection } = connect('http')
    const error = await new Promise((onError) => client.typing.subscribe({ room: 'x' }, { onError }))
    expect(trunklineError(error)).toMatchObject({ code: 'NEEDS_SOCKET', mayHaveRun: false })
    await connection.close()
  })
})
