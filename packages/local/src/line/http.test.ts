import { connect as connectSocket } from 'node:net'
import { initTRPC } from '@trpc/server'
import { anonymous, type ConnectRequest, createLine } from '@trunkline/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  echo: t.procedure.input(z.string()).query(({ input }) => input),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})
const page = 'https://app.example'
const session = 'Vq3mPz0cT1eXo8YsQw2LkR'
const asked: ConnectRequest[] = []

let local: LocalLine<typeof router>
beforeAll(async () => {
  local = await startLocalLine({
    ...{ router, line, origins: [page], anonymousMay: 'everything' },
    authorize: (request) => {
      asked.push(request)
      return anonymous
    },
  })
})
afterAll(() => local.close())

const post = (frames: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${local.httpUrl}/frames`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof frames === 'string' ? frames : JSON.stringify(frames),
  })
const echo = (input: string) => ({ id: 1, method: 'query', params: { path: 'echo', input } })

describe('A local line over HTTP', () => {
  test('answers a query without a connection [TL-HTTP-1] [TL-HTTP-5]', async () => {
    const response = await post([echo('grüße "hi"')])
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual([{ id: 1, result: { type: 'data', data: 'grüße "hi"' } }])
  })

  test('opens a connection, follows a channel by polls and closes [TL-HTTP-2] [TL-HTTP-9] [TL-HTTP-14]', async () => {
    const opened = await post([{ id: 'h', method: 'hello' }], { 'trunkline-session': session })
    const headers = {
      'trunkline-session': session,
      'trunkline-connection': opened.headers.get('trunkline-connection') ?? '',
    }
    const send = async (...frames: readonly object[]) =>
      (await (await post(frames, headers)).json()) as { result: Record<string, unknown> }[]
    const subscribe = { id: 's', method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }
    const [started] = await send(subscribe)
    await local.run(() => messages.publish({ room: 'x' }, { text: 'from a script' }))
    await send({ id: 'm', method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'from here' } } })
    const subscriptions = [{ id: 's', ref: 1, from: started?.result['head'] }]
    const answers = await send({ id: 'y', method: 'sync', params: { poll: true, subscriptions } })
    expect(answers.map(({ result }) => result['type'])).toEqual(['synced', 'data', 'data', 'data'])
    expect(answers.at(-1)?.result['data']).toMatchObject({ nextMs: 1_000, more: [] })
    await send({ method: 'close' })
    const gone = await post([echo('')], headers)
    expect([gone.status, await gone.text()]).toEqual([410, '{"reason":"unknown"}'])
    await local.idle()
  })

  test('answers a preflight and names the origin, as deployed [TL-HTTP-6]', async () => {
    const response = await fetch(`${local.httpUrl}/frames`, {
      method: 'OPTIONS',
      headers: { origin: page, 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(page)
    const foreign = await post([echo('')], { origin: 'https://evil.example' })
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null])
    const own = await post([echo('')], { origin: new URL(local.httpUrl).origin })
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, new URL(local.httpUrl).origin])
  })

  test('passes cookies, query and headers as an HTTP API does [TL-HTTP-7]', async () => {
    asked.length = 0
    await fetch(`${local.httpUrl}/frames?tenant=a&tenant=b`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: 'sid=1; theme=dark', Origin: page, 'X-Tenant': 'a' },
      body: JSON.stringify([echo('')]),
    })
    expect(asked[0]).toMatchObject({ cookies: { sid: '1', theme: 'dark' }, origin: page, query: { tenant: 'b' } })
    expect(asked[0]?.headers).toMatchObject({ 'x-tenant': 'a', cookie: 'sid=1; theme=dark' })
    expect(asked[0]?.sourceIp).toMatch(/127\.0\.0\.1$/)
  })

  test('takes a body of other bytes in base64, and refuses it by its content type [TL-HTTP-7]', async () => {
    const response = await fetch(`${local.httpUrl}/frames`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from(JSON.stringify([echo('')])),
    })
    expect(response.status).toBe(415)
  })

  test('refuses a body beyond the bounds of the line with 413, and one beyond 10 MB as the gateway does [TL-HTTP-15]', async () => {
    const large = await post(`[${' '.repeat(1_100_000)}]`)
    expect([large.status, await large.json()]).toMatchObject([413, { reason: 'too-large' }])
    const huge = await post(`[${' '.repeat(10_500_000)}]`)
    expect([huge.status, await huge.json()]).toEqual([413, { message: 'Request Entity Too Large' }])
  })

  test('refuses a host that is no name of this machine', async () => {
    const { port } = new URL(local.httpUrl)
    const answer = await new Promise<string>((resolve) => {
      const socket = connectSocket(Number(port), '127.0.0.1')
      let text = ''
      socket.on('data', (data) => {
        text += String(data)
        socket.end()
      })
      socket.on('close', () => resolve(text))
      socket.write(
        'POST /dev/frames HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]',
      )
    })
    expect(answer).toContain(' 403 ')
  })

  test('leaves the callback API and other paths as they are', async () => {
    expect((await fetch(`${local.httpUrl}/@connections/abc=`)).status).toBe(403)
    expect((await fetch(`${local.httpUrl}/framesx`)).status).toBe(403)
    expect((await fetch(local.httpUrl)).status).toBe(426)
  })

  test('answers for a function that fails, as the gateway does', async () => {
    local.faults.on('function', 'fail', { path: 'http', times: 1 })
    const response = await post([echo('')])
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }])
    expect((await post([echo('')])).status).toBe(200)
  })
})
