// More than 200 lines: the world of one exploration: two versions of an application, and a client that merges.

import { initTRPC } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { parseCursor, parsePartitionId } from '@trunkline/protocol'
import * as z from 'zod'
// The link itself, and not a model of it.
import { mergePartitions } from '../../../../client/src/partitions.ts'
import { anonymous, type LineMeta } from '../../define/identity.ts'
import { partitionOf } from '../../define/partitions.ts'
import { topicOfPartition } from '../../define/topic.ts'
import { createTestLine, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { memoryBackend } from '../../memory/store.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { Scheduler } from '../explore.suite.ts'

const key = z.object({ room: z.string() })
const event = z.object({ by: z.string(), n: z.number() })
const input = { room: 'x' }
const topic = 'ticks?room=s:x'
const mostPartitions = 3

/** What an event of the client is of: its partition key and its number. A state has the texts of the events in it. */
export type Shown = { readonly id: string; readonly data: z.infer<typeof event> | { readonly all: readonly string[] } }

/**
 * The steps of the law: rows under a topic, logs, and the choice of a partition. What else a subscription and a publish
 * do is that of one log, whose own tests schedule it.
 */
const scheduled: ReadonlySet<string> = new Set<keyof Store>([
  ...(['putSubscriber', 'readSubscribers', 'readSlots', 'readSlotsBefore', 'putSlot'] as const),
  ...(['readSyncStates', 'recordBase'] as const),
])

/** Breaks the store of a version. */
export type Mutant = (store: Store) => Partial<Store>

/** One version of the application, in a process that has read nothing yet. */
export interface Version {
  readonly partitions: number
  /** Publishes as a function does, which also delivers. */
  post(by: string, n: number): Promise<unknown>
  /** Publishes at most once, however many functions do. Returns the event's id. */
  postOnce(by: string, n: number): Promise<unknown>
  /** A frame of the client that merges, run by this version. */
  send(frame: object): Promise<unknown>
  readonly line: ReturnType<typeof createTestLine>
}

export interface MergingWorld {
  /** A version that is deployed, in a new process. */
  deploy(partitions: number): Promise<Version>
  /** The version that runs the frames of the client. */
  current: Version
  readonly client: MergingClient
  /** The data of each log, in its order. */
  logs(): Promise<readonly (readonly Slot[])[]>
  /** What the stream of the table, time and the client's keepalive do in the end. */
  settle(): Promise<void>
}

interface WorldOptions {
  readonly scheduler: Scheduler
  /** The version that is deployed first. */
  readonly partitions: number
  readonly mutant?: Mutant | undefined
  /** Changes the path of a subscribe. */
  readonly toPath?: ((path: string) => string) | undefined
  /** The state of `page` is what was published until the first subscribe. @default until it is loaded */
  readonly loadsEarly?: boolean | undefined
}

/** A table, a gateway and a client; functions of several versions. */
export async function createMergingWorld({
  scheduler,
  partitions,
  mutant,
  toPath = (path) => path,
  loadsEarly,
}: WorldOptions): Promise<MergingWorld> {
  const base = memoryBackend({}).store
  const others = (Object.keys(base) as (keyof Store)[]).filter((name) => !scheduled.has(name))
  const posted: unknown[] = []
  const versions: Version[] = []
  const logs = async () =>
    Promise.all(
      Array.from({ length: mostPartitions }, async (_, index) => {
        const { slots } = await base.readSlots(topicOfPartition(topic, index), 0, 1_000)
        return slots
      }),
    )
  const load = async () => ({ all: (await logs()).flat().flatMap(({ data }) => (data === undefined ? [] : [data])) })
  let early: ReturnType<typeof load> | undefined
  const deploy = async (count: number): Promise<Version> => {
    const line = createTestLine({
      ...{ ...applicationOf(count), authorize: () => anonymous, anonymousMay: 'everything' },
      store: () => broken(scheduler.store(base, others), mutant ?? (() => ({}))),
      createContext: (() => ({ load: () => early ?? load() })) as never,
      onError: () => {}, // a function that was killed passes its deadline
    })
    line.gateway.intercept = (connectionId, text) => {
      if (connectionId === 'm') posted.push(...[JSON.parse(text)].flat())
      return undefined
    }
    const merging = await line.connect({ connectionId: 'm' })
    const publisher = await line.connect({ connectionId: `p${versions.length}` })
    const version: Version = {
      ...{ partitions: count, line },
      post: (by, n) => mutate(publisher, 'post', { by, n }),
      postOnce: (by, n) => mutate(publisher, 'postOnce', { by, n }),
      send: (frame) => merging.send(frame),
    }
    versions.push(version)
    return version
  }
  const first = await deploy(partitions)
  const world: MergingWorld = {
    deploy,
    current: first,
    client: createMergingClient(async (frame) => {
      if (loadsEarly) early ??= load()
      const answer = await world.current.send(withPath(frame, toPath))
      return [...posted.splice(0), ...[answer ?? []].flat()]
    }),
    logs,
    async settle() {
      for (const { line } of versions) await line.clock.advance(10_000) // past every publisher's `inline`
      const records = (await logs()).flatMap((slots, index) =>
        slots.map((slot) => ({ topic: topicOfPartition(topic, index), slot })),
      )
      await world.current.line.stream(records)
      for (const { line } of versions) await line.clock.advance(5 * 60_000) // every client syncs
      await world.client.settle()
    },
  }
  return world
}

function withPath(frame: SentFrame, toPath: (path: string) => string): object {
  const { params } = frame
  return params.path === undefined ? frame : { ...frame, params: { ...params, path: toPath(params.path) } }
}

function broken(store: Store, mutant: Mutant): Store {
  const own = mutant(store)
  return new Proxy(store, {
    get: (target, name) => Reflect.get(Object.hasOwn(own, name) ? own : target, name) as unknown,
  })
}

/** The application of each version, made once. */
const applications = Array.from({ length: mostPartitions }, (_, index) => {
  const line = createLine()
  const ticks = line.channel('ticks', { key, event, partitions: index + 1, partitionBy: ({ by }) => by })
  const t = initTRPC.context<{ readonly load: () => Promise<unknown> }>().meta<LineMeta>().create()
  const router = t.router({
    live: t.procedure.input(key).subscription(() => ticks.subscribe(input)),
    page: t.procedure.input(key).subscription(({ ctx }) => ticks.subscribe(input).startWith(ctx.load)),
    post: t.procedure.input(event).mutation(async ({ input: given }) => (await ticks.publish(input, given)).id),
    postOnce: t.procedure
      .input(event)
      .mutation(async ({ input: given }) => (await ticks.publish(input, given, { idempotencyKey: 'once' })).id),
  })
  return { line, router }
})

function applicationOf(partitions: number) {
  const found = applications[partitions - 1]
  if (found === undefined) throw new RangeError(`Expected 1 to ${mostPartitions} partitions, got ${partitions}.`)
  return found
}

let calls = 0
async function mutate(publisher: TestClient, path: string, published: z.infer<typeof event>): Promise<unknown> {
  const frame = { id: `call ${++calls}`, method: 'mutation', params: { path, input: published } }
  const { result } = (await publisher.send(frame)) as Frame
  if (result === undefined) throw new Error('The publish failed.')
  return result.data
}

/** A partition key that a growth from `from` to `to` partitions moves to the last one. */
export function movingKey(from: number, to: number): string {
  for (let n = 0; ; n++) if (partitionOf(`k${n}`, from) === 0 && partitionOf(`k${n}`, to) === to - 1) return `k${n}`
}

interface SentFrame {
  readonly [member: string]: unknown
  readonly params: { readonly path?: string; readonly [name: string]: unknown }
}

interface Frame {
  readonly id?: unknown
  readonly error?: { readonly message: string; readonly data?: unknown }
  readonly result?: {
    readonly type: string
    readonly id?: string
    readonly prev?: number
    readonly from?: string
    readonly gap?: string
    readonly data?: unknown
  }
}

export interface MergingClient {
  /** Subscribes, and sends whatever the link asks for until it is done. */
  subscribe(path: 'live' | 'page'): Promise<void>
  /** Sends what the link has asked for since, and syncs, until nothing is left. */
  settle(): Promise<void>
  readonly shown: readonly Shown[]
  readonly gaps: readonly unknown[]
  readonly errors: readonly unknown[]
  readonly isStarted: () => boolean
  /** Where each subscription of the link has to begin, by its path: before all events if it was opened later. */
  readonly began: ReadonlyMap<string, number>
}

/** The link over several subscriptions. Each follows one log by the rule of [LAW-COVERAGE]. */
function createMergingClient(send: (frame: SentFrame) => Promise<readonly unknown[]>): MergingClient {
  const outbox: SentFrame[] = []
  const follows = new Map<unknown, Follower>()
  const began = new Map<string, number>()
  const shown: Shown[] = []
  const gaps: unknown[] = []
  const errors: unknown[] = []
  let [ids, starts] = [0, 0]
  const next = ({ path, context }: { readonly path: string; readonly context: object }) =>
    observable<unknown, unknown>((observer) => {
      const id = ++ids
      const isAdded = starts > 0
      const onGap = (gap: object) => {
        const { aroundGap = (handler: (gap: object) => void) => handler, onGap = (each: object) => gaps.push(each) } =
          ((context as { readonly trunkline?: object }).trunkline ?? {}) as Record<string, never>
        ;(aroundGap as (handler: unknown) => (gap: object) => void)(onGap)(gap)
      }
      const follower = new Follower({
        show: (result) => observer.next({ result, context }),
        fail: (error) => observer.error(Object.assign(new Error(error.message), { data: error.data })),
        onGap,
        onBegin: (offset) => began.has(path) || began.set(path, isAdded ? 0 : offset),
      })
      follows.set(id, follower)
      outbox.push({ id, method: 'subscription', params: { path, input, ref: 1 } })
      return () => {
        if (!follower.isOver) outbox.push({ id, method: 'subscription.stop', params: { ref: 1 } })
        follower.isOver = true
      }
    })
  const exchange = async (frame: SentFrame) => {
    for (const each of (await send(frame)) as readonly Frame[]) follows.get(each.id)?.take(each)
  }
  const drain = async () => {
    for (let frame = outbox.shift(); frame !== undefined; frame = outbox.shift()) await exchange(frame)
  }
  return {
    ...{ shown, gaps, errors, began },
    isStarted: () => starts > 0,
    async subscribe(path) {
      const link = mergePartitions()({} as never)
      const op = { id: 1, type: 'subscription', path, input, context: {}, signal: null }
      link({ op: op as never, next: next as never }).subscribe({
        next({ result }) {
          if (result.type === 'started') starts += 1
          if (result.type === 'data') shown.push(result.data as Shown)
        },
        error: (error) => errors.push(error),
      })
      await drain()
    },
    async settle() {
      for (let round = 0; round < 3; round++) {
        await drain()
        const live = [...follows].filter(([, follower]) => follower.isLive)
        const subscriptions = live.map(([id, { cursor }]) => ({ id, ref: 1, from: cursor }))
        if (live.length > 0) await exchange({ id: 's', method: 'sync', params: { subscriptions } })
      }
    },
  }
}

interface Observer {
  show(result: object): void
  fail(error: { readonly message: string; readonly data?: unknown }): void
  onGap(gap: object): void
  onBegin(offset: number): void
}

/** One subscription: it shows each event of its log once and in order. */
class Follower {
  isOver = false
  readonly #observer: Observer
  readonly #early = new Map<number, Frame['result'] & object>()
  #at: { readonly epoch: string; readonly offset: number } | undefined

  constructor(observer: Observer) {
    this.#observer = observer
  }

  get isLive(): boolean {
    return this.#at !== undefined && !this.isOver
  }

  get cursor(): string {
    return `${this.#at?.epoch}:${this.#at?.offset}`
  }

  take({ error, result }: Frame): void {
    if (this.isOver) return
    this.isOver = error !== undefined
    if (error !== undefined) this.#observer.fail(error)
    else if (result?.type === 'started' || result?.type === 'synced') this.#place(result)
    else if (result?.type === 'snapshot' || (result?.type === 'data' && result.id === undefined))
      this.#observer.show({ ...result, type: 'data' })
    else if (result?.id !== undefined) this.#early.set(parseCursor(result.id)?.offset ?? 0, result)
    this.#showReady()
  }

  #place({ type, from = '', gap }: Frame['result'] & object): void {
    const cursor = parseCursor(from)
    if (cursor === undefined) throw new Error(`Expected a position, got ${from}.`)
    if (gap !== undefined) this.#observer.onGap({ reason: gap, lastEventId: null })
    if (this.#at === undefined || gap !== undefined) this.#at = cursor
    if (type !== 'started') return
    this.#observer.onBegin(cursor.offset)
    this.#observer.show({ type: 'started', from })
  }

  #showReady(): void {
    for (const [offset, result] of [...this.#early].sort(([one], [other]) => one - other)) {
      const at = this.#at
      if (at === undefined || (result.prev ?? offset - 1) > at.offset) return
      this.#early.delete(offset)
      if (offset <= at.offset) continue
      this.#at = { ...at, offset }
      if (result.type === 'data') this.#observer.show(result)
    }
  }
}

/** The partition and the offset of an event that was shown. */
export function placeOf({ id }: Shown): { readonly index: number; readonly offset: number } {
  const { index, cursor } = parsePartitionId(id)
  return { index, offset: parseCursor(cursor)?.offset ?? 0 }
}
