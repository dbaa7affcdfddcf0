import { initTRPC } from '@trpc/server'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestLine, type TestLine } from '../lambda/test-line.suite.ts'
import { createKey, type Issuer, startIssuer } from './issuer.suite.ts'
import { jwtAuthorizer } from './jwt-authorizer.ts'

const t = initTRPC.context<{ readonly user: string | null; readonly scope?: string }>().create()
const router = t.router({ who: t.procedure.query(({ ctx }) => ctx) })
const who = { id: 1, method: 'query', params: { path: 'who' } }
const auth = (token: string) => ({ id: 4, method: 'auth', params: { token } })
const start = 1_800_000_000 // of the line's clock, in seconds

let issuer: Issuer
let line: TestLine
beforeEach(async () => {
  issuer = await startIssuer(await createKey('k1'))
  const { url, jwksUri } = issuer
  line = createTestLine({
    router,
    authorize: jwtAuthorizer({
      ...{ issuer: url, audience: 'line', jwksUri, log: () => {}, maxAgeSeconds: 1 },
      clock: { now: () => line.clock.now() },
    }),
    createContext: ((call: { principal: string | null; claims?: { scope?: string } }) => ({
      user: call.principal,
      scope: call.claims?.scope,
    })) as never,
    onError: () => {},
  })
})
afterEach(async () => {
  vi.useRealTimers()
  await issuer.close()
})

const sign = (scope: string, seconds: number) => issuer.sign({ scope, exp: start + seconds })

describe('a token on a line', () => {
  test('names the caller to procedures, and another one renews it in place', async () => {
    const ann = await line.connect({ token: await sign('read', 60) })
    expect(await ann.send(who)).toMatchObject({ result: { data: { user: 'ann', scope: 'read' } } })
    expect(await ann.send(auth(await sign('write', 600)))).toEqual({
      id: 4,
      result: { type: 'authorized', authExpires: (start + 600) * 1_000 },
    })
    await line.clock.advance(61_000)
    expect(await ann.send(who)).toMatchObject({ result: { data: { user: 'ann', scope: 'write' } } })
  })

  test('of a stock client comes as the connection parameter `token` and names the caller', async () => {
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await ann.send({ method: 'connectionParams', data: { token: await sign('read', 60), lang: 'en' } })
    expect(await ann.send(who)).toMatchObject({ result: { data: { user: 'ann', scope: 'read' } } })
    expect(JSON.stringify(await line.store.readConnection(ann.connectionId))).not.toContain('"refused"')
  })

  test.each([
    ['is wrong', async () => ({ token: await issuer.sign({ aud: 'other', exp: start + 60 }) }), 'another audience'],
    ['is missing', async () => ({ lang: 'en' }), 'No token was sent.'],
    ['is missing, as all parameters', async () => null, 'No token was sent.'],
  ])('of a stock client that %s is refused with the reason', async (_, data, reason) => {
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await ann.send({ method: 'connectionParams', data: await data() })
    await ann.send(who)
    expect(ann.frames().at(-1)).toMatchObject({ id: 1, error: { message: expect.stringContaining(reason) } })
  })

  test('may not be left out by a handshake that announces nothing', async () => {
    const ann = await line.connect({ stock: true, query: { connectionParams: '0' } })
    await ann.send(who)
    expect(ann.frames().at(-1)).toMatchObject({ id: 1, error: { message: 'No token was sent.' } })
  })

  test('that is wrong is refused at the handshake and by `auth`, with the reason', async () => {
    const refused = 'This token is for another audience.'
    const wrong = await issuer.sign({ aud: 'other', exp: start + 60 })
    const bob = await line.connect({ token: wrong })
    await bob.send({ id: 1, method: 'hello' })
    expect(bob.frames()).toMatchObject([{ id: 1, result: { type: 'hello', refused } }])
    const ann = await line.connect({ token: await sign('read', 60) })
    expect(await ann.send(auth(wrong))).toMatchObject({ id: 4, refused })
  })

  test('that cannot be checked is not refused: the handshake throws, and the open connection goes on', async () => {
    const ann = await line.connect({ token: await sign('read', 60) })
    const fresh = await sign('write', 600)
    issuer.answer = (_, response) => response.writeHead(503).end('secret page')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_000 }) // the keys are too old
    await expect(line.connect({ token: fresh })).rejects.toThrow('The token could not be checked')
    const answer = await ann.send(auth(fresh))
    expect(answer).toMatchObject({ id: 4, error: { data: { code: 'INTERNAL_SERVER_ERROR' } } })
    expect(answer).not.toHaveProperty('refused')
    expect(JSON.stringify(answer)).not.toMatch(/secret|127\.0\.0\.1|jwks/)
    expect(await ann.send(who)).toMatchObject({ result: { data: { user: 'ann', scope: 'read' } } })

    issuer.answer = undefined
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_000 })
    expect(await ann.send(auth(fresh))).toMatchObject({ result: { type: 'authorized' } })
  })
})
