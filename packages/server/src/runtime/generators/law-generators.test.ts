import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import { withOperations } from '../subscriptions/room.suite.ts'

vi.setConfig({ testTimeout: 300_000 }) // each schedule is a line of its own: slow where others use the machine

const table = createScheduleTable('generators, one run for each attempt')

/** One client, one subscription to a generator, and what its runs did. */
interface World extends TestLine {
  readonly ann: TestClient
  /** Runs that are open now, and the most that were at once. */
  readonly open: Set<number>
  readonly most: { at: number }
  /** How often the generator was begun from its first value. */
  readonly begun: { count: number }
  readonly later: Promise<void>
  readonly comes: () => void
  /** The jobs of the worker, when there are so many. */
  readonly job: (index: number) => Promise<unknown>
}

interface Context {
  readonly world: Pick<World, 'open' | 'most' | 'begun'>
}

const t = initTRPC.context<Context>().create()
const resumable = t.procedure.input(z.object({ lastEventId: z.string().optional() }).optional())
let runs = 0
const start = 1_800_000_000_000

/** Yields from the value after `lastEventId` to `last`, then ends or waits for a signal. */
async function* count(
  { world }: Context,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
  ends: boolean,
  last = 2,
) {
  const run = ++runs
  const first = Number(lastEventId ?? 0) + 1
  world.open.add(run)
  world.most.at = Math.max(world.most.at, world.open.size)
  if (first === 1) world.begun.count += 1
  try {
    for (let n = first; n <= last; n++) yield tracked(String(n), n)
    if (!ends) await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
  } finally {
    world.open.delete(run)
  }
}

const router = t.router({
  two: resumable.subscription(({ ctx, input, signal }) => count(ctx, input?.lastEventId, signal, true)),
  /** Its first run waits for its time to be up, and the next one ends. */
  relay: resumable.subscription(({ ctx, input, signal }) => {
    const isFirst = input?.lastEventId === undefined
    return count(ctx, input?.lastEventId, signal, !isFirst, isFirst ? 1 : 2)
  }),
  endless: resumable.subscription(({ ctx, input, signal }) => count(ctx, input?.lastEventId, signal, false)),
})

/** A run is decided by its row and not by its place: run-place.test.ts has the schedules of places. */
const placeOperations = ['takeRunPlace', 'renewRunPlace', 'releaseRunPlace'] as const

const world =
  ({ mutant, path = 'two', except = ['readConnection'] }: Pick<Rest, 'mutant' | 'path' | 'except'>) =>
  async (scheduler: Scheduler): Promise<World> => {
    const seen = { open: new Set<number>(), most: { at: 0 }, begun: { count: 0 } }
    let waiting: (() => void)[] = []
    const line = createTestLine({
      router,
      onError: () => {},
      createContext: (() => ({ world: seen })) as never,
      store: (inner) => {
        const scheduled = scheduler.store(inner, [...except, ...placeOperations])
        return mutant === undefined ? scheduled : withOperations(scheduled, mutant)
      },
      invoker: (inner) => ({
        kind: inner.kind,
        async invoke(name, payload) {
          await scheduler.at('invoke', { rows: [`INVOKE#${JSON.stringify(payload)}`], writes: true })
          await inner.invoke(name, payload)
          for (const resolve of waiting.splice(0)) resolve()
        },
      }),
    })
    line.gateway.intercept = async (connectionId) => {
      await scheduler.at('post', { rows: [`POST#${connectionId}`], writes: true })
      return undefined
    }
    const ann = await line.connect({ connectionId: 'a' })
    let comes = () => {}
    const later = new Promise<void>((resolve) => (comes = resolve))
    const job = async (index: number) => {
      for (; line.invoked.length <= index; ) await new Promise<void>((resolve) => waiting.push(resolve))
      return line.invoked[index]?.payload
    }
    waiting = []
    const made = { ...line, ...seen, ann, later, comes, job }
    if (path !== '') await subscribe(made, path)
    return made
  }

const subscribe = ({ ann }: Pick<World, 'ann'>, path: string) =>
  ann.send({ id: 7, method: 'subscription', params: { path, ref: 1 } })
const stop = ({ ann }: World) => ann.send({ id: 7, method: 'subscription.stop', params: { ref: 1 } })
const work = (made: World) => made.work(made.invoked[0]?.payload)
const workLater = async (made: World) => {
  await made.later
  return work(made)
}
/** A function of two seconds: it hands over after 800 ms. */
const shortly = { remaining: () => 2_100 }
const minutePasses = {
  'a minute passes': (made: World) => {
    made.clock.time += 60_000 // no timers fire, so a function that is still alive is a zombie
    made.comes()
  },
}
const moves = (ms: number) => (made: World) => made.clock.advance(ms)

interface Frame {
  readonly result?: { readonly type: string; readonly n?: number; readonly data?: { readonly data: number } }
  readonly line?: { readonly code: string }
}
const framesOf = ({ ann }: World) => ann.frames() as readonly Frame[]
const wordsOf = (made: World) => framesOf(made).map(({ result, line }) => line?.code ?? result?.type)

/** What holds in every schedule: one run at a time, one beginning, and no number twice for different values. */
function oneRun(made: World, { killed }: Ended): void {
  if (killed === undefined) expect(made.most.at).toBeLessThanOrEqual(1)
  expect(made.begun.count).toBeLessThanOrEqual(1)
  const values = framesOf(made).filter(({ result }) => result?.type === 'data')
  expect(values.map(({ result }) => result?.n)).toEqual(values.map((_, index) => index + 1))
  expect(values.map(({ result }) => result?.data?.data)).toEqual(values.map((_, index) => index + 1))
  expect(wordsOf(made).filter((word) => word === 'started').length).toBeLessThanOrEqual(1)
}

const whole = ['started', 'data', 'data', 'stopped']

type Rest = Partial<Exploration<World>> & {
  readonly mutant?: Mutant
  readonly path?: string
  /** Calls that are no scheduling points. @default the look at the connection, which only a disconnect changes */
  readonly except?: readonly (keyof Store)[]
  readonly before?: (made: World) => Promise<void>
}

const explored = (operations: Exploration<World>['operations'], rest: Rest = {}): Exploration<World> => {
  const { mutant, path, except, check = () => {}, before, ...others } = rest
  return {
    async world(scheduler) {
      const made = await world({ mutant, path, except } as Rest)(scheduler)
      await before?.(made)
      return made
    },
    operations,
    idle: moves(20),
    ...others,
    async check(made, ended) {
      oneRun(made, ended)
      await check(made, ended)
    },
  }
}

const closed = (made: World, { killed }: Ended) => {
  if (killed === undefined) expect([...made.open]).toEqual([])
}

describe('a generator is run once for each attempt', () => {
  test('when any frame or invocation is repeated and one of two invocations is killed [TL-GEN-6]', () =>
    table.holds(
      'worker ∥ the same again ∥ kill',
      explored(
        { work, again: work },
        {
          kills: ['work', 'again'],
          check: (made, { killed }) => {
            if (killed === undefined) expect(wordsOf(made)).toEqual(whole)
          },
        },
      ),
    ))
  test('and is closed by a stop at any point [TL-GEN-5] [TL-STOP-2]', () =>
    table.holds(
      'worker ∥ the same again ∥ stop',
      explored({ work, again: work, stop }, { path: 'endless', idle: moves(400), check: closed }),
    ))
  test('and is closed by a disconnect [TL-GEN-5]', () =>
    table.holds(
      'worker ∥ the same again ∥ disconnect',
      explored(
        { work, again: work, disconnect: ({ ann }) => ann.disconnect() },
        { path: 'endless', except: [], idle: moves(400), check: closed },
      ),
    ))
  test('and is closed by both, with any function killed [TL-GEN-5] [TL-GEN-6]', () =>
    table.holds(
      'worker ∥ the same again ∥ stop ∥ disconnect ∥ kill',
      explored(
        { work, again: work, stop, disconnect: ({ ann }) => ann.disconnect() },
        {
          path: 'endless',
          idle: moves(400),
          kills: ['work', 'stop', 'disconnect'],
          check: (made, ended) => closed(made, ended.killed === 'work' ? ended : { ...ended, killed: undefined }),
        },
      ),
    ))
  test('of two equal frames one starts it, and a stopped one starts none [TL-GEN-6]', () =>
    table.holds(
      'subscribe ∥ the same frame ∥ stop',
      explored(
        { subscribe: (made) => subscribe(made, 'two'), twice: (made) => subscribe(made, 'two'), stop },
        {
          path: '',
          kills: ['subscribe'],
          check: (made) => expect(made.invoked.length).toBeLessThanOrEqual(1),
        },
      ),
    ))
  test('and a retry after its death reports the loss and starts nothing [TL-GEN-7]', () =>
    table.holds(
      'worker ∥ kill, a minute later: retry',
      explored(
        { work, retry: workLater },
        {
          kills: ['work'],
          passes: minutePasses,
          check: async (made, { killed }) => {
            const words = wordsOf(made)
            const isTold = words.includes('stopped') || words.includes('GENERATOR_LOST')
            if (killed === 'work' && made.begun.count === 1 && !(await isSilent(made))) expect(isTold).toBe(true)
          },
        },
      ),
    ))
  test('and a retry after a lost response does the same [TL-GEN-7]', () =>
    table.holds(
      'worker, a lost answer, a minute later: retry',
      explored({ work, retry: workLater }, { losses: ['work'], passes: minutePasses }),
    ))
  test('and a retry that dies while it reports leaves that to the next one [TL-GEN-7]', () =>
    table.holds(
      'a dead run: retry ∥ kill, a minute later: retry',
      explored(
        { retry: work, again: workLater },
        {
          before: die,
          kills: ['retry'],
          passes: minutePasses,
          check: async (made, { killed }) => {
            const row = await made.store.readSubscription('a', '7')
            // while the row is on, the next retry reports the loss
            if (killed === undefined || row?.on !== true) expect(wordsOf(made)).toContain('GENERATOR_LOST')
          },
        },
      ),
    ))
  test('and one of two retries reports the loss [TL-GEN-7]', () =>
    table.holds(
      'a dead run: retry ∥ retry ∥ stop ∥ kill',
      explored(
        { retry: work, again: work, stop },
        {
          before: die,
          kills: ['retry'],
          check: (made, { killed }) => {
            const lost = wordsOf(made).filter((word) => word === 'GENERATOR_LOST')
            expect(lost.length).toBeLessThanOrEqual(1)
            if (killed === undefined) expect(wordsOf(made)).toContain('stopped')
          },
        },
      ),
    ))
})

/** A run took the claim and died. */
async function die(made: World): Promise<void> {
  const row = { connectionId: 'a', id: '7', ref: 1, lease: made.clock.time - 1 }
  const { from } = (await made.job(0)) as { readonly from: string }
  await made.store.passRun({ ...row, from, run: 'dead' })
}

/** The function died with a valid claim, so the client notices only the silence. */
async function isSilent({ store, clock }: World): Promise<boolean> {
  const row = await store.readSubscription('a', '7')
  return row?.on === true && (row.lease ?? 0) > clock.now()
}

describe('a hand-over passes the claim on once', () => {
  const work = (made: World) => made.work(made.invoked[0]?.payload, shortly)
  const next = async (made: World) => made.work(await made.job(1))
  const relayed = ['started', 'data', 'alive', 'alive', 'data', 'stopped']

  test('whichever invocation runs, and however often [TL-GEN-9]', () =>
    table.holds(
      'worker hands over → worker ∥ the same again',
      explored(
        { work, next, again: next },
        {
          path: 'relay',
          idle: moves(400),
          kills: ['next'],
          check: (made, { killed }) => {
            if (killed === undefined) expect(wordsOf(made)).toEqual(relayed)
            expect(made.invoked).toHaveLength(2)
          },
        },
      ),
    ))
  test('and a concurrent stop ends its holder [TL-GEN-5] [TL-GEN-9]', () =>
    table.holds(
      'worker hands over → worker, ∥ stop',
      explored(
        {
          work,
          next: async (made) => {
            await made.later
            if (made.invoked.length > 1) await next(made)
          },
          stop,
        },
        { path: 'endless', idle: moves(400), check: closed, passes: { 'it was invoked': ({ comes }) => comes() } },
      ),
    ))
  test('but would not without the condition [TL-GEN-9]', () =>
    table.catches(
      'a hand-over without a condition on who held it',
      explored(
        { work, next, again: next },
        { path: 'relay', idle: moves(400), mutant: alwaysPassed((row) => row?.on === true) },
      ),
    ))
})

/** Takes a claim over from its holder where the mutant would. */
function alwaysPassed(from: (row: ConnectionSubscription | undefined) => boolean): Mutant {
  return (store) => ({
    async passRun(pass) {
      const passed = await store.passRun(pass)
      if (passed.status === 'passed' || !from(passed.row)) return passed
      return store.passRun({ ...pass, from: passed.row?.run ?? '' })
    },
  })
}

describe('broken on purpose:', () => {
  test('no claim', () =>
    table.catches(
      'no claim at all',
      explored(
        { work, again: work },
        { mutant: () => ({ passRun: async (pass) => ({ status: 'passed', row: { ...pass, on: true, expires: 1 } }) }) },
      ),
    ))
  test('a claim that is not conditional', () =>
    table.catches(
      'a claim that is not conditional',
      explored({ work, again: work }, { mutant: alwaysPassed((row) => row?.on === true) }),
    ))
  test('a retry that starts again over a dead claim', () =>
    table.catches(
      'a retry begins again over a dead claim',
      explored(
        { work, retry: workLater },
        {
          kills: ['work'],
          passes: minutePasses,
          mutant: alwaysPassed((row) => (row?.lease ?? 0) < start + 60_000),
        },
      ),
    ))
  test('a watch that does not read the row', () =>
    table.catches(
      'the watch reads its row from a cache',
      explored(
        { work, stop },
        {
          path: 'endless',
          idle: async (made) => {
            if (made.clock.time > start + 10_000) made.gateway.close('a') // or it would go on for ever
            await made.clock.advance(400)
          },
          check: (made) => expect(made.clock.time).toBeLessThan(start + 2_000),
          mutant: (store) => {
            let cached: Promise<ConnectionSubscription | undefined> | undefined
            return {
              readSubscription: (connectionId, id) => {
                cached ??= store.readSubscription(connectionId, id)
                return cached
              },
            }
          },
        },
      ),
    ))
})
