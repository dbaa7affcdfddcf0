import { describe, expect, test } from 'vitest'
import { StoreError } from '../../ports/store.ts'
import { createClub, publishIn } from '../../runtime/subscriptions/club.suite.ts'
import { request } from './http-client.suite.ts'
import { createWorld, openWorld } from './http-world.suite.ts'
import { read } from './read-client.suite.ts'

const _texts = (messages: readonly unknown[]) => messages.map((each) => (each as { text: string }).text)
const hour = 3_600_000

describe('A read is refused', () => {
  test.each([
    ['a procedure that does not exist', 'nope', { status: 404, code: 'NOT_FOUND' }],
    ['a query', 'report', { status: 404, code: 'NOT_FOUND' }],
    ['an ephemeral channel', 'onTyping', { status: 501, code: 'NOT_IMPLEMENTED' }],
    ['a generator', 'tokens', { status: 501, code: 'NOT_IMPLEMENTED' }],
    ['another generator', 'disguised', { status: 501, code: 'NOT_IMPLEMENTED' }],
  ])('for %s [TL-READ-1]', async (_, path, { status, code }) => {
    const world = openWorld()
    for (const method of ['GET', 'HEAD']) {
      const response = await read(world, path, { method })
      expect(response.statusCode).toBe(status)
      if (method === 'GET')
        expect(JSON.parse(response.body)).toMatchObject({ error: { data: { code, httpStatus: status } } })
    }
    expect(world.invoked).toEqual([])
  })

  test('for an input that the procedure refuses, that is no JSON, or too deep: 400 [TL-READ-1]', async () => {
    const world = openWorld()
    const invalid = await read(world, 'live', { input: { room: 7 } })
    expect([invalid.statusCode, JSON.parse(invalid.body).error.data.code]).toEqual([400, 'BAD_REQUEST'])
    for (const input of ['{room}', `${'['.repeat(63)}${']'.repeat(63)}`]) {
      const query = `input=${encodeURIComponent(input)}`
      expect((await request(world, { method: 'GET', path: '/read/live', query })).statusCode).toBe(400)
    }
  })

  test('for another method: 405, and nothing runs [TL-READ-1]', async () => {
    const world = openWorld()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const response = await read(world, 'live', { method })
      expect([response.statusCode, response.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS'])
    }
    expect(world.ran).toEqual([])
  })

  test('for a caller that `authorize` denies, a banned one and one whose authority is over: 401 [TL-READ-1]', async () => {
    const world = openWorld()
    const headers = { authorization: 'Bearer ann' }
    const ban = new Date(world.clock.now() + hour)
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam', ban }))
    const banned = await read(world, 'live', { headers })
    expect([banned.statusCode, banned.headers['www-authenticate'], JSON.parse(banned.body).error.message]).toEqual([
      401,
      'Bearer',
      'spam',
    ])
    await world.clock.advance(hour)
    const expired = await read(world, 'live', { headers })
    expect([expired.statusCode, JSON.parse(expired.body).line.code]).toEqual([401, 'AUTH_EXPIRED'])
    expect(world.ran).toEqual([])
  })

  test('for an anonymous caller of a procedure that is not open to it: 401 [TL-READ-1]', async () => {
    const world = openWorld({ anonymousMay: 'declared' })
    expect((await read(world, 'live')).statusCode).toBe(401)
    expect(world.ran).toEqual([])
  })

  test('for a caller whom the channel refuses: 403, and nothing is written [TL-READ-1] [TL-RIGHT-1]', async () => {
    const club = createClub()
    await publishIn(club, 'club')
    const as = (token: string) => read(club, 'live', { headers: { authorization: `Bearer ${token}` } })
    const refused = await as('y')
    expect([refused.statusCode, JSON.parse(refused.body).error.data.code]).toEqual([403, 'FORBIDDEN'])
    expect((await as('x')).statusCode).toBe(200)
  })

  test('for a page of another origin: 403; a preflight names the methods and headers of a read [TL-READ-1]', async () => {
    const world = openWorld({ origins: ['https://app.example'] })
    const foreign = await read(world, 'live', { headers: { origin: 'https://evil.example' } })
    expect([foreign.statusCode, foreign.headers['access-control-allow-origin']]).toEqual([403, undefined])
    expect(world.ran).toEqual([])
    const headers = { origin: 'https://app.example' }
    expect((await read(world, 'live', { method: 'OPTIONS', headers })).headers).toMatchObject({
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('If-None-Match'),
      'access-control-allow-origin': 'https://app.example',
    })
    const allowed = await read(world, 'live', { headers })
    expect(allowed.headers['access-control-expose-headers']).toContain('Stream-Next-Offset')
  })

  test('beyond the rate of subscribes: 429 with Retry-After [TL-READ-1] [TL-RATE-1]', async () => {
    const world = openWorld({ rates: { principal: { subscribes: '1000/s' } } })
    world.clock.random = () => 0 // each one is sampled
    const headers = { authorization: 'Bearer ann' }
    let limited: Awaited<ReturnType<typeof read>> | undefined
    for (let n = 0; n < 110 && limited?.statusCode !== 429; n++)
      limited = await read(world, 'live', { headers, method: 'HEAD' })
    expect(limited?.statusCode).toBe(429)
    expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('while the table cannot be read: 503 with Retry-After, in words without a table name [TL-READ-1]', async () => {
    const failed = () => Promise.reject(new StoreError('readSlotsBefore', false, { cause: new Error('table') }))
    const world = createWorld({ store: (store) => ({ ...store, readSlotsBefore: failed }) })
    const response = await read(world, 'live')
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
    expect(JSON.parse(response.body).error.message).toBe('The service is temporarily unavailable.')
  })
})

describe('The address of a read', () => {
  test.each(['/read/live', '/dev/read/live', '/base/path/read/live', '/read/read/live', '/read/%6Cive'])(
    'may have a stage or a base path in front: %s [TL-READ-1]',
    async (path) => {
      const query = `input=${encodeURIComponent('{"room":"x"}')}`
      expect((await request(openWorld(), { method: 'GET', path, query })).statusCode).toBe(200)
    },
  )
  test.each([
    ['/read', 404],
    ['/read/', 404],
    ['/reads/live', 404],
    ['/read/a/b', 404],
    ['/read/%ff', 400],
  ])('of another form is refused: %s', async (path, status) => {
    expect((await request(openWorld(), { method: 'GET', path })).statusCode).toBe(status)
  })
  test('gives cookies to `authorize` only for a page of an allowed or of the same origin [TL-READ-1] [TL-HTTP-7]', async () => {
    const seen: unknown[] = []
    const world = openWorld({
      origins: ['https://app.example'],
      authorize: ({ cookies }) => {
        seen.push(cookies['sid'])
        return { principal: 'ann', claims: {}, expiresAt: new Date(1_800_003_600_000) }
      },
    })
    const cookies = ['sid=1']
    await read(world, 'live', { cookies })
    await read(world, 'live', { cookies, headers: { 'sec-fetch-site': 'cross-site' } })
    await read(world, 'live', { cookies, headers: { 'sec-fetch-site': 'same-origin' } })
    await read(world, 'live', { cookies, headers: { origin: 'https://app.example' } })
    expect(seen).toEqual([undefined, undefined, '1', '1'])
  })
})
