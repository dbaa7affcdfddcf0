import { describe, expect, test } from 'vitest'
import { windowOf } from '../../runtime/rates/window.ts'
import { recordingTelemetry } from '../recording-telemetry.suite.ts'
import { settle } from '../test-line.suite.ts'
import { framesOf, httpSession, mutationFrame, openHttp, queryFrame, request } from './http-client.suite.ts'
import { createWorld, type HttpWorld, openWorld, subscribeFrame } from './http-world.suite.ts'

const hour = 3_600_000
const post = { id: 'm', method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'a' } } }

describe('A kick of a connection over HTTP', () => {
  test('answers its next request with 410 and the reason, and nothing runs [TL-HTTP-4] [TL-KICK-1]', async () => {
    const world = openWorld()
    const client = await openHttp(world, { token: 'ann' })
    await client.send(subscribeFrame('s', 'live'))
    world.ran.length = 0
    const ban = new Date(world.clock.now() + hour)
    const { line } = world
    const kick = () => line.kick({ principal: 'ann', reason: 'spam', ban })
    expect(await line.withBackend(world.backend, kick)).toEqual({ connections: 1 })
    const response = await client.post([post])
    expect([response.statusCode, JSON.parse(response.body)]).toEqual([
      410,
      { reason: 'kicked', message: 'spam', until: ban.getTime() },
    ])
    expect(world.ran).toEqual([])
  })

  test('refuses a banned principal at hello and in a request without a connection [TL-HTTP-5] [TL-KICK-3]', async () => {
    const world = openWorld()
    const ban = new Date(world.clock.now() + hour)
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam', ban }))
    const { hello, connectionId } = await openHttp(world, { token: 'ann' })
    expect([hello.result?.['refused'], connectionId]).toEqual(['spam', ''])
    const headers = { authorization: 'Bearer ann' }
    expect(framesOf(await request(world, { headers, body: [post] }))).toMatchObject([
      { id: 'm', error: { message: 'spam', data: { code: 'UNAUTHORIZED' } } },
    ])
    expect(world.ran).toEqual([])
    expect((await openHttp(world, { token: 'bob' })).connectionId).not.toBe('')
  })

  test('is audited once for each request that it refuses, and counted once', async () => {
    const { telemetry, audits, sums } = recordingTelemetry()
    const world = openWorld({ telemetry })
    const ban = new Date(world.clock.now() + hour)
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam', ban }))
    audits.length = 0
    await openHttp(world, { token: 'ann' })
    await request(world, { headers: { authorization: 'Bearer ann' }, body: [post] })
    expect(audits).toMatchObject(Array.from({ length: 2 }, () => ({ action: 'deny', reason: 'spam' })))
    expect(audits).toHaveLength(2)
    expect(sums.get('refused')).toBe(2)
  })

  test('while a request runs answers that request with 410 [TL-HTTP-4] [TL-KICK-2]', async () => {
    let release = (_: unknown) => {}
    const world = createWorld({
      store: (store) => ({
        ...store,
        readSlotsBefore: async (...args) => {
          await new Promise((resolve) => {
            release = resolve
          })
          return store.readSlotsBefore(...args)
        },
      }),
    })
    const client = await openHttp(world, { token: 'ann' })
    const answered = client.post([subscribeFrame('s', 'live')])
    await settle()
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam' }))
    await world.clock.advance(3_500)
    release(undefined)
    const response = await answered
    expect([response.statusCode, JSON.parse(response.body)]).toEqual([410, { reason: 'kicked', message: 'spam' }])
    expect(world.misdirected).toEqual([])
  })
})

describe('A kick of the caller of a request without a connection', () => {
  const headers = { authorization: 'Bearer ann', 'trunkline-session': httpSession }
  const kick = (world: HttpWorld) =>
    world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam' }))

  test('while it runs answers it with 410 [TL-HTTP-5] [TL-KICK-2]', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const world = createWorld({
      store: (store) => ({
        ...store,
        readSlotsBefore: async (...args) => {
          await released
          return store.readSlotsBefore(...args)
        },
      }),
    })
    const answered = request(world, { headers, body: [post] })
    await settle()
    await kick(world)
    await world.clock.advance(3_500)
    release()
    const response = await answered
    expect([response.statusCode, JSON.parse(response.body)]).toEqual([
      410,
      { reason: 'kicked', message: 'The server has ended this request, since its caller was kicked.' },
    ])
  })
  test('ends its long mutation before it begins [TL-HTTP-5] [TL-KICK-2]', async () => {
    const world = openWorld()
    await request(world, { headers, body: [mutationFrame('l', 'work', { key: 'own.l' })] })
    expect(world.invoked).toHaveLength(1)
    await kick(world)
    await world.work()
    expect(world.ran).toEqual([])
  })
})

describe('The hooks of a connection', () => {
  test('are called for one over HTTP: at hello and at close, once [TL-HTTP-2] [TL-HTTP-14]', async () => {
    const calls: unknown[] = []
    const world = openWorld({
      onConnect: (info) => void calls.push(['connect', info.principal, info.connectionId]),
      onDisconnect: (info) => void calls.push(['disconnect', info.connectionId, info.kicked]),
    })
    const client = await openHttp(world, { token: 'ann' })
    await client.send(queryFrame(1, 'nope'))
    await client.send({ method: 'close' })
    expect(calls).toEqual([
      ['connect', 'ann', client.connectionId],
      ['disconnect', client.connectionId, false],
    ])
  })
  test('are called for one over HTTP that is above twice its rate, and nothing leads to it then [TL-RATE-2]', async () => {
    const calls: unknown[] = []
    const world = openWorld({
      rates: { connection: { frames: '1000/s' } },
      onDisconnect: ({ connectionId, reason }) => void calls.push([connectionId, reason]),
    })
    world.clock.random = () => 0 // each frame is sampled
    const client = await openHttp(world, { token: 'ann' })
    const window = windowOf(client.connectionId, 1_000, world.clock.now())
    const counter = { owner: client.connectionId, what: 'connection.frames', ...window }
    await world.store.addToRate({ ...counter, amount: 2_000 })
    await client.send(queryFrame(1, 'nope'))
    expect(calls).toEqual([[client.connectionId, 'above its rate']])
    expect(await world.store.readPrincipalConnections('ann')).toEqual([])
    expect((await client.post([])).statusCode).toBe(410)
  })
  test('that end the connection refuse its hello', async () => {
    const world = openWorld({
      onConnect: async ({ connectionId }) => void (await world.line.kick({ connection: connectionId, reason: 'full' })),
    })
    const { hello, connectionId } = await openHttp(world, { token: 'ann' })
    expect([typeof hello.result?.['refused'], connectionId]).toEqual(['string', ''])
  })
})
