import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { type Store, StoreError } from '../../ports/store.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('entered', { key, event: z.object({ text: z.string() }) })
const typing = line.ephemeral('entered.typing', { key, event: z.object({ text: z.string() }) })
const here = line.presence('entered.here', { key, data: z.object({ text: z.string() }) })
const room = { room: 'x' }
const large = { text: 'x'.repeat(400_000) }

/** Calls in a procedure that make Trunkline fail, with the code of the failure. */
const acts = {
  publish: ['TOO_LARGE', () => messages.publish(room, large)],
  publishEphemeral: ['TOO_LARGE', () => typing.publish(room, large)],
  contended: ['RATE_LIMITED', () => messages.publish({ room: 'taken' }, { text: 'x' })],
  thrown: [
    'TOO_LARGE',
    () => {
      throw new Error('x'.repeat(140_000))
    },
  ],
  text: [
    'TOO_LARGE',
    () => {
      throw 'x'.repeat(140_000)
    },
  ],
  unreachable: ['FUNCTION_FAILED', () => messages.publish({ room: 'refused' }, { text: 'x' })],
  answer: ['TOO_LARGE', async () => 'x'.repeat(2_000_000)],
} as const satisfies Readonly<Record<string, readonly [code: string, act: () => unknown]>>
type Act = keyof typeof acts
const names = Object.keys(acts) as readonly Act[]

const t = initTRPC.context<{ readonly act?: Act }>().meta<LineMeta>().create()
const asked = t.procedure.input(z.string())
const long = t.procedure.meta({ longRunning: true }).input(z.string())
const act = ({ input }: { input: string }) => acts[input as Act][1]() as Promise<string>
const router = t.router({
  run: asked.mutation(act),
  read: asked.query(act),
  long: long.mutation(act),
  longRead: long.query(act),
  before: asked
    .use(async ({ next, getRawInput }) => {
      await act({ input: (await getRawInput()) as string })
      return next()
    })
    .mutation(() => 'ran'),
  after: asked
    .use(async ({ next, getRawInput }) => {
      await next()
      throw await act({ input: (await getRawInput()) as string })
    })
    .mutation(() => 'ran'),
  live: asked.subscription(async ({ input }) => {
    await act({ input })
    return messages.subscribe(room)
  }),
  begins: asked.subscription(({ input }) => messages.subscribe(room).startWith(() => act({ input }))),
  joins: asked.subscription(() => here.join(room, { member: 'ann', data: large })),
  values: asked.subscription(async function* ({ input }) {
    yield tracked('1', 'one')
    yield await act({ input })
  }),
  numbers: t.procedure.input(z.array(z.number())).mutation(() => 'ran'),
  ran: t.procedure.mutation(() => 'ran'),
  longRan: t.procedure
    .meta({ longRunning: true })
    .input(z.unknown())
    .mutation(() => 'ran'),
})

/** The table has no place in one topic, and refuses each write to another. */
function createWorld(store: (inner: Store) => Partial<Store> = () => ({})) {
  const made = createTestLine({
    line,
    router,
    onError: () => {},
    createContext: (() => ({})) as never,
    store: (inner) => {
      const own: Partial<Store> = {
        putSlot: async (topic, slot) => {
          if (topic.includes('refused')) throw new StoreError('putSlot', false, { cause: new Error('throttled') })
          if (!topic.includes('taken')) return inner.putSlot(topic, slot)
          return { status: 'taken', slot: { ...slot, publishId: 'another' } }
        },
        ...store(inner),
      }
      return new Proxy(inner, {
        get: (target, name) => Reflect.get(Object.hasOwn(own, name) ? own : target, name) as unknown,
      })
    },
  })
  const { sleep } = made.clock
  // A writer that lost a race waits for less than 2 s; here it does not wait.
  const hurry: typeof sleep = (ms, signal) => (ms < 2_000 ? Promise.resolve() : sleep.call(made.clock, ms, signal))
  Object.assign(made.clock, { sleep: hurry })
  return made
}

const frame = (method: string, path: string, input: unknown, params: object = {}) => ({
  id: 1,
  method,
  params: { path, input, ...params },
})
const mutation = (path: string, input: unknown, params: object = {}) => frame('mutation', path, input, params)
const failed = (code: string, mayHaveRun: boolean) => ({ id: 1, line: { code, mayHaveRun } })
const lastOf = (client: TestClient) => client.frames().at(-1)

describe('an error after a procedure was entered says that it may have run [TL-ERR-7]:', () => {
  test.each(names)('%s in a call, with a key and without, alone and in a batch', async (name) => {
    const [code] = acts[name]
    const ann = await createWorld().connect()
    const calls = [
      mutation('run', name),
      mutation('run', name, { key: 'own.k' }),
      frame('query', 'read', name),
      ...(name === 'answer' ? [] : [mutation('before', name), mutation('before', name, { key: 'own.b' })]),
      ...(name === 'answer' ? [] : [mutation('after', name), mutation('after', name, { key: 'own.a' })]),
    ]
    for (const call of calls) expect(await ann.send(call)).toMatchObject(failed(code, true))
    const batch = [mutation('run', name), { ...mutation('run', name, { key: 'own.c' }), id: 2 }]
    const last = await ann.send(batch)
    for (const answer of [last, ...ann.frames()].flat()) expect(answer).toMatchObject({ line: { mayHaveRun: true } })
    expect([last, ...ann.frames()].flat()).toHaveLength(2)
  })

  test.each(names)('%s in a call of a stock client', async (name) => {
    const ann = await createWorld().connect({ stock: true })
    expect(await ann.send(mutation('run', name))).toMatchObject(failed(acts[name][0], true))
  })

  test.each(names)('%s in the recorded answer of a keyed mutation', async (name) => {
    if (name === 'contended' || name === 'unreachable') return // no outcome: the lease goes on
    const ann = await createWorld().connect()
    for (const params of [{}, {}, { resend: true }])
      expect(await ann.send(mutation('run', name, { key: 'own.k', ...params }))).toMatchObject(
        failed(acts[name][0], true),
      )
  })

  test.each(names)('%s in a long call', async (name) => {
    const world = createWorld()
    const ann = await world.connect()
    for (const call of [
      mutation('long', name),
      mutation('long', name, { key: 'own.k' }),
      frame('query', 'longRead', name),
    ]) {
      await ann.send(call)
      await world.work()
      expect(lastOf(ann)).toMatchObject(failed(acts[name][0], true))
    }
  })

  test.each(names)('%s in a subscription', async (name) => {
    if (name === 'answer') return
    const ann = await createWorld().connect()
    await ann.send(frame('subscription', 'live', name))
    expect(lastOf(ann)).toMatchObject(failed(acts[name][0], true))
  })

  test.each(names)('%s in the state that a subscription begins with', async (name) => {
    const ann = await createWorld().connect()
    await ann.send(frame('subscription', 'begins', name))
    expect(lastOf(ann)).toMatchObject(failed(acts[name][0], true))
  })

  test.each([true, false])('a member’s data that is too large, to a stock client: %s', async (stock) => {
    const ann = await createWorld().connect({ stock })
    await ann.send(frame('subscription', 'joins', 'thrown'))
    const { line: failure } = lastOf(ann) as { readonly line?: { readonly mayHaveRun: boolean } }
    expect(failure?.mayHaveRun ?? true).toBe(true)
  })

  test.each(names)('%s in a generator', async (name) => {
    const world = createWorld()
    const ann = await world.connect()
    await ann.send(frame('subscription', 'values', name))
    const working = world.work()
    for (let n = 0; n < 6; n++) {
      await settle()
      await world.clock.advance(16)
    }
    await working
    expect(lastOf(ann)).toMatchObject(failed(acts[name][0], true))
  })

  test('issues of a validator that are too large to be sent', async () => {
    const ann = await createWorld().connect()
    const input = Array.from({ length: 10_000 }, () => 'x')
    expect(await ann.send(mutation('numbers', input))).toMatchObject(failed('TOO_LARGE', true))
  })
})

describe('an earlier error says that nothing ran:', () => {
  test('a job that is too large for the worker', async () => {
    const ann = await createWorld().connect()
    const input = 'x'.repeat(1_050_000)
    expect(await ann.send(mutation('longRan', input))).toMatchObject(failed('TOO_LARGE', false))
  })

  test('a claim that the table refused each time, for a frame that was not sent before [TL-ERR-7]', async () => {
    let refused = true
    const world = createWorld((inner) => ({
      claimKey: async (claim) => {
        if (refused) throw new StoreError('claimKey', false, { cause: new Error('throttled') })
        return inner.claimKey(claim)
      },
    }))
    const ann = await world.connect()
    const call = mutation('ran', undefined, { key: 'own.k' })
    expect(await ann.send(call)).toMatchObject(failed('FUNCTION_FAILED', false))
    const again = { ...call, params: { ...call.params, resend: true } }
    expect(await ann.send(again)).toMatchObject(failed('FUNCTION_FAILED', true)) // the frame before it may be running
    refused = false
    expect(await ann.send(again)).toMatchObject({ result: { data: 'ran' } })
  })

  test('a claim of unknown fate may have run', async () => {
    const world = createWorld(() => ({
      claimKey: async () => {
        throw new StoreError('claimKey', true, { cause: new Error('reset') })
      },
    }))
    const ann = await world.connect()
    const call = mutation('ran', undefined, { key: 'own.k' })
    expect(await ann.send(call)).toMatchObject(failed('FUNCTION_FAILED', true))
  })
})
