import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import { anonymous, type LineMeta } from '../../define/identity.ts'
import type { TopicCaller } from '../../define/topic-rights.ts'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { Scheduler } from '../explore.suite.ts'

/** The claims of a member: the rooms, and a text that makes them longer. */
export interface ClubClaims {
  readonly rooms: readonly string[]
  readonly pad?: string | undefined
}

/** A question that a channel was asked. */
export interface Asked {
  readonly room: string
  readonly principal: string | null
  readonly rooms: readonly string[] | undefined
}

type Answer = (key: { readonly room: string }, caller: TopicCaller) => unknown

/** By the claims alone. */
const byClaims: Answer = ({ room }, { claims }) =>
  (claims as unknown as ClubClaims | undefined)?.rooms.includes(room) || `You are no member of ${room}.`

let answer: Answer = byClaims
let asked: Asked[] = []

const line = createLine<{ readonly rooms: readonly string[]; readonly pad?: string }>()
const key = z.object({ room: z.string() })
const event = z.object({ text: z.string() })
const authorize = (topic: { readonly room: string }, caller: TopicCaller): true | Promise<true> => {
  const { rooms } = (caller.claims ?? {}) as Partial<ClubClaims>
  asked.push({ room: topic.room, principal: caller.principal, rooms })
  return answer(topic, caller) as true
}
const club = line.channel('club', { key, event, authorize })
const watched = line.channel('watched', { key, event, authorize, recheck: 'delivery' })
const open = line.channel('open', { key, event })
const typing = line.ephemeral('typing', { key, event, authorize })
const watchedTyping = line.ephemeral('watched.typing', { key, event, authorize, recheck: 'delivery' })
const here = line.presence('here', { key, data: z.object({}), authorize })

const t = initTRPC.context<{ readonly load?: () => unknown }>().meta<LineMeta>().create()
const p = t.procedure.input(key)
const router = t.router({
  live: p.subscription(({ input }) => club.subscribe(input)),
  replayed: p.subscription(({ input }) => club.subscribe(input, { replay: 100 })),
  loud: p.subscription(({ input }) => club.subscribe(input).filter(({ text }) => text === text.toUpperCase())),
  page: p.subscription(({ input, ctx }) => club.subscribe(input).startWith(() => ctx.load?.())),
  watched: p.subscription(({ input }) => watched.subscribe(input)),
  watchedLoud: p.subscription(({ input }) => watched.subscribe(input).filter(({ text }) => text !== '')),
  open: p.subscription(({ input }) => open.subscribe(input)),
  openLoud: p.subscription(({ input }) => open.subscribe(input).filter(({ text }) => text !== '')),
  onTyping: p.subscription(({ input }) => typing.subscribe(input)),
  onWatchedTyping: p.subscription(({ input }) => watchedTyping.subscribe(input)),
  join: p.subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
  watch: p.subscription(({ input }) => here.watch(input)),
  read: p.query(({ input }) => club.read(input)),
  post: p.mutation(({ input }) => club.publish(input, { text: 'POSTED' })),
})

export const clubTopic = 'club?room=s:x'
export const watchedTopic = 'watched?room=s:x'
export const hereTopic = 'here?room=s:x'
const start = 1_800_000_000_000
const hour = 3_600_000

/** A line whose channels ask who may subscribe, in memory, through its real handlers. */
export interface Club extends TestLine {
  readonly channels: {
    readonly club: typeof club
    readonly watched: typeof watched
    readonly typing: typeof typing
    readonly watchedTyping: typeof watchedTyping
    readonly open: typeof open
  }
  /** The questions since the last call. */
  readonly asked: () => readonly Asked[]
  /** Replaces what `authorize` of the channels answers. */
  readonly answerBy: (answer: Answer) => void
  /** Errors that `onError` got, with their number. */
  readonly failures: { readonly message: string; readonly cause: string | undefined; readonly count: number }[]
  /** The delayed invocations. */
  readonly delayed: unknown[]
}

export interface ClubOptions {
  readonly scheduler?: Scheduler
  readonly store?: (store: Store) => Store
  /** Calls of the store that are no scheduling points. */
  readonly except?: readonly (keyof Store)[]
  readonly load?: () => unknown
}

/**
 * A token is text and claims: `'x,y'` has the rooms x and y, `'x 5000'` has 5,000 characters in addition, and none is
 * `''`. The principal is ann; `nobody` is an anonymous caller.
 */
export function createClub({ scheduler, store = (made) => made, except = [], load }: ClubOptions = {}): Club {
  answer = byClaims
  asked = []
  const failures: Club['failures'] = []
  const delayed: unknown[] = []
  const made = createTestLine({
    line,
    router,
    anonymousMay: 'everything',
    authorize: ({ token = 'none' }) => {
      if (token === 'nobody') return anonymous
      const [rooms = '', pad] = token.split(' ')
      const claims = { rooms: rooms.split(','), ...(pad === undefined ? {} : { pad: 'x'.repeat(Number(pad)) }) }
      return { principal: 'ann', claims, expiresAt: new Date(start + hour) }
    },
    createContext: (() => ({ load })) as never,
    onError: ({ error, count = 1 }) => {
      failures.push({ message: error.message, cause: (error.cause as Error | undefined)?.message, count })
    },
    store: (inner) => store(scheduler === undefined ? inner : scheduler.store(inner, except)),
    invoker: (inner) => ({
      kind: inner.kind,
      invoke: inner.invoke,
      invokeDelayed: async (payload) => void delayed.push(payload),
    }),
  })
  if (scheduler !== undefined)
    made.gateway.intercept = async (connectionId) => {
      await scheduler.at('post', { rows: [`POST#${connectionId}`], writes: true })
      return undefined
    }
  return {
    ...made,
    channels: { club, watched, typing, watchedTyping, open },
    asked: () => asked.splice(0),
    answerBy(next) {
      answer = next
    },
    failures,
    delayed,
  }
}

export const subscribeTo = (
  client: TestClient,
  path: string,
  { id = 7, ref = 1, room = 'x', ...params }: SubscribeTo = {},
) => client.send({ id, method: 'subscription', params: { path, input: { room }, ref, ...params } })

interface SubscribeTo {
  readonly id?: number
  readonly ref?: number
  readonly room?: string
  readonly lastEventId?: string
}

export const authBy = (client: TestClient, token: string) => client.send({ id: 'a', method: 'auth', params: { token } })

export const syncFrom = (client: TestClient, from: string, { id = 7, ref = 1 } = {}) =>
  client.send({ id: 's', method: 'sync', params: { subscriptions: [{ id, ref, from }] } })

/** Publishes as a script does, which delivers nothing itself. */
export const publishIn = (made: Club, channel: 'club' | 'watched' | 'open' = 'club', room = 'x') =>
  made.asScript(() => made.channels[channel].publish({ room }, { text: 'NEWS' }))

/** Hands the last slot of a topic to the stream's handler. */
export async function deliverLast(made: Club, topic: string = clubTopic): Promise<void> {
  const { slots } = await made.store.readSlots(topic, 0, 1_000)
  const last: Slot | undefined = slots.at(-1)
  if (last !== undefined) await made.stream([{ topic, slot: last }])
}

/** How often a client got the event of `publishIn`. */
export const newsOf = (client: TestClient) =>
  client.frames().filter((frame) => JSON.stringify(frame).includes('"NEWS"')).length

/** A promise, and the function that resolves it. */
export function deferred<T = void>() {
  let resolve = (_: T) => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
