// More than 200 lines: an execution, with its clock, its store and its producer, is one thing.
import * as z from 'zod'
import type { ChannelDefinition } from '../../define/definition.ts'
import type { OnLost } from '../../define/stream-rules.ts'
import { createLine } from '../../line/create-line.ts'
import { internalsOf } from '../../line/internals.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import { type InvocationContext, toInvocationContext, toRuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import type { StreamRef } from '../streams/stream-log.ts'
import { streamOf } from './start-stream.ts'

/** The time at which every process begins. Only what ages a slot is presented as older. */
export const beginning = 1_800_000_000_000
export const topic = 'told?chat=s:x'
export const key = { chat: 'x' }
/** What the table has for the input of a start. */
const inputText = JSON.stringify([key, {}])

/** A request of a process that waits for its answer: one to the store, or the next chunk of its producer. */
export interface Request {
  readonly id: number
  readonly operation: 'putSlot' | 'putStreamInput' | 'readSlots' | 'readSlotsBefore' | 'yield'
  readonly args: readonly unknown[]
  /** The operation and its arguments: equal requests have equal texts. */
  readonly text: string
}

/** The answer to a request, or the loss of it. Equal answers have equal keys. */
export interface Answer {
  readonly key: string
  readonly value: unknown
  readonly isLost?: true
}

/** What a process runs, in its own context. */
export type Program = (process: ProcessContext) => Promise<unknown>

/** The context of one process: the production code's own, with a store and a clock that the search answers. */
export interface ProcessContext {
  readonly context: InvocationContext
  readonly channel: ChannelDefinition
  readonly ref: StreamRef
  /** What the process has read so far, if it reads. */
  readonly seen: Seen
}

/** The chunks of one run that a reader has, and how many gaps it got. */
export interface Seen {
  chunks: readonly string[]
  gaps: number
  isClosed: boolean
}

export interface ProgramOptions {
  /** Seeds the names that the process makes. Processes with the same seed make the same names. */
  readonly seed: number
  readonly onLost: OnLost
  /** How many chunks a producer yields. */
  readonly chunks: number
  /** The milliseconds that the function has. */
  readonly ms: number
  /** Breaks the law on purpose: the producer continues after the chunks of the first state that it has read. */
  readonly producedAsRead?: boolean
}

/** The stream that all processes declare. Its chunks have their numbers and the seed of their producer. */
const declared = (() => {
  const line = createLine()
  const any = z.any()
  line.stream('told', { key: any, input: any, chunk: any, batch: { ms: 100 }, produce: async function* () {} } as never)
  const [channel] = internalsOf(line).channels()
  return channel as ChannelDefinition & { readonly stream: NonNullable<ChannelDefinition['stream']> }
})()
export const streamRetentionMs = declared.retentionMs ?? 0

const transformer = { output: { serialize: (value: unknown) => value } }
const router = { _def: { _config: { transformer } } }
const settings = { maxMessageBytes: 131_072, isSecret: () => false, rates: [] }
const server = { report: () => {}, router, ...settings } as unknown as Server
const telemetry = { measure: () => {}, log: () => {} } as never

interface Waiting {
  readonly request: Request
  readonly settle: (answer: Answer) => void
}

/** A time after which a process does something, in its own clock. */
interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** One execution of a program. It runs on until it waits for answers, for time, or has ended. */
export class Execution {
  readonly waiting = new Map<number, Waiting>()
  readonly seen: Seen = { chunks: [], gaps: 0, isClosed: false }
  #timers = new Set<Timer>()
  #now = beginning
  #requests = 0
  #randoms = 0
  #firstRead: number | undefined
  readonly #options: ProgramOptions
  /** How often `produce` was entered. */
  entered = 0
  ended: { readonly value?: unknown; readonly thrown?: unknown } | undefined

  constructor(program: Program, options: ProgramOptions) {
    this.#options = options
    const clock = this.#clock()
    const channel: ChannelDefinition = {
      ...declared,
      stream: { ...declared.stream, onLost: options.onLost, produce: (run) => this.#produce(run) },
    }
    const base = toRuntimeContext(
      { store: this.#store(), gateway: undefined, clock, invoker: { kind: 'test', invoke: async () => {} } } as never,
      {
        retentionOf: () => streamRetentionMs,
        presenceOf: () => undefined,
        channelOf: () => channel,
        enter: (_, fn) => fn(),
      },
    )
    const context = toInvocationContext({ ...base, telemetry }, server, { ms: options.ms, telemetry })
    const process = { context, channel, ref: streamOf(channel, topic), seen: this.seen }
    program(process).then(
      (value) => (this.ended = { value }),
      (thrown: unknown) => (this.ended = { thrown }),
    )
  }

  /** How many milliseconds later the next timer fires; undefined without one. */
  get sleepMs(): number | undefined {
    let next: number | undefined
    for (const { at } of this.#timers) next = Math.min(next ?? at, at)
    return next === undefined ? undefined : next - this.#now
  }

  answer(id: number, answer: Answer): void {
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    waiting?.settle(answer)
  }

  /** Fires the next timer. */
  passTime(): void {
    let next: Timer | undefined
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer
    if (next === undefined) return
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, next.at)
    next.fire()
  }

  #ask(operation: Request['operation'], args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    this.#requests += 1
    const id = this.#requests
    const request = { id, operation, args, text: `${operation} ${JSON.stringify(args)}` }
    return new Promise((resolve, reject) => {
      const settle = ({ value, isLost }: Answer) =>
        isLost === true && operation !== 'yield' ? reject(lost(operation)) : resolve(value)
      this.waiting.set(id, { request, settle })
      signal?.addEventListener('abort', () => {
        if (this.waiting.delete(id)) resolve(undefined)
      })
    })
  }

  /** A producer yields each chunk when the search says so, and returns when its signal aborts. */
  async *#produce({ produced, signal }: { readonly produced: number; readonly signal: AbortSignal }) {
    this.entered += 1
    const { chunks, seed, producedAsRead } = this.#options
    const first = producedAsRead === true ? (this.#firstRead ?? 0) : produced
    for (let n = first + 1; n <= chunks; n++) {
      if (!signal.aborted) await this.#ask('yield', [n], signal)
      if (signal.aborted) return
      yield `${n}/${seed}.${this.entered}`
    }
  }

  #clock(): Clock {
    const addTimer = (ms: number, fire: () => void) => {
      const timer = { at: this.#now + Math.max(0, ms), fire }
      this.#timers.add(timer)
      return () => void this.#timers.delete(timer)
    }
    return {
      now: () => this.#now,
      // Names must not depend on other processes, or no two states would be equal.
      random: () => {
        this.#randoms += 1
        return ((this.#options.seed * 9_301 + this.#randoms * 49_297) % 233_280) / 233_280
      },
      after: addTimer,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve()
          const wake = () => {
            cancel()
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          const cancel = addTimer(ms, wake)
          signal?.addEventListener('abort', wake)
        }),
    }
  }

  /** Rows outside of the log decide nothing here: their requests are answered at once. */
  #store(): Store {
    const asked =
      (operation: Request['operation']) =>
      async (...args: readonly unknown[]) => {
        const value = await this.#ask(operation, args)
        if (operation === 'readSlotsBefore') this.#firstRead ??= chunksIn(value)
        return value
      }
    const operations: Partial<Record<keyof Store, unknown>> = {
      putSlot: asked('putSlot'),
      putStreamInput: asked('putStreamInput'),
      readSlots: asked('readSlots'),
      readSlotsBefore: asked('readSlotsBefore'),
      readStreamInput: async () => inputText,
      readStreamSign: async () => 0,
      putStreamSign: async () => {},
      takeStreamPoke: async () => 'taken',
    }
    return operations as unknown as Store
  }
}

function chunksIn(page: unknown): number {
  const { state } = (page as { readonly slots: readonly { readonly state?: string }[] }).slots[0] ?? {}
  return state === undefined ? 0 : (JSON.parse(state) as { readonly n: number }).n
}

function lost(operation: keyof Store): StoreError {
  return new StoreError(operation, true, { cause: new Error('The answer was lost.') })
}

/** All microtasks have run by then. */
export const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))
