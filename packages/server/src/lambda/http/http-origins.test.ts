import { initTRPC } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import { anonymous, type ConnectRequest, deny } from '../../define/identity.ts'
import { recordingTelemetry } from '../recording-telemetry.suite.ts'
import { createTestLine } from '../test-line.suite.ts'
import { framesOf, httpSession, openHttp, queryFrame, request } from './http-client.suite.ts'
import type { HttpResponse } from './http-response.ts'

const t = initTRPC.create()
const router = t.router({ whoami: t.procedure.query(() => 'you') })
const own = 'https://app.example'
const body = [queryFrame(1, 'whoami')]

function openLine() {
  const seen: ConnectRequest[] = []
  const made = createTestLine({
    router,
    origins: [own],
    authorize: (asked) => {
      seen.push(asked)
      return anonymous
    },
    anonymousMay: 'everything',
    telemetry: { kind: 'none', begin: () => ({ measure: () => {}, log: () => {}, end: () => {} }) },
  })
  return { made, seen }
}

/** The members of a response that a browser reads before it lets a page read the rest. */
const corsOf = ({ headers }: HttpResponse) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary)/.test(name)))

describe('A preflight', () => {
  test('of an allowed origin is answered exactly, without a gateway [TL-HTTP-6]', async () => {
    const { made, seen } = openLine()
    const response = await request(made, { method: 'OPTIONS', headers: { origin: own, 'content-type': undefined } })
    expect(response).toEqual({
      statusCode: 204,
      headers: {
        vary: 'Origin',
        'access-control-allow-origin': own,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': 'Authorization, Content-Type, Trunkline-Connection, Trunkline-Session',
        'access-control-max-age': '7200',
        'access-control-expose-headers': 'Retry-After, Trunkline-Connection',
      },
      body: '',
    })
    expect(seen).toEqual([])
  })
  test.each(['https://evil.example', 'null', 'https://app.example.evil.example', 'http://app.example', ''])(
    'of %j is refused, and so is a request of it: nothing runs [TL-HTTP-6]',
    async (origin) => {
      const { made, seen } = openLine()
      for (const method of ['OPTIONS', 'POST']) {
        const response = await request(made, {
          ...{ method, body, cookies: ['sid=ann'] },
          headers: { Origin: origin, 'sec-fetch-site': 'same-origin' },
        })
        expect(response.statusCode).toBe(403)
        expect(JSON.parse(response.body)).toMatchObject({ reason: 'origin' })
        expect(corsOf(response)).toEqual({ vary: 'Origin' })
      }
      expect(seen).toEqual([])
    },
  )
})

describe('Every response to a page of an allowed origin', () => {
  test.each<[string, Parameters<typeof request>[1], number]>([
    ['200', { body }, 200],
    ['400', { body: '{' }, 400],
    ['404', { path: '/other', body }, 404],
    ['405', { method: 'PUT', body }, 405],
    ['410', { body, headers: { 'trunkline-connection': 'http-1', 'trunkline-session': httpSession } }, 410],
    ['415', { body, headers: { 'content-type': 'text/plain' } }, 415],
  ])('%s names the origin, so that the page can read it [TL-HTTP-6]', async (_, options, statusCode) => {
    const { made } = openLine()
    const response = await request(made, { ...options, headers: { origin: own, ...options?.headers } })
    expect(response.statusCode).toBe(statusCode)
    expect(corsOf(response)).toMatchObject({ vary: 'Origin', 'access-control-allow-origin': own })
    expect(response.headers['x-content-type-options']).toBe('nosniff')
    expect(response.headers['cache-control']).toBe('no-store')
  })
  test('also when `authorize` throws [TL-HTTP-6]', async () => {
    const made = createTestLine({ router, origins: [own], authorize: () => Promise.reject(new Error('no keys')) })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await request(made, { headers: { origin: own }, body })
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
    expect(corsOf(response)).toMatchObject({ 'access-control-allow-origin': own })
    expect(response.body).not.toContain('no keys')
    vi.restoreAllMocks()
  })
})

describe('Cookies', () => {
  const cases: readonly (readonly [string | undefined, string | undefined, boolean])[] = [
    [own, undefined, true],
    [own, 'same-origin', true],
    [own, 'cross-site', true], // the origin is trusted
    [undefined, 'same-origin', true],
    [undefined, 'same-site', false],
    [undefined, 'cross-site', false],
    [undefined, 'none', false],
    [undefined, undefined, false],
    [undefined, 'Same-Origin', false],
  ]
  test.each(cases)('with Origin %s and Sec-Fetch-Site %s count: %s [TL-HTTP-7]', async (origin, site, count) => {
    for (const cookies of [{ cookies: ['sid=ann', 'theme=dark'] }, { headers: { Cookie: 'sid=ann; theme=dark' } }]) {
      const { made, seen } = openLine()
      const headers = { origin, 'sec-fetch-site': site, ...('headers' in cookies ? cookies.headers : {}) }
      await request(made, { ...cookies, body, headers })
      expect({ ...seen[0]?.cookies }).toEqual(count ? { sid: 'ann', theme: 'dark' } : {})
      expect(seen[0]?.headers['cookie']).toBe(count ? 'sid=ann; theme=dark' : undefined)
    }
  })
})

describe('A form of a foreign page', () => {
  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '', undefined])(
    'with content type %s reaches nothing, also without an Origin [TL-HTTP-7]',
    async (type) => {
      const { made, seen } = openLine()
      const response = await request(made, { body, cookies: ['sid=ann'], headers: { 'content-type': type } })
      expect(response.statusCode).toBe(415)
      expect(JSON.parse(response.body)).toMatchObject({ reason: 'content-type' })
      expect(seen).toEqual([])
    },
  )
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
    'is another one than %s',
    async (type) => {
      const { made } = openLine()
      expect((await request(made, { body, headers: { 'content-type': type } })).statusCode).toBe(200)
    },
  )
})

describe('What `authorize` gets', () => {
  test('is the request: token, headers, query, origin and address [TL-HTTP-2]', async () => {
    const { made, seen } = openLine()
    await request(made, {
      headers: { authorization: 'Bearer eyJ.x-_~+/=', 'X-Tenant': 'a', origin: own, 'trunkline-session': httpSession },
      query: 'a=1&a=2&b=%20',
      body: [{ id: 1, method: 'hello' }],
    })
    expect(seen).toMatchObject([
      { token: 'eyJ.x-_~+/=', origin: own, sourceIp: '192.0.2.1', subprotocols: [], query: { b: ' ' } },
    ])
    expect(seen[0]?.headers['x-tenant']).toBe('a')
  })
  test.each(['Basic YTpi', 'Bearer', 'Bearer a b', ''])('has no token for Authorization: %s', async (authorization) => {
    const { made, seen } = openLine()
    await request(made, { headers: { authorization }, body })
    expect(seen[0]?.token).toBeUndefined()
  })
  test('does not have the session, which is a secret [TL-HS-7]', async () => {
    const { made, seen } = openLine()
    await openHttp(made)
    expect(JSON.stringify(seen)).not.toContain(httpSession)
  })
  test('is a token of at most 7,000 bytes [TL-LIM-9]', async () => {
    const { made, seen } = openLine()
    const headers = { authorization: `Bearer ${'x'.repeat(7_001)}`, 'trunkline-session': httpSession }
    expect(framesOf(await request(made, { headers, body: [{ id: 1, method: 'hello' }] }))).toMatchObject([
      { result: { refused: expect.stringContaining('7000') } },
    ])
    expect(seen).toEqual([])
  })
})

describe('A refusal', () => {
  test('of an origin or of a caller is counted, and recorded as an audit event without a secret', async () => {
    const recorded = recordingTelemetry()
    const made = createTestLine({ router, origins: [own], authorize: () => deny('No.'), telemetry: recorded.telemetry })
    await request(made, { headers: { origin: 'https://evil.example' }, body })
    await request(made, { headers: { 'trunkline-session': httpSession }, body: [{ id: 1, method: 'hello' }] })
    expect(recorded.audits).toMatchObject([
      { action: 'deny', reason: 'foreign origin', facts: { origin: 'https://evil.example' } },
      { action: 'deny', reason: 'No.', sessionId: expect.stringMatching(/^.{22}$/) },
    ])
    expect(JSON.stringify(recorded)).not.toContain(httpSession)
  })
})
