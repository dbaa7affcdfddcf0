import { initTRPC, TRPCError, tracked } from '@trpc/server'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { type Exchange, exchanges, type Frame, parseFrame } from '../testing/transcript.suite.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

interface Context {
  readonly params: unknown
}

const nope = () => new TRPCError({ code: 'FORBIDDEN', message: 'nope' })

/** The router with which the transcript was recorded. */
function createRouter(options: { readonly transformer?: typeof superjson } = {}) {
  const t = initTRPC.context<Context>().create(options as Record<string, never>)
  const anything = t.procedure.input(z.unknown())
  return t.router({
    hello: t.procedure.input(z.string().optional()).query(({ input }) => `hello ${input ?? 'world'}`),
    mut: t.procedure.mutation(() => 'ok'),
    boom: t.procedure.query(() => {
      throw new Error('boom')
    }),
    undef: t.procedure.query(() => undefined),
    slow: t.procedure.query(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return 'slow'
    }),
    raw: anything.query(({ input }) => ({ input })),
    whoami: t.procedure.query(({ ctx }) => ctx.params),
    date: t.procedure.query(() => new Date(0)),
    iterQuery: t.procedure.query(() => count()),
    count: t.procedure.subscription(count),
    undefYield: t.procedure.subscription(async function* () {
      yield undefined
      yield null
    }),
    tracked: anything.subscription(async function* ({ input }) {
      yield tracked('a', { input: input ?? null })
    }),
    fail: t.procedure.subscription(async function* () {
      yield 1
      throw nope()
    }),
    failSetup: t.procedure.subscription((): AsyncGenerator<number> => {
      throw nope()
    }),
    notIter: t.procedure.subscription((() => 5) as never),
    forever: t.procedure.subscription(forever),
    slowSetup: t.procedure.subscription(async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return forever({ signal })
    }),
    dates: t.procedure.subscription(async function* () {
      yield tracked('d', new Date(0))
    }),
  })
}

async function* count() {
  yield 1
  yield 2
}

async function* forever({ signal }: { readonly signal: AbortSignal | undefined }) {
  yield 'first'
  await new Promise((resolve) => signal?.addEventListener('abort', resolve))
}

/**
 * How an exchange differs on a line, and why [LAW-CONNECTION-ROW]. The list is complete and declared in PROTOCOL.md.
 */
interface Deviation {
  readonly why: string
  /** The messages that are received instead, if any. */
  readonly instead?: readonly Frame[]
  /** Error messages are not compared. */
  readonly words?: 'other'
  /** Whether the connection is closed, if it differs from tRPC's. */
  readonly closed?: number | undefined
}

const errorOf = (id: unknown, code: number, data: object, message: string): Frame => ({
  id,
  error: { message, code, data },
})
const parseError = { code: 'PARSE_ERROR', httpStatus: 400 }

const first: readonly Frame[] = [
  { id: 1, result: { type: 'started' } },
  { id: 1, result: { type: 'data', data: 'first' } },
]
const stopped: Frame = { id: 1, result: { type: 'stopped' } }

const deviations: Readonly<Record<string, Deviation>> = {
  'malformed json': { why: 'the message is that of the JavaScript engine', words: 'other' },
  'superjson: query, tracked, error': { why: 'the message is that of the JavaScript engine', words: 'other' },
  'binary frame': { why: 'the gateway closes on a binary frame [TL-BAD-3]', instead: [], closed: 1003 },
  'connectionParams data missing': { why: 'a deleted connection is closed with 1000', closed: 1000 },
  'connectionParams non-string value': {
    why: 'a deleted connection is closed immediately: frames sent after the parameters are not answered',
    instead: [errorOf(null, -32700, parseError, 'Invalid connection params shape')],
    closed: 1000,
  },
  'connectionParams malformed json': {
    why: 'frames are run by functions without an order: text that is not JSON is not connection parameters',
    words: 'other',
    closed: undefined,
  },
  'createContext throws': {
    why: 'a context is created for each call: each call is answered, and the connection stays open',
    instead: [errorOf(1, -32001, { code: 'UNAUTHORIZED', httpStatus: 401, path: 'hello' }, 'UNAUTHORIZED')],
    closed: undefined,
  },
  'stop twice': {
    why: 'functions keep no list of active subscriptions: a repeated stop is answered again',
    instead: [...first, stopped, stopped],
  },
  'stop before start': { why: 'a stopped id stays stopped [TL-STOCK-7]', instead: [stopped] },
  'id reuse after stop': {
    why: 'a stopped id stays stopped [TL-STOCK-7]',
    instead: [...first, stopped, stopped],
  },
}

/**
 * Frames wait 2 s for the announced parameters [TL-STOCK-5].
 * `packages/server/src/runtime/connections/connection-params.test.ts` replays it with a virtual clock.
 */
const elsewhere: ReadonlySet<string> = new Set([
  'connectionParams expected but a query comes first',
  'method other than connectionParams as the first message',
])

/** The settings with which an exchange was recorded. */
const settings: Readonly<Record<string, Partial<Parameters<typeof startLocalLine>[0]> & { readonly params?: true }>> = {
  'batch over maxBatchSize=1': { maxBatchSize: 1 },
  'superjson: query, tracked, error': { router: createRouter({ transformer: superjson }) },
  'createContext throws': {
    createContext: () => {
      throw new TRPCError({ code: 'UNAUTHORIZED' })
    },
  },
}
const announcesParams = (title: string) =>
  /connectionParams|as the first message/.test(title) && !title.includes('without the query string')

function startLine(title: string) {
  return startLocalLine({
    router: createRouter(),
    createContext: ({ info }: { readonly info: { readonly connectionParams: unknown } }) => ({
      params: info.connectionParams,
    }),
    onError: () => {},
    ...settings[title],
  } as never)
}

/**
 * The messages of an exchange that a client of the line receives: all but `{}`, which has no content (declared,
 * [TL-STOCK-8]).
 */
async function replay(local: LocalLine<never>, { title, steps }: Exchange, atMost: number) {
  const socket = new WebSocket(`${local.url}${announcesParams(title) ? '?connectionParams=1' : ''}`)
  const frames: Frame[] = []
  let closed: number | undefined
  socket.on('message', (data) => {
    if (String(data) !== '{}') frames.push(parseFrame(String(data)))
  })
  socket.on('close', (code) => {
    closed = code
  })
  await new Promise((resolve) => socket.once('open', resolve))
  let expected = 0
  const seen = async () => {
    const enough = Math.min(expected, atMost)
    for (let rests = 0; frames.length < enough && closed === undefined && rests < mostRests; rests++) await rest(local)
  }
  for (const step of steps) {
    if (step.kind === 'receive') expected += 1
    if (step.kind !== 'send') continue
    await seen()
    socket.send(step.binary ? Buffer.from(step.text) : step.text)
  }
  await seen()
  await rest(local)
  socket.terminate()
  return { frames, closed }
}

const mostRests = 60
const longestRestMs = 200 // real time, because a generator that waits for its end is in flight until then

/** Lets all work in flight finish, except work that waits for the client. */
async function rest(local: LocalLine<never>): Promise<void> {
  await Promise.race([local.idle(), new Promise((resolve) => setTimeout(resolve, longestRestMs))])
}

/** Groups frames by id. The order between ids is irrelevant, since frames run concurrently. */
function byId(frames: readonly Frame[]): Readonly<Record<string, readonly Frame[]>> {
  const groups: Record<string, Frame[]> = {}
  for (const frame of frames) {
    const id = frame === 'PONG' ? frame : JSON.stringify(frame.id)
    groups[id] = [...(groups[id] ?? []), frame]
  }
  return groups
}

/** Removes error messages. */
const wordless = (frames: readonly Frame[]) =>
  JSON.parse(JSON.stringify(frames, (name, value) => (name === 'message' ? undefined : value))) as readonly Frame[]

describe('an exchange of tRPC’s own `ws` adapter, repeated on a line, gives the recorded responses or those that PROTOCOL.md declares', () => {
  test('is one of fifty', () => expect(exchanges.length).toBeGreaterThanOrEqual(50))
  test.each(exchanges.filter(({ title }) => !elsewhere.has(title)))('$title', async (exchange) => {
    await using local = (await startLine(exchange.title)) as LocalLine<never>
    const { instead, words, ...deviation } = deviations[exchange.title] ?? { why: '' }
    const measured = exchange.steps.flatMap((step) => (step.kind === 'receive' ? [step.frame] : []))
    const { frames, closed } = await replay(local, exchange, (instead ?? measured).length)
    const isClosed = exchange.steps.some(({ kind }) => kind === 'closed')
    const read = words === 'other' ? wordless : (frames: readonly Frame[]) => frames
    expect(byId(read(frames))).toEqual(byId(read(instead ?? measured)))
    expect(closed).toBe('closed' in deviation ? deviation.closed : isClosed ? 1005 : undefined)
  })
})
