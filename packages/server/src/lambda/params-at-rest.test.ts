import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { CallDetails, LineMeta } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import type { Store } from '../ports/store.ts'
import { createLambdaHandlers } from './handlers.ts'
import type { ServeOptions } from './options.ts'
import { createTestLine } from './test-line.suite.ts'

const topic = 'chat?room=s:x'
const given = { token: 'hush', lang: 'en' }

/** A line that records what `createContext` gets, and counts reads of connections. */
function createRoom(options: Partial<Pick<ServeOptions<never, never>, 'connectionParams'>> & { named?: true } = {}) {
  const { named, ...serve } = options
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const t = initTRPC.meta<LineMeta>().create()
  const router = t.router({
    filtered: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input).filter(() => true)),
    count: t.procedure.subscription(async function* () {
      yield 1
    }),
    long: t.procedure.meta({ longRunning: true }).query(() => 'done'),
    ask: t.procedure.query(() => 'done'),
  })
  const got: CallDetails[] = []
  const reads: string[] = []
  const made = createTestLine({
    ...serve,
    line,
    router,
    store: (inner: Store) =>
      new Proxy(inner, {
        get(target, name) {
          if (name === 'readConnection') reads.push('readConnection')
          return Reflect.get(target, name) as unknown
        },
      }),
    ...(named && {
      authorize: () => ({ principal: 'ann', claims: {}, expiresAt: new Date(1_800_003_600_000) }),
    }),
    createContext: ((call: CallDetails) => {
      got.push(call)
      return {}
    }) as never,
  })
  const connect = async () => {
    const client = await made.connect({ stock: true, query: { connectionParams: '1' } })
    await client.send({ method: 'connectionParams', data: given })
    return client
  }
  const say = () => made.asScript(() => messages.publish({ room: 'x' }, { text: 'hi' }))
  const deliverAll = async () => {
    const { slots } = await made.store.readSlots(topic, 0, 100)
    await made.stream(slots.map((slot) => ({ topic, slot })))
  }
  const paramsOf = (cause: CallDetails['cause']) =>
    got.flatMap((call) => (call.cause === cause ? [call.info.connectionParams] : []))
  const rows = async () => (await made.store.readSubscribers(topic, 0)).subscribers
  return { ...made, connectPlain: () => made.connect({ stock: true }), connect, say, deliverAll, paramsOf, rows, reads }
}

const frame = (id: number, method: string, path: string) => ({ id, method, params: { path, input: { room: 'x' } } })

describe('connection parameters', () => {
  test("are in the connection's row, and in no row of a subscription and no job", async () => {
    const room = createRoom()
    const ann = await room.connect()
    await ann.send(frame(1, 'subscription', 'filtered'))
    await ann.send(frame(2, 'subscription', 'count'))
    await ann.send(frame(3, 'query', 'long'))
    expect((await room.store.readConnection(ann.connectionId))?.connectionParams).toBe(JSON.stringify(given))
    expect(await room.rows()).toHaveLength(1)
    expect(room.invoked).toHaveLength(2)
    const elsewhere = [await room.rows(), await room.store.readSubscriptions(ann.connectionId), room.invoked]
    expect(JSON.stringify(elsewhere)).not.toContain('hush')
  })

  const options = [
    ['all without authorize', {}, given],
    ['none with authorize', { named: true }, null],
    ['what is kept', { named: true, connectionParams: { keep: ['lang', 'other', 'constructor'] } }, { lang: 'en' }],
    ['all that are kept', { named: true, connectionParams: { keep: 'all' } }, given],
    ['none where none is kept', { connectionParams: { keep: [] } }, null],
  ] as const
  test.each(options)(
    'reach createContext: %s, alike in a frame, a delivery and the worker',
    async (_, made, expected) => {
      const room = createRoom(made)
      const ann = await room.connect()
      await ann.send(frame(1, 'subscription', 'filtered'))
      await ann.send(frame(2, 'query', 'long'))
      await room.work()
      await room.say()
      await room.deliverAll()
      for (const cause of ['frame', 'delivery', 'worker'] as const) {
        expect(room.paramsOf(cause).length).toBeGreaterThan(0)
        for (const params of room.paramsOf(cause)) expect(params).toEqual(expected)
      }
    },
  )

  test('cost a delivery one read for each connection, and none where createContext gets none', async () => {
    for (const [made, budget] of [
      [{}, 2],
      [{ connectionParams: { keep: ['lang'] } }, 2],
      [{ connectionParams: { keep: [] } }, 0],
    ] as const) {
      const room = createRoom(made)
      for (const client of [await room.connect(), await room.connect()])
        for (const id of [1, 2, 3]) await client.send(frame(id, 'subscription', 'filtered'))
      room.reads.length = 0
      for (let n = 0; n < 3; n++) {
        await room.say()
        await room.deliverAll()
      }
      expect(room.paramsOf('delivery').length).toBeGreaterThanOrEqual(18) // two connections, three subscriptions each
      expect(room.reads).toHaveLength(budget)
    }
  })

  test('cost nothing for a connection that announced none', async () => {
    const room = createRoom()
    const plain = await room.connectPlain()
    await plain.send(frame(1, 'subscription', 'filtered'))
    room.reads.length = 0
    await room.say()
    await room.deliverAll()
    expect(room.reads).toEqual([])
    expect(plain.frames().length).toBeGreaterThan(0)
  })

  test('of rows and jobs of the version before are read from there, and only what is kept', async () => {
    const room = createRoom({ connectionParams: { keep: ['lang'] } })
    const ann = await room.connect()
    await ann.send(frame(1, 'subscription', 'filtered'))
    await ann.send(frame(2, 'query', 'long'))
    const [row] = await room.rows()
    const { hasParams: _, ...piped } = row?.piped ?? { sessionId: '', principal: null }
    const old = { ...piped, connectionParams: JSON.stringify({ lang: 'de', token: 'hush' }) }
    if (row !== undefined) await room.store.putSubscriber({ ...row, ref: row.ref + 1, piped: old })
    const job = room.invoked.at(-1)?.payload as { readonly client: object }
    room.reads.length = 0
    await room.work({ ...job, client: { ...job.client, params: { lang: 'fr', token: 'hush' } } })
    await room.say()
    await room.deliverAll()
    expect(room.paramsOf('worker')).toEqual([{ lang: 'fr' }])
    expect(new Set(room.paramsOf('delivery').map((params) => params?.['lang']))).toEqual(new Set(['de']))
    expect(JSON.stringify(room.paramsOf('delivery'))).not.toContain('hush')
  })
})

test.each([{ keep: 'lang' }, { keep: [1] }, {}, 'all'])(
  'connectionParams of %j throw when the handlers are made',
  (connectionParams) => {
    const router = initTRPC.create().router({})
    const make = () => createLambdaHandlers({ router, connectionParams: connectionParams as never })
    expect(make).toThrow("Expected connectionParams to be { keep: ['lang'] } or { keep: 'all' }")
  },
)
