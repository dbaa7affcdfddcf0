import { initTRPC } from '@trpc/server'
import { startLocalLine } from '@trunkline/local'
import { defined, errorDocs } from '@trunkline/protocol'
import { createLine } from '@trunkline/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { createConnection } from '../connection/create-connection.ts'
import { startWireServer } from '../testing/wire-server.suite.ts'
import { createClient } from '../trpc/create-client.ts'
import { iterate } from '../trpc/iterate.ts'
import { trunklineError } from './machine/trunkline-error.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  echo: t.procedure.input(z.unknown()).query(({ input }) => input ?? null),
  pay: t.procedure.input(z.unknown()).mutation(() => 'paid'),
  live: t.procedure.input(z.unknown()).subscription(() => events.subscribe({ room: 'x' })),
})
type Router = typeof router

/** `depth` levels of arrays. */
function nested(depth: number): unknown {
  let value: unknown = []
  for (let level = 1; level < depth; level++) value = [value]
  return value
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return trunklineError(await promise.catch((thrown: unknown) => thrown))
}

/** The answer to a raw socket that declared the extensions. */
async function answerTo(url: string, text: string): Promise<unknown> {
  const socket = new WebSocket(url, ['trunkline.1'])
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(text)
  const answer = await new Promise((resolve) => socket.once('message', (data) => resolve(JSON.parse(String(data)))))
  socket.terminate()
  return answer
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a malformed call fails before it is sent', () => {
  const deep = nested(63)
  const cases: readonly (readonly [string, 'query' | 'mutation', string, unknown, string | undefined])[] = [
    ['an input nested 63 levels', 'query', 'echo', deep, undefined],
    ["a mutation's input nested 63 levels", 'mutation', 'pay', deep, undefined],
    ['a path of 600 bytes', 'query', 'p'.repeat(600), null, undefined],
    ['a path with half a surrogate pair', 'mutation', 'p\ud800', null, undefined],
    ['a key of 253 bytes', 'mutation', 'pay', null, 'k'.repeat(253)],
    ['a key of 254 bytes in 127 characters', 'mutation', 'pay', null, 'é'.repeat(127)],
    ['an empty key', 'mutation', 'pay', null, ''],
    ['a key with half a surrogate pair', 'mutation', 'pay', null, '\udc00'],
  ]

  test.each(cases)('%s, with the server’s message [TL-LIM-8] [TL-LIM-4]', async (_, method, path, input, key) => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    const { client } = local.connect()
    const call = path.split('.').reduce<never>((proxy, name) => proxy[name] as never, client as never) as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >
    const act = method === 'query' ? call['query'] : call['mutate']
    const failure = await failureOf(act?.(input, { idempotencyKey: key }) ?? Promise.resolve())
    const params = defined({ path, input, key: key === undefined ? undefined : `own.${key}` })
    const answer = await answerTo(local.url, JSON.stringify({ id: 1, method, params }))
    const { message } = (answer as { readonly error: { readonly message: string } }).error
    expect(failure).toEqual({
      code: 'MALFORMED',
      message,
      retry: 'never',
      mayHaveRun: false,
      docs: errorDocs('MALFORMED'),
    })
    expect(answer).toMatchObject({ id: 1, line: { code: 'MALFORMED', retry: 'never', mayHaveRun: false } })
  })

  test('an input nested 62 levels is served, and one nested 100,000 levels fails at once [TL-LIM-8]', async () => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    const { client } = local.connect()
    expect(await client.echo.query(nested(62))).toEqual(nested(62))
    const failure = await failureOf(client.echo.query(nested(100_000)))
    expect(failure).toMatchObject({ code: 'MALFORMED', message: expect.stringContaining('64 levels') })
  })

  test('nothing is sent, and it does not block its ordering key [TL-LIM-8]', async () => {
    await using server = await startWireServer((frame, peer) =>
      peer.send({ id: frame.id, result: { type: 'data', data: 1 } }),
    )
    const connection = createConnection({ url: server.url, WebSocket })
    const client = createClient<Router>({ connection })
    const refused = failureOf(client.pay.mutate(nested(70), { orderingKey: 'a' }))
    expect(await client.pay.mutate(1, { orderingKey: 'a' })).toBe(1)
    expect(await refused).toMatchObject({ code: 'MALFORMED' })
    expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'mutation'])
    await connection.close()
  })
})

describe('a malformed subscription gets onError at once', () => {
  test.each([
    ['an input nested 63 levels', { input: nested(63) }, 'MALFORMED'],
    ['a path of 600 bytes', { path: 'p'.repeat(600) }, 'MALFORMED'],
    ['an input of 2 MB', { input: 'x'.repeat(2_000_000) }, 'TOO_LARGE'],
  ])('%s [TL-LIM-8]', (_, { path = 'live', input = null }: { path?: string; input?: unknown }, code) => {
    const connection = createConnection({ url: 'ws://127.0.0.1:1', WebSocket })
    const client = createClient<Router>({ connection }) as unknown as Record<string, Router>
    const errors: unknown[] = []
    const procedure = client[path] as unknown as { subscribe(input: unknown, options: object): unknown }
    procedure.subscribe(input, { onError: (error: unknown) => errors.push(trunklineError(error)) })
    expect(errors).toMatchObject([{ code, retry: 'never', mayHaveRun: false }])
    expect(connection.state).toEqual({ status: 'idle' })
  })

  test('an iteration throws at once [TL-LIM-8]', async () => {
    const connection = createConnection({ url: 'ws://127.0.0.1:1', WebSocket })
    const client = createClient<Router>({ connection })
    expect(await failureOf(iterate(client.live, nested(63)).next())).toMatchObject({ code: 'MALFORMED' })
  })
})

describe('an error under id null', () => {
  const failed = { id: null, error: { message: 'Expected an id.', code: -32_600 } }

  test.each([
    ['onProtocolError', true],
    ['a warning on the console', false],
  ])('settles no call, and is reported to %s [TL-ERR-4]', async (_, isGiven) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await using server = await startWireServer((frame, peer) => {
      peer.send(failed)
      peer.send({ id: frame.id, result: { type: 'data', data: 'answered' } })
    })
    const messages: string[] = []
    const onProtocolError = (message: string) => void messages.push(message)
    const connection = createConnection({ url: server.url, WebSocket, ...(isGiven && { onProtocolError }) })
    expect(await createClient<Router>({ connection }).echo.query(1)).toBe('answered')
    expect(messages).toEqual(isGiven ? ['Expected an id.'] : [])
    expect(warn.mock.calls).toEqual(isGiven ? [] : [['trunkline: Expected an id.']])
    await connection.close()
  })

  test('does not break the connection when its handler throws [TL-ERR-4]', async () => {
    await using server = await startWireServer((frame, peer) => {
      peer.send(failed)
      peer.send({ id: frame.id, result: { type: 'data', data: 'answered' } })
    })
    const uncaught = vi.fn()
    const onProtocolError = () => {
      throw new Error('handler')
    }
    const connection = createConnection({ url: server.url, WebSocket, onProtocolError }, { uncaught })
    expect(await createClient<Router>({ connection }).echo.query(1)).toBe('answered')
    expect(uncaught).toHaveBeenCalledOnce()
    await connection.close()
  })
})

test('a connection whose token has 8,193 bytes fails its calls at once, with the limit in the message [TL-LIM-9]', async () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1', WebSocket, token: () => 't'.repeat(8_193) })
  const failure = await failureOf(createClient<Router>({ connection }).echo.query(1))
  expect(failure).toMatchObject({ code: 'CLOSED', mayHaveRun: false, message: expect.stringContaining('7000 bytes') })
  expect(connection.state).toMatchObject({
    status: 'closed',
    cause: { message: expect.stringContaining('7000 bytes') },
  })
})
