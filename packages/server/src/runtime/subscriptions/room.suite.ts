import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import { type AuthorizeResult, anonymous, type ConnectRequest, type LineMeta } from '../../define/identity.ts'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import { countOperations, type Scheduler } from '../explore.suite.ts'

/** The context of the procedures. */
export interface RoomContext {
  /** Each run of a procedure with an effect adds its text. */
  readonly effects?: string[]
  /** Loads the state that `page` begins with. */
  readonly load?: () => unknown
}

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('room', { key, event: z.object({ text: z.string() }) })
const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.context<RoomContext>().meta<LineMeta>().create()
const repeatable = t.procedure.meta({ repeatable: true })
const said = key.extend({ text: z.string() })

/** A validator that is a function, which tRPC takes too. */
function textOf(value: unknown): string {
  const { text } = said.partial().parse(value)
  if (text === undefined) throw new TypeError('Expected a text.')
  return text
}

const router = t.router({
  post: t.procedure.input(said).mutation(({ input: { text, ...room } }) => events.publish(room, { text })),
  repeat: repeatable.input(said).mutation(({ input: { text, ...room } }) => events.publish(room, { text })),
  pay: t.procedure.input(said).mutation(async ({ input: { text, ...room }, ctx }) => {
    const run = ctx.effects?.push(text)
    return { run, id: (await events.publish(room, { text })).id }
  }),
  tally: repeatable.input(said).mutation(async ({ input: { text, ...room }, ctx }) => {
    const run = ctx.effects?.push(text)
    return { run, id: (await events.publish(room, { text })).id }
  }),
  twice: repeatable.input(said).mutation(async ({ input: { text, ...room } }) => {
    const first = await events.publish(room, { text: `${text} 1` })
    return [first.id, (await events.publish(room, { text: `${text} 2` })).id]
  }),
  both: repeatable.input(said).mutation(async ({ input: { text, room } }) => {
    const first = await events.publish({ room }, { text: `${text} 1` })
    return [first.id, (await events.publish({ room: 'y' }, { text: `${text} 2` })).id]
  }),
  strict: t.procedure.input(textOf).mutation(({ input }) => input),
  type: t.procedure.input(said).mutation(({ input: { text, ...room } }) => typing.publish(room, { text })),
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
  replayed: t.procedure.input(key).subscription(({ input }) => events.subscribe(input, { replay: 1_000 })),
  page: t.procedure.input(key).subscription(({ input, ctx }) => events.subscribe(input).startWith(() => ctx.load?.())),
  early: t.procedure.input(key).subscription(async ({ input, ctx }) => {
    const state = await ctx.load?.() // wrong on purpose: the state before the position
    return events.subscribe(input).startWith(() => state)
  }),
  loud: t.procedure
    .input(key)
    .subscription(({ input }) => events.subscribe(input).filter(({ text }) => text === text.toUpperCase())),
  broken: t.procedure.input(key).subscription(({ input }) =>
    events.subscribe(input).map(({ text }) => {
      if (text.includes('!')) throw new Error('map failed')
      return { text }
    }),
  ),
  whoami: t.procedure.query(() => 'you'),
  tell: t.procedure.input(said).mutation(({ input: { text }, ctx }) => ctx.effects?.push(text)),
  echo: t.procedure.input(said).query(({ input: { text } }) => text),
  grow: t.procedure.input(z.number()).query(({ input }) => 'x'.repeat(input)),
  growOnce: t.procedure.input(z.number()).mutation(({ input, ctx }) => {
    ctx.effects?.push(String(input))
    return 'x'.repeat(input)
  }),
  onTyping: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
})

/** The topic of room x. */
export const topic = 'room?room=s:x'
/** The topic of room y. */
export const otherTopic = 'room?room=s:y'
export const retentionMs = 24 * 3_600_000

/** A line with one room, in memory, through its real handlers. */
export interface Room extends TestLine {
  readonly events: typeof events
  /** Failures that were reported to `onError`. */
  readonly failures: string[]
  /** The delayed invocations. */
  readonly delayed: { readonly payload: unknown; readonly delayMs: number }[]
}

export interface RoomOptions {
  readonly store?: (store: Store) => Store
  readonly scheduler?: Scheduler
  /** Calls of the store that are no scheduling points. @default the counts of connections */
  readonly except?: readonly (keyof Store)[]
  readonly authorize?: (request: ConnectRequest) => AuthorizeResult
  readonly createContext?: () => RoomContext | Promise<RoomContext>
  readonly maxMessageBytes?: number
  readonly maxSubscriptions?: number
}

/** `scheduler` makes every call of the store, and every post, a scheduling point. */
export function createRoom({
  store = (made) => made,
  scheduler,
  except = countOperations,
  authorize,
  createContext,
  ...limits
}: RoomOptions = {}): Room {
  const failures: string[] = []
  const delayed: Room['delayed'] = []
  const made = createTestLine({
    line,
    router,
    authorize: authorize ?? (() => anonymous),
    anonymousMay: 'everything',
    createContext: (createContext ?? (() => ({}))) as never,
    ...limits,
    onError: ({ error }) => failures.push(error.message),
    store: (inner) => store(scheduler === undefined ? inner : scheduler.store(inner, except)),
    invoker: (inner) => ({
      kind: inner.kind,
      invoke: async (name, payload, options) => {
        await scheduler?.at('invoke', { rows: [`INVOKE#${JSON.stringify(payload)}`], writes: true }) // in any order
        await inner.invoke(name, payload, options)
      },
      invokeDelayed: async (payload, { delayMs }) => {
        await scheduler?.at('invoke later', { rows: [`INVOKE#${JSON.stringify(payload)}`], writes: true })
        delayed.push({ payload, delayMs })
      },
    }),
  })
  if (scheduler !== undefined)
    made.gateway.intercept = async (connectionId) => {
      await scheduler.at('post', { rows: [`POST#${connectionId}`], writes: true })
      return undefined
    }
  return { ...made, events, failures, delayed }
}

/** A store with some of its operations replaced: what a mutant is made of. */
export function withOperations(store: Store, replaced: (store: Store) => Partial<Store>): Store {
  const own = replaced(store)
  return new Proxy(store, {
    get: (target, name) => Reflect.get(Object.hasOwn(own, name) ? own : target, name) as unknown,
  })
}

export const say = (client: TestClient, text: string) =>
  client.send({ id: 'm', method: 'mutation', params: { path: 'post', input: { room: 'x', text } } })
export const subscribe = (client: TestClient, ref = 1, params: object = {}) =>
  client.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref, ...params } })
export const stop = (client: TestClient, ref = 1) =>
  client.send({ id: 7, method: 'subscription.stop', params: { ref } })

/** Publishes as a script does, which delivers nothing itself. */
export const publish = (room: Room, text: string) => room.asScript(() => events.publish({ room: 'x' }, { text }))

/** Every slot of the room's log. */
export async function slotsOf(room: Room, of = topic): Promise<readonly Slot[]> {
  return (await room.store.readSlots(of, 0, 10_000)).slots
}

/** A slot with what a test does not care about filled in. */
export function slotAt(room: Room, offset: number, slot: Partial<Slot> = {}): Slot {
  const time = slot.time ?? room.clock.now()
  return {
    offset,
    epoch: 'e1',
    publishId: `p${offset}`,
    time,
    expires: Math.ceil((time + retentionMs) / 1_000) + 48 * 3_600,
    data: `{"text":"${offset}"}`,
    ...slot,
  }
}

/** Does what is left to the table's stream and the deliver function. */
export async function deliverRest(room: Room): Promise<void> {
  await room.clock.advance(10_000) // past every publisher's `inline`
  await room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
  for (const { payload } of room.invoked.splice(0))
    await room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))
}
