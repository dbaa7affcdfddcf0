import { initTRPC, lazy, TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Store } from '../../ports/store.ts'

interface Context {
  readonly user: string | undefined
  readonly log: (step: string) => void
}

/** A line whose procedures record each step, and each request to the key's row between the steps. */
function createWorld() {
  const steps: string[] = []
  const codes = new Set<string>()
  const state = { user: 'ann' as string | undefined, broken: false }
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const t = initTRPC.context<Context>().meta<LineMeta>().create()
  const note = (step: string) =>
    t.middleware(({ ctx, next }) => {
      ctx.log(step)
      return next()
    })
  const text = z.object({ text: z.string() }).refine(() => steps.push('validate') > 0)
  const signedIn = t.middleware(({ ctx, next }) => {
    ctx.log('auth')
    if (ctx.user === undefined) throw new TRPCError({ code: 'UNAUTHORIZED' })
    return next({ ctx: { user: ctx.user } })
  })
  const once = z.object({ code: z.string() }).refine(({ code }) => {
    steps.push('spend')
    return codes.delete(code)
  }, 'This code was used.')
  const resolve = ({ ctx, input }: { ctx: Context; input: unknown }) => {
    ctx.log('resolve')
    return { user: ctx.user, input }
  }
  const plugin = t.procedure.input(z.object({ more: z.string().default('more') })).use(note('plugin'))
  const procedures = {
    pay: t.procedure.use(signedIn).input(text).mutation(resolve),
    late: t.procedure.input(text).use(signedIn).mutation(resolve),
    spend: t.procedure.input(once).mutation(resolve),
    spendLong: t.procedure.meta({ longRunning: true }).input(once).mutation(resolve),
    long: t.procedure.meta({ longRunning: true }).use(signedIn).input(text).mutation(resolve),
    joined: t.procedure.use(note('first')).input(text).concat(plugin).use(note('last')).mutation(resolve),
    changed: t.procedure
      .input(z.object({ text: z.string() }))
      .use(({ next }) => next({ input: { text: 'changed' }, ctx: { user: 'changed' } }))
      .mutation(resolve),
    output: t.procedure
      .output((value: unknown) => {
        steps.push('output')
        if (state.broken) throw new Error('Expected something else.')
        return value
      })
      .mutation(resolve),
    after: t.procedure
      .use(async ({ next }) => {
        const result = await next()
        steps.push('after')
        if (result.ok) throw new TRPCError({ code: 'CONFLICT', message: 'After it ran.' })
        return result
      })
      .mutation(resolve),
    twice: t.procedure.use(async ({ next }) => ((await next()).ok ? next() : next())).mutation(resolve),
    caught: t.procedure
      .use(async ({ next }) => {
        const result = await next()
        return result.ok ? result : { ...result, ok: true as const, data: 'made good' }
      })
      .mutation(({ ctx }) => {
        ctx.log('resolve')
        if (state.broken) throw new Error('broken')
        return 'fine'
      }),
    cached: t.procedure
      .use(async ({ next }) =>
        state.broken
          ? ({ ...(await next()), ok: true, data: 'cached' } as never)
          : ({ ok: true, data: 'cached' } as never),
      )
      .mutation(resolve),
    again: t.procedure
      .meta({ repeatable: true })
      .use(note('auth'))
      .mutation(async ({ ctx }) => {
        ctx.log('resolve')
        if (state.broken) await new Promise<never>(() => {})
        return (await messages.publish({ room: 'x' }, { text: 'once' })).id.replace(/.*:/, '')
      }),
    received: t.procedure
      .use(async ({ next }) => {
        await messages.publish({ room: 'x' }, { text: 'before' })
        const result = await next()
        await messages.publish({ room: 'x' }, { text: 'after' })
        return result
      })
      .mutation(async ({ ctx }) => {
        ctx.log('resolve')
        await messages.publish({ room: 'x' }, { text: 'inside' })
      }),
    hang: t.procedure.use(note('auth')).mutation(async ({ ctx }) => {
      ctx.log('resolve')
      return new Promise<never>(() => {})
    }),
  }
  const inner = t.router(procedures)
  const made = createTestLine({
    line,
    router: t.router({ ...procedures, lazily: lazy(async () => ({ inner })) }),
    authorize: ({ token }) => ({ principal: token ?? 'ann', claims: {}, expiresAt: new Date(1_900_000_000_000) }),
    createContext: (() => ({ user: state.user, log: (step: string) => void steps.push(step) })) as never,
    onError: () => {},
    store: (store) =>
      new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            if (/Key|putSlot/.test(String(name))) steps.push(String(name))
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }) as Store,
  })
  return { ...made, codes, state, messages, took: () => steps.splice(0) }
}

const frame = (path: string, input: unknown = { text: 'five' }, params: object = {}) => ({
  id: 1,
  method: 'mutation',
  params: { path, input, key: 'own.k', ...params },
})
const data = (value: unknown) => ({ id: 1, result: { type: 'data', data: value } })
const pay = async (client: TestClient, path = 'pay', params: object = {}) =>
  client.send(frame(path, { text: 'five' }, params))

describe('the claim of a keyed mutation', () => {
  test.each([
    ['pay', ['auth', 'validate', 'claimKey', 'resolve', 'settleKey']],
    ['late', ['validate', 'auth', 'claimKey', 'resolve', 'settleKey']],
    ['joined', ['first', 'validate', 'plugin', 'last', 'claimKey', 'resolve', 'settleKey']],
    ['lazily.pay', ['auth', 'validate', 'claimKey', 'resolve', 'settleKey']],
    ['output', ['claimKey', 'resolve', 'output', 'settleKey']],
    ['after', ['claimKey', 'resolve', 'after', 'settleKey']],
  ])('of %s comes last before the resolver, in tRPC’s order and count [TL-KEY-13]', async (path, expected) => {
    const world = createWorld()
    const ann = await world.connect()
    for (const key of ['own.a', 'own.b']) {
      await pay(ann, path, { key })
      expect(world.took()).toEqual(expected)
    }
  })

  test('lets a validator consume a one-time code [TL-KEY-13]', async () => {
    const world = createWorld()
    world.codes.add('c1')
    const ann = await world.connect()
    expect(await ann.send(frame('spend', { code: 'c1' }))).toMatchObject({ result: { type: 'data' } })
    expect(world.took()).toEqual(['spend', 'claimKey', 'resolve', 'settleKey'])
  })

  test('lets a validator of a long call consume a one-time code, since only the worker runs the chain [TL-LONG-2]', async () => {
    const world = createWorld()
    world.codes.add('c1')
    const ann = await world.connect()
    expect(await ann.send(frame('spendLong', { code: 'c1' }))).toMatchObject({ result: { type: 'accepted' } })
    await world.work()
    expect(ann.frames()).toMatchObject([{ id: 1, result: { type: 'data' } }])
    expect(world.took()).toEqual(['readKey', 'spend', 'claimKey', 'resolve', 'settleKey'])
  })

  test.each(['pay', 'long'])('of %s is not made for a caller whom a middleware refuses [TL-KEY-13]', async (path) => {
    const world = createWorld()
    world.state.user = undefined
    const ann = await world.connect()
    const answered = await ann.send(frame(path, { text: 5 }))
    if (path === 'long') await world.work()
    const answer = path === 'long' ? ann.frames()[0] : answered
    expect(answer).toMatchObject({ error: { message: 'UNAUTHORIZED', data: { code: 'UNAUTHORIZED' } } })
    expect(world.took()).not.toContain('claimKey')
    world.state.user = 'ann'
    const fits = await ann.send(frame(path))
    if (path === 'long') await world.work()
    expect(path === 'long' ? ann.frames()[1] : fits).toMatchObject({ result: { data: { user: 'ann' } } })
  })

  test('sends no request to the table when a validator rejects a first send', async () => {
    const world = createWorld()
    const ann = await world.connect()
    expect(await ann.send(frame('pay', { text: 5 }))).toMatchObject({ error: { data: { code: 'BAD_REQUEST' } } })
    expect(world.took()).toEqual(['auth'])
  })

  test('keeps the input and the context that middlewares made', async () => {
    const ann = await createWorld().connect()
    expect(await pay(ann, 'changed')).toEqual(data({ user: 'changed', input: { text: 'changed' } }))
  })
})

describe('the answer of a keyed mutation', () => {
  test.each(['output', 'after', 'caught'])(
    'is what the whole chain of %s came to, for good [TL-KEY-1]',
    async (path) => {
      const world = createWorld()
      world.state.broken = true
      const ann = await world.connect()
      const first = await pay(ann, path)
      world.state.broken = false
      expect(await pay(ann, path)).toEqual(first)
      expect(await pay(ann, path, { resend: true })).toEqual(first)
      expect(world.took().filter((step) => step === 'resolve')).toHaveLength(1)
    },
  )

  test('is the recorded one even if a middleware catches the error [TL-KEY-1]', async () => {
    const ann = await createWorld().connect()
    expect([await pay(ann, 'caught'), await pay(ann, 'caught')]).toEqual([data('fine'), data('fine')])
    expect(await ann.send(frame('caught', 'other'))).toMatchObject({ line: { code: 'KEY_REUSED' } })
  })

  test('covers a middleware that calls next twice with one claim', async () => {
    const world = createWorld()
    const ann = await world.connect()
    await pay(ann, 'twice')
    expect(world.took()).toEqual(['claimKey', 'resolve', 'resolve', 'settleKey'])
    await pay(ann, 'twice')
    expect(world.took()).not.toContain('resolve')
  })

  test('is recorded even if a middleware returns it without the resolver', async () => {
    const world = createWorld()
    const ann = await world.connect()
    expect(await pay(ann, 'cached')).toEqual(data('cached'))
    world.state.broken = true
    expect(await pay(ann, 'cached', { resend: true })).toEqual(data('cached'))
    expect(world.took()).toEqual(['claimKey', 'settleKey', 'readKey'])
  })

  test('is returned to an unmarked duplicate without running the resolver [TL-KEY-13]', async () => {
    const world = createWorld()
    const ann = await world.connect()
    const first = await pay(ann)
    world.took()
    expect(await pay(ann)).toEqual(first)
    expect(world.took()).toEqual(['auth', 'validate', 'claimKey'])
  })

  test('is returned to an unmarked duplicate that a middleware now rejects [TL-KEY-1]', async () => {
    const world = createWorld()
    const ann = await world.connect()
    const first = await pay(ann)
    world.state.user = undefined
    expect(await pay(ann)).toEqual(first)
  })

  test('is returned to a marked resend without running middlewares and validators [TL-KEY-14]', async () => {
    const world = createWorld()
    world.codes.add('c1')
    const ann = await world.connect()
    const first = await ann.send(frame('spend', { code: 'c1' }))
    world.took()
    expect(await ann.send(frame('spend', { code: 'c1' }, { resend: true }))).toEqual(first)
    expect(await ann.send(frame('spend', { code: 'c2' }, { resend: true }))).toMatchObject({
      line: { code: 'KEY_REUSED', mayHaveRun: false },
    })
    expect(world.took()).toEqual(['readKey', 'readKey'])
  })

  test('of a marked resend without a recorded result is made as for a first send [TL-KEY-14]', async () => {
    const world = createWorld()
    const ann = await world.connect()
    expect(await pay(ann, 'pay', { resend: true })).toMatchObject({ result: { type: 'data' } })
    expect(world.took()).toEqual(['readKey', 'auth', 'validate', 'claimKey', 'resolve', 'settleKey'])
  })

  test.each([
    ['hang', 'OUTCOME_UNKNOWN'],
    ['again', undefined],
  ])('of a marked resend of %s goes by the lease of the first attempt [TL-KEY-14]', async (path, expected) => {
    const world = createWorld()
    world.state.broken = true
    const ann = await world.connect()
    const lost = pay(ann, path)
    await settle()
    expect(await pay(ann, path, { resend: true })).toMatchObject({ line: { code: 'PENDING' } })
    world.state.broken = false
    await world.clock.advance(120_000)
    await lost
    world.took()
    const answer = await pay(ann, path, { resend: true })
    expect(answer).toMatchObject(expected === undefined ? { result: { data: '1' } } : { line: { code: expected } })
    expect(world.took()).toEqual(
      expected === undefined
        ? ['readKey', 'auth', 'claimKey', 'takeKey', 'resolve', 'putSlot', 'settleKey']
        : ['readKey', 'settleKey'],
    )
  })

  test('holds one event for each publish, also of a middleware before and after the resolver [TL-KEY-9]', async () => {
    const world = createWorld()
    const ann = await world.connect()
    for (const params of [{}, {}, { resend: true }]) await pay(ann, 'received', params)
    const { events } = await world.asScript(() => world.messages.read({ room: 'x' }))
    expect(events.map(({ data: { text } }) => text)).toEqual(['before', 'inside', 'after'])
  })
})

test('two workers of one long call answer once, although the second finds its code consumed [TL-LONG-2]', async () => {
  const world = createWorld()
  world.codes.add('c1')
  const ann = await world.connect()
  await ann.send(frame('spendLong', { code: 'c1' }))
  await world.work()
  await world.work(world.invoked.at(-1)?.payload) // the platform may repeat an invocation
  expect(ann.frames().map((each) => Object.hasOwn(each as object, 'error'))).not.toContain(true)
  expect(world.took().filter((step) => step === 'resolve')).toHaveLength(1)
})

test('a claim after the deadline starts no resolver', async () => {
  const world = createWorld()
  const ann = await world.connect()
  const { claimKey } = world.store
  let claimed = () => {}
  Object.assign(world.store, {
    claimKey: (claim: Parameters<Store['claimKey']>[0]) =>
      new Promise((resolve) => (claimed = () => resolve(claimKey.call(world.store, claim)))),
  })
  const first = pay(ann)
  await settle()
  await world.clock.advance(28_000)
  expect(await first).toMatchObject({ line: { code: 'TIMEOUT', mayHaveRun: true } })
  claimed()
  await settle()
  expect(world.took()).not.toContain('resolve')
})
