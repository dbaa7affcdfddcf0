import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { StoreError } from '../../ports/store.ts'

const t = initTRPC.create()
const never = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
let seen: string[] = []
let yielded = 0
let push: ((value: unknown) => void)[] = []
let clockOf: () => TestLine['clock']

/** Yields what a test pushes, until the signal aborts or `end` is pushed. */
async function* pushed(signal: AbortSignal | undefined) {
  const queue: unknown[] = []
  let wake = () => {}
  push.push((value) => {
    queue.push(value)
    wake()
  })
  try {
    for (;;) {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (next === 'end') return
        if (next instanceof Error) throw next
        yield next
      }
      if (signal?.aborted) return
      await new Promise<void>((resolve) => {
        wake = resolve
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  } finally {
    seen.push(signal?.aborted ? 'closed by its signal' : 'closed')
  }
}

let dropped: WeakRef<object> | undefined
function droppable(): object {
  const value = { text: 'x' }
  dropped = new WeakRef(value)
  return value
}

const router = t.router({
  count: t.procedure.subscription(async function* () {
    yield 1
    yield 2
  }),
  pushed: t.procedure.subscription(({ signal }) => pushed(signal)),
  eager: t.procedure.subscription(async function* () {
    for (;;) {
      yielded += 1
      yield yielded
    }
  }),
  fail: t.procedure.subscription(async function* () {
    yield 1
    throw new TRPCError({ code: 'FORBIDDEN', message: 'nope' })
  }),
  failSetup: t.procedure.subscription(async () => {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'nope' })
    // biome-ignore lint/correctness/noUnreachable: says what it would have returned
    return (async function* () {})()
  }),
  empty: t.procedure.subscription(async function* () {
    yield undefined
    yield null
  }),
  from: t.procedure.input(z.object({ lastEventId: z.string().optional() }).optional()).subscription(async function* ({
    input,
  }) {
    yield tracked('b', { after: input?.lastEventId })
  }),
  /** One tracked value each second, from any start. */
  ticks: t.procedure.input(z.object({ lastEventId: z.string().optional() }).optional()).subscription(async function* ({
    input,
    signal,
  }) {
    const clock = clockOf()
    for (let tick = Number(input?.lastEventId ?? 0) + 1; !signal?.aborted; tick++) {
      await clock.sleep(20_000, signal)
      if (!signal?.aborted) yield tracked(String(tick), tick)
    }
  }),
  quiet: t.procedure.subscription(async function* ({ signal }) {
    await never(signal)
    yield 'never'
  }),
  deaf: t.procedure.subscription(async function* () {
    await new Promise(() => {})
    yield 'never'
  }),
  watched: t.procedure.subscription(() =>
    observable<string>((emit) => {
      emit.next('a')
      emit.next('b')
      emit.complete()
      return () => seen.push('unsubscribed')
    }),
  ),
  /** One value that only the iteration holds, then silence. */
  dropped: t.procedure.subscription(async function* ({ signal }) {
    yield droppable()
    await never(signal)
  }),
  large: t.procedure.subscription(async function* () {
    yield 'x'.repeat(1_100_000)
  }),
  flood: t.procedure.subscription(async function* () {
    for (let n = 0; n < 2_000; n++) {
      seen.push('made')
      yield 'y'.repeat(1_000)
    }
  }),
  notIter: t.procedure.subscription((() => 5) as never),
})

interface Frame {
  readonly id: number
  readonly result?: { readonly type: string; readonly ref?: number; readonly n?: number; readonly data?: unknown }
  readonly error?: { readonly message: string }
  readonly line?: { readonly code: string }
}

const subscribe = (path: string, rest: object = {}) => ({
  id: 1,
  method: 'subscription',
  params: { path, ref: 1, ...rest },
})
const result = (members: object) => ({ id: 1, result: members })
const framesOf = (client: TestClient) => client.frames() as readonly Frame[]
const createLine = () => {
  const line = createTestLine({ router, onError: () => {} })
  clockOf = () => line.clock
  return line
}

/** A client that has subscribed, and the worker that was started for it; `tick` lets what is ready be posted. */
async function begun(path: string, { stock = false, params = {} as object } = {}) {
  const line = createLine()
  const client = await line.connect({ stock })
  const frame = subscribe(path, params)
  await client.send(stock ? { ...frame, params: { path, ...params } } : frame)
  const working = line.work()
  const tick = async (ms = 16) => {
    await settle()
    await line.clock.advance(ms)
  }
  await tick()
  return { line, client, working, tick }
}

beforeEach(() => {
  seen = []
  push = []
})

describe('a generator that is faster than its posts', () => {
  test('runs at most 32 values ahead of a stock client, whose values are posted one by one', async () => {
    yielded = 0
    const { line, working, client } = await begun('eager', { stock: true })
    const posted = framesOf(client).length
    expect(yielded - posted).toBeGreaterThan(16)
    expect(yielded - posted).toBeLessThanOrEqual(33)
    await client.disconnect()
    await line.clock.advance(20_000)
    await working
  })
})

describe('a subscription that returns a generator', () => {
  test('is iterated by the worker: started, values with a dense n, stopped [TL-GEN-1] [TL-GEN-2] [TL-GEN-3]', async () => {
    const { client, working, tick } = await begun('count')
    for (let n = 0; n < 4; n++) await tick()
    await working
    expect(framesOf(client)).toEqual([
      result({ type: 'started', ref: 1, n: 0 }),
      result({ type: 'data', ref: 1, n: 1, data: 1 }),
      result({ type: 'data', ref: 1, n: 2, data: 2 }),
      result({ type: 'stopped', ref: 1, n: 3 }),
    ])
  })

  test('gives a stock client the same frames as tRPC, one in each message [TL-GEN-2] [TL-STOCK-1]', async () => {
    const { line, client, working, tick } = await begun('count', { stock: true })
    for (let n = 0; n < 8; n++) await tick()
    await working
    const posted = line.gateway.posted(client.connectionId).map((text) => JSON.parse(text) as unknown)
    expect(posted).toEqual([
      result({ type: 'started' }),
      result({ type: 'data', data: 1 }),
      result({ type: 'data', data: 2 }),
      result({ type: 'stopped' }),
    ])
  })

  test.each([
    ['a stock client: error, then stopped', true, ['started', 1, 'nope', 'stopped']],
    ['a client of ours: error', false, ['started', 1, 'nope']],
  ])('that throws after it started tells %s [TL-GEN-3] [TL-ERR-4]', async (_, stock, expected) => {
    const { client, working, tick } = await begun('fail', { stock })
    for (let n = 0; n < 8; n++) await tick()
    await working
    expect(framesOf(client).map(({ result, error }) => error?.message ?? result?.data ?? result?.type)).toEqual(
      expected,
    )
    const failed = framesOf(client).find(({ error }) => error)
    expect(failed).toMatchObject({ error: { data: { code: 'FORBIDDEN' } }, ...(stock ? {} : { ref: 1, n: 2 }) })
    if (stock) expect(failed).not.toHaveProperty('ref')
  })

  test('that fails before it starts is answered only with the error, and no worker starts', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    await client.send(subscribe('failSetup'))
    await client.send({ ...subscribe('notIter'), id: 2 })
    expect(framesOf(client)).toMatchObject([
      { id: 1, error: { message: 'nope' } },
      { id: 2, error: { message: 'Subscription notIter did not return an observable or a AsyncGenerator' } },
    ])
    expect(line.invoked).toEqual([])
  })

  test('does not hold a value that was posted while it waits for the next', async () => {
    const { client, tick } = await begun('dropped')
    await tick()
    expect(framesOf(client)).toHaveLength(2)
    collectGarbage()
    expect(dropped?.deref()).toBeUndefined()
  })

  test('may yield undefined and null', async () => {
    const { client, tick } = await begun('empty')
    await tick()
    expect(framesOf(client).slice(1, 3)).toEqual([
      result({ type: 'data', ref: 1, n: 1 }),
      result({ type: 'data', ref: 1, n: 2, data: null }),
    ])
  })

  test('or an observable, is iterated too', async () => {
    const { client, working, tick } = await begun('watched')
    for (let n = 0; n < 4; n++) await tick()
    await working
    expect(framesOf(client).map(({ result }) => result?.data ?? result?.type)).toEqual(['started', 'a', 'b', 'stopped'])
    expect(seen).toEqual(['unsubscribed'])
  })

  test('gives tracked values their id, and gets its client’s position in its input [TL-GEN-2] [TL-STOCK-3]', async () => {
    const { client, tick } = await begun('from', { params: { lastEventId: 'a' } })
    await tick()
    expect(framesOf(client)[1]).toEqual(
      result({ type: 'data', ref: 1, n: 1, id: 'b', data: { id: 'b', data: { after: 'a' } } }),
    )
  })

  test('posts the first value within one push, and values of 15 ms in one message [TL-GEN-2]', async () => {
    const { line, client, tick } = await begun('pushed')
    const messages = () => line.gateway.posted(client.connectionId).slice(1)
    push[0]?.('a')
    await settle()
    await line.clock.advance(10)
    push[0]?.('b')
    push[0]?.('c')
    await settle()
    expect(messages()).toEqual([])
    await line.clock.advance(5)
    expect(messages()).toHaveLength(1)
    expect(JSON.parse(messages()[0] ?? '')).toHaveLength(3)
    push[0]?.('d')
    await tick()
    expect(messages()).toHaveLength(2)
  })

  test('that yields nothing sends `alive` every 4 s to clients with extensions [TL-GEN-4]', async () => {
    const ours = await begun('quiet')
    await ours.line.clock.advance(4_000)
    await ours.line.clock.advance(4_000)
    const alive = result({ type: 'alive', ref: 1, n: 0 })
    expect(framesOf(ours.client)).toEqual([result({ type: 'started', ref: 1, n: 0 }), alive, alive])
    const stock = await begun('quiet', { stock: true })
    await stock.line.clock.advance(9_000)
    expect(framesOf(stock.client)).toEqual([result({ type: 'started' })])
  })

  test('runs at most 64 KB ahead of its client', async () => {
    const { line, client, tick } = await begun('flood')
    line.gateway.intercept = () => new Promise(() => {}) // nothing is taken any more
    const before = framesOf(client).length
    await tick()
    expect(framesOf(client).length).toBe(before)
    expect(seen.length).toBeLessThan(140)
  })

  test('ends with TOO_LARGE at a value that fits no message, and is closed [TL-LIM-3]', async () => {
    const { client, working, tick } = await begun('large')
    for (let n = 0; n < 4; n++) await tick()
    await working
    expect(framesOf(client).at(-1)).toMatchObject({ line: { code: 'TOO_LARGE' } })
  })
})

describe('a generator is closed within a second', () => {
  test.each([
    ['a stop', async (client: TestClient) => void (await client.send({ id: 1, method: 'subscription.stop' }))],
    ['a disconnect', (client: TestClient) => client.disconnect()],
    ['a newer attempt', async (client: TestClient) => void (await client.send(subscribe('quiet', { ref: 2 })))],
  ])('of %s: its signal aborts and its finally runs [TL-GEN-5]', async (_, end) => {
    const { line, client, working } = await begun('pushed')
    await end(client)
    await line.clock.advance(1_000)
    await working
    expect(seen).toEqual(['closed by its signal'])
  })

  test('of the first post that finds its connection gone [TL-GEN-5]', async () => {
    const { line, client, working, tick } = await begun('pushed')
    line.gateway.close(client.connectionId)
    push[0]?.('a')
    await tick()
    await working
    expect(seen).toEqual(['closed by its signal'])
  })

  test('is answered with stopped once, also to a stock client, and nothing after it is posted [TL-STOP-1]', async () => {
    const { line, client, working, tick } = await begun('pushed', { stock: true })
    await client.send({ id: 1, method: 'subscription.stop' })
    await line.clock.advance(1_000)
    await working
    push[0]?.('late')
    await tick()
    expect(framesOf(client)).toEqual([result({ type: 'started' }), result({ type: 'stopped' })])
  })

  test('costs at most three posts where values come every 50 ms [TL-GEN-5]', async () => {
    const { line, client, tick } = await begun('pushed')
    const produce = async (values: number) => {
      for (let value = 0; value < values; value += 1) {
        push[0]?.(value)
        await tick()
        await line.clock.advance(50)
      }
    }
    await produce(24)
    await client.send({ id: 1, method: 'subscription.stop', params: { ref: 1 } })
    const before = framesOf(client).length
    await produce(10)
    expect(framesOf(client).length - before).toBeLessThanOrEqual(3)
    expect(seen).toEqual(['closed by its signal'])
  })

  test('and one that hangs and ignores its signal delays the function’s end by two seconds', async () => {
    const { line, client, working } = await begun('deaf')
    await client.disconnect()
    await line.clock.advance(1_000)
    await line.clock.advance(2_000)
    await working
  })

  test('of the end of its connection’s authority, with AUTH_EXPIRED [TL-ERR-6]', async () => {
    const line = createTestLine({
      router,
      onError: () => {},
      authorize: () => ({ principal: 'ann', claims: {}, expiresAt: new Date(line.clock.now() + 60_000) }),
    })
    const client = await line.connect({ token: 't' })
    await client.send(subscribe('pushed'))
    const working = line.work()
    await settle()
    await line.clock.advance(60_000)
    for (let n = 0; n < 4; n++) await line.clock.advance(20)
    await working
    expect(framesOf(client).at(-1)).toMatchObject({ line: { code: 'AUTH_EXPIRED', retry: 'after-auth' } })
    expect(seen).toEqual(['closed by its signal'])
  })
})

describe('a run is claimed', () => {
  test('by one of several invocations, and the others end [TL-GEN-6]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(subscribe('count'))
    const [job] = line.invoked
    const all = [line.work(), line.work(job?.payload), line.work(job?.payload)]
    for (let n = 0; n < 6; n++) {
      await settle()
      await line.clock.advance(16)
    }
    await Promise.all(all)
    await line.work(job?.payload)
    expect(framesOf(client).map(({ result }) => result?.data ?? result?.type)).toEqual(['started', 1, 2, 'stopped'])
  })

  test('by one of two equal frames, and not by one that was stopped before [TL-GEN-6] [TL-SUB-13] [TL-STOP-2]', async () => {
    const line = createLine()
    const client = await line.connect()
    await Promise.all([client.send(subscribe('quiet')), client.send(subscribe('quiet'))])
    expect(line.invoked).toHaveLength(1)
    await client.send({ id: 2, method: 'subscription.stop', params: { ref: 1 } })
    await client.send({ ...subscribe('quiet'), id: 2 })
    expect(line.invoked).toHaveLength(1)
  })

  test('so that a stock client’s second subscription under a live id is a duplicate [TL-STOCK-2]', async () => {
    const { client } = await begun('quiet', { stock: true })
    await client.send({ id: 1, method: 'subscription', params: { path: 'quiet' } })
    expect(framesOf(client).at(-1)).toMatchObject({ error: { message: 'Duplicate id 1' } })
  })

  test('and is reported as GENERATOR_LOST once when its function died, and not started again [TL-GEN-7]', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    await client.send(subscribe('pushed'))
    const [job] = line.invoked
    void line.work() // its function is killed, which here is: the gateway takes nothing of it, and its claim is not renewed
    await settle()
    await line.clock.advance(16)
    const renew = line.store.passRun.bind(line.store)
    line.store.passRun = async (pass) => (pass.from === pass.run ? new Promise(() => {}) : renew(pass))
    await line.clock.advance(46_000)
    const again = [line.work(job?.payload)]
    for (let n = 0; n < 4; n++) {
      await settle()
      await line.clock.advance(16)
    }
    await Promise.all(again)
    await line.work(job?.payload)
    expect(framesOf(client).map(({ result, line }) => line?.code ?? result?.type)).toEqual([
      'started',
      'GENERATOR_LOST',
      'stopped',
    ])
    expect(push).toHaveLength(1)
  })

  test('and ends when the worker could not be invoked, and an invocation that arrives nevertheless ends', async () => {
    let refuse = true
    const line = createTestLine({
      router,
      onError: () => {},
      invoker: (inner) => ({
        ...inner,
        async invoke(name, payload) {
          await inner.invoke(name, payload)
          if (refuse) throw new Error('the answer was lost')
        },
      }),
    })
    const client = await line.connect()
    await client.send(subscribe('count'))
    refuse = false
    await line.work()
    expect(framesOf(client)).toMatchObject([{ id: 1, error: {}, line: { code: 'FUNCTION_FAILED', retry: 'later' } }]) // [TL-ERR-2]
    expect(framesOf(client)).toHaveLength(1)
  })

  test('and leaves no watch running when its end cannot be written', async () => {
    let reads = 0
    let isDown = false
    const line = createTestLine({
      router,
      onError: () => {},
      store: (inner) => ({
        ...inner,
        readSubscription: (...args) => {
          reads += 1
          return inner.readSubscription(...args)
        },
        stopSubscription: async (...args) => {
          if (isDown) throw new StoreError('stopSubscription', false, { cause: new Error('throttled') })
          return inner.stopSubscription(...args)
        },
      }),
    })
    const client = await line.connect()
    await client.send(subscribe('count'))
    isDown = true
    const working = line.work().catch((thrown: unknown) => thrown)
    for (let n = 0; n < 8; n++) await line.clock.advance(100)
    expect(await working).toBeInstanceOf(StoreError)
    const before = reads
    await line.clock.advance(10_000)
    expect(reads).toBe(before) // in a warm function it would renew a dead claim, and the loss would not be reported
  })
})

describe('a stock client’s connection is deleted', () => {
  test('when the fate of a post is unknown, so that the value is neither repeated nor left out [TL-GEN-8]', async () => {
    const { line, client, working, tick } = await begun('pushed', { stock: true })
    let posts = 0
    line.gateway.intercept = () => {
      posts += 1
      return { status: 'failed', unknown: true, reason: 'timeout' }
    }
    push[0]?.('a')
    await tick()
    await line.clock.advance(1_000)
    await working
    expect(posts).toBe(1)
    line.gateway.intercept = () => undefined
    expect(await line.gateway.post(client.connectionId, 'x')).toEqual({ status: 'gone' })
    expect(seen).toEqual(['closed by its signal'])
  })

  test('but not when the gateway throttles a post', async () => {
    const { line, client, tick } = await begun('pushed', { stock: true })
    let refusals = 2
    line.gateway.intercept = () => (refusals-- > 0 ? { status: 'throttled' } : undefined)
    push[0]?.('a')
    for (let n = 0; n < 4; n++) await tick(200)
    expect(framesOf(client).at(-1)).toEqual(result({ type: 'data', data: 'a' }))
  })
})

describe('a generator outlives its function', () => {
  const minute = 60_000

  /** Workers of 15 minutes for as long as they hand on, seen from the client. */
  async function runFor(line: TestLine, ms: number): Promise<number> {
    let started = 0
    const begin = () => {
      const until = line.clock.now() + 15 * minute
      started += 1
      void line.work(undefined, { remaining: () => until - line.clock.now() })
    }
    for (const until = line.clock.now() + ms; line.clock.now() < until; await line.clock.advance(2_000))
      while (started < line.invoked.length) begin()
    return started
  }

  test('an hour in functions of 15 minutes is one subscription: no value twice, none left out, no second start [TL-GEN-9]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(subscribe('ticks'))
    expect(await runFor(line, 60 * minute)).toBeGreaterThanOrEqual(4)
    const values = framesOf(client).filter(({ result }) => result?.type === 'data')
    expect(values.length).toBeGreaterThan(150)
    expect(values.map(({ result }) => result?.n)).toEqual(values.map((_, index) => index + 1))
    expect(values.map(({ result }) => (result as { data: { id: string } }).data.id)).toEqual(
      values.map((_, index) => String(index + 1)),
    )
    expect(framesOf(client).filter(({ result }) => result?.type === 'started')).toHaveLength(1)
    expect(framesOf(client).every(({ result }) => ['started', 'data', 'alive'].includes(result?.type ?? ''))).toBe(true)
  })

  test('for a stock client, which gets its values and nothing else [TL-GEN-9]', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    await client.send({ id: 1, method: 'subscription', params: { path: 'ticks' } })
    await runFor(line, 31 * minute)
    const [first, ...values] = framesOf(client)
    expect(first).toEqual(result({ type: 'started' }))
    expect(values.map(({ result }) => (result as { data: { data: number } }).data.data)).toEqual(
      values.map((_, index) => index + 1),
    )
  })

  test('a second invocation of the one that takes over ends [TL-GEN-6] [TL-GEN-9]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(subscribe('ticks'))
    await runFor(line, 15 * minute)
    const successor = line.invoked.at(-1)
    await line.work(successor?.payload)
    await line.work(line.invoked[0]?.payload)
    expect(framesOf(client).at(-1)?.result?.type).not.toBe('stopped')
  })

  test('without tracked values it ends with GENERATOR_LOST, since no id says where to continue [TL-GEN-9]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(subscribe('quiet'))
    expect(await runFor(line, 16 * minute)).toBe(1)
    expect(framesOf(client).at(-1)).toMatchObject({ line: { code: 'GENERATOR_LOST', retry: 'now' } })
  })
})
