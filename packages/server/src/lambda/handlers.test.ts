// More than 200 lines: each group of frames has a few short tests on one line.
import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous, deny } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { createLambdaHandlers } from './handlers.ts'
import { createTestLine, settle } from './test-line.suite.ts'

function chat() {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({ author: z.string() }) })
  const t = initTRPC.context<{ user: string | null }>().create()
  const router = t.router({
    whoami: t.procedure.query(({ ctx }) => ctx.user),
    add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input }) => input.a + input.b),
    boom: t.procedure.query(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not you' })
    }),
    leak: t.procedure.query(() => {
      throw new Error('User: arn:aws:sts::123456789012:assumed-role/x is not authorized')
    }),
    hang: t.procedure.query(() => new Promise(() => {})),
    large: t.procedure.query(() => 'x'.repeat(140_000)),
    post: t.procedure
      .input(key.extend({ text: z.string() }))
      .mutation(({ input: { text, ...room } }) => messages.publish(room, { text })),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 3 })),
    shouts: t.procedure.input(key).subscription(({ input }) =>
      messages
        .subscribe(input)
        .filter(({ text }) => text === text.toUpperCase())
        .map(({ text }) => text.length),
    ),
    onTyping: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
    type: t.procedure.input(key).mutation(({ input }) => typing.publish(input, { author: 'ann' })),
    counts: t.procedure.subscription(async function* () {
      yield 1
    }),
  })
  const test = createTestLine({
    line,
    router,
    origins: ['https://chat.example'],
    authorize: ({ token }) => {
      if (token === undefined) return anonymous
      if (token === 'bad') return deny('this token is not valid')
      return { principal: token, claims: { name: token }, expiresAt: new Date(1_800_000_000_000 + 3_600_000) }
    },
    anonymousMay: 'everything',
    createContext: ((call: { principal: string | null }) => ({ user: call.principal })) as never,
    onError: () => {},
  })
  return { ...test, messages, typing, router }
}

describe('a call', () => {
  test('is answered by its route with the data of the procedure [TL-CALL-1]', async () => {
    const client = await chat().connect({ token: 'ann' })
    expect(await client.send({ id: 1, method: 'query', params: { path: 'add', input: { a: 1, b: 2 } } })).toEqual({
      id: 1,
      result: { type: 'data', data: 3 },
    })
    expect(client.frames()).toEqual([])
  })
  test('repeats the id with its type, and leaves undefined data out [TL-CALL-2]', async () => {
    const client = await chat().connect()
    expect(await client.send({ id: '1', jsonrpc: '2.0', method: 'query', params: { path: 'whoami' } })).toEqual({
      id: '1',
      jsonrpc: '2.0',
      result: { type: 'data', data: null },
    })
  })
  test.each(['nope', '__proto__', 'toString', 'constructor.name', 'then'])(
    'of the path %s finds no procedure [TL-CALL-3]',
    async (path) => {
      const client = await chat().connect()
      const answer = await client.send({ id: 1, method: 'query', params: { path } })
      expect(answer).toMatchObject({
        id: 1,
        error: { message: `No "query"-procedure on path "${path}"`, data: { code: 'NOT_FOUND' } },
      })
      expect(answer).not.toHaveProperty('line')
    },
  )
  test('that hangs is answered with TIMEOUT at its deadline, and its signal aborts [TL-CALL-4]', async () => {
    const line = chat()
    const client = await line.connect()
    const answer = client.send({ id: 1, method: 'query', params: { path: 'hang' } })
    await settle()
    await line.clock.advance(28_000)
    expect(await answer).toMatchObject({ id: 1, line: { code: 'TIMEOUT', retry: 'later', mayHaveRun: true } })
  })
  test('passes the error of its procedure as it is, without a line member [TL-ERR-1] [TL-ERR-2]', async () => {
    const client = await chat().connect()
    expect(await client.send({ id: 1, method: 'query', params: { path: 'boom' } })).toEqual({
      id: 1,
      error: { message: 'not you', code: -32003, data: { code: 'FORBIDDEN', httpStatus: 403, path: 'boom' } },
    })
  })
  test('never has a stack or an ARN in its error [TL-ERR-3]', async () => {
    const client = await chat().connect()
    const text = JSON.stringify(await client.send({ id: 1, method: 'query', params: { path: 'leak' } }))
    expect(text).not.toMatch(/arn:aws|stack|123456789012/)
  })
  test('of a stock client gets an error when its response is larger than the gateway accepts [TL-LIM-3] [TL-CHUNK-11]', async () => {
    const client = await chat().connect({ stock: true })
    const answer = await client.send({ id: 1, method: 'query', params: { path: 'large' } })
    expect(answer).toMatchObject({
      error: { data: { code: 'PAYLOAD_TOO_LARGE' } },
      line: { code: 'TOO_LARGE', mayHaveRun: true },
    })
  })
  test('after the authority has expired runs nothing [TL-ERR-5]', async () => {
    const line = chat()
    const client = await line.connect({ token: 'ann' })
    await line.clock.advance(3_600_000)
    expect(await client.send({ id: 1, method: 'query', params: { path: 'whoami' } })).toMatchObject({
      error: { data: { code: 'UNAUTHORIZED' } },
      line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false },
    })
  })
})

describe('a handshake', () => {
  test('echoes trunkline.1 and never the token [TL-HS-2]', async () => {
    const client = await chat().connect({ token: 'ann' })
    expect(client.result).toEqual({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'trunkline.1' } })
  })
  test('of a stock client selects nothing [TL-HS-2]', async () => {
    expect((await chat().connect({ stock: true })).result).toEqual({ statusCode: 200, headers: {} })
  })
  test.each([
    'https://chat.example.evil',
    'http://chat.example',
    'null',
    'https://CHAT.example',
    'https://chat.example:8443',
  ])('of a page of %s is refused [TL-HS-4]', async (origin) => {
    expect((await chat().connect({ origin })).result).toEqual({ statusCode: 403 })
  })
  test('of an allowed page is accepted [TL-HS-4]', async () => {
    expect((await chat().connect({ origin: 'https://chat.example' })).result).toMatchObject({ statusCode: 200 })
  })
  test('without a session entry has its connection id as its session [TL-HS-3]', async () => {
    const line = chat()
    const client = await line.connect({ stock: true })
    expect(await line.store.readConnection(client.connectionId)).toMatchObject({
      session: client.connectionId,
      state: 'OPEN',
    })
  })
  test('decides who calls, regardless of what a frame says [TL-HS-6]', async () => {
    const client = await chat().connect({ token: 'ann' })
    const frame = {
      id: 1,
      method: 'query',
      principal: 'bob',
      session: 'x',
      params: { path: 'whoami', principal: 'bob' },
    }
    expect(await client.send(frame)).toMatchObject({ result: { data: 'ann' } })
  })
})

test.each(['*', 'https://app.example/', 'app.example', 'https://APP.example', ''])(
  'the origin %j, which no browser sends, is refused when the handlers are made',
  (origin) => {
    expect(() => createLambdaHandlers({ router: initTRPC.create().router({}), origins: [origin] })).toThrow(
      'Expected an origin',
    )
  },
)

describe('hello', () => {
  test('is answered with session, time and limits, and again with the new time [TL-HELLO-2]', async () => {
    const line = chat()
    const client = await line.connect({ token: 'ann' })
    const first = await client.send({ id: 0, method: 'hello' })
    expect(first).toMatchObject({
      id: 0,
      result: { type: 'hello', time: line.clock.now(), limits: { frameBytes: 32_768 }, authExpires: 1_800_003_600_000 },
    })
    line.clock.advance(600_000)
    const second = await client.send({ id: 0, method: 'hello' })
    expect(second).toMatchObject({ result: { time: line.clock.now() } })
    const { result } = first as { readonly result: object }
    expect(second).toEqual({ id: 0, result: { ...result, time: line.clock.now() } })
  })
  test('on a refused connection says why, and the connection is deleted [TL-HELLO-3]', async () => {
    const line = chat()
    const client = await line.connect({ token: 'bad' })
    await client.send({ id: 0, method: 'hello' })
    expect(client.frames()).toMatchObject([{ id: 0, result: { type: 'hello', refused: 'this token is not valid' } }])
    expect(await line.gateway.post(client.connectionId, 'x')).toEqual({ status: 'gone' })
  })
  test('on a connection whose token is beyond the limit says so, and nothing is authorized [TL-LIM-9]', async () => {
    for (const [token, got] of [
      ['t'.repeat(7_001), '7001 bytes'],
      ['', '0 bytes'],
    ] as const) {
      const client = await chat().connect({ token })
      await client.send({ id: 0, method: 'hello' })
      const refused = `Expected a token of 1 to 7000 bytes of well-formed Unicode, got ${got}.`
      expect(client.frames()).toMatchObject([{ id: 0, result: { type: 'hello', refused } }])
    }
  })
  test('need not come first on a refused connection: another frame gets an error [TL-HELLO-3]', async () => {
    const client = await chat().connect({ token: 'bad' })
    await client.send({ id: 5, method: 'query', params: { path: 'whoami' } })
    expect(client.frames()).toMatchObject([{ id: 5, error: { message: 'this token is not valid' } }])
  })
})

describe('a message', () => {
  test.each([
    ['{nope', 'JSON'],
    ['', 'JSON'],
    ['5', 'Not an object'],
    ['null', 'Not an object'],
    ['"x"', 'Not an object'],
    ['{"id":1,"method":"nope","params":{"path":"x"}}', 'Invalid procedure type'],
    ['{"id":null,"method":"query","params":{"path":"x"}}', '`id` is required'],
    ['{"id":true,"method":"query","params":{"path":"x"}}', 'Invalid request id'],
    ['{"id":1,"method":"query"}', 'Not an object'],
    ['{"id":1,"method":"query","params":{}}', 'Invalid string'],
    ['{"jsonrpc":"1.0","id":1,"method":"query","params":{"path":"x"}}', 'Must be JSONRPC 2.0'],
    [`{"id":"${'x'.repeat(200)}","method":"query","params":{"path":"x"}}`, 'Expected'],
    ['{"id":1e999,"method":"query","params":{"path":"x"}}', 'Expected'],
    ['['.repeat(100_000), 'JSON'],
    ['['.repeat(100) + ']'.repeat(100), 'levels of nesting'],
  ])(
    'of a stock client that is %.40s is answered once under id null, and the line stays usable [TL-BAD-1] [TL-STOCK-10]',
    async (text, words) => {
      const client = await chat().connect({ stock: true })
      const answer = await client.send(text)
      expect(answer).toMatchObject({ id: null, error: { code: -32700 } })
      expect(JSON.stringify(answer)).toContain(words)
      expect(await client.send({ id: 1, method: 'query', params: { path: 'whoami' } })).toMatchObject({ result: {} })
    },
  )
  test('with hostile keys reaches no prototype [TL-BAD-4]', async () => {
    const client = await chat().connect()
    await client.send(
      '{"id":1,"method":"query","__proto__":{"polluted":1},"params":{"path":"add","input":{"__proto__":{"polluted":1},"a":1,"b":2}}}',
    )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
  test('PING is answered PONG, and PONG with nothing [TL-PING-2] [TL-STOCK-8]', async () => {
    const client = await chat().connect({ stock: true })
    expect(await client.send('PING')).toBe('PONG')
    expect(await client.send('PONG')).toBeUndefined()
    expect(await client.send('[]')).toBeUndefined()
  })
})

describe('a batch', () => {
  const add = (id: number) => ({ id, method: 'query', params: { path: 'add', input: { a: id, b: 1 } } })
  test('answers each element, the last by the route [TL-BATCH-1] [TL-STOCK-1]', async () => {
    const client = await chat().connect({ stock: true })
    const last = await client.send([add(1), add(2), add(3)])
    const all = [...client.frames(), last] as { id: number }[]
    expect(all.map(({ id }) => id).sort()).toEqual([1, 2, 3])
    expect(client.frames()).toHaveLength(2)
  })
  test('of a stock client with an element that cannot be parsed runs none [TL-STOCK-10]', async () => {
    const client = await chat().connect({ stock: true })
    expect(await client.send([add(1), { id: 2 }])).toMatchObject({ id: null, error: { code: -32700 } })
    expect(client.frames()).toEqual([])
  })
  test('that is too large gets an error for each call [TL-BATCH-3]', async () => {
    const client = await chat().connect({ stock: true })
    const last = await client.send(Array.from({ length: 101 }, (_, i) => add(i)))
    const all = [...client.frames(), last]
    expect(all).toHaveLength(101)
    for (const frame of all) expect(frame).toMatchObject({ error: { message: 'Batch call exceeds maximum size' } })
  })
  test('that starts and stops a subscription leaves none on [TL-STOP-3]', async () => {
    const line = chat()
    const client = await line.connect()
    await client.send([
      { id: 1, method: 'subscription', params: { path: 'live', input: { room: 'x' } } },
      { id: 1, method: 'subscription.stop' },
    ])
    await line.messages.publish.call(line.messages, { room: 'x' }, { text: 'a' }).catch(() => {})
    const rows = await line.store.readSubscriptions(client.connectionId)
    expect(rows.filter(({ on }) => on)).toEqual([])
  })
})

describe('a subscription', () => {
  const subscribe = (extra: object = {}) => ({
    id: 7,
    method: 'subscription',
    params: { path: 'live', input: { room: 'x' }, ref: 1, ...extra },
  })
  test('is answered by started with ref, from and head, and then pushed what is published [TL-SUB-1] [TL-SUB-5]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send(subscribe())
    const [started] = ann.frames() as [{ result: { from: string; head: string } }]
    expect(started).toMatchObject({ id: 7, result: { type: 'started', ref: 1 } })
    expect(started.result.from).toBe(started.result.head)
    const answer = (await ann.send({
      id: 8,
      method: 'mutation',
      params: { path: 'post', input: { room: 'x', text: 'hi' } },
    })) as {
      result: { data: { id: string } }
    }
    const { id } = answer.result.data
    expect(ann.frames()[1]).toEqual({ id: 7, result: { type: 'data', id, data: { id, data: { text: 'hi' } } } })
  })
  test('replays the newest events in one message with started [TL-SUB-1]', async () => {
    const line = chat()
    for (const text of ['a', 'b', 'c', 'd']) await line.asScript(() => line.messages.publish({ room: 'x' }, { text }))
    const ann = await line.connect()
    await ann.send(subscribe())
    expect(line.gateway.posted(ann.connectionId)).toHaveLength(1)
    expect(ann.frames().slice(1)).toMatchObject(
      ['b', 'c', 'd'].map((text) => ({ result: { data: { data: { text } } } })),
    )
  })
  test('resumes completely from its cursor [TL-SUB-3]', async () => {
    const line = chat()
    const first = await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'a' }))
    for (const text of ['b', 'c', 'd', 'e', 'f'])
      await line.asScript(() => line.messages.publish({ room: 'x' }, { text }))
    const ann = await line.connect()
    await ann.send(subscribe({ lastEventId: first.id }))
    expect(ann.frames()[0]).toMatchObject({ result: { type: 'started', from: first.id } })
    expect(ann.frames()[0]).not.toHaveProperty('result.gap')
    expect(ann.frames()).toHaveLength(6)
  })
  test.each(['0.other:1', '0.zzz:99999', 'junk'])('from the cursor %s is a gap [TL-SUB-4]', async (lastEventId) => {
    const line = chat()
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'a' }))
    const ann = await line.connect()
    await ann.send(subscribe({ lastEventId }))
    expect(ann.frames()[0]).toMatchObject({ result: { type: 'started', gap: 'new-epoch' } })
  })
  test('from a cursor ahead of the head is a gap [TL-SUB-4]', async () => {
    const line = chat()
    const { id } = await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'a' }))
    const ann = await line.connect()
    await ann.send(subscribe({ lastEventId: `${id.split(':')[0]}:40` }))
    expect(ann.frames()[0]).toMatchObject({ result: { type: 'started', gap: 'new-epoch', head: id } })
  })
  test('from a cursor whose events have expired is a gap, also while their rows exist [TL-SUB-3]', async () => {
    const line = chat()
    const { id } = await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'a' }))
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'b' }))
    await line.clock.advance(25 * 3_600_000)
    const ann = await line.connect()
    await ann.send(subscribe({ lastEventId: id }))
    expect(ann.frames()[0]).toMatchObject({ result: { type: 'started', gap: 'expired' } })
    expect(ann.frames()).toHaveLength(1)
  })
  test('of an earlier attempt changes nothing [TL-SUB-13]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send(subscribe({ ref: 5 }))
    const before = ann.frames().length
    await ann.send(subscribe({ ref: 4 }))
    expect(ann.frames()).toHaveLength(before)
  })
  test('that names another topic under a live id gets TOPIC_CHANGED [TL-SUB-14]', async () => {
    const ann = await chat().connect()
    await ann.send(subscribe())
    await ann.send(subscribe({ ref: 2, input: { room: 'y' } }))
    expect(ann.frames()[1]).toMatchObject({ id: 7, line: { code: 'TOPIC_CHANGED' } })
  })
  test('under a live id of a stock client is a duplicate [TL-STOCK-2]', async () => {
    const ann = await chat().connect({ stock: true })
    const frame = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' } } }
    await ann.send(frame)
    await ann.send(frame)
    expect(ann.frames()).toMatchObject([
      { result: { type: 'started' } },
      { id: 7, error: { message: 'Duplicate id 7' } },
    ])
  })
  test('of a generator runs in the worker, which answers [TL-GEN-1]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send({ id: 1, method: 'subscription', params: { path: 'counts' } })
    expect(ann.frames()).toEqual([])
    expect(line.invoked).toMatchObject([{ name: 'worker', payload: { kind: 'generator', n: 0, continues: false } }])
  })
  test('stops, and a stopped id stays stopped [TL-STOP-1] [TL-STOP-2] [TL-STOCK-7]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send(subscribe())
    await ann.send({ id: 7, method: 'subscription.stop', params: { ref: 1 } })
    await ann.send({ id: 7, method: 'subscription.stop', params: { ref: 1 } })
    expect(ann.frames().slice(1)).toEqual([
      { id: 7, result: { type: 'stopped' } },
      { id: 7, result: { type: 'stopped' } },
    ])
    await ann.send(subscribe())
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'a' }))
    expect(ann.frames()).toHaveLength(3)
  })
  test('of a stock client under a stopped id is answered with `stopped`, so that it does not wait for ever [TL-STOCK-7]', async () => {
    const line = chat()
    const ann = await line.connect({ stock: true })
    const { id, method, params } = subscribe()
    await ann.send({ id, method: 'subscription.stop' })
    await ann.send({ id, method, params: { ...params, ref: undefined } })
    expect(ann.frames()).toEqual([{ id: 7, result: { type: 'stopped' } }])
  })
  test('is sent nothing after its authority has expired [TL-ERR-6]', async () => {
    const line = chat()
    const ann = await line.connect({ token: 'ann' })
    await ann.send(subscribe())
    await line.clock.advance(3_600_001)
    const bob = await line.connect()
    await bob.send({ id: 8, method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'hi' } } })
    expect(ann.frames()).toHaveLength(1)
  })
  test('of a stock client gets only tRPC frames, each a message of its own [TL-HS-5] [TL-STOCK-1]', async () => {
    const line = chat()
    for (const text of ['a', 'b']) await line.asScript(() => line.messages.publish({ room: 'x' }, { text }))
    const ann = await line.connect({ stock: true })
    await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' } } })
    const texts = line.gateway.posted(ann.connectionId)
    expect(texts.map((text) => Object.keys((JSON.parse(text) as { result: object }).result))).toEqual([
      ['type'],
      ['type', 'id', 'data'],
      ['type', 'id', 'data'],
    ])
  })
  test('of a stock client ends with an error at a gap [TL-STOCK-6]', async () => {
    const ann = await chat().connect({ stock: true })
    await ann.send({
      id: 7,
      method: 'subscription',
      params: { path: 'live', input: { room: 'x' }, lastEventId: '0.gone:4' },
    })
    expect(ann.frames()).toMatchObject([{ id: 7, error: { data: { code: 'PRECONDITION_FAILED' } } }])
  })
})

describe('a filtered subscription', () => {
  test('says what each frame covers and sends an advance at the end of a block [TL-SUB-5] [TL-SUB-10]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send({ id: 7, method: 'subscription', params: { path: 'shouts', input: { room: 'x' }, ref: 1 } })
    const poster = await line.connect()
    const post = (text: string) =>
      poster.send({ id: 1, method: 'mutation', params: { path: 'post', input: { room: 'x', text } } })
    for (let n = 2; n <= 32; n++) await post(n === 5 || n === 9 ? 'LOUD' : 'quiet')
    const results = ann.frames().slice(1) as {
      result: { type: string; id: string; prev?: number; data?: { data: unknown } }
    }[]
    expect(results.map(({ result }) => [result.type, Number(result.id.split(':')[1]), result.prev])).toEqual([
      ['data', 5, 0],
      ['data', 9, 5],
      ['advance', 32, 9],
    ])
    expect(results[0]?.result.data?.data).toBe(4)
  })
})

describe('a sync', () => {
  test('answers the events after a cursor and then itself [TL-SYNC-1]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    const { from } = (ann.frames()[0] as { result: { from: string } }).result
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'missed' }))
    const answer = await ann.send({ id: 9, method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from }] } })
    expect(answer).toMatchObject([
      { id: 7, result: { type: 'synced', from } },
      { id: 7, result: { type: 'data', data: { data: { text: 'missed' } } } },
      { id: 9, result: { type: 'data' } },
    ])
  })
  test('of a subscription that is not live says so [TL-SYNC-2]', async () => {
    const ann = await chat().connect()
    expect(
      await ann.send({ id: 9, method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from: '0.a:1' }] } }),
    ).toMatchObject([{ id: 7, line: { code: 'CONNECTION_LOST', retry: 'now' } }, { id: 9 }])
  })
  test('of a subscription whose registration was lost says so, and subscribing again repairs it [TL-SYNC-2]', async () => {
    const line = chat()
    const ann = await line.connect()
    const subscribe = (ref: number) =>
      ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref } })
    const sync = (ref: number, from: string) =>
      ann.send({ id: 9, method: 'sync', params: { subscriptions: [{ id: 7, ref, from }] } })
    await subscribe(1)
    const { from } = (ann.frames()[0] as { result: { from: string } }).result
    const { connectionId } = ann
    const [own] = await line.store.readSubscriptions(connectionId)
    await line.store.deleteSubscriber({ topic: own?.topic ?? '', shard: 0, connectionId, id: '7', ref: 1 })
    expect(await sync(1, from)).toMatchObject([{ id: 7, line: { code: 'CONNECTION_LOST', retry: 'now' } }, { id: 9 }])
    await subscribe(2)
    expect(await sync(2, from)).toMatchObject([{ id: 7, result: { type: 'synced', from } }, { id: 9 }])
  })
  test('of a long backlog stays within one message, and its head says that there is more [TL-SYNC-3]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    const { from } = (ann.frames()[0] as { result: { from: string } }).result
    for (let n = 0; n < 20; n++)
      await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'y'.repeat(10_000) }))
    let cursor = from
    let events = 0
    for (let round = 0; round < 10; round++) {
      const answer = (await ann.send({
        id: 9,
        method: 'sync',
        params: { subscriptions: [{ id: 7, ref: 1, from: cursor }] },
      })) as {
        result: { type: string; id: string; head: string }
      }[]
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(131_072)
      const data = answer.filter(({ result }) => result.type === 'data' && result.id !== undefined)
      events += data.length
      cursor = data.at(-1)?.result.id ?? cursor
      if (cursor === answer[0]?.result.head) break
    }
    expect(events).toBe(20)
  })
})

describe('an ephemeral channel', () => {
  test('starts without a position and pushes events without ids [TL-EPH-1]', async () => {
    const line = chat()
    const ann = await line.connect()
    await ann.send({ id: 3, method: 'subscription', params: { path: 'onTyping', input: { room: 'x' }, ref: 1 } })
    await ann.send({ id: 4, method: 'mutation', params: { path: 'type', input: { room: 'x' } } })
    expect(ann.frames()).toEqual([
      { id: 3, result: { type: 'started', ref: 1 } },
      { id: 3, result: { type: 'data', data: { author: 'ann' } } },
    ])
  })
})

describe('connection parameters', () => {
  test('are awaited by the frames after them [TL-STOCK-4]', async () => {
    const line = chat()
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    const early = ann.send({ id: 1, method: 'query', params: { path: 'whoami' } })
    await settle()
    await ann.send({ method: 'connectionParams', data: { token: 't' } })
    await line.clock.advance(1_000)
    expect(await early).toMatchObject({ id: 1, result: { type: 'data' } })
    await ann.send({ method: 'connectionParams', data: { token: 'u' } })
    expect(ann.frames()).toMatchObject([{ id: null, error: { code: -32700 } }])
  })
  test('that do not arrive within two seconds are an error, whatever arrived first [TL-STOCK-5]', async () => {
    const line = chat()
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    const refused = { code: -32700, message: 'Invalid request id' }
    const first = await ann.send({ method: 'whatever', data: { token: 't' } })
    expect(first).toMatchObject({ id: null, error: refused })
    const asked = ann.send({ id: 1, method: 'query', params: { path: 'whoami' } })
    for (let step = 0; step < 20; step++) {
      await settle()
      await line.clock.advance(200)
    }
    expect(await asked).toBeUndefined()
    expect(ann.frames()).toMatchObject([{ id: 1, error: { data: { code: 'BAD_REQUEST' } } }])
    expect(await line.gateway.post(ann.connectionId, 'x')).toEqual({ status: 'gone' })
  })
  test('that are malformed end the connection with an error [TL-STOCK-5]', async () => {
    const line = chat()
    const ann = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await ann.send({ method: 'connectionParams', data: { a: 1 } })
    expect(ann.frames()).toMatchObject([{ id: null, error: { message: 'Invalid connection params shape' } }])
    expect(await line.gateway.post(ann.connectionId, 'x')).toEqual({ status: 'gone' })
  })
})

test("the table's stream does not wait for what its publisher has delivered", async () => {
  const line = chat()
  const ann = await line.connect()
  await ann.send({ id: 1, method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'hi' } } })
  const topic = 'chat?room=s:x'
  const { slots } = await line.store.readSlots(topic, 0, 10)
  expect(slots.at(-1)?.inline).toBeGreaterThan(line.clock.now()) // the clock does not advance: a wait would not end
  expect(await line.stream(slots.map((slot) => ({ topic, slot })))).toEqual({ batchItemFailures: [] })
})
