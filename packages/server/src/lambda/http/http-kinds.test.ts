import { describe, expect, test } from 'vitest'
import { settle } from '../test-line.suite.ts'
import {
  type AnswerOf,
  framesOf,
  httpSession,
  mutationFrame,
  openHttp,
  queryFrame,
  request,
} from './http-client.suite.ts'
import { here, openWorld, room, subscribeFrame } from './http-world.suite.ts'

const auto = (now: number) => `auto.${now.toString(36)}.0cT1eXo8YsVq3mPz7Rk2Qa`

describe('What has no log needs a socket', () => {
  test.each<[string, object, boolean, readonly string[]]>([
    ['an ephemeral channel', subscribeFrame(1, 'onTyping'), false, ['onTyping']],
    ['a recognised generator', subscribeFrame(1, 'tokens', { input: undefined }), false, []],
    [
      'another generator',
      subscribeFrame(1, 'disguised', { input: undefined }),
      true,
      ['disguised', 'disguised resolver'],
    ],
    ['a long query', queryFrame(1, 'report'), false, []],
    ['a long mutation without a key', mutationFrame(1, 'work'), false, []],
    [
      'a long mutation that is idempotent, so that no key is recorded',
      mutationFrame(1, 'again', { key: 'own.a' }),
      false,
      [],
    ],
  ])(
    '%s is refused: no row, no function, and mayHaveRun says whether anything ran [TL-HTTP-13]',
    async (_, frame, mayHaveRun, ran) => {
      const world = openWorld()
      const client = await openHttp(world, { token: 'ann' })
      const [answer] = await client.send(frame)
      expect(answer).toMatchObject({ id: 1, line: { code: 'NEEDS_SOCKET', retry: 'later', mayHaveRun } })
      expect(answer?.error?.message).toMatch(/WebSocket\.$/)
      expect(world.ran).toEqual(ran)
      expect(world.invoked).toEqual([])
      expect(await world.store.readSubscriptions(client.connectionId)).toEqual([])
    },
  )
  test('a subscription that does not exist is NOT_FOUND as over a socket [TL-CALL-3]', async () => {
    const client = await openHttp(openWorld())
    expect(await client.send(subscribeFrame(1, 'nope'))).toMatchObject([{ error: { data: { code: 'NOT_FOUND' } } }])
  })
})

describe('A long mutation with a key', () => {
  test.each(['with a connection', 'without one'])(
    '%s is accepted, runs in the worker, and its answer is asked for [TL-HTTP-12]',
    async (how) => {
      const world = openWorld()
      const key = auto(world.clock.now())
      const frame = mutationFrame('m', 'work', { key })
      const client = how === 'with a connection' ? await openHttp(world, { token: 'ann' }) : undefined
      const headers = { authorization: 'Bearer ann', 'trunkline-session': httpSession }
      const send = async (sent: object): Promise<readonly AnswerOf[]> =>
        client === undefined ? framesOf(await request(world, { headers, body: [sent] })) : client.send(sent)
      expect(await send(frame)).toEqual([{ id: 'm', result: { type: 'accepted', key, askAfterMs: 2_000 } }])
      expect(await send(frame)).toMatchObject([{ id: 'm', result: { type: 'accepted' } }])
      expect(world.invoked).toHaveLength(1)
      expect(JSON.stringify(world.invoked)).not.toContain(httpSession)
      await world.work()
      const resent = { ...frame, params: { ...frame.params, resend: true } }
      expect(await send(resent)).toEqual([{ id: 'm', result: { type: 'data', data: 2 } }])
      expect(world.ran).toEqual(['work', 'work resolver'])
    },
  )
})

describe('Presence over HTTP', () => {
  const join = (id: string, name: string, ref = 1) => subscribeFrame(id, 'joined', { input: { ...room, name }, ref })
  const present = async (world: ReturnType<typeof openWorld>) =>
    (await world.asScript(() => here.read(room))).map(({ member }) => member)

  async function joined() {
    const world = openWorld()
    const watcher = await world.connect()
    await watcher.send(subscribeFrame('w', 'watch'))
    const client = await openHttp(world, { token: 'ann' })
    const [started] = await client.send(join('p', 'ann'))
    await settle()
    const from = String(started?.result?.['from'])
    const poll = () =>
      client.send({ id: 'y', method: 'sync', params: { poll: true, subscriptions: [{ id: 'p', ref: 1, from }] } })
    return { world, watcher, client, poll, from }
  }
  /** Syncs the watcher, whose sync ends leases that have expired. */
  const watch = (watcher: Awaited<ReturnType<typeof joined>>['watcher'], from: string) =>
    watcher.send({ id: 'z', method: 'sync', params: { subscriptions: [{ id: 'w', ref: 1, from }] } })

  test('makes a member present, whom others see [TL-PRES-2]', async () => {
    const { world } = await joined()
    expect(await present(world)).toEqual(['ann'])
  })
  test('ends 3 minutes after the last poll at the latest, whatever the lease is [TL-HTTP-16]', async () => {
    const { world, watcher, from, poll } = await joined()
    await world.clock.advance(100_000)
    await poll()
    await world.clock.advance(179_000)
    await watch(watcher, from)
    expect(await present(world)).toEqual(['ann'])
    await world.clock.advance(2_000)
    await watch(watcher, from)
    expect(await present(world)).toEqual([])
  })
  test('goes on while a hidden page polls once a minute [TL-HTTP-16]', async () => {
    const { world, watcher, from, poll } = await joined()
    for (let minute = 0; minute < 20; minute++) {
      await world.clock.advance(60_000)
      expect((await poll()).some(({ line }) => line !== undefined)).toBe(false)
      await watch(watcher, from)
    }
    expect(await present(world)).toEqual(['ann'])
  })
  test('brings the sweep of a topic forward that was swept before it joined [TL-HTTP-16]', async () => {
    const { world, watcher, from, client } = await joined()
    await world.clock.advance(175_000)
    await watch(watcher, from)
    await client.send(join('p2', 'bob'))
    await world.clock.advance(30_000)
    await watch(watcher, from) // ann has left; the next end of a lease is bob's
    await world.clock.advance(151_000)
    await watch(watcher, from)
    expect(await present(world)).toEqual([])
  })
  test('ends with the grace period after `close`, and at once with a stop [TL-HTTP-14] [TL-PRES-3]', async () => {
    const { world, client, watcher, from } = await joined()
    await client.send(join('p2', 'bob'))
    await client.send({ id: 'p', method: 'subscription.stop', params: { ref: 1 } })
    expect(await present(world)).toEqual(['bob'])
    await client.send({ method: 'close' })
    expect(await present(world)).toEqual(['bob'])
    await world.clock.advance(15_001)
    await watch(watcher, from)
    expect(await present(world)).toEqual([])
  })
  test('of a session that is over is CONNECTION_LOST: the client joins again [TL-PRES-5]', async () => {
    const { world, watcher, from, poll } = await joined()
    await world.clock.advance(181_000)
    await watch(watcher, from)
    expect(await poll()).toMatchObject([{ id: 'p', line: { code: 'CONNECTION_LOST', retry: 'now' } }, { id: 'y' }])
  })
})
