import { AsyncLocalStorage } from 'node:async_hooks'
import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import type { StreamOptions } from '../../define/stream.ts'
import type { OnLost } from '../../define/stream-rules.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Invoker } from '../../ports/invoker.ts'
import type { Slot } from '../../ports/log.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import type { StreamState } from '../streams/state.ts'

/** One run of `produce`, which the test feeds. */
class ProducerRun {
  readonly input: string
  readonly produced: number
  readonly signal: AbortSignal
  /** How many chunks `produce` has yielded, of which the last may still wait. */
  yielded = 0
  isClosed = false
  #actions: (string | undefined | Error)[] = []
  #wake: () => void = () => {}

  constructor(run: {
    readonly input: { readonly prompt: string }
    readonly produced: number
    readonly signal: AbortSignal
  }) {
    this.input = run.input.prompt
    this.produced = run.produced
    this.signal = run.signal
    run.signal.addEventListener('abort', () => this.#wake())
  }

  /** Yields these chunks. */
  say(...chunks: readonly string[]): void {
    this.#actions.push(...chunks)
    this.#wake()
  }
  end(): void {
    this.#actions.push(undefined)
    this.#wake()
  }
  fail(error: Error): void {
    this.#actions.push(error)
    this.#wake()
  }
  async *iterate() {
    try {
      for (;;) {
        for (; this.#actions.length === 0 && !this.signal.aborted; )
          await new Promise<void>((resolve) => (this.#wake = resolve))
        if (this.signal.aborted) return
        const action = this.#actions.shift()
        if (action === undefined) return
        if (action instanceof Error) throw action
        this.yielded += 1
        yield { text: action }
      }
    } finally {
      this.isClosed = true
    }
  }
}

export interface StreamWorldOptions {
  readonly onLost?: OnLost
  readonly retention?: StreamOptions<never, never, never>['retention']
  readonly batch?: StreamOptions<never, never, never>['batch']
  readonly bytesPerMinute?: number
  readonly maxRuns?: number
  readonly maxDirectAudience?: number
  readonly invoker?: (invoker: Invoker) => Invoker
  readonly withoutInvoker?: boolean
}

const start = 1_800_000_000_000
const key = z.object({ chat: z.string() })
const asked = key.extend({ prompt: z.string() })

/** A worker's invocation, which the test can kill or hold at its next request to the store. */
interface Invocation {
  /** Its requests wait for this; a promise that never resolves is a dead function. */
  held: Promise<void> | undefined
}

/** How the answers of requests are lost: returns true to lose the answer of this one, which has taken effect. */
export type LosesAnswer = (operation: keyof Store, args: readonly unknown[]) => boolean

/** A line with one stream, in memory, through its real handlers. Its producers are fed by the test. */
export function createStreamWorld({ onLost, retention, batch, bytesPerMinute, ...options }: StreamWorldOptions = {}) {
  const line = createLine()
  const faults: Faults = {
    current: new AsyncLocalStorage(),
    loses: () => false,
    fails: () => false,
    misses: () => false,
    requests: [],
  }
  const runs: ProducerRun[] = []
  const failures: string[] = []
  const answers = line.stream('answers', {
    key,
    input: z.object({ prompt: z.string() }),
    chunk: z.object({ text: z.string().max(1_000_000) }),
    ...(retention !== undefined && { retention }),
    ...(onLost !== undefined && { onLost }),
    ...(batch !== undefined && { batch }),
    ...(bytesPerMinute !== undefined && { bytesPerMinute }),
    produce(run) {
      const made = new ProducerRun(run)
      runs.push(made)
      return made.iterate()
    },
  })
  const t = initTRPC.meta<LineMeta>().create()
  const router = t.router({
    ask: t.procedure.input(asked).mutation(({ input: { prompt, ...chat } }) => answers.start(chat, { prompt })),
    stop: t.procedure.input(key).mutation(({ input }) => answers.stop(input)),
    erase: t.procedure.input(key).mutation(({ input }) => answers.erase(input)),
    status: t.procedure.input(key).query(({ input }) => answers.status(input)),
    watch: t.procedure.input(key).subscription(({ input }) => answers.subscribe(input)),
    loud: t.procedure
      .input(key)
      .subscription(({ input }) => answers.subscribe(input).filter(({ text }) => text === text.toUpperCase())),
    lengths: t.procedure
      .input(key)
      .subscription(({ input }) => answers.subscribe(input).map(({ text }) => text.length)),
    broken: t.procedure.input(key).subscription(({ input }) =>
      answers.subscribe(input).filter(({ text }) => {
        if (text.includes('!')) throw new Error('The filter threw.')
        return true
      }),
    ),
  })
  const made = createTestLine({
    line,
    router,
    authorize: ({ token }) => ({ principal: token ?? 'ann', claims: {}, expiresAt: new Date(start + 100 * 3_600_000) }),
    onError: ({ error }) => void failures.push(error.message),
    ...options,
    store: (inner) => faultyStore(inner, faults),
  })
  const world = { ...made, answers, runs, failures, faults }
  return { ...world, ...helpersOf(made), ...workersOf(made, faults) }
}

interface Faults {
  readonly current: AsyncLocalStorage<Invocation>
  loses: LosesAnswer
  /** Requests that fail before they take effect. */
  fails: LosesAnswer
  /** Requests that fail since the table does not exist. */
  misses: LosesAnswer
  /** Requests of the store, by operation. */
  readonly requests: (keyof Store)[]
}

function faultyStore(inner: Store, faults: Faults): Store {
  return new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      const operation = name as keyof Store
      return async (...args: readonly unknown[]) => {
        const invocation = faults.current.getStore()
        for (; invocation?.held !== undefined; ) await invocation.held
        faults.requests.push(operation)
        const cause = new Error('The answer was lost.')
        const failed = (mayHaveHappened: boolean) => new StoreError(operation, mayHaveHappened, { cause })
        if (faults.misses(operation, args)) throw new StoreError(operation, false, { cause, refused: 'no-table' })
        if (faults.fails(operation, args)) throw failed(false)
        const answer = (await Reflect.apply(member, target, args)) as unknown
        if (faults.loses(operation, args)) throw failed(true)
        return answer
      }
    },
  })
}

function workersOf(made: TestLine, { current }: Faults) {
  const { clock } = made
  return {
    /** Starts a worker with the stream's job, and lets it run until it waits. `ended` resolves with its result. */
    async startWorker({ seconds = 900 }: { readonly seconds?: number } = {}) {
      const until = clock.now() + seconds * 1_000
      const invocation: Invocation = { held: undefined }
      const job = { kind: 'stream', topic }
      const ended = current.run(invocation, () => made.work(job, { remaining: () => until - clock.now() }))
      let result: unknown
      void ended.then(
        () => (result = 'ended'),
        (thrown: unknown) => (result = thrown),
      )
      await settle()
      return {
        /** `ended`, or what it threw; undefined while it runs. */
        result: () => result,
        kill: () => {
          invocation.held = new Promise(() => {})
        },
        /** Holds its requests. Returns a function that lets them go. */
        hold: () => {
          let go = () => {}
          invocation.held = new Promise((resolve) => (go = resolve))
          return async () => {
            invocation.held = undefined
            go()
            await settle()
          }
        },
      }
    },
  }
}

export type StreamWorld = ReturnType<typeof createStreamWorld>

/** The topic of chat x. */
export const topic = 'answers?chat=s:x'

function helpersOf(made: TestLine) {
  const { store, clock } = made
  const slots = async () => (await store.readSlots(topic, 0, 1_000)).slots
  return {
    /** The slots of the stream. */
    slots,
    /** The kinds of the slots, in their order: `start`, `claim`, `[a,b]`, `yield`, `closed:done`. */
    kinds: async () => (await slots()).map(kindOf),
    /** Runs as a script that has the store and the invoker. */
    run: <T>(fn: () => T): T => made.line.withBackend(made.backend, fn),
    /** Hands the slots from an offset on to the table's stream. */
    streamFrom: async (offset = 1) => {
      const some = (await slots()).filter((slot) => slot.offset >= offset)
      return made.stream(some.map((slot) => ({ topic, slot })))
    },
    /** Advances the clock in steps, so that timers that are armed meanwhile fire too. */
    async pass(ms: number, stepMs = ms <= 2_000 ? 50 : 250) {
      await settle()
      for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(stepMs, left))
      await settle()
    },
  }
}

function kindOf({ data, state, erased }: Slot): string {
  if (erased !== undefined) return 'erased'
  if (state === undefined) return data === undefined ? 'epoch' : 'foreign'
  const { at, outcome, e, by, n, anew, first } = JSON.parse(state) as StreamState
  if (data !== undefined) return `[${(JSON.parse(data) as { text: string }[]).map(({ text }) => text).join()}]`
  if (outcome !== undefined) return `closed:${outcome.type}`
  if (at === 'running') return `claim${anew && n === 0 ? ' anew' : ''}`
  return e > 0 && by !== '' ? 'yield' : `start${anew ? ' anew' : ''}${first === 0 ? '?' : ''}`
}

let ids = 0
/** Calls a mutation or a query and returns its result, or throws its error. */
export async function call(client: TestClient, path: string, input: object): Promise<unknown> {
  const method = path === 'status' ? 'query' : 'mutation'
  const answer = (await client.send({ id: ++ids, method, params: { path, input } })) as {
    readonly result?: { readonly data: unknown }
    readonly error?: { readonly message: string }
  }
  if (answer.result !== undefined) return answer.result.data
  throw Object.assign(new Error(answer.error?.message), answer)
}
