import { afterEach, describe, expect, test } from 'vitest'
import { anonymous, deny } from '../../define/identity.ts'
import { createRoom, type Room, type RoomOptions } from '../../runtime/subscriptions/room.suite.ts'
import { framesOf, httpSession, mutationFrame, openHttp, queryFrame, request } from './http-client.suite.ts'

const rooms: Room[] = []
const openRoom = (options: RoomOptions = {}) => {
  const room = createRoom({ authorize: byToken, ...options })
  rooms.push(room)
  return room
}
afterEach(() => {
  for (const room of rooms.splice(0)) expect(room.misdirected).toEqual([])
})

/** `ann`, `bob` for an hour; `late` has expired; `denied` is refused; none is anonymous. */
function byToken({ token, cookies }: { readonly token: string | undefined; readonly cookies: object }) {
  const name = token ?? (cookies as { readonly sid?: string }).sid
  if (name === undefined) return anonymous
  if (name === 'denied') return deny('Your trial has ended.')
  return {
    principal: name,
    claims: { name },
    expiresAt: new Date(1_800_000_000_000 + (name === 'late' ? -1 : 3_600_000)),
  }
}

const hello = [{ id: 'h1', method: 'hello' }]

describe('hello over HTTP', () => {
  test('opens a connection, and names it in a header [TL-HTTP-2]', async () => {
    const room = openRoom()
    const response = await request(room, {
      headers: { 'trunkline-session': httpSession, authorization: 'Bearer ann' },
      body: hello,
    })
    expect(response.statusCode).toBe(200)
    const { 'trunkline-connection': connectionId = '', ...headers } = response.headers
    expect(connectionId).toMatch(/^http-[0-9a-z]{22}$/)
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(framesOf(response)).toEqual([
      {
        id: 'h1',
        result: {
          type: 'hello',
          session: httpSession,
          time: room.clock.now(),
          limits: {
            ...{ frameBytes: 1_048_576, messageBytes: 2_097_152, idleMs: 7_200_000, lifetimeMs: 7_200_000 },
            ...{ maxMessageBytes: 1_048_576, batchSize: 100, pollMs: 1_000, waitMs: 0 },
          },
          authExpires: room.clock.now() + 3_600_000,
          transformer: false,
        },
      },
    ])
    expect(await room.store.readConnection(connectionId)).toEqual({
      ...{ connectionId, state: 'OPEN', via: 'http', session: httpSession, principal: 'ann', claims: '{"name":"ann"}' },
      ...{ authExp: room.clock.now() + 3_600_000, extensions: true, expectsParams: false },
      ...{ openedAt: room.clock.now(), issuedAt: room.clock.now() },
      expires: (room.clock.now() + 7_800_000) / 1_000,
    })
  })

  test('serves the other frames of the request under the new connection [TL-HTTP-2]', async () => {
    const room = openRoom()
    const frames = [...hello, queryFrame(1, 'whoami')]
    const headers = { 'trunkline-session': httpSession, authorization: 'Bearer ann' }
    const answers = framesOf(await request(room, { headers, body: frames }))
    expect(answers).toContainEqual({ id: 1, result: { type: 'data', data: 'you' } })
  })

  test.each([
    ['without a session', {}],
    ['with a session of 15 characters', { 'trunkline-session': 'x'.repeat(15) }],
    ['with two sessions', { 'trunkline-session': `${httpSession}, ${httpSession}` }],
    ['with a session of other characters', { 'trunkline-session': 'session with a space' }],
  ])('%s is malformed, and nothing is written [TL-HTTP-2]', async (_, headers) => {
    const room = openRoom({ authorize: () => expect.fail('authorize ran') })
    const response = await request(room, { headers, body: hello })
    expect(response.statusCode).toBe(400)
    expect(JSON.parse(response.body)).toMatchObject({
      reason: 'malformed',
      message: expect.stringContaining('Trunkline-Session'),
    })
  })

  test('of a refused caller has the reason, opens nothing and runs nothing [TL-HTTP-3]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const response = await request(room, {
      headers: { 'trunkline-session': httpSession, authorization: 'Bearer denied' },
      body: [...hello, mutationFrame(1, 'tell', { input: { room: 'x', text: 'a' } })],
    })
    expect(response.headers['trunkline-connection']).toBeUndefined()
    expect(framesOf(response)).toMatchObject([
      { id: 'h1', result: { refused: 'Your trial has ended.' } },
      { id: 1, error: { message: 'Your trial has ended.', data: { code: 'UNAUTHORIZED' } } },
    ])
    expect(effects).toEqual([])
  })

  test('that comes twice opens a second connection, and the first one goes on', async () => {
    const room = openRoom()
    const [first, second] = [await openHttp(room), await openHttp(room)]
    expect(first.connectionId).not.toBe(second.connectionId)
    for (const client of [first, second])
      expect(await client.send({ id: 2, method: 'hello' })).toMatchObject([{ id: 2, result: { type: 'hello' } }])
  })
})

describe('A request with a connection', () => {
  test('runs its frames as the caller that opened it, by one read of the row [TL-HTTP-4]', async () => {
    const reads: string[] = []
    const room = openRoom({
      store: (store) =>
        new Proxy(store, {
          get: (target, name) => {
            const found: unknown = Reflect.get(target, name)
            if (typeof found !== 'function') return found
            return (...args: unknown[]) => {
              reads.push(String(name))
              return Reflect.apply(found, target, args) as unknown
            }
          },
        }),
    })
    const client = await openHttp(room, { token: 'ann' })
    reads.length = 0
    expect(await client.send(queryFrame(1, 'whoami'), queryFrame('1', 'echo', { room: 'x', text: 'hi' }))).toEqual(
      expect.arrayContaining([
        { id: 1, result: { type: 'data', data: 'you' } },
        { id: '1', result: { type: 'data', data: 'hi' } },
      ]),
    )
    expect(reads).toEqual(['readConnection'])
  })

  test('and a wrong session, of another client or of none, is unknown: the same bytes, and nothing runs [TL-HTTP-4]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const client = await openHttp(room, { token: 'ann' })
    const socket = await room.connect({ session: httpSession })
    const body = [mutationFrame(1, 'tell', { input: { room: 'x', text: 'a' } })]
    const closed = await openHttp(room, { token: 'ann' })
    await closed.send({ method: 'close' })
    const wrong = [
      { 'trunkline-connection': client.connectionId, 'trunkline-session': 'another-session-012345' },
      { 'trunkline-connection': `http-${'0'.repeat(22)}`, 'trunkline-session': httpSession },
      { 'trunkline-connection': socket.connectionId, 'trunkline-session': httpSession },
      { 'trunkline-connection': 'x'.repeat(5_000), 'trunkline-session': httpSession },
      { 'trunkline-connection': closed.connectionId, 'trunkline-session': httpSession },
    ]
    for (const headers of wrong) {
      const response = await request(room, { headers, body })
      expect([response.statusCode, response.body]).toEqual([410, '{"reason":"unknown"}'])
    }
    expect(effects).toEqual([])
  })

  test('and no session is malformed', async () => {
    const room = openRoom()
    const { connectionId } = await openHttp(room)
    const response = await request(room, { headers: { 'trunkline-connection': connectionId }, body: hello })
    expect(response.statusCode).toBe(400)
  })

  test('that is older than 2 h and 10 min is over: 410 with the reason [TL-HTTP-4]', async () => {
    const room = openRoom()
    const client = await openHttp(room)
    await room.clock.advance(7_799_000)
    expect((await client.post([])).statusCode).toBe(200)
    await room.clock.advance(1_000)
    expect(await client.post([])).toMatchObject({ statusCode: 410, body: '{"reason":"expired"}' })
  })

  test('whose authority ended is answered with AUTH_EXPIRED until `auth` renews it [TL-HTTP-4]', async () => {
    const room = openRoom({
      authorize: ({ token }) =>
        token === undefined
          ? anonymous
          : { principal: 'ann', claims: {}, expiresAt: new Date(1_800_000_000_000 + Number(token)) },
    })
    const client = await openHttp(room, { token: '60000' })
    await room.clock.advance(60_000)
    expect(await client.send(queryFrame(1, 'whoami'))).toMatchObject([{ id: 1, line: { code: 'AUTH_EXPIRED' } }])
    expect(await client.send({ id: 'a', method: 'auth', params: { token: '120000' } })).toMatchObject([
      { id: 'a', result: { type: 'authorized', authExpires: 1_800_000_120_000 } },
    ])
    expect(await client.send(queryFrame(2, 'whoami'))).toMatchObject([{ id: 2, result: { data: 'you' } }])
  })

  test('ends by `close`, after the other frames of the request; a second one finds nothing [TL-HTTP-14]', async () => {
    const room = openRoom()
    const client = await openHttp(room)
    expect(await client.send({ method: 'close' }, queryFrame(1, 'whoami'))).toMatchObject([{ id: 1 }])
    expect((await room.store.readConnection(client.connectionId))?.state).toBe('CLOSED')
    expect((await client.post([{ method: 'close' }])).statusCode).toBe(410)
  })

  test('runs a keyed mutation once, however often its request comes [TL-KEY-1]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const client = await openHttp(room, { token: 'ann' })
    const key = `auto.${room.clock.now().toString(36)}.0cT1eXo8YsVq3mPz7Rk2Qa`
    const frame = mutationFrame('m', 'pay', { input: { room: 'x', text: 'a' }, key })
    const first = await client.send(frame)
    expect(await client.send(frame)).toEqual(first)
    const other = await openHttp(room, { token: 'ann', session: 'another-session-012345' })
    expect(await other.send(frame)).toEqual(first)
    expect(effects).toEqual(['a'])
  })
})

describe('`close` over a socket', () => {
  test('is malformed [TL-HTTP-14]', async () => {
    const client = await openRoom().connect()
    expect(await client.send({ method: 'close' })).toMatchObject({ id: null, line: { code: 'MALFORMED' } })
  })
})

describe('A request without a connection', () => {
  const session = { 'trunkline-session': httpSession }
  const input = { room: 'x', text: 'a' }

  test('runs queries and mutations as the caller of `authorize`, and reads no row [TL-HTTP-5]', async () => {
    const room = openRoom({ store: (store) => ({ ...store, readConnection: () => expect.fail('a row was read') }) })
    const body = [queryFrame(1, 'whoami'), mutationFrame(2, 'post', { input })]
    const response = await request(room, { headers: { authorization: 'Bearer ann' }, body })
    expect(framesOf(response)).toMatchObject([
      { id: 1, result: { data: 'you' } },
      { id: 2, result: { data: { id: expect.any(String) } } },
    ])
    expect(response.headers['trunkline-connection']).toBeUndefined()
  })

  test('refuses each frame that needs a connection, and runs the others [TL-HTTP-5]', async () => {
    const room = openRoom()
    const refused = [
      { id: 1, method: 'subscription', params: { path: 'live', input: { room: 'x' } } },
      { id: 2, method: 'sync', params: { subscriptions: [] } },
      { id: 3, method: 'subscription.stop' },
      { id: 4, method: 'auth', params: { token: 'ann' } },
      { id: 5, method: 'cancel' },
    ]
    const answers = framesOf(await request(room, { body: [...refused, { method: 'close' }, queryFrame(6, 'whoami')] }))
    expect(answers).toHaveLength(7)
    for (const { id } of refused)
      expect(answers).toContainEqual(
        expect.objectContaining({ id, line: { code: 'MALFORMED', retry: 'never', mayHaveRun: false } }),
      )
    expect(answers).toContainEqual(expect.objectContaining({ id: 6, result: { type: 'data', data: 'you' } }))
  })

  test('has the key of an anonymous caller only with a session [TL-HTTP-5]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const key = `auto.${room.clock.now().toString(36)}.0cT1eXo8YsVq3mPz7Rk2Qa`
    const body = [mutationFrame('m', 'pay', { input, key })]
    expect(framesOf(await request(room, { body }))).toMatchObject([{ id: 'm', line: { code: 'MALFORMED' } }])
    expect(effects).toEqual([])
    const first = framesOf(await request(room, { headers: session, body }))
    expect(framesOf(await request(room, { headers: session, body }))).toEqual(first)
    expect(effects).toEqual(['a'])
    expect(framesOf(await request(room, { headers: { authorization: 'Bearer ann' }, body }))).toMatchObject([
      { id: 'm', result: { data: { run: 2 } } },
    ])
  })

  test('of a refused caller, or with an authority that has ended, runs nothing [TL-HTTP-5]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const body = [mutationFrame('m', 'tell', { input })]
    const send = async (token: string) =>
      framesOf(await request(room, { headers: { authorization: `Bearer ${token}` }, body }))
    expect(await send('denied')).toMatchObject([{ id: 'm', error: { message: 'Your trial has ended.' } }])
    expect(await send('late')).toMatchObject([{ id: 'm', line: { code: 'AUTH_EXPIRED' } }])
    expect(effects).toEqual([])
  })

  test('is another one in the context of each request by its connection id [TL-HTTP-5]', async () => {
    const seen: string[] = []
    const room = openRoom({
      createContext: ((facts: { readonly connectionId: string }) => {
        seen.push(facts.connectionId)
        return {}
      }) as never,
    })
    await request(room, { body: [queryFrame(1, 'whoami')] })
    await request(room, { body: [queryFrame(1, 'whoami')] })
    expect(seen).toHaveLength(2)
    expect(seen[0]).not.toBe(seen[1])
    expect(seen[0]).toMatch(/^http-/)
  })
})
