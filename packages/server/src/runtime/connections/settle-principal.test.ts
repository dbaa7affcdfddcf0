import { initTRPC } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { type AuthorizeResult, anonymous, type ConnectRequest, deny, type LineMeta } from '../../define/identity.ts'
import { recordingTelemetry } from '../../lambda/recording-telemetry.suite.ts'
import { createTestLine, settle, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { withOperations } from '../subscriptions/room.suite.ts'

const hour = 3_600_000
const start = 1_800_000_000_000
const announced = { query: { connectionParams: '1' } }

/**
 * A token is `<name>:<hours>:<level>:<second of its issue>`. The token `bad` is refused, and `away` is one that cannot be
 * checked.
 */
function authorizeToken(token: string | undefined): AuthorizeResult {
  const [principal = '', hours = '', level = '0', second] = token?.split(':') ?? []
  if (principal === 'bad') return deny('Your trial has ended.')
  if (principal === 'away') throw new Error('The issuer is away.')
  if (principal === '') return anonymous
  const expiresAt = new Date(start + Number(hours || '1') * hour)
  const issued = second === undefined ? {} : { issuedAt: new Date(start + Number(second) * 1_000) }
  return { principal, claims: { level: Number(level) }, expiresAt, ...issued }
}

interface Options {
  readonly authorize?: (request: ConnectRequest) => AuthorizeResult
  readonly anonymousMay?: 'everything'
  readonly scheduler?: Scheduler
}

function createRoom({ authorize, anonymousMay, scheduler }: Options = {}) {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const t = initTRPC.context<{ user: string | null }>().meta<LineMeta>().create()
  const effects: (string | null)[] = []
  const record = ({ ctx }: { readonly ctx: { readonly user: string | null } }) => {
    effects.push(ctx.user)
    return ctx.user
  }
  const router = t.router({
    whoami: t.procedure.query(record),
    open: t.procedure.meta({ anonymous: true }).query(record),
    pay: t.procedure.mutation(record),
    long: t.procedure.meta({ longRunning: true }).mutation(record),
    fail: t.procedure.query(() => {
      throw new Error('broken')
    }),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input).filter(() => true)),
  })
  const requests: ConnectRequest[] = []
  const calls: { readonly principal: string | null; readonly claims?: unknown }[] = []
  const failures: object[] = []
  const { telemetry, audits, sums } = recordingTelemetry()
  const made = createTestLine({
    line,
    router,
    ...(anonymousMay && { anonymousMay }),
    authorize: (request) => {
      requests.push(request)
      if (authorize !== undefined) return authorize(request)
      return authorizeToken(request.token ?? request.connectionParams?.['token'])
    },
    createContext: ((call: (typeof calls)[number]) => {
      calls.push(call)
      return { user: call.principal }
    }) as never,
    onError: (failure) => failures.push(failure),
    telemetry,
    store: (inner) => (scheduler === undefined ? inner : scheduler.store(inner)),
  })
  const row = (client: TestClient) => made.store.readConnection(client.connectionId)
  const isOpen = async ({ connectionId }: TestClient) =>
    (await made.gateway.post(connectionId, '{}')).status === 'posted'
  return { ...made, messages, effects, requests, calls, failures, audits, sums, row, isOpen }
}

const params = (token: string) => ({ method: 'connectionParams', data: { token } })
const call = (id: number, path = 'whoami', method = 'query') => ({ id, method, params: { path } })
const keyed = (id: string, path = 'pay') => ({ id, method: 'mutation', params: { path, key: 'own.k' } })
const live = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }

describe('announced connection parameters', () => {
  test('are shown to authorize alone and once, after a handshake without them [TL-HS-9]', async () => {
    const room = createRoom()
    const ann = await room.connect({ stock: true, ...announced })
    expect(room.requests).toMatchObject([{ query: { connectionParams: '1' }, sourceIp: '192.0.2.1' }])
    expect(room.requests[0]?.connectionParams).toBeUndefined()
    await ann.send(params('ann'))
    const nothing = { token: undefined, headers: {}, query: {}, cookies: {}, subprotocols: [], sourceIp: '' }
    expect(room.requests.slice(1)).toEqual([{ ...nothing, origin: undefined, connectionParams: { token: 'ann' } }])
    for (const token of ['bob', 'ann', 'bad']) {
      await ann.send(params(token))
      expect(ann.frames().at(-1)).toMatchObject({ id: null, error: { message: 'Invalid request id' } })
    }
    expect(room.requests).toHaveLength(2)
    expect(await room.row(ann)).toMatchObject({ principal: 'ann', connectionParams: '{"token":"ann"}' })
    expect(await ann.send(call(1))).toMatchObject({ result: { data: 'ann' } })
  })

  test('settle principal, claims and expiry for frames, rows and jobs, and none of them is a frame’s [TL-HS-9]', async () => {
    const room = createRoom()
    const ann = await room.connect(announced)
    await ann.send(params('ann:2:9'))
    expect(await room.row(ann)).toMatchObject({ principal: 'ann', claims: '{"level":9}', authExp: start + 2 * hour })
    await ann.send({ ...call(1), principal: 'bob' })
    expect(room.calls).toMatchObject([{ principal: 'ann', claims: { level: 9 } }])
    await ann.send(live)
    const [subscriber] = (await room.store.readSubscribers('chat?room=s:x', 0)).subscribers
    expect(subscriber).toMatchObject({ authExp: start + 2 * hour, piped: { principal: 'ann', claims: '{"level":9}' } })
    await ann.send(call(2, 'long', 'mutation'))
    expect(room.invoked.at(-1)?.payload).toMatchObject({ client: { caller: { principal: 'ann' } } })
    await room.work()
    expect(room.effects).toEqual(['ann', 'ann'])
  })

  test.each([{ stock: true }, {}])('settle frames that came before them: %j [TL-HS-9]', async (how) => {
    const room = createRoom()
    const ann = await room.connect({ ...how, ...announced })
    const answers = [ann.send(call(1)), ann.send([call(2), call(3)])]
    await settle()
    await room.clock.advance(300)
    await ann.send(params('ann'))
    await settle()
    await room.clock.advance(300)
    await Promise.all(answers)
    expect(room.effects).toEqual(['ann', 'ann', 'ann'])
  })

  test('that are null leave the decision to authorize too [TL-HS-9]', async () => {
    const asked: unknown[] = []
    const room = createRoom({
      authorize: ({ connectionParams }) => {
        asked.push(connectionParams)
        return anonymous
      },
    })
    const ann = await room.connect({ stock: true, ...announced })
    await ann.send({ method: 'connectionParams', data: null })
    expect(asked).toEqual([undefined, null])
  })

  test('that authorize answers with anonymous leave an anonymous caller [TL-HS-8]', async () => {
    const room = createRoom()
    const guest = await room.connect({ stock: true, ...announced })
    await guest.send(params(''))
    expect(await guest.send(call(1))).toMatchObject({ error: { data: { code: 'UNAUTHORIZED' } } })
    expect(await guest.send(call(2, 'open'))).toMatchObject({ result: {} })
    expect(room.effects).toEqual([null])
    expect(await room.isOpen(guest)).toBe(true)
  })

  test('do not change a principal of the handshake, and are only data then [TL-HS-9]', async () => {
    const room = createRoom()
    const ann = await room.connect({ token: 'ann:2', ...announced })
    await ann.send(params('bob:5'))
    expect(room.requests).toHaveLength(1)
    expect(await room.row(ann)).toMatchObject({ principal: 'ann', authExp: start + 2 * hour })
    expect(await ann.send(call(1))).toMatchObject({ result: { data: 'ann' } })
  })

  test('do not lift a refusal of the handshake [TL-HS-9]', async () => {
    const room = createRoom({
      authorize: ({ connectionParams }) => authorizeToken(connectionParams?.['token'] ?? 'bad'),
    })
    const ann = await room.connect({ stock: true, ...announced })
    await ann.send(params('ann'))
    expect(room.requests).toHaveLength(1)
    expect(await room.isOpen(ann)).toBe(false)
  })

  test('without authorize are only data: no read, and everybody is anonymous', async () => {
    const line = createLine()
    const t = initTRPC.create()
    const router = t.router({ ask: t.procedure.query(() => 'yes') })
    const read = vi.fn()
    const made = createTestLine({
      line,
      router,
      store: (inner) =>
        withOperations(inner, (store) => ({
          readConnection: (id) => {
            read()
            return store.readConnection(id)
          },
        })),
    })
    const ann = await made.connect({ stock: true, ...announced })
    await ann.send(params('ann'))
    expect(read).not.toHaveBeenCalled()
    expect(await ann.send(call(1, 'ask'))).toMatchObject({ result: { data: 'yes' } })
    expect(await made.store.readConnection(ann.connectionId)).toMatchObject({ principal: null })
  })
})

describe('refused connection parameters', () => {
  test('answer each frame that waits with the reason, and then end the connection [TL-STOCK-11]', async () => {
    const room = createRoom({ anonymousMay: 'everything' })
    const mallory = await room.connect({ stock: true, ...announced })
    const answers = mallory.send([call(1), call(2, 'pay', 'mutation'), { ...live, id: 3 }])
    await settle()
    await mallory.send(params('bad'))
    expect(mallory.frames()).toMatchObject([{ id: null, error: { message: 'Your trial has ended.' } }])
    await room.clock.advance(300)
    expect(await answers).toBeUndefined()
    const refused = { message: 'Your trial has ended.', data: { code: 'UNAUTHORIZED' } }
    expect(mallory.frames().slice(1)).toMatchObject([1, 2, 3].map((id) => ({ id, error: refused })))
    expect(room.effects).toEqual([])
    expect(await room.isOpen(mallory)).toBe(false)
    expect(await room.row(mallory)).toMatchObject({ principal: null, refused: 'Your trial has ended.' })
    expect(JSON.stringify(await room.row(mallory))).not.toContain('"token')
  })

  test('answer the first frame after them, and no further parameters are looked at [TL-STOCK-11]', async () => {
    const room = createRoom({ anonymousMay: 'everything' })
    const mallory = await room.connect(announced)
    await mallory.send(params('bad'))
    await mallory.send(params('ann'))
    expect(room.requests).toHaveLength(2)
    await mallory.send(call(1))
    expect(mallory.frames().at(-1)).toMatchObject({ id: 1, error: { message: 'Your trial has ended.' } })
    expect(room.effects).toEqual([])
    expect(await room.isOpen(mallory)).toBe(false)
  })

  test('end a connection that sends nothing more 10 s after its handshake [TL-HELLO-7]', async () => {
    const room = createRoom()
    const mallory = await room.connect({ stock: true, ...announced })
    await mallory.send(params('bad'))
    const check = { unconfirmed: { connectionId: mallory.connectionId } }
    const Records = [{ messageId: 'm', eventSource: 'aws:sqs', body: JSON.stringify(check) }]
    const life = { getRemainingTimeInMillis: () => 28_000 }
    await room.line.withBackend(room.backend, () => room.handlers.deliver({ Records }, life))
    expect(await room.isOpen(mallory)).toBe(false)
  })

  test.each([
    ['of an authority that has ended', 'ann:0', 'This token has expired.'],
    ['that authorize denies', 'bad', 'Your trial has ended.'],
  ])('are those %s', async (_, token, reason) => {
    const room = createRoom()
    const ann = await room.connect({ stock: true, ...announced })
    await ann.send(params(token))
    expect(await room.row(ann)).toMatchObject({ refused: reason })
    expect(room.audits.slice(1)).toMatchObject([{ action: 'deny', connectionId: ann.connectionId, reason }])
    expect(room.sums.get('refused')).toBe(1)
  })

  test.each([
    ['that cannot be checked', () => authorizeToken('away'), 'The issuer is away.'],
    [
      'whose claims are larger than an authorizer function may return',
      () => ({ principal: 'ann', claims: 'x'.repeat(8_000), expiresAt: new Date(start + hour) }),
      'Put an id into the claims',
    ],
    ['about which authorize answers nonsense', () => ({ principal: '' }) as never, 'Expected authorize to return'],
  ])('are not those %s: the connection ends, and the next one may pass', async (_, decide, message) => {
    const room = createRoom({
      authorize: ({ connectionParams }) => (connectionParams === undefined ? anonymous : decide()),
    })
    const ann = await room.connect({ stock: true, ...announced })
    await ann.send(params('x'))
    expect(ann.frames().at(-1)).toMatchObject({ id: null, error: { message: expect.stringContaining(message) } })
    expect(await room.isOpen(ann)).toBe(false)
    const row = await room.row(ann)
    expect([row?.refused, row?.connectionParams, row?.principal]).toEqual([undefined, undefined, null])
  })
})

describe('a principal that parameters settled', () => {
  test('ends with its expiry, and is renewed by an auth of the same principal alone [TL-AUTH-1]', async () => {
    const room = createRoom()
    const ann = await room.connect(announced)
    const auth = (id: string, token: string) => ({ id, method: 'auth', params: { token } })
    expect(await ann.send(auth('a0', 'ann'))).toMatchObject({ refused: expect.stringContaining('another principal') })
    await ann.send(params('ann:1'))
    await room.clock.advance(hour + 1)
    expect(await ann.send(call(1))).toMatchObject({ line: { code: 'AUTH_EXPIRED' } })
    expect(await ann.send(auth('a1', 'bob:9'))).toMatchObject({ refused: expect.stringContaining('another principal') })
    expect(await ann.send(auth('a2', 'ann:9:5'))).toMatchObject({ result: { authExpires: start + 9 * hour } })
    expect(await ann.send(call(2))).toMatchObject({ result: { data: 'ann' } })
    expect(room.calls.at(-1)).toMatchObject({ principal: 'ann', claims: { level: 5 } })
  })

  test('owns the keys of its mutations, and may cancel by them [TL-KEY-2] [TL-LONG-4]', async () => {
    const room = createRoom()
    const [ann, again, bob] = [
      await room.connect(announced),
      await room.connect(announced),
      await room.connect(announced),
    ]
    await ann.send(params('ann'))
    await again.send(params('ann'))
    await bob.send(params('bob'))
    for (const client of [ann, again, bob]) await client.send(keyed('m'))
    expect(room.effects).toEqual(['ann', 'bob'])
    const cancel = { id: 'l', method: 'cancel', params: { key: 'own.k2' } }
    await ann.send({ id: 'l', method: 'mutation', params: { path: 'long', key: 'own.k2' } })
    const stop = vi.spyOn(room.store, 'stopSubscription')
    for (const client of [ann, again, bob]) await client.send(cancel)
    const names = stop.mock.calls.map(([row]) => `${row.connectionId} ${row.id}`)
    const [first, last] = [names[0], names.at(-1)]
    expect(first).not.toBe(last)
    // each row is looked for before it is put
    expect(names).toEqual([first, first, first, last, last])
  })

  test('is named by failures of its frames', async () => {
    const room = createRoom()
    const ann = await room.connect(announced)
    await ann.send(params('ann'))
    await ann.send(call(1, 'fail'))
    expect(room.failures).toMatchObject([{ connectionId: ann.connectionId, principal: 'ann' }])
  })
})

type Room = ReturnType<typeof createRoom> & { readonly ann: TestClient }

/** The frames that authorize settles, at once. A frame of another function asks who it is. */
const settling = (
  operations: Exploration<Room>['operations'],
  { kills = [] }: Pick<Exploration<Room>, 'kills'> = {},
): Exploration<Room> => ({
  async world(scheduler) {
    const room = createRoom({ scheduler, anonymousMay: 'everything' })
    return { ...room, ann: await room.connect({ connectionId: 'a', ...announced }) }
  },
  operations,
  kills,
  idle: (room) => room.clock.advance(100),
  async check(room, { killed }) {
    const row = await room.row(room.ann)
    const { token = '' } = JSON.parse(row?.connectionParams ?? '{}') as { token?: string }
    expect(row?.principal).toBe(token === '' ? null : token)
    if (row?.refused !== undefined) expect(row.connectionParams).toBeUndefined()
    // Nobody was ever somebody else than the row says.
    expect(room.effects.filter((user) => user !== row?.principal)).toEqual([])
    if (row?.refused !== undefined) expect(room.effects).toEqual([])
    // [LAW-REVOKE] A kick finds the connection by its principal, and by no other.
    for (const principal of ['ann', 'bob']) {
      const leading = await room.store.readPrincipalConnections(principal)
      if (principal === row?.principal) expect(leading).toHaveLength(1)
      else if (killed === undefined) expect(leading).toEqual([])
    }
    if (!(await room.isOpen(room.ann))) return
    expect(await room.ann.send(call(9))).toMatchObject({ result: { data: row?.principal } })
  },
})

const table = createScheduleTable('[TL-HS-9], connectionParams ∥ connectionParams ∥ query')
const send = (message: unknown) => (room: Room) => room.ann.send(message)

describe('[TL-HS-9]', () => {
  const both = { ann: send(params('ann')), bob: send(params('bob')) }
  test('of two messages one settles the principal, in every interleaving and with either killed', () =>
    table.holds('ann ∥ bob ∥ kill', settling(both, { kills: ['ann', 'bob'] })))
  test('of two messages of one principal one settles it, and the row that leads to it stays', () => {
    const again = { method: 'connectionParams', data: { token: 'ann', lang: 'en' } }
    return table.holds('ann ∥ ann ∥ kill', settling({ ann: both.ann, again: send(again) }, { kills: ['ann', 'again'] }))
  })
  test('a frame runs as the principal that is settled, in every interleaving', () =>
    table.holds('ann ∥ bob ∥ query', settling({ ...both, query: send(call(1)) })))
  test('a refusal that races decides for every frame or for none', () =>
    table.holds('ann ∥ bad ∥ query', settling({ ann: both.ann, bad: send(params('bad')), query: send(call(1)) })))
  test('a kick that races finds the connection, or the parameters are refused, with their function killed', () => {
    const later = new Date(start + 24 * hour)
    const kick = ({ line, backend }: Room) =>
      line.withBackend(backend, () => line.kick({ principal: 'ann', reason: 'spam', ban: later }))
    const exploration = settling({ ann: both.ann, kick }, { kills: ['ann'] })
    return table.holds('ann ∥ kick ∥ kill', {
      ...exploration,
      async check(room) {
        const row = await room.row(room.ann)
        if (row?.principal === 'ann') expect(row.state).toBe('CLOSED')
        expect(room.effects).toEqual([])
      },
    })
  })
  test('a revocation that races leaves no authority of an older token, with their function killed', () => {
    const issuedBefore = new Date(start)
    const revoke = ({ line, backend }: Room) => line.withBackend(backend, () => line.revoke('ann', { issuedBefore }))
    const old = params('ann::0:-1')
    return table.holds('an older token ∥ revoke ∥ kill', {
      ...settling({ old: send(old), revoke }, { kills: ['old'] }),
      async check(room) {
        const row = await room.row(room.ann)
        if (row?.principal === 'ann') expect(row.state).toBe('CLOSED')
      },
    })
  })
})
