import { initTRPC, tracked } from '@trpc/server'
import { afterEach, expect } from 'vitest'
import * as z from 'zod'
import { type AuthorizeResult, anonymous, type ConnectRequest, type LineMeta } from '../../define/identity.ts'
import { createLine } from '../../line/create-line.ts'
import { createTestLine, type TestLine } from '../test-line.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('messages', { key, event: z.object({ text: z.string() }), retention: '24h' })
const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
export const here = line.presence('here', { key, data: z.object({ name: z.string() }), leaseMs: 720_000 })
export const topic = 'messages?room=s:x'
export const room = { room: 'x' }

/** What the procedures note and depend on. */
export interface HttpWorldContext {
  readonly ran: string[]
  readonly role: string
}

const t = initTRPC.context<HttpWorldContext>().meta<LineMeta>().create()
const noted = t.procedure.use(({ ctx, path, next }) => {
  ctx.ran.push(path)
  return next()
})
const router = t.router({
  post: noted
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { text, ...of } }) => messages.publish(of, { text })),
  live: noted.input(key).subscription(({ input }) => messages.subscribe(input)),
  replayed: noted.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 1_000 })),
  mine: noted
    .input(key)
    .subscription(({ input, ctx }) => messages.subscribe(input).filter(({ text }) => text.startsWith(ctx.role))),
  mapped: noted.input(key).subscription(({ input }) =>
    messages.subscribe(input).map(({ text }) => {
      if (text.includes('!')) throw new Error('map failed')
      return text.length
    }),
  ),
  page: noted.input(key).subscription(({ input }) => messages.subscribe(input).startWith(() => ({ type: 'state' }))),
  large: noted
    .input(key.extend({ bytes: z.number() }))
    .subscription(({ input }) => messages.subscribe(input).startWith(() => 'x'.repeat(input.bytes))),
  onTyping: noted.input(key).subscription(({ input }) => typing.subscribe(input)),
  joined: noted
    .input(key.extend({ name: z.string() }))
    .subscription(({ input: { name, ...of } }) => here.join(of, { member: name, data: { name } })),
  watch: noted.input(key).subscription(({ input }) => here.watch(input)),
  tokens: noted.subscription(async function* () {
    yield tracked('1', 'a')
  }),
  disguised: noted.subscription(({ ctx }) => {
    ctx.ran.push('disguised resolver')
    return (async function* () {
      yield 'a'
    })()
  }),
  report: noted.meta({ longRunning: true }).query(() => 'report'),
  work: noted.meta({ longRunning: true }).mutation(({ ctx }) => ctx.ran.push('work resolver')),
  again: noted.meta({ longRunning: true, idempotent: true }).mutation(() => 'again'),
})

/** A line with rooms, and what its procedures noted. */
export interface HttpWorld extends TestLine {
  readonly ran: string[]
  readonly failures: string[]
}

const worlds: HttpWorld[] = []
afterEach(() => {
  for (const world of worlds.splice(0)) expect(world.misdirected).toEqual([])
})

type WorldOptions = Omit<Parameters<typeof createTestLine>[0], 'router' | 'line' | 'createContext' | 'onError'>

/** After each test, no gateway call and no row under a topic may have named a connection over HTTP. */
export function openWorld(options: WorldOptions = {}): HttpWorld {
  const world = createWorld(options)
  worlds.push(world)
  return world
}

/** The same without the check after the test. */
export function createWorld(options: WorldOptions = {}): HttpWorld {
  const ran: string[] = []
  const failures: string[] = []
  const made = createTestLine({
    authorize: roleOf,
    anonymousMay: 'everything',
    ...options,
    line,
    router: router as never,
    createContext: ((call: { readonly claims?: { readonly role: string } }) => ({
      ran,
      role: call.claims?.role ?? '',
    })) as never,
    onError: ({ error }) => failures.push(error.message),
  })
  return { ...made, ran, failures }
}

/** A token `ann/role` is of ann, with that role, for an hour. */
function roleOf({ token }: ConnectRequest): AuthorizeResult {
  if (token === undefined) return anonymous
  const [principal = '', role = ''] = token.split('/')
  return { principal, claims: { role }, expiresAt: new Date(1_800_003_600_000) }
}

/** Publishes as a script does. */
export const publish = (world: HttpWorld, ...texts: readonly string[]) =>
  world.asScript(async () => {
    for (const text of texts) await messages.publish(room, { text })
  })

export const subscribeFrame = (id: string | number, path: string, params: object = {}) => ({
  id,
  method: 'subscription',
  params: { path, input: room, ref: 1, ...params },
})
