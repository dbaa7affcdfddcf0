import { initTRPC } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { deny } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { createTestLine } from './test-line.suite.ts'

const hour = 3_600_000

function guarded() {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const t = initTRPC.context<{ user: string | null; level: number }>().create()
  let loads = 0
  const router = t.router({
    level: t.procedure.query(({ ctx }) => ctx.level),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
    page: t.procedure.input(key).subscription(({ input }) =>
      messages.subscribe(input, { replay: 9 }).startWith(async () => {
        loads += 1
        await messages.publish(input, { text: `during load ${loads}` })
        return { type: 'page' as const, loads }
      }),
    ),
    huge: t.procedure
      .input(key)
      .subscription(({ input }) => messages.subscribe(input).startWith(() => 'x'.repeat(200_000))),
  })
  const made = createTestLine({
    line,
    router,
    authorize: ({ token = 'ann:9:1' }) => {
      const [principal = '', hours, level] = token.split(':')
      if (principal === 'bad') return deny('no')
      return {
        principal,
        claims: { level: Number(level) },
        expiresAt: new Date(1_800_000_000_000 + Number(hours) * hour),
      }
    },
    createContext: ((call: { principal: string | null; claims?: { level: number } }) => ({
      user: call.principal,
      level: call.claims?.level ?? 0,
    })) as never,
    onError: () => {},
  })
  const say = (text: string) => made.asScript(() => messages.publish({ room: 'x' }, { text }))
  const streamAll = async () => {
    const { slots } = await made.store.readSlots('chat?room=s:x', 0, 100)
    await made.stream(slots.map((slot) => ({ topic: 'chat?room=s:x', slot })))
  }
  return { ...made, messages, say, streamAll }
}

const auth = (token: string) => ({ id: 4, method: 'auth', params: { token } })
const level = { id: 1, method: 'query', params: { path: 'level' } }
const live = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }

describe('auth', () => {
  test('is answered with the new expiry [TL-AUTH-1]', async () => {
    const ann = await guarded().connect({ token: 'ann:1:1' })
    expect(await ann.send(auth('ann:3:2'))).toEqual({
      id: 4,
      result: { type: 'authorized', authExpires: 1_800_000_000_000 + 3 * hour },
    })
  })
  test.each([
    ['bob:3:1', 'another principal'],
    ['bad', 'no'],
    ['ann:0:1', 'This token has expired.'],
  ])('by the token %s is refused [TL-AUTH-1]', async (token, words) => {
    const ann = await guarded().connect({ token: 'ann:1:1' })
    const answer = await ann.send(auth(token))
    expect(answer).toMatchObject({ id: 4, error: { data: { code: 'UNAUTHORIZED' } } })
    expect(answer).toMatchObject({ refused: expect.stringContaining(words) })
  })
  test.each(['handshake', 'auth'])(
    'whose expiry is in seconds is refused at the %s, with the date and the mistake, and logged',
    async (door) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      const t = initTRPC.create()
      let expiresAt = new Date(1_800_000_000_000 + hour)
      const made = createTestLine({
        line: createLine(),
        router: t.router({}),
        authorize: () => ({ principal: 'ann', claims: {}, expiresAt }),
      })
      const words =
        'authorize returned expiresAt 1970-01-21T20:00:03.600Z. JWT `exp` is in seconds: return new Date(exp * 1000).'
      if (door === 'handshake') expiresAt = new Date(1_800_003_600)
      const ann = await made.connect({ token: 'x' })
      expiresAt = new Date(1_800_003_600)
      if (door === 'auth') expect(await ann.send(auth('y'))).toMatchObject({ id: 4, refused: words })
      else {
        await ann.send({ id: 1, method: 'hello' })
        expect(ann.frames()).toMatchObject([{ id: 1, result: { type: 'hello', refused: words } }])
      }
      expect(log.mock.calls.join()).toContain('JWT `exp` is in seconds')
      log.mockRestore()
    },
  )
  test('lets frames run after the old expiry, with the new claims [TL-AUTH-2]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:1:1' })
    await ann.send(auth('ann:3:2'))
    await line.clock.advance(2 * hour)
    expect(await ann.send(level)).toMatchObject({ result: { data: 2 } })
    await line.clock.advance(2 * hour)
    expect(await ann.send(level)).toMatchObject({ line: { code: 'AUTH_EXPIRED' } })
  })
  test('lets pushes arrive after the old expiry [TL-AUTH-2]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:1:1' })
    await ann.send(live)
    await ann.send(auth('ann:3:2'))
    await line.clock.advance(hour + 1_000)
    await line.say('late')
    await line.streamAll()
    expect(ann.frames().at(-1)).toMatchObject({ result: { type: 'data', data: { data: { text: 'late' } } } })
  })
  test('within 10 s of the last one is refused with the time to wait, and the authority stays [TL-AUTH-5]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:1:1' })
    await ann.send(auth('ann:3:2'))
    await line.clock.advance(4_000)
    expect(await ann.send(auth('ann:4:2'))).toMatchObject({
      id: 4,
      error: { message: expect.stringContaining('one auth in 10 s') },
      line: { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 6_000, mayHaveRun: false },
    })
    expect((await line.store.readConnection(ann.connectionId))?.authExp).toBe(1_800_000_000_000 + 3 * hour)
    await line.clock.advance(6_000)
    expect(await ann.send(auth('ann:4:2'))).toMatchObject({ result: { type: 'authorized' } })
  })
  test('of a hundred at once one is accepted [TL-AUTH-5]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:1:1' })
    const last = await ann.send(Array.from({ length: 100 }, (_, id) => ({ ...auth(`ann:3:${id}`), id })))
    const answers = [...ann.frames(), ...[last].flat()] as readonly {
      readonly result?: object
      readonly line?: { code: string }
    }[]
    expect(answers).toHaveLength(100)
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(1)
    expect(answers.filter(({ line }) => line?.code === 'RATE_LIMITED')).toHaveLength(99)
  })
  test('is accepted again at once when the authority has ended [TL-AUTH-5]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:1:1' })
    const brief = 1 + 1 / 3_600 // an hour and a second
    await line.clock.advance(hour - 1_000)
    await ann.send(auth(`ann:${brief}:1`))
    await line.clock.advance(2_000)
    expect(await ann.send(auth('ann:3:1'))).toMatchObject({ result: { type: 'authorized' } })
  })
  test('by a token that ends earlier keeps the later end, and has its claims [TL-AUTH-6]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:3:1' })
    const authExpires = 1_800_000_000_000 + 3 * hour
    expect(await ann.send(auth('ann:2:5'))).toMatchObject({ result: { type: 'authorized', authExpires } })
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({
      authExp: authExpires,
      claims: '{"level":5}',
    })
  })
})

describe('startWith', () => {
  const page = { id: 7, method: 'subscription', params: { path: 'page', input: { room: 'x' }, ref: 1 } }
  test('takes the position first, then the state, then the tail [TL-SNAP-1]', async () => {
    const line = guarded()
    await line.say('before')
    const ann = await line.connect({ token: 'ann:9:1' })
    await ann.send(page)
    const [pushed, started, snapshot] = ann.frames() as { result: { type: string; from: string; id: string } }[]
    expect(pushed).toMatchObject({ result: { type: 'data', data: { data: { text: 'during load 1' } } } })
    expect(started).toMatchObject({ id: 7, result: { type: 'started', snapshot: true } })
    const { from } = started?.result ?? { from: '' }
    expect(snapshot).toMatchObject({
      result: { type: 'snapshot', id: from, data: { id: from, data: { type: 'page', loads: 1 } } },
    })
    expect(Number(pushed?.result.id.split(':')[1])).toBe(Number(from.split(':')[1]) + 1)
  })
  test('begins again with the state after a gap [TL-SNAP-2]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:9:1' })
    await ann.send({ ...page, params: { ...page.params, lastEventId: '0.gone:9' } })
    const results = (ann.frames() as { result: { type: string; gap?: string } }[]).map(({ result }) => result)
    expect(results.find(({ type }) => type === 'started')).toMatchObject({ gap: 'new-epoch', snapshot: true })
    expect(results.map(({ type }) => type)).toContain('snapshot')
  })
  test('is not loaded for a whole resume [TL-SNAP-3]', async () => {
    const line = guarded()
    const { id } = await line.say('before')
    await line.say('after')
    const ann = await line.connect({ token: 'ann:9:1' })
    await ann.send({ ...page, params: { ...page.params, lastEventId: id } })
    expect(ann.frames()).toMatchObject([{ result: { type: 'started' } }, { result: { type: 'data' } }])
    expect(ann.frames()[0]).not.toHaveProperty('result.snapshot')
  })
  test('is a tracked event for a stock client, and no gap is an error to it [TL-SNAP-2]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:9:1', stock: true })
    await ann.send({ id: 7, method: 'subscription', params: { path: 'page', input: { room: 'x' } } })
    const frames = ann.frames() as { result: { type: string } }[]
    expect(frames.map(({ result }) => result.type)).toEqual(['started', 'data', 'data']) // what was published while the state was loaded comes last [TL-CHAIN-1]
  })
  test('that loads more than a message to a stock client can have is an error that says so [TL-CHUNK-11]', async () => {
    const line = guarded()
    const ann = await line.connect({ token: 'ann:9:1', stock: true })
    await ann.send({ id: 7, method: 'subscription', params: { path: 'huge', input: { room: 'x' }, ref: 1 } })
    expect(ann.frames().at(-1)).toMatchObject({ id: 7, line: { code: 'TOO_LARGE' } })
  })
})

test('a stock client on an old connection gets a reconnect notice, by a frame and by a push [TL-HAND-4]', async () => {
  const line = guarded()
  const ann = await line.connect({ token: 'ann:9:1', stock: true })
  await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' } } })
  await line.clock.advance(106 * 60_000)
  await ann.send('PING')
  expect(ann.frames().at(-1)).toEqual({ id: null, method: 'reconnect' })
  await line.say('x')
  await line.streamAll()
  expect(ann.frames().slice(-2)).toMatchObject([
    { id: 7, result: { type: 'data' } },
    { id: null, method: 'reconnect' },
  ])
})
