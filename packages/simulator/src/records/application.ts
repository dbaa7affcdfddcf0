// One file over 200 lines: it is the one application that every schedule runs.

import { AsyncLocalStorage } from 'node:async_hooks'
import { initTRPC, tracked } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { defined } from '@trunkline/protocol'
import { anonymous, createLine, deny, type LineMeta, type OnLost, type TopicCaller } from '@trunkline/server'
import { internalsOf, loadParts } from '@trunkline/server/internal'
import { createLambdaHandlers, type Rates } from '@trunkline/server/lambda'
import type { Backend, Telemetry } from '@trunkline/server/ports'
import * as z from 'zod'
import { topicOfPartition } from '../../../server/src/define/topic.ts'
import { consoleRecorder } from '../../../server/src/ports/console-log.ts'

await loadParts() // a file is read in real time, in which the clock of a schedule does not advance

/** The functions that a schedule's procedures use in addition to Trunkline. */
export interface ScheduleHooks {
  /** An irreversible effect outside of Trunkline, such as a payment, of a principal. */
  charge(n: number, principal: string | null): void
  /** The number of events in a room, which serves as the application's state. */
  state(room: string): number
  /** Called for each failure that the server reports. */
  reported(message: string): void
  now(): number
  /** Called when a function begins to produce a stream. Returns the number of this time. */
  produced(name: string): number
  /** Called when the iteration of a generator starts. */
  began(name: string, connectionId: string | undefined, isAlive: () => boolean): GeneratorRun
}

/** The simulated function in which the application's code runs. */
export interface RunningFunction {
  /** A pause that freezes and ends with the function. */
  readonly sleep: Required<Backend>['clock']['sleep']
  /** Whether the invocation is still running. */
  readonly isAlive: () => boolean
  /** The partitions that its version of the application declares. */
  readonly partitions: number
}
const runningFunctions = new AsyncLocalStorage<RunningFunction>()

/** The functions that the current schedule's procedures use. One schedule runs at a time. */
export const hooks: { current: ScheduleHooks | undefined } = { current: undefined }

const line = createLine()
const key = z.object({ room: z.string() })
/** `pad` makes a call larger than one frame, and its event larger than one message. */
const said = key.extend({ n: z.number(), pad: z.string().optional() })
const padded = (n: number, pad: string | undefined) => (pad === undefined ? { n } : { n, pad: pad.repeat(4) })
const schemas = { key, event: z.object({ n: z.number(), pad: z.string().optional() }), retention: '10m' } as const
const messages = line.channel('room', schemas)

/** The claims of a token that names rooms. */
interface Claims {
  readonly rooms: readonly string[]
}
const authorize = ({ room }: { readonly room: string }, { claims }: TopicCaller) =>
  (claims as Claims | null | undefined)?.rooms.includes(room) || refusalOf(room)
const club = line.channel('club', { ...schemas, authorize })
const watchedClub = line.channel('watched.club', { ...schemas, authorize, recheck: 'delivery' })

/** The room whose channel has partitions: 1 or 2, and 4 in the next version of the application. */
export const partedRoom = 'p'
export const partitionsOfVersions = { first: 2, next: 4 }
const parted = line.channel('parted', { ...schemas, partitions: 2 })
/** One event in three has no partition key: each attempt would choose a partition at random. */
const keyOf = (room: string, n: number) =>
  room === partedRoom && Math.floor(n) % 3 !== 0 ? { partitionKey: `${Math.floor(n) % 16}` } : {}
Object.defineProperty(
  internalsOf(line)
    .channels()
    .find(({ name }) => name === parted.name)?.partitions,
  'count',
  {
    get: () => runningFunctions.getStore()?.partitions ?? partitionsOfVersions.first,
  },
)

/** The rooms that only a caller with a right may subscribe to: without and with a check at each delivery. */
export const guardedRooms = ['m', 'w'] as const
/** The reason with which a room is refused. */
export const refusalOf = (room: string) => `You are no member of ${room}.`
const channels = { m: club, w: watchedClub, [partedRoom]: parted }
const channelOf = (room: string) => channels[room as keyof typeof channels] ?? messages

/** A grace period and a lease that are short in relation to a schedule. */
export const presenceTimes = { graceMs: 15_000, leaseMs: 60_000 }
const here = line.presence('here', { key, data: z.object({ n: z.number() }), ...presenceTimes })

/** A stream's input: it yields the chunks 1 to `last` with a pause before each, then ends or throws. */
const streamInput = z.object({ everyMs: z.number(), last: z.number(), throws: z.boolean() })
export type StreamInput = z.infer<typeof streamInput>
export const streamRetentionMs = 600_000

const streamOf = (onLost: OnLost) =>
  line.stream(`answer.${onLost}`, {
    key,
    input: streamInput,
    chunk: z.object({ run: z.number(), n: z.number() }),
    retention: streamRetentionMs,
    onLost,
    async *produce({ key: { room }, input: { everyMs, last, throws }, produced, signal }) {
      const running = runningFunctions.getStore()
      const run = hooks.current?.produced(`${onLost} ${room}`) ?? 0
      for (let n = produced + 1; n <= last; n++) {
        if (everyMs > 0) await running?.sleep(everyMs, signal)
        yield { run, n }
      }
      if (throws) throw new Error(thrownMessage)
    },
  })
const answers = { close: streamOf('close'), restart: streamOf('restart'), continue: streamOf('continue') }
const onLost = z.enum(['close', 'restart', 'continue'])
const answerOf = z.object({ onLost, room: z.string() })
export type AnswerRef = z.infer<typeof answerOf>
/** The name of a stream's log. */
export const answerTopicOf = ({ onLost, room }: AnswerRef) => `${answers[onLost].name}?room=s:${room}`

interface Context {
  readonly principal: string | null
  readonly connectionId: string | undefined
}
const t = initTRPC.context<Context>().meta<LineMeta>().create()
const repeatable = t.procedure.meta({ repeatable: true }).input(said)

/** A generator's input: it yields the values 1 to `last` with a pause before each, then ends or throws. */
const generatorInput = z.object({
  name: z.string(),
  everyMs: z.number(),
  last: z.number(),
  throws: z.boolean(),
  /** Whether its pause ends when its signal aborts. */
  heeds: z.boolean(),
  lastEventId: z.string().optional(),
})
export type GeneratorInput = Omit<z.infer<typeof generatorInput>, 'lastEventId'>
export const thrownMessage = 'thrown by the generator'

interface GeneratorCall {
  readonly input: z.infer<typeof generatorInput>
  readonly ctx: Context
  readonly signal: AbortSignal | undefined
}

async function* produce({ input, ctx, signal }: GeneratorCall) {
  const { name, everyMs, last, throws, heeds, lastEventId = '0' } = input
  const running = runningFunctions.getStore()
  const run = hooks.current?.began(name, ctx.connectionId, () => running?.isAlive() === true)
  try {
    for (let n = Number(lastEventId) + 1; n <= last; n++) {
      if (everyMs > 0) await running?.sleep(everyMs, heeds ? signal : undefined)
      yield { run: run?.number ?? 0, n }
    }
    if (throws) throw new Error(thrownMessage)
  } finally {
    if (run !== undefined) run.isOpen = false
  }
}

/** The same values as an observable, which runs until it is torn down. */
function observe(call: GeneratorCall) {
  return observable<{ readonly run: number; readonly n: number }, Error>((observer) => {
    const left = new AbortController()
    const values = produce({ ...call, signal: left.signal })
    const next = async () => {
      for await (const value of values) observer.next(value)
    }
    next().then(
      () => observer.complete(),
      (thrown: Error) => observer.error(thrown),
    )
    return () => {
      left.abort()
      void values.return()
    }
  })
}

/** The application of every schedule: rooms with subscribers, and calls that have effects. `bills` makes `bill`. */
const createRouter = (bills: typeof t.procedure) =>
  t.router({
    /** Publishes once. */
    post: repeatable.mutation(({ input: { n, room, pad } }) =>
      channelOf(room).publish({ room }, padded(n, pad), keyOf(room, n)),
    ),
    /** Publishes twice to one room and once to another. */
    spread: repeatable.mutation(async ({ input: { n, room } }) => {
      await messages.publish({ room }, { n })
      await messages.publish({ room: room === 'a' ? 'b' : 'a' }, { n: n + 0.25 })
      return messages.publish({ room }, { n: n + 0.5 })
    }),
    /** Has an effect that must happen at most once, then publishes. */
    bill: bills.input(said).mutation(async ({ input: { n, room, pad }, ctx }) => {
      hooks.current?.charge(n, ctx.principal)
      return messages.publish({ room }, padded(n, pad))
    }),
    /** Publishes and then throws. A thrown error is an outcome. */
    refuse: repeatable.mutation(async ({ input: { n, room } }) => {
      await messages.publish({ room }, { n })
      throw new Error(`refused ${n}`)
    }),
    count: t.procedure.input(key).query(({ input }) => hooks.current?.state(input.room) ?? 0),
    live: t.procedure.input(key).subscription(({ input }) => channelOf(input.room).subscribe(input)),
    replayed: t.procedure
      .input(key)
      .subscription(({ input }) => channelOf(input.room).subscribe(input, { replay: 50 })),
    thirds: t.procedure.input(key).subscription(({ input }) =>
      channelOf(input.room)
        .subscribe(input)
        .filter(({ n }) => isThird(n)),
    ),
    snapshot: t.procedure.input(key).subscription(({ input }) =>
      channelOf(input.room)
        .subscribe(input)
        .startWith(() => ({ n: -1, state: hooks.current?.state(input.room) ?? 0 })),
    ),
    ask: t.procedure
      .input(answerOf.extend(streamInput.shape))
      .mutation(({ input: { onLost, room, ...input } }) => answers[onLost].start({ room }, input)),
    silence: t.procedure.input(answerOf).mutation(({ input: { onLost, ...room } }) => answers[onLost].stop(room)),
    answer: t.procedure
      .input(answerOf)
      .subscription(({ input: { onLost, ...room } }) => answers[onLost].subscribe(room)),
    /** Every second chunk. */
    evens: t.procedure
      .input(answerOf)
      .subscription(({ input: { onLost, ...room } }) => answers[onLost].subscribe(room).filter(({ n }) => n % 2 === 0)),
    /** Joins as the caller. A member has as many sessions as it has devices. */
    joined: t.procedure
      .input(key)
      .subscription(({ input, ctx }) => here.join(input, { member: ctx.principal ?? 'nobody', data: { n: 0 } })),
    watched: t.procedure.input(key).subscription(({ input }) => here.watch(input)),
    /** Yields each value with a cursor to resume from. */
    ticks: t.procedure.input(generatorInput).subscription(async function* (call) {
      for await (const value of produce(call)) yield tracked(String(value.n), value)
    }),
    words: t.procedure
      .meta({ generator: true })
      .input(generatorInput)
      .subscription((call) => produce(call)),
    observed: t.procedure.input(generatorInput).subscription((call) => observe(call)),
    /** Sets new data for the calling session. */
    mark: t.procedure.input(said).mutation(({ input: { n, room } }) => here.update({ room }, { n })),
  })
const router = createRouter(t.procedure)
export type Application = typeof router

/** The filter of `thirds`. */
export const isThird = (n: number) => Math.floor(n) % 3 === 0

/** A token that authenticates a principal until `expires`, with the right to some of the guarded rooms. */
export const formatToken = (principal: string, expires: number, rooms?: readonly string[]) =>
  [principal, expires, ...(rooms === undefined ? [] : [rooms.join()])].join('|')
/** The expiry of a token, in epoch milliseconds. */
export const expiryOf = (token: string) => Number(token.split('|')[1])
/** The principal of a token. */
export const principalOf = (token: string) => token.split('|')[0] ?? ''
/** The guarded rooms of a token; undefined for one that names none. */
export const roomsOf = (token: string) => token.split('|')[2]?.split(',')

/** The server logs each HTTP request that a fault fails. */
const failedRequest = 'An HTTP request failed.'

/** Log lines go to the console, without the audit of each `auth`. */
const telemetry: Telemetry = {
  kind: 'simulated',
  begin: () => ({
    measure() {},
    log: (entry) => entry.message === failedRequest || consoleRecorder.log(entry),
    end() {},
  }),
}

const createHandlers = (
  served: Application,
  options: { readonly rates?: Rates; readonly telemetry?: Telemetry } = {},
) =>
  createLambdaHandlers({
    router: served,
    telemetry,
    ...options,
    line,
    authorize: ({ token }) => {
      if (token === undefined) return anonymous
      const [principal = '', expires] = token.split('|')
      if (Number(expires) <= (hooks.current?.now() ?? 0)) return deny('This token has expired.')
      const rooms = roomsOf(token)
      return { principal, claims: rooms === undefined ? null : { rooms }, expiresAt: new Date(Number(expires)) }
    },
    anonymousMay: 'everything',
    createContext: ({ principal, connectionId }) => ({ principal, connectionId }),
    onError: ({ error }) => hooks.current?.reported(`${error.code} ${error.message}`),
  })

/** The Lambda handlers, as they are deployed. */
export const handlers = createHandlers(router)

const perCaller = { frames: '50/s', publishedBytes: '51200/s' } as const
/** The same with rates: of each connection and principal, and of `bill`. */
export const ratedHandlers = createHandlers(createRouter(t.procedure.meta({ rate: '2/m' })), {
  rates: { connection: { ...perCaller, subscribes: '50/s' }, principal: perCaller },
  telemetry: { kind: 'simulator', begin: () => ({ measure() {}, log() {}, end() {} }) }, // it logs each flood
})

/** Runs a handler or a script with a backend, in a simulated function. */
export const runInFunction = <T>(backend: Backend, running: RunningFunction, fn: () => Promise<T>) =>
  runningFunctions.run(running, () => line.withBackend(backend, fn))

/** Publishes as a script does. A script delivers nothing itself. */
export const publishAsScript = (room: string, n: number, idempotencyKey: string | undefined) =>
  channelOf(room).publish({ room }, { n }, { ...defined({ idempotencyKey }), ...keyOf(room, n) })

/** What an operator does to a principal. */
export interface Operation {
  readonly kind: 'kick' | 'ban' | 'revoke'
  readonly principal: string
  /** Of a ban, in epoch milliseconds of the kernel. */
  readonly until: number
}

/** Kicks, bans or revokes from a script, without audit lines. `now` is the script's own clock. */
export function operate({ kind, principal, until }: Operation, now: number) {
  const reason = 'the operator says so'
  const { context, enter } = internalsOf(line)
  const { end: _, ...silent } = telemetry.begin({ functionName: 'operator', requestId: undefined })
  return enter({ ...context(), telemetry: silent }, () => {
    if (kind === 'revoke') return line.revoke(principal, { issuedBefore: new Date(now), reason })
    return line.kick({ principal, reason, ...(kind === 'ban' && until > now && { ban: new Date(until) }) })
  })
}

/** The names of the logs of the room with partitions. */
export const partedTopics = () =>
  Array.from({ length: partitionsOfVersions.next }, (_, index) => topicOfPartition(topicOf(partedRoom), index))
/** The name of a room's log. */
export const topicOf = (room: string) => `${channelOf(room).name}?room=s:${room}`
/** The name of a room's presence log. */
export const hereOf = (room: string) => `here?room=s:${room}`

/** One iteration of a generator in one function. */
export interface GeneratorRun {
  readonly number: number
  /** The name of its subscription. */
  readonly name: string
  readonly connectionId: string | undefined
  /** Whether its function is still running. */
  readonly isAlive: () => boolean
  /** True until its `finally` runs. */
  isOpen: boolean
}
