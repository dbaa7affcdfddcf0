import { AsyncLocalStorage } from 'node:async_hooks'
import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import type { OnLost, Outcome } from '../../define/stream-rules.ts'
import { createTestLine, settle } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { parseState, type StreamState } from '../streams/state.ts'
import { withOperations } from '../subscriptions/room.suite.ts'

export interface StreamScope {
  readonly onLost: OnLost
  /** How many chunks `produce` yields. */
  readonly chunks: number
  readonly mutant?: Mutant
  /** How many workers look at the stream, how many start it, and whether somebody stops it. */
  readonly workers: number
  readonly starts?: number
  readonly stops?: boolean
  /** A slot without a state is put first, as a subscribe puts one. */
  readonly birth?: boolean
  /** The first worker has so little time that it hands over. */
  readonly handsOver?: boolean
  readonly losses?: number
  /** The workers name their claims alike, as a claim that is named after its job is. @default false */
  readonly claimsAlike?: boolean
}

const topic = 'told?chat=s:x'
const chat = { chat: 'x' }

/** No reader takes part here, and these rows decide nothing. */
const unscheduled = [
  ...['readSubscribers', 'takeStreamPoke', 'putStreamInput', 'readStreamInput', 'readStreamSign'],
  ...['takeRunPlace', 'renewRunPlace', 'releaseRunPlace', 'putStreamSign'],
] as (keyof Store)[]

/** A line with one stream whose producer yields 1, 2, … and ends. Names are those of the operation that makes them. */
async function createWorld(scheduler: Scheduler, { onLost, chunks, mutant, birth }: StreamScope) {
  const line = createLine()
  const names = new AsyncLocalStorage<{ readonly seed: number; count: number }>()
  const entered: number[] = []
  const told = line.stream('told', {
    key: z.object({ chat: z.string() }),
    input: z.object({}),
    chunk: z.number(),
    onLost,
    batch: { ms: 0 },
    async *produce({ produced }) {
      entered.push(produced)
      for (let n = produced + 1; n <= chunks; n++) yield n
    },
  })
  let inner: Store | undefined
  const made = createTestLine({
    line,
    router: initTRPC.create().router({}),
    onError: () => {},
    store: (store) => {
      inner = store
      const scheduled = scheduler.store(store, unscheduled)
      return mutant === undefined ? scheduled : withOperations(scheduled, mutant)
    },
  })
  const store = inner as Store // `createTestLine` has made it
  // Names must not depend on the order of the operations, or no two states would be equal.
  made.clock.random = () => {
    const own = names.getStore() ?? { seed: 7, count: 0 }
    own.count += 1
    return ((own.seed * 9_301 + own.count * 49_297) % 233_280) / 233_280
  }
  const run = <T>(seed: number, fn: () => Promise<T>) =>
    names.run({ seed, count: 0 }, () => line.withBackend(made.backend, fn))
  if (birth === true) {
    const [time, epoch] = [made.clock.now(), 'e']
    await store.putSlot(topic, { offset: 1, epoch, publishId: 'birth', time, expires: time / 1_000 + 300_000 })
  }
  const world = {
    ...made,
    store,
    told,
    entered,
    /** The number of slots when a stop had resolved. */
    stopped: undefined as number | undefined,
    slots: async () => (await store.readSlots(topic, 0, 1_000)).slots,
    start: (seed: number) => run(seed, () => told.start(chat, {})),
    stop: async (seed: number) => {
      await run(seed, () => told.stop(chat))
      world.stopped = (await store.readSlots(topic, 0, 1_000)).slots.length
    },
    status: (seed: number) => run(seed, () => told.status(chat)),
    worker: (seed: number, seconds = 900) => {
      const until = made.clock.now() + seconds * 1_000
      return names.run({ seed, count: 0 }, () =>
        made.work({ kind: 'stream', topic }, { remaining: () => until - made.clock.now() }),
      )
    },
  }
  return world
}

export type World = Awaited<ReturnType<typeof createWorld>>

/** The operations of a scope: starters, workers, and one who stops. Time passes once, in which a claim lapses. */
export function scopeOf(scope: StreamScope): Exploration<World> {
  const { workers, starts = 1, stops = false, handsOver = false, losses = 0, claimsAlike = false } = scope
  const operations: Record<string, (world: World) => Promise<unknown>> = {}
  // With one start the stream has started before; with more of them they race.
  if (starts > 1) for (let n = 1; n <= starts; n++) operations[`start ${n}`] = (world) => world.start(10 + n)
  for (let n = 1; n <= workers; n++)
    operations[`worker ${n}`] = (world) => world.worker(claimsAlike ? 20 : 20 + n, handsOver && n === 1 ? 0.9 : 900)
  if (stops) operations['stop'] = (world) => world.stop(31)
  return {
    world: async (scheduler) => {
      const world = await createWorld(scheduler, scope)
      if (starts === 1) await world.start(1)
      return world
    },
    operations,
    kills: Object.keys(operations).filter((name) => name.startsWith('worker')),
    losses: losses > 0 ? Object.keys(operations) : [],
    mostLosses: losses,
    // No timer fires, so a worker that lives on is a zombie.
    passes: {
      'a minute passes': (world) => {
        world.clock.time += 46_000
      },
    },
    idle: (world) => world.clock.advance(1_000),
    stateOf: async (world) => JSON.stringify([await world.slots(), world.clock.time, world.stopped, world.entered]),
    checkState: async (world) => checkLog(world, scope, await world.slots()),
    check: async (world) => {
      await recover(world)
      const slots = await world.slots()
      checkLog(world, scope, slots)
      const last = parseState(slots.at(-1)?.state)
      if (slots.some(({ state }) => state !== undefined) && last?.at !== 'closed')
        throw new Error(`The stream does not end: ${describeSlots(slots)}`)
    },
  }
}

/** A recoverer alone must end the stream: it looks, and runs a worker, until the stream is closed. */
async function recover(world: World): Promise<void> {
  for (let tries = 0; tries < 8; tries++) {
    const { state } = await world.status(40 + tries)
    if (state === 'closed' || state === 'idle') return
    await world.worker(60 + tries)
    await settle()
    world.clock.time += 46_000
  }
}

/** Throws when a log breaks the law of streams. */
function checkLog(
  world: Pick<World, 'entered' | 'stopped'>,
  { onLost, chunks }: StreamScope,
  slots: readonly Slot[],
): void {
  const fail = (what: string) => {
    throw new Error(`${what}: ${describeSlots(slots)}`)
  }
  const ids = slots.map(({ publishId }) => publishId)
  if (new Set(ids).size !== ids.length) fail('A slot stands twice')
  const walked = new LogWalk()
  for (const slot of slots) {
    const flaw = walked.flawAt(slot)
    if (flaw !== undefined) fail(flaw)
  }
  if (walked.outcome?.type === 'done' && walked.run.length !== chunks) fail('It is done without all chunks')
  if (onLost === 'close' && (walked.claims > 1 || world.entered.length > 1)) fail('It was produced twice')
  if (world.stopped !== undefined && slots.length > world.stopped) fail('A slot is behind a stop that has resolved')
}

/** Reads a log from its beginning, as a reader does that trusts nothing. */
class LogWalk {
  run: number[] = []
  claims = 0
  outcome: Outcome | undefined

  flawAt({ state: text, data, offset }: Slot): string | undefined {
    const state = parseState(text)
    if (state === undefined) return undefined
    if (this.outcome !== undefined) return 'A slot is behind the close'
    if (state.e < this.claims || state.e > this.claims + 1) return 'The claims are not in order'
    this.claims = state.e
    if (state.anew === true && state.first === offset) this.run = []
    if (data !== undefined) this.run.push(...(JSON.parse(data) as number[]))
    this.outcome = state.outcome
    if (this.run.some((chunk, index) => chunk !== index + 1)) return 'A chunk is doubled or missing'
    return state.n === this.run.length ? undefined : 'The state counts other chunks than stand'
  }
}

function describeSlots(slots: readonly Slot[]): string {
  return slots
    .map(({ state, data }) => {
      const { at, e, outcome } = (parseState(state) ?? {}) as Partial<StreamState>
      return data ?? (at === undefined ? 'birth' : `${outcome?.type ?? at} ${e}`)
    })
    .join(' · ')
}
