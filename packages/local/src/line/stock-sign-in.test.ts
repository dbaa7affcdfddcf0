import { once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { anonymous, createLine, deny, type LineMeta } from '@trunkline/server'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('stock-sign-in', { key, event: z.object({ for: z.string() }) })
const t = initTRPC
  .context<{ readonly user: string | null; readonly role: string | undefined }>()
  .meta<LineMeta>()
  .create()
const router = t.router({
  whoami: t.procedure.query(({ ctx }) => `${ctx.user} ${ctx.role}`),
  open: t.procedure.meta({ anonymous: true }).query(({ ctx }) => ctx.user ?? 'nobody'),
  /** The events for the caller. */
  mine: t.procedure
    .input(key)
    .subscription(({ input, ctx }) => messages.subscribe(input).filter((event) => event.for === ctx.user)),
})

const start = () =>
  startLocalLine({
    router,
    line,
    onError: () => {},
    authorize: ({ connectionParams }) => {
      const token = connectionParams?.['token']
      if (token === undefined) return anonymous
      if (token === 'bad') return deny('Your trial has ended.')
      return { principal: token, claims: { role: 'member' }, expiresAt: new Date(Date.now() + 3_600_000) }
    },
    createContext: ({ principal, claims }) => ({ user: principal, role: claims?.role }),
  })

/** A client of tRPC's own. `token` is read for each socket. */
function stock(url: string, token: () => string | undefined) {
  const onClose = vi.fn()
  const wsClient = createWSClient({
    ...{ url, WebSocket: WebSocket as never, onClose, retryDelayMs: () => 50 },
    connectionParams: () => {
      const sent = token()
      return sent === undefined ? null : { token: sent }
    },
  })
  const client = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
  return { client, onClose, [Symbol.asyncDispose]: () => wsClient.close() }
}

const patience = { timeout: 10_000 } // the maximum on a loaded machine; it usually takes milliseconds
const until = (check: () => void) => vi.waitFor(check, patience)
const room = { room: 'x' }

describe('tRPC’s own client that signs in with connectionParams', () => {
  test('is its principal for queries, filters and every later socket [TL-HS-9]', async () => {
    await using local = await start()
    await using ann = stock(local.url, () => 'ann')
    await using bob = stock(local.url, () => 'bob')
    const seen: Record<string, unknown[]> = { ann: [], bob: [] }
    const started = vi.fn()
    for (const [name, { client }] of Object.entries({ ann, bob }))
      client.mine.subscribe(room, { onStarted: started, onData: ({ data }) => seen[name]?.push(data.for) })
    expect(await ann.client.whoami.query()).toBe('ann member')
    expect(await bob.client.whoami.query()).toBe('bob member')
    await until(() => expect(started).toHaveBeenCalledTimes(2))
    for (const to of ['ann', 'bob']) await local.run(() => messages.publish(room, { for: to }))
    await until(() => expect(seen).toEqual({ ann: ['ann'], bob: ['bob'] }))
    local.faults.cut()
    await until(() => expect(ann.onClose).toHaveBeenCalled())
    expect(await ann.client.whoami.query()).toBe('ann member')
  })

  test('sends ten queries in the tick of its parameters, and each runs as its principal [TL-HS-9]', async () => {
    await using local = await start()
    using _slow = local.faults.on('function', { delayMs: 500 }, { path: 'connectionParams' })
    await using ann = stock(local.url, () => 'ann')
    const asked = Array.from({ length: 10 }, () => ann.client.whoami.query())
    expect(await Promise.all(asked)).toEqual(asked.map(() => 'ann member'))
  })

  test('gets the reason of a refusal as the error of its calls, and its socket is closed [TL-STOCK-11]', async () => {
    await using local = await start()
    let token = 'bad'
    await using mallory = stock(local.url, () => token)
    await expect(mallory.client.open.query()).rejects.toMatchObject({
      message: 'Your trial has ended.',
      data: { code: 'UNAUTHORIZED' },
    })
    await until(() => expect(mallory.onClose).toHaveBeenCalled())
    token = 'ann' // the next socket of the same client sends it
    await until(async () => expect(await mallory.client.whoami.query()).toBe('ann member'))
  })

  test('stays anonymous with parameters that name nobody [TL-HS-8]', async () => {
    await using local = await start()
    await using guest = stock(local.url, () => undefined)
    expect(await guest.client.open.query()).toBe('nobody')
    await expect(guest.client.whoami.query()).rejects.toMatchObject({ data: { code: 'UNAUTHORIZED' } })
  })
})

test('of two connectionParams on a socket at once, one settles the principal and the other is an error [TL-HS-9]', async () => {
  await using local = await start()
  const socket = new WebSocket(`${local.url}?connectionParams=1`)
  const received: { readonly id: number | null; readonly result?: { readonly data: string } }[] = []
  socket.on('message', (text) => received.push(JSON.parse(String(text))))
  await once(socket, 'open')
  for (const token of ['ann', 'bob', 'ann'])
    socket.send(JSON.stringify({ method: 'connectionParams', data: { token } }))
  for (const id of [1, 2, 3]) socket.send(JSON.stringify({ id, method: 'query', params: { path: 'whoami' } }))
  await until(() => expect(received.filter(({ id }) => id !== null)).toHaveLength(3))
  const names = new Set(received.flatMap(({ result }) => result?.data ?? []))
  expect([...names]).toHaveLength(1)
  expect(['ann member', 'bob member']).toContain([...names][0])
  await until(() => expect(received.filter(({ id }) => id === null).length).toBeGreaterThan(0))
  socket.terminate()
})
