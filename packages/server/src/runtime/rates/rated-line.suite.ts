import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Store } from '../../ports/store.ts'
import { accessOf } from '../subscriptions/store-access.suite.ts'
import { windowOf } from './window.ts'

/** A seeded random source (xorshift32), uniform in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed * 2_654_435_761 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** The probability that at least `least` of `count` are sampled, each with a chance of 1 in 10. */
export function sampledAtLeast(count: number, least: number): number {
  let term = 0.9 ** count // of none
  let sum = least <= 0 ? term : 0
  for (let n = 1; n <= count; n++) {
    term *= ((count - n + 1) / n) * (0.1 / 0.9)
    if (n >= least) sum += term
  }
  return sum
}

export const text = (bytes: number) => 'x'.repeat(bytes)

const key = z.object({ room: z.string() })
const said = key.extend({ text: z.string() })

function createApplication() {
  const line = createLine()
  const events = line.channel('room', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({ text: z.string() }) })
  const answers = line.stream('answers', {
    ...{ key, input: z.object({ text: z.string() }), chunk: z.object({ text: z.string() }) },
    async *produce() {
      yield { text: '' }
    },
  })
  const ran: string[] = []
  const t = initTRPC.meta<LineMeta>().create()
  const p = t.procedure.use(({ path, next }) => {
    ran.push(path)
    return next()
  })
  const router = t.router({
    whoami: p.query(() => 'you'),
    post: p.input(said).mutation(({ input: { text: said, room } }) => events.publish({ room }, { text: said })),
    type: p.input(said).mutation(({ input: { text: said, room } }) => typing.publish({ room }, { text: said })),
    update: p.input(said).mutation(({ input: { text: said, room } }) => here.update({ room }, { text: said })),
    start: p.input(said).mutation(({ input: { text: said, room } }) => answers.start({ room }, { text: said })),
    live: p.input(key).subscription(({ input }) => events.subscribe(input)),
    joined: p.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: { text: '' } })),
  })
  return { line, events, router, ran }
}

type Options = Partial<Parameters<typeof createTestLine>[0]> & { readonly seed?: number }

/** A line with rates, what its procedures ran, the writes to its table, and the connections that it deleted. */
export function createRated({ seed = 1, ...options }: Options = {}) {
  const application = createApplication()
  const { router, ran } = application
  const requests: string[] = []
  const { store: wrap = (inner: Store) => inner } = options
  const made: TestLine = createTestLine({
    ...{ line: application.line, router, onError: () => {}, ...options },
    store: (inner) => recording(wrap(inner), requests),
  })
  made.clock.random = createRandom(seed)
  const deleted: string[] = []
  const { disconnect } = made.gateway
  made.gateway.disconnect = async (connectionId, ...rest) => {
    deleted.push(connectionId)
    return disconnect.call(made.gateway, connectionId, ...rest)
  }
  return { ...application, ...made, line: application.line, ran, requests, deleted }
}

export type RatedLine = ReturnType<typeof createRated>

function recording(store: Store, requests: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: readonly unknown[]) => {
        requests.push(`${accessOf(name as keyof Store, args).writes ? 'write' : 'read'} ${name}`)
        return Reflect.apply(member, target, args) as unknown
      }
    },
  })
}

/** An answer to a frame. */
export interface Answer {
  readonly id: number | string | null
  readonly result?: { readonly type: string; readonly data?: unknown }
  readonly error?: { readonly message: string; readonly data: { readonly code: string } }
  readonly line?: { readonly code: string; readonly retryAfterMs?: number; readonly mayHaveRun: boolean }
}

/** Sends a message. Returns the answers that were returned and posted. */
export async function ask(line: RatedLine, client: TestClient, message: unknown): Promise<readonly Answer[]> {
  const posted = () => line.gateway.posted(client.connectionId)
  const before = posted().length
  const returned = await client.send(message)
  const texts = posted().slice(before) // not all that were ever posted, since a flood is long
  return [...texts.flatMap((text) => JSON.parse(text) as Answer), ...([returned ?? []].flat() as Answer[])]
}

export const isLimited = ({ line }: Answer) => line?.code === 'RATE_LIMITED'

export const query = (id: number | string) => ({ id, method: 'query', params: { path: 'whoami' } })
export const mutation = (id: number | string, path: string, bytes: number, params: object = {}) => ({
  ...{ id, method: 'mutation' },
  params: { path, input: { room: 'x', text: text(bytes) }, ...params },
})
export const subscription = (id: number | string, path = 'live') => ({
  ...{ id, method: 'subscription' },
  params: { path, input: { room: 'x' }, ref: 1 },
})

/** A flood: messages at even distances, until they are all sent or the connection is deleted. */
export interface Flood {
  readonly perSecond: number
  readonly seconds: number
  /** The n-th message. @default a query */
  readonly message?: (n: number) => unknown
}

/** Sends a flood. Returns the answers, and how many messages were sent. */
export async function flood(
  line: RatedLine,
  client: TestClient,
  { perSecond, seconds, message = query }: Flood,
): Promise<{ readonly answers: readonly Answer[]; readonly sent: number }> {
  const start = line.clock.time
  const answers: Answer[] = []
  let sent = 0
  while (sent < perSecond * seconds && !line.deleted.includes(client.connectionId)) {
    line.clock.time = start + Math.floor((sent * 1_000) / perSecond)
    sent += 1
    answers.push(...(await ask(line, client, message(sent))))
  }
  return { answers, sent }
}

/** A caller's rate: whose, and in which window. */
export interface UsedRate {
  readonly owner: string
  readonly what: string
  readonly windowMs: number
  readonly amount: number
}

/** Makes `amount` of a rate used in its current window. */
export async function use({ store, clock }: RatedLine, { owner, what, windowMs, amount }: UsedRate): Promise<void> {
  const { window, expires } = windowOf(owner, windowMs, clock.now())
  await store.addToRate({ owner, what, window, expires, amount })
}

/** From now on each frame is sampled. */
export function sampleAll({ clock }: RatedLine): void {
  clock.random = () => 0
}
