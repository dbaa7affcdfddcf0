// More than 200 lines: each way in which a run begins and ends has its place.
import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { accessOf } from '../subscriptions/store-access.suite.ts'
import { releaseRunPlace, takeRunPlace } from './run-place.ts'

vi.setConfig({ testTimeout: 120_000 }) // each schedule is a line of its own: slow where others use the machine

const t = initTRPC.meta<LineMeta>().create()
const long = t.procedure.meta({ longRunning: true })
const untilAborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))

const router = t.router({
  ticks: t.procedure.subscription(async function* ({ signal }) {
    await untilAborted(signal)
    yield 'never'
  }),
  tracked: t.procedure
    .input(z.object({ lastEventId: z.string().optional() }).optional())
    .subscription(async function* ({ signal }) {
      yield tracked('1', 1)
      await untilAborted(signal)
    }),
  count: t.procedure.subscription(async function* () {
    yield 1
  }),
  fails: t.procedure.subscription(async function* () {
    yield 1
    throw new Error('boom')
  }),
  read: long.query(({ signal }) => untilAborted(signal)),
  now: long.query(() => 'now'),
  broken: long.query(() => {
    throw new Error('boom')
  }),
  make: long.mutation(({ signal }) => untilAborted(signal)),
})

const subscription = (id: number, path = 'ticks') => ({ id, method: 'subscription', params: { path, ref: 1 } })
const query = (id: number, path = 'read') => ({ id, method: 'query', params: { path } })
const mutation = (id: number) => ({ id, method: 'mutation', params: { path: 'make', key: `own.${id}` } })
const kinds = { 'a generator': subscription, 'a long query': query, 'a long mutation with a key': mutation } as const
const each = Object.entries(kinds)
const ids = (count: number, from = 1) => Array.from({ length: count }, (_, n) => from + n)

type Options = Partial<Parameters<typeof createTestLine>[0]>
const createRuns = (options: Options = {}) => createTestLine({ router, onError: () => {}, ...options })
const startedIn = ({ invoked }: TestLine) => invoked.filter(({ name }) => name === 'worker').length

interface Answer {
  readonly id: number
  readonly result?: { readonly type: string }
  readonly line?: { readonly code: string; readonly retryAfterMs?: number; readonly mayHaveRun: boolean }
}

/** Sends frames in one message. Returns the answers that came with it, and those that were posted meanwhile. */
async function send(client: TestClient, frames: readonly object[]): Promise<readonly Answer[]> {
  const before = client.frames().length
  const returned = await client.send(frames)
  return [...client.frames().slice(before), ...[returned ?? []].flat()] as readonly Answer[]
}
const refusedIn = (answers: readonly Answer[]) => answers.filter(({ line }) => line?.code === 'RATE_LIMITED')

/** A run in the worker for each job that has none yet. They end when their signals abort. */
async function workAll(line: TestLine): Promise<readonly Promise<unknown>[]> {
  const running = line.invoked.map(({ payload }) => line.work(payload))
  await settle()
  return running
}

describe('of the runs of one session', () => {
  test.each(each)('the 21st is refused before anything starts: %s [TL-RUN-1]', async (_, frame) => {
    const line = createRuns()
    const client = await line.connect()
    const answers = await send(
      client,
      ids(21).map((id) => frame(id)),
    )
    expect(startedIn(line)).toBe(20)
    expect(refusedIn(answers)).toMatchObject([{ line: { retry: 'later', retryAfterMs: 5_000 } }])
    expect(await line.store.readSubscriptions(client.connectionId)).toHaveLength(frame === subscription ? 20 : 0)
  })

  test('20 in one message and 20 more are 20 that start [TL-RUN-1]', async () => {
    const line = createRuns()
    const client = await line.connect()
    await send(
      client,
      ids(20).map((id) => (id % 2 === 0 ? subscription(id) : query(id))),
    )
    expect(startedIn(line)).toBe(20)
    const more = await send(
      client,
      ids(20, 21).map((id) => (id % 2 === 0 ? mutation(id) : subscription(id))),
    )
    expect(refusedIn(more)).toHaveLength(20)
    expect(startedIn(line)).toBe(20)
  })

  test.each(each)('1,000 in ten concurrent messages are 20 that start: %s [TL-RUN-1]', async (_, frame) => {
    const line = createRuns()
    const client = await line.connect()
    const messages = ids(10).map((n) => ids(100, n * 100).map((id) => frame(id)))
    await Promise.all(messages.map((message) => client.send(message)))
    expect(startedIn(line)).toBe(20)
  })

  test('as many start as the option maxRuns says', async () => {
    const line = createRuns({ maxRuns: 3 })
    await send(
      await line.connect(),
      ids(9).map((id) => subscription(id)),
    )
    expect(startedIn(line)).toBe(3)
  })

  test('a call that is refused has not run', async () => {
    const line = createRuns({ maxRuns: 1 })
    const answers = await send(await line.connect(), [query(1), query(2)])
    expect(refusedIn(answers)).toMatchObject([{ line: { retry: 'later', mayHaveRun: false } }])
  })
})

describe('runs are counted', () => {
  test('for a principal on all its connections', async () => {
    const authorize = () => ({ principal: 'ann', claims: {}, expiresAt: new Date(1_900_000_000_000) })
    const line = createRuns({ maxRuns: 5, authorize })
    for (const from of [1, 11])
      await send(
        await line.connect({ token: 't' }),
        ids(4, from).map((id) => subscription(id)),
      )
    expect(startedIn(line)).toBe(5)
  })

  test('for an anonymous caller in its session alone', async () => {
    const line = createRuns({ maxRuns: 5 })
    for (const from of [1, 11])
      await send(
        await line.connect(),
        ids(4, from).map((id) => subscription(id)),
      )
    expect(startedIn(line)).toBe(8)
  })
})

describe('a frame that comes again', () => {
  test.each(each)('takes no second place and starts nothing: %s [TL-GEN-6] [TL-LONG-2]', async (_, frame) => {
    const line = createRuns({ maxRuns: 2 })
    const client = await line.connect()
    await Promise.all(ids(50).map(() => client.send(frame(1))))
    expect(startedIn(line)).toBe(1)
    await client.send(frame(2))
    expect(startedIn(line)).toBe(2)
    expect(refusedIn(await send(client, [frame(1), frame(2)]))).toEqual([])
    expect(startedIn(line)).toBe(2)
  })

  test('gets no error where its run is over and other runs have all places', async () => {
    const line = createRuns({ maxRuns: 1 })
    const client = await line.connect()
    await client.send(subscription(1, 'count'))
    await workOut(line)
    await client.send(subscription(2))
    expect(await send(client, [subscription(1, 'count')])).toEqual([])
  })

  test('of a keyed call whose function never started starts one when the lease is over', async () => {
    const line = createRuns()
    const client = await line.connect()
    await client.send(mutation(1))
    await line.clock.advance(44_000)
    await client.send(mutation(1))
    expect(startedIn(line)).toBe(1)
    await line.clock.advance(2_000)
    await client.send(mutation(1))
    expect(startedIn(line)).toBe(2)
  })
})

/** Runs the worker to its end. Its posts leave within 20 ms. */
async function workOut(line: TestLine, job?: unknown): Promise<void> {
  const working = line.work(job)
  await settle()
  await line.clock.advance(20)
  await working
}

/** Whether the only place of the line is free. */
async function isFree(line: TestLine, client: TestClient): Promise<boolean> {
  const id = 1_000 + line.invoked.length
  return refusedIn(await send(client, [query(id)])).length === 0
}

describe('a place is free', () => {
  const one = async (frame: object, options: Options = {}) => {
    const line = createRuns({ maxRuns: 1, ...options })
    const [client, other] = [await line.connect({ connectionId: 'p1=' }), await line.connect({ connectionId: 'p1=' })]
    await client.send(frame)
    return { line, client, other }
  }

  test.each([
    ['a generator ends', subscription(1, 'count')],
    ['a generator throws', subscription(1, 'fails')],
    ['a subscription is of no procedure any more', subscription(1, 'now')],
    ['a long call is answered', query(1, 'now')],
    ['a long call throws', query(1, 'broken')],
  ])('when %s', async (_, frame) => {
    const { line, client } = await one(frame)
    if (line.invoked.length > 0) await workOut(line)
    expect(await isFree(line, client)).toBe(true)
  })

  test.each([
    ['a stop', subscription(1), { id: 1, method: 'subscription.stop', params: { ref: 1 } }],
    ['a cancel', query(1), { id: 1, method: 'cancel' }],
  ])('within a second after %s, and not before its run has ended', async (_, frame, end) => {
    const { line, client } = await one(frame)
    await workAll(line)
    await line.clock.advance(10)
    await client.send(end)
    expect(await isFree(line, client)).toBe(false)
    await line.clock.advance(1_000)
    expect(await isFree(line, client)).toBe(true)
  })

  test('within a second after the connection is closed', async () => {
    const { line, client } = await one(subscription(1))
    const next = await line.connect({ connectionId: 'p2=' })
    await workAll(line)
    await client.disconnect()
    await line.clock.advance(1_000)
    await send(next, [query(2)])
    expect(startedIn(line)).toBe(2)
  })

  test('when a worker finds that its subscription was stopped before it started', async () => {
    const { line, client } = await one(subscription(1))
    await client.send({ id: 1, method: 'subscription.stop', params: { ref: 1 } })
    await line.work()
    expect(await isFree(line, client)).toBe(true)
  })

  test('when the worker could not be invoked', async () => {
    const failing = { isFailing: true }
    const { line, client } = await one(subscription(1), {
      invoker: (inner) => ({
        ...inner,
        invoke: async (...args) => {
          if (failing.isFailing) throw new Error('throttled')
          await inner.invoke(...args)
        },
      }),
    })
    expect(await client.send(query(2))).toMatchObject({ line: { code: 'FUNCTION_FAILED' } })
    failing.isFailing = false
    expect(await isFree(line, client)).toBe(true)
  })

  test('45 s after the last renewal of a worker that was killed, as its refusals say', async () => {
    const { line, client } = await one(subscription(1))
    await line.clock.advance(44_000)
    const [refused] = refusedIn(await send(client, [query(2)]))
    expect(refused?.line?.retryAfterMs).toBe(1_000)
    await line.clock.advance(1_000)
    expect(await isFree(line, client)).toBe(true)
  })
})

test('a refused attempt ends the run of the attempt before, so that the next one gets its place [TL-RUN-1]', async () => {
  const line = createRuns({ maxRuns: 1 })
  const client = await line.connect()
  const attempt = (ref: number) => ({ id: 1, method: 'subscription', params: { path: 'ticks', ref } })
  await client.send(attempt(1))
  await workAll(line)
  const refused = await send(client, [attempt(2)])
  expect(refused).toMatchObject([{ id: 1, line: { code: 'RATE_LIMITED', retryAfterMs: 2_000 } }])
  await line.clock.advance(2_000)
  expect(refusedIn(await send(client, [attempt(3)]))).toEqual([])
  expect(startedIn(line)).toBe(2)
})

describe('a run keeps its place', () => {
  test('while its worker lives', async () => {
    const line = createRuns({ maxRuns: 1 })
    const client = await line.connect()
    await client.send(subscription(1))
    await workAll(line)
    for (let second = 0; second < 120; second++) await line.clock.advance(1_000)
    expect(await isFree(line, client)).toBe(false)
  })

  test('in the next worker, even if that starts late [TL-GEN-9]', async () => {
    const line = createRuns({ maxRuns: 1 })
    const client = await line.connect()
    await client.send(subscription(1, 'tracked'))
    const first = line.work(undefined, { remaining: () => 2_100 })
    await settle()
    for (let step = 0; step < 60; step++) await line.clock.advance(50)
    await first
    expect(line.invoked).toHaveLength(2)
    expect(await isFree(line, client)).toBe(false)
    await line.clock.advance(60_000)
    await client.send(subscription(2))
    expect(startedIn(line)).toBe(3)
    const second = line.work(line.invoked[1]?.payload)
    await settle()
    await line.clock.advance(100)
    expect(refusedIn(client.frames() as Answer[])).toEqual([])
    await client.disconnect()
    await line.clock.advance(1_000)
    await second
  })

  test('only if its worker starts before the lease ends: a later one takes another place, or is refused', async () => {
    const line = createRuns({ maxRuns: 1 })
    const client = await line.connect()
    await client.send(subscription(1))
    await client.send(mutation(9))
    await line.clock.advance(46_000)
    await client.send(subscription(2))
    expect(startedIn(line)).toBe(2)
    await workOut(line, line.invoked[0]?.payload)
    expect(client.frames().at(-1)).toMatchObject({ id: 1, line: { code: 'RATE_LIMITED' } })
    expect((await line.store.readSubscription(client.connectionId, '1'))?.on).toBe(false)
  })
})

describe('the writes', () => {
  async function counted(frame: object) {
    const calls: string[] = []
    const line = createRuns({
      store: (inner) =>
        new Proxy(inner, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name)
            if (typeof member !== 'function' || typeof name !== 'string') return member
            return (...args: readonly unknown[]) => {
              if (accessOf(name as keyof Store, args).writes) calls.push(name)
              return Reflect.apply(member, target, args) as unknown
            }
          },
        }),
    })
    const client = await line.connect()
    calls.length = 0
    await client.send(frame)
    const start = calls.splice(0)
    await workOut(line)
    return { start, run: calls }
  }
  test('of a generator are one more at its start and one more at its end [TL-RUN-1]', async () => {
    const { start, run } = await counted(subscription(1, 'count'))
    expect(start).toEqual(['takeRunPlace', 'claimRun'])
    expect(run).toEqual(['passRun', 'stopSubscription', 'releaseRunPlace'])
  })
  test('of a long call are one more at its start and one more at its end [TL-RUN-1]', async () => {
    const { start, run } = await counted(query(1, 'now'))
    expect(start).toEqual(['takeRunPlace'])
    expect(run).toEqual(['claimRun', 'stopSubscription', 'releaseRunPlace'])
  })
  test('of a refused start are none that succeed, and of a start over dead runs one more', async () => {
    const line = createRuns({ maxRuns: 1 })
    const client = await line.connect()
    await client.send(subscription(1))
    const takes: string[] = []
    const { takeRunPlace: take } = line.store
    line.store.takeRunPlace = async (asked) => {
      const found = await take(asked)
      takes.push(found.status)
      return found
    }
    await client.send(subscription(2))
    expect(takes.splice(0)).toEqual(['refused'])
    await line.clock.advance(46_000)
    await client.send(subscription(2))
    expect(takes).toEqual(['refused', 'taken'])
  })
})

const table = createScheduleTable('places, no more runs than may')

interface Race extends TestLine {
  readonly client: TestClient
}

const race = (operations: Exploration<Race>['operations'], rest: Partial<Exploration<Race>> = {}) => ({
  world: async (scheduler: Scheduler) => {
    const line = createRuns({ maxRuns: 2, store: (inner) => scheduler.store(inner, ['readConnection']) })
    const client = await line.connect({ connectionId: 'r=' })
    await client.send(query(1))
    return { ...line, client }
  },
  operations,
  check: (line: Race) => expect(startedIn(line)).toBeLessThanOrEqual(2),
  ...rest,
})

describe('the last place', () => {
  const two = { a: ({ client }: Race) => client.send(subscription(2)), b: ({ client }: Race) => client.send(query(3)) }

  test('is given to one of three functions that race for it, also when a function is killed', () =>
    table.holds(
      'subscribe ∥ long call ∥ long call with a key ∥ kill',
      race({ ...two, c: ({ client }) => client.send(mutation(4)) }, { kills: ['a', 'b', 'c'] }),
    ))

  test('is given once where all places are of dead runs', () =>
    table.holds(
      'two dead runs: subscribe ∥ long call ∥ long call',
      race(
        {
          ...two,
          c: ({ client }) => client.send(query(4)),
        },
        {
          world: async (scheduler) => {
            const line = createRuns({ maxRuns: 2, store: (inner) => scheduler.store(inner, ['readConnection']) })
            const client = await line.connect({ connectionId: 'r=' })
            for (const id of [11, 12]) await client.send(query(id))
            line.clock.time += 60_000
            return { ...line, client }
          },
          check: (line) => expect(startedIn(line)).toBe(4),
        },
      ),
    ))

  test('is of the run of one of two equal frames, and is released by neither', () =>
    table.holds(
      'subscribe ∥ the same frame ∥ long call',
      race({ a: two.a, again: two.a, b: two.b }, { check: (line) => expect(startedIn(line)).toBe(2) }),
    ))

  test('would be given twice by a count that is read before it is written', () =>
    table.catches(
      'a place that is put without a condition',
      race(two, {
        world: async (scheduler) => {
          const line = createRuns({
            maxRuns: 2,
            store: (inner) => {
              const store = scheduler.store(inner, ['readConnection'])
              return new Proxy(store, {
                get: (target, name) =>
                  name === 'takeRunPlace'
                    ? async (take: Parameters<typeof store.takeRunPlace>[0]) => {
                        const found = await target.takeRunPlace({ ...take, max: 0 })
                        const isFull = found.status === 'refused' && found.places.length >= take.max
                        return isFull ? found : target.takeRunPlace({ ...take, max: 9 })
                      }
                    : (Reflect.get(target, name) as unknown),
              })
            },
          })
          const client = await line.connect({ connectionId: 'r=' })
          await client.send(query(1))
          return { ...line, client }
        },
      }),
    ))
})

test('a place that cannot be released ends by its lease, and fails no run', async () => {
  const store = { releaseRunPlace: async () => Promise.reject(new Error('throttled')) }
  await expect(releaseRunPlace({ store } as never, { owner: 'o', run: 'r', lease: 1 })).resolves.toBeUndefined()
})

test('a start that finds places changed by others five times is refused, and does not try for ever', async () => {
  let tries = 0
  const takeRun = async () => ({ status: 'refused' as const, places: [{ run: `r${++tries}`, lease: 1 }] })
  const context = { store: { takeRunPlace: takeRun }, clock: { now: () => 9 }, server: { maxRuns: 20 } }
  const found = await takeRunPlace(context as never, { owner: 'o', run: 'r' })
  expect([found.status, tries]).toEqual(['full', 5])
})
