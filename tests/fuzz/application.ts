import { initTRPC, lazy, TRPCError, tracked } from '@trpc/server'
import { anonymous, type ConnectRequest, createLine, deny, type LineMeta } from '@trunkline/server'
import type { Backend } from '@trunkline/server/ports'
import * as z from 'zod'

/** The tokens of the handshakes. None may come back in an answer or a log line. */
export const tokens = {
  named: 'tkn-ann-3f9c2f0b1d5e4a77',
  expiring: 'tkn-exp-8d1f6c2ab90e4f15',
  denied: 'tkn-bad-51c7e0d94b2a4c36',
  other: 'tkn-bob-a4e8d3b7f6c14298',
} as const

/** Counts what ran, so that a state in which nothing may run can be checked. */
export interface Effects {
  ran: number
}

/** How long the authority of each token lasts, in milliseconds. */
export const authorityMs = { named: 3_600_000, expiring: 1_000 } as const

/** The paths of the router, by the type of the procedure. */
export const paths = {
  query: ['add', 'whoami', 'echo', 'grow', 'fails', 'forbidden', 'slow', 'nested.deep.whoami', 'late.whoami'],
  mutation: ['post', 'pay', 'retype', 'slowOnce', 'update', 'careless', 'carelessEvent', 'rename'],
  subscription: [
    ...['live', 'replayed', 'page', 'loud', 'upper', 'onTyping', 'join', 'watch', 'count'],
    ...['ticks', 'trackedTicks', 'marked', 'carelessLive', 'shut'],
  ],
} as const

const key = z.object({ room: z.string() })
/** Lets every key through, so that the channel is the first to check it. */
const loose = z.object({ room: z.any() }) as unknown as typeof key
const said = key.extend({ text: z.string() })

/** A line and a router with a procedure of each kind. */
export function createApplication(backend: Backend, effects: Effects) {
  const line = createLine({ backend })
  const events = line.channel('room', { key, event: z.object({ text: z.string() }) })
  const anything = line.channel('loose', { key: loose, event: z.any() })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({ name: z.string().optional() }) })
  const t = initTRPC.meta<LineMeta>().create()
  const p = t.procedure.meta({ anonymous: true }).use(({ next }) => {
    effects.ran += 1
    return next()
  })
  const who = t.router({ whoami: p.query(() => 'you') })
  const router = t.router({
    add: p.input(z.object({ a: z.number(), b: z.number() })).query(({ input: { a, b } }) => a + b),
    whoami: p.query(() => 'you'),
    echo: p.input(z.unknown()).query(({ input }) => input ?? null),
    grow: p.input(z.int().check(z.gte(0), z.lte(300_000))).query(({ input }) => 'x'.repeat(input)),
    fails: p.query(() => {
      throw new Error('This resolver fails.')
    }),
    forbidden: p.query(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'Not yours.' })
    }),
    slow: p.meta({ longRunning: true }).query(() => 'late'),
    nested: t.router({ deep: who }),
    late: lazy(async () => ({ who })),
    post: p.input(said).mutation(({ input: { text, ...room } }) => events.publish(room, { text })),
    pay: p.input(said).mutation(async ({ input: { text, ...room } }) => (await events.publish(room, { text })).id),
    retype: p.input(said).mutation(({ input: { text, ...room } }) => typing.publish(room, { text })),
    slowOnce: p
      .meta({ longRunning: true })
      .input(said)
      .mutation(({ input }) => input.text),
    update: p.input(said).mutation(({ input: { text, ...room } }) => here.update(room, { name: text })),
    careless: p.input(z.any()).mutation(({ input }) => anything.publish(input, 'hi')),
    carelessEvent: p.input(z.any()).mutation(({ input }) => anything.publish({ room: 'x' }, input)),
    rename: p.meta({ idempotent: true }).mutation(() => 'renamed'),
    live: p.input(key).subscription(({ input }) => events.subscribe(input)),
    replayed: p.input(key).subscription(({ input }) => events.subscribe(input, { replay: 1_000 })),
    page: p.input(key).subscription(({ input }) => events.subscribe(input).startWith(() => ({ state: 1 }))),
    loud: p.input(key).subscription(({ input }) => events.subscribe(input).filter(({ text }) => text.length > 2)),
    upper: p
      .input(key)
      .subscription(({ input }) => events.subscribe(input).map(({ text }) => ({ text: text.toUpperCase() }))),
    onTyping: p.input(key).subscription(({ input }) => typing.subscribe(input)),
    join: p.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
    watch: p.input(key).subscription(({ input }) => here.watch(input)),
    count: p.input(key).subscription(({ input }) => here.count(input)),
    ticks: p.input(z.unknown()).subscription(async function* () {
      yield 1
      yield { two: 2 }
    }),
    trackedTicks: p.subscription(async function* () {
      yield tracked('1', 1)
      yield tracked('2', 2)
    }),
    marked: p.meta({ generator: true }).subscription(() =>
      (async function* () {
        yield 'one'
      })(),
    ),
    carelessLive: p.input(z.any()).subscription(({ input }) => anything.subscribe(input)),
    closed: t.procedure.query(() => 'named'),
    shut: p.subscription(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'Not yours.' })
    }),
  })
  return { line, router }
}

/** The identity of a token: `now` is the time, in epoch milliseconds. */
export function createAuthorize(now: () => number) {
  return ({ token }: ConnectRequest) => {
    if (token === undefined) return anonymous
    const until = (ms: number) => ({ claims: { role: 'member' }, expiresAt: new Date(now() + ms) })
    if (token === tokens.named) return { principal: 'ann', ...until(authorityMs.named) }
    if (token === tokens.other) return { principal: 'bob', ...until(authorityMs.named) }
    if (token === tokens.expiring) return { principal: 'ann', ...until(authorityMs.expiring) }
    return deny('You are banned.')
  }
}
