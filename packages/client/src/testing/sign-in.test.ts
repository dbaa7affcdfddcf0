// One file over 200 lines: all tests share one local line.

import { createTRPCClient, retryLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { startLocalLine } from '@trunkline/local'
import { anonymous, createLine, deny, type LineMeta } from '@trunkline/server'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import type { Connection } from '../connection/create-connection.ts'
import { trunklineError } from '../session/machine/trunkline-error.ts'
import { trunklineLink } from '../trpc/link.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('sign-in', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.context<{ readonly user: string; readonly session: string }>().meta<LineMeta>().create()
const everybody = t.procedure.meta({ anonymous: true })
let effects: string[] = []
/** Mutations wait for it. */
let gate: Promise<void> | undefined
const router = t.router({
  whoami: everybody.query(({ ctx }) => ctx.user),
  session: everybody.query(({ ctx }) => ctx.session),
  pay: everybody.mutation(async ({ ctx }) => {
    effects.push(ctx.user)
    await gate
    return ctx.user
  }),
  live: everybody.input(key).subscription(({ input }) => messages.subscribe(input)),
  private: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})

beforeEach(() => {
  effects = []
  gate = undefined
})

const start = () =>
  startLocalLine({
    router,
    line,
    onError: () => {},
    authorize: ({ token }) => {
      if (token === undefined) return anonymous
      if (token === 'bad') return deny('Your trial has ended.')
      return { principal: token, claims: null, expiresAt: new Date(Date.now() + 100 * 3_600_000) }
    },
    createContext: ({ principal, sessionId }) => ({ user: principal ?? 'nobody', session: sessionId }),
  })
type Line = Awaited<ReturnType<typeof start>>

/** A client whose user signs in and out. */
function person(local: Line, name: string | null = null) {
  let token = name
  const sockets: WebSocket[] = []
  class Counted extends WebSocket {
    constructor(address: string | URL, protocols?: string[]) {
      super(address, protocols)
      sockets.push(this)
    }
  }
  const { client, connection } = local.connect({ WebSocket: Counted, token: () => token })
  const states: string[] = []
  connection.subscribe(({ status }) => states.push(status))
  const signIn = (as: string | null) => {
    token = as
    return connection.signIn()
  }
  const open = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length
  return { client, connection, signIn, states, open, sockets }
}

const errorOf = (promise: Promise<unknown>) => promise.then(() => undefined, trunklineError)
const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000 }) // the maximum on a loaded machine
const closeGate = () => {
  let open = () => {}
  gate = new Promise((resolve) => (open = resolve))
  return open
}

describe('signIn', () => {
  test('moves an open connection to another identity and back, and its state stays open [TL-SIGN-1]', async () => {
    await using local = await start()
    const ann = person(local)
    const seen: string[] = []
    const onStarted = vi.fn()
    ann.client.live.subscribe({ room: 'x' }, { onStarted, onData: ({ data }) => seen.push(data.text) })
    expect(await ann.client.whoami.query()).toBe('nobody')
    await until(() => expect(onStarted).toHaveBeenCalled())
    const session = await ann.client.session.query()
    ann.states.length = 0
    for (const [as, text] of [
      ['ann', 'a'],
      ['bob', 'b'],
      [null, 'c'],
    ] as const) {
      await local.run(() => messages.publish({ room: 'x' }, { text: `${text} before` }))
      await ann.signIn(as)
      expect(await ann.client.whoami.query()).toBe(as ?? 'nobody')
      await local.run(() => messages.publish({ room: 'x' }, { text }))
      await until(() => expect(ann.open()).toBe(1))
    }
    await until(() => expect(seen).toEqual(['a before', 'a', 'b before', 'b', 'c before', 'c']))
    expect(ann.states).toEqual([])
    expect(await ann.client.session.query()).not.toBe(session)
    expect(ann.sockets).toHaveLength(4)
  })

  test('connects an idle connection', async () => {
    await using local = await start()
    const ann = person(local)
    await ann.signIn('ann')
    expect(ann.states).toEqual(['connecting', 'open'])
    expect(await ann.client.whoami.query()).toBe('ann')
  })

  test('keeps a mutation with the identity that made it: settled there, and once [TL-SIGN-2]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    const open = closeGate()
    const [paid, signedIn] = [ann.client.pay.mutate(), ann.signIn('bob')]
    const after = ann.client.pay.mutate()
    await until(() => expect(effects).toEqual(['ann']))
    open()
    expect(await paid).toBe('ann')
    await signedIn
    expect(await after).toBe('bob')
    expect(effects).toEqual(['ann', 'bob'])
  })

  test('fails a mutation that is not answered in 5 s, and never repeats it, nor does retryLink [TL-SIGN-2]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    const retry = vi.fn(({ attempts }: { readonly attempts: number }) => attempts < 5)
    const links = [retryLink<typeof router>({ retry }), trunklineLink<typeof router>({ connection: ann.connection })]
    const client = createTRPCClient<typeof router>({ links })
    await client.whoami.query()
    const open = closeGate()
    const failed = errorOf(client.pay.mutate())
    await until(() => expect(effects).toEqual(['ann']))
    const signedIn = ann.signIn('bob')
    await local.clock.advance('5s')
    await signedIn
    expect(await failed).toMatchObject({ code: 'CLOSED', mayHaveRun: true, retry: 'never' })
    expect(retry).toHaveBeenCalledTimes(5)
    open()
    expect(await client.whoami.query()).toBe('bob')
    expect(effects).toEqual(['ann'])
  })

  test('does not send a mutation again whose socket is lost meanwhile [TL-SIGN-2]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    const open = closeGate()
    const failed = errorOf(ann.client.pay.mutate())
    await until(() => expect(effects).toEqual(['ann']))
    const signedIn = ann.signIn('bob')
    local.faults.cut()
    expect(await failed).toMatchObject({ code: 'CLOSED', mayHaveRun: true })
    open()
    await until(() => expect(ann.states.at(-1)).toBe('reconnecting'))
    await local.clock.advance('30s')
    await signedIn
    expect(await ann.client.whoami.query()).toBe('bob')
    expect(effects).toEqual(['ann'])
  })

  test('authorizes subscriptions anew: what the new identity may not have ends [TL-SIGN-1]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    const [onStarted, onError, seen] = [vi.fn(), vi.fn(), [] as string[]]
    const onData = ({ data }: { readonly data: { readonly text: string } }) => seen.push(data.text)
    ann.client.private.subscribe({ room: 'x' }, { onStarted, onError, onData })
    await until(() => expect(onStarted).toHaveBeenCalled())
    await ann.signIn(null)
    await until(() => expect(onError).toHaveBeenCalled())
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ data: { code: 'UNAUTHORIZED' } })
    await local.run(() => messages.publish({ room: 'x' }, { text: 'secret' }))
    await local.idle()
    expect(seen).toEqual([])
  })

  test('that is refused rejects with the reason and leaves nobody signed in; another one passes [TL-SIGN-3]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    const signedIn = ann.signIn('bad')
    const after = errorOf(ann.client.pay.mutate())
    await expect(signedIn).rejects.toThrow('Your trial has ended.')
    expect(await errorOf(signedIn)).toMatchObject({ code: 'CLOSED', retry: 'after-auth' })
    const cause = { code: 'refused', message: 'Your trial has ended.' }
    expect(ann.connection.state).toEqual({ status: 'closed', cause })
    expect(await after).toMatchObject({ code: 'CLOSED', mayHaveRun: false })
    expect(await errorOf(ann.client.pay.mutate())).toMatchObject({ code: 'CLOSED' })
    await until(() => expect(ann.open()).toBe(0))
    await ann.signIn('bob')
    expect(await ann.client.pay.mutate()).toBe('bob')
    expect(effects).toEqual(['bob'])
  })

  test('twice at once is one identity, the last one [TL-SIGN-1]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    await Promise.all([ann.signIn('bob'), ann.signIn('cleo')])
    expect(await ann.client.whoami.query()).toBe('cleo')
    await until(() => expect(ann.open()).toBe(1))
  })

  test('while the line cannot be reached waits until it can', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    const away = local.faults.on('connect', 'fail')
    local.faults.cut()
    await until(() => expect(ann.states.at(-1)).toBe('reconnecting'))
    const signedIn = ann.signIn('bob')
    await until(() => expect(away.hits).toBeGreaterThan(0))
    await until(() => expect(ann.states.at(-1)).toBe('reconnecting'))
    away[Symbol.dispose]()
    await local.clock.advance('30s')
    await signedIn
    expect(await ann.client.whoami.query()).toBe('bob')
  })

  test('during a hand-over takes a token of its own [TL-SIGN-1]', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    await local.clock.advance('11s')
    await local.notify()
    await ann.signIn('bob')
    expect(await ann.client.whoami.query()).toBe('bob')
    await until(() => expect(ann.open()).toBe(1))
  })

  test.each<[string, (connection: Connection) => unknown]>([
    ['close', (connection) => connection.close()],
    ['restart', (connection) => connection.restart()],
  ])('rejects when the application calls %s meanwhile', async (_, end) => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.client.whoami.query()
    const failed = errorOf(ann.signIn('bob'))
    await end(ann.connection)
    expect(await failed).toMatchObject({ code: 'CLOSED' })
  })

  test('rejects on a closed connection', async () => {
    await using local = await start()
    const ann = person(local, 'ann')
    await ann.connection.close()
    expect(await errorOf(ann.signIn('bob'))).toMatchObject({ code: 'CLOSED', mayHaveRun: false })
  })
})
