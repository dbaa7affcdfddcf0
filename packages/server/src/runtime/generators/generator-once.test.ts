import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { CallDetails, LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'

interface Context {
  readonly user: string | undefined
  readonly cause: CallDetails['cause']
}

let steps: string[] = []
let logged: { readonly level: string; readonly message: string; readonly facts?: object }[] = []
const state = { user: 'ann' as string | undefined, isDev: true }
const line = createLine()
const messages = line.channel('chat', { key: z.object({ room: z.string() }), event: z.object({ text: z.string() }) })
beforeEach(() => {
  steps = []
  logged = []
  state.user = 'ann'
})

function createRouter(isDev = true) {
  const t = initTRPC.context<Context>().meta<LineMeta>().create({ isDev })
  const note = (step: string) => (cause: Context['cause']) => steps.push(`${step} ${cause}`)
  const called = t.procedure.use(async ({ ctx, next }) => {
    note('auth')(ctx.cause)
    if (ctx.user === undefined) throw new TRPCError({ code: 'UNAUTHORIZED' })
    const result = await next({ ctx: { user: ctx.user } })
    note(result.ok ? 'ok' : 'failed')(ctx.cause)
    return result
  })
  const asked = called
    .input(z.object({ prompt: z.string().optional(), lastEventId: z.string().optional() }).optional())
    .use(({ ctx, next }) => {
      note('after input')(ctx.cause)
      return next()
    })
  async function* stream(from: number) {
    for (let n = from + 1; n <= 2; n++) yield tracked(String(n), n)
  }
  const marked = asked.meta({ generator: true })
  return t.router({
    native: asked.subscription(async function* ({ ctx, input }) {
      note('resolve')(ctx.cause)
      yield* stream(Number(input?.lastEventId ?? 0))
    }),
    marked: marked.subscription(({ ctx }) => {
      note('resolve')(ctx.cause)
      return stream(0)
    }),
    markedLate: marked.subscription(async ({ ctx }) => {
      note('resolve')(ctx.cause)
      return stream(0)
    }),
    markedObservable: marked.subscription(({ ctx }) => {
      note('resolve')(ctx.cause)
      return observable<number>((emit) => {
        emit.next(1)
        emit.complete()
      })
    }),
    markedWrongly: marked.subscription(() => messages.subscribe({ room: 'x' })),
    parsed: asked
      .output((value) => {
        steps.push('output')
        return value as AsyncIterable<number>
      })
      .subscription(async function* ({ ctx }) {
        note('resolve')(ctx.cause)
        yield 1
      }),
    strict: called.input(z.strictObject({ lastEventId: z.string().max(3).optional() })).subscription(async function* ({
      ctx,
    }) {
      note('resolve')(ctx.cause)
      yield 1
    }),
    replaced: called
      .use(async () => ({ ok: true, marker: 'middlewareMarker', data: messages.subscribe({ room: 'x' }) }) as never)
      .subscription(async function* () {
        yield 1
      }),
    other: asked.subscription(({ ctx }) => {
      note('resolve')(ctx.cause)
      return stream(0)
    }),
    otherObservable: asked.subscription(({ ctx }) => {
      note('resolve')(ctx.cause)
      return observable<number>((emit) => emit.complete())
    }),
    live: asked.subscription(() => messages.subscribe({ room: 'x' })),
  })
}

const telemetry = {
  begin: () => ({ measure: () => {}, log: (entry: never) => void logged.push(entry), end: () => {} }),
} as never

function createWorld(isDev?: boolean): TestLine {
  return createTestLine({
    line,
    router: createRouter(isDev),
    telemetry,
    onError: () => {},
    createContext: ((call: CallDetails) => ({ user: state.user, cause: call.cause })) as never,
  })
}

const subscribe = (path: string, params: object = {}) => ({
  id: 1,
  method: 'subscription',
  params: { path, ref: 1, ...params },
})

async function finish(world: TestLine) {
  const working = world.work()
  for (let n = 0; n < 6; n++) {
    await settle()
    await world.clock.advance(16)
  }
  await working
}

const valuesOf = (client: TestClient) =>
  client.frames().flatMap((frame) => {
    const { result } = frame as { readonly result?: { readonly type: string; readonly data?: unknown } }
    if (result?.type !== 'data') return []
    const { data } = result
    return [typeof data === 'object' && data !== null && 'data' in data ? data.data : data]
  })
const both = ['auth', 'after input', 'ok']
const of = (cause: string, names: readonly string[]) => names.map((name) => `${name} ${cause}`)

describe('the resolver of a generator', () => {
  test.each([
    ['native', [1, 2]],
    ['marked', [1, 2]],
    ['markedLate', [1, 2]],
    ['markedObservable', [1]],
  ])(
    'of %s runs once, and its middlewares in the frame’s function and in the worker [TL-GEN-12]',
    async (path, values) => {
      for (const stock of [false, true]) {
        steps = []
        const world = createWorld()
        const ann = await world.connect({ stock })
        await ann.send(subscribe(path))
        expect(steps).toEqual(of('frame', both))
        await finish(world)
        // a native one's body begins when it is iterated
        expect(steps.sort()).toEqual([...of('frame', both), ...of('worker', [...both, 'resolve'])].sort())
        expect(valuesOf(ann)).toEqual(values)
      }
      expect(logged).toEqual([])
    },
  )

  test('runs once behind an output validator', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('parsed'))
    await finish(world)
    expect(steps.filter((step) => step.startsWith('resolve'))).toHaveLength(1)
    expect(valuesOf(ann)).toEqual([1])
  })

  test('runs once in each function that iterates it, and gets the last value’s id in both', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('native', { lastEventId: '1' }))
    await finish(world)
    expect(valuesOf(ann)).toEqual([2])
  })
})

describe('an error of a generator’s middleware or validator', () => {
  test.each(['native', 'marked', 'markedObservable'])('starts no function: %s [TL-GEN-12]', async (path) => {
    const world = createWorld()
    const ann = await world.connect()
    state.user = undefined
    await ann.send(subscribe(path))
    expect(ann.frames()).toMatchObject([{ id: 1, error: { data: { code: 'UNAUTHORIZED' } } }])
    state.user = 'ann'
    await ann.send(subscribe(path, { input: 5, ref: 2 }))
    expect(ann.frames()[1]).toMatchObject({ id: 1, error: { data: { code: 'BAD_REQUEST' } } })
    expect(world.invoked).toEqual([])
    expect(steps.filter((step) => step.startsWith('resolve'))).toEqual([])
  })

  test('is returned by the frame’s function when it is about the last value’s id, as by the worker', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('strict', { lastEventId: 'too long' }))
    expect(ann.frames()).toMatchObject([{ error: { data: { code: 'BAD_REQUEST' } } }])
    expect(world.invoked).toEqual([])
  })

  test('is pushed when it occurs only in the worker', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('native'))
    state.user = undefined
    await finish(world)
    expect(ann.frames()).toMatchObject([{ id: 1, error: { data: { code: 'UNAUTHORIZED' } } }])
  })
})

describe('a subscription that is no recognised generator', () => {
  test.each(['other', 'otherObservable'])(
    'runs twice, and one warning in development names the marker: %s',
    async (path) => {
      const world = createWorld()
      const ann = await world.connect()
      for (const ref of [1, 2]) {
        await ann.send(subscribe(path, { ref }))
        await finish(world)
      }
      expect(steps.filter((step) => step.startsWith('resolve'))).toEqual(
        ['frame', 'worker', 'frame', 'worker'].map((cause) => `resolve ${cause}`),
      )
      expect(logged).toEqual([
        { level: 'WARN', message: expect.stringContaining('meta({ generator: true })'), facts: { path } },
      ])
    },
  )

  test('is not warned of outside of development', async () => {
    const world = createWorld(false)
    await (await world.connect()).send(subscribe('other'))
    expect(logged).toEqual([])
  })

  test('is a channel’s when a middleware returns one for a generator', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('replaced'))
    expect(ann.frames()[0]).toMatchObject({ result: { type: 'started', head: expect.any(String) } })
    expect(world.invoked).toEqual([])
  })

  test('is answered with an explanation when it is marked a generator and returns a channel’s subscription', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(subscribe('markedWrongly'))
    await finish(world)
    expect(ann.frames()).toMatchObject([{ error: { message: expect.stringContaining('generator: true') } }])
  })
})
