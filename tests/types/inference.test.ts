import { initTRPC, lazy, type TrackedEnvelope } from '@trpc/server'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { createLine, eventsOf, type Line, type Subscription, type TopicCaller, valuesOf } from '@trunkline/server'
import superjson from 'superjson'
import { describe, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

// `tsc -p tests` is the test: each `@ts-expect-error` line must be an error, and each expectation must hold.
const line = createLine()
const room = z.object({ room: z.string() })
const said = z.discriminatedUnion('type', [
  z.object({ type: z.literal('posted'), text: z.string() }),
  z.object({ type: z.literal('removed'), id: z.string() }),
])
const messages = line.channel('messages', { key: room, event: said })
const typing = line.ephemeral('typing', { key: room, event: z.object({ author: z.string() }) })
const counted = line.channel('counted', {
  key: z.object({ n: z.number() }),
  event: z.object({ at: z.string().default('now'), size: z.string().transform((text) => text.length) }),
})
type Said = z.infer<typeof said>
type Posted = Extract<Said, { type: 'posted' }>
type Event<S> = S extends AsyncIterable<TrackedEnvelope<infer T>> ? T : never

const connection = createConnection({ url: 'ws://127.0.0.1:1' })
const t = initTRPC.create()

describe('a stream infers', () => {
  const told = line.stream('told', {
    key: room,
    input: z.object({ prompt: z.string(), tone: z.string().default('plain') }),
    chunk: z.object({ text: z.string().transform((text) => text.length) }),
    retention: '7d',
    onLost: 'continue',
    async *produce({ key, input, produced, signal }) {
      expectTypeOf(key).toEqualTypeOf<{ room: string }>()
      expectTypeOf(input).toEqualTypeOf<{ prompt: string; tone: string }>()
      expectTypeOf(produced).toEqualTypeOf<number>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      yield { text: 'a' }
    },
  })

  test('what start takes and what readers get', () => {
    expectTypeOf(told.start).parameter(1).toEqualTypeOf<{ prompt: string; tone?: string | undefined }>()
    expectTypeOf<Event<ReturnType<typeof told.subscribe>>>().toEqualTypeOf<{ text: number }>()
    expectTypeOf(() => told.stop({ room: '' })).returns.resolves.toHaveProperty('type')
    expectTypeOf(told.read).returns.resolves.toHaveProperty('chunks').toExtend<readonly { data: { text: number } }[]>()
    void (() =>
      line.stream('a', {
        key: room,
        input: z.null(),
        chunk: z.string(),
        // @ts-expect-error a chunk is a text
        async *produce() {
          yield 1
        },
      }))
    // @ts-expect-error a chunk must survive JSON
    void (() => line.stream('b', { key: room, input: z.null(), chunk: z.date(), async *produce() {} }))
    // @ts-expect-error another policy
    void (() => line.stream('c', { key: room, input: z.null(), chunk: z.null(), onLost: 'retry', async *produce() {} }))
  })

  test('its chunks in onData, filtered and mapped', () => {
    const router = t.router({
      watch: t.procedure.input(room).subscription(({ input }) => told.subscribe(input)),
      lengths: t.procedure.input(room).subscription(({ input }) =>
        told
          .subscribe(input)
          .filter(({ text }) => text > 1)
          .map(({ text }) => `${text}`),
      ),
    })
    const client = createClient<typeof router>({ connection })
    void (() => {
      client.watch.subscribe(
        { room: '' },
        {
          onData: ({ id, data }) => {
            expectTypeOf(id).toEqualTypeOf<string>()
            expectTypeOf(data).toEqualTypeOf<{ text: number }>()
          },
          onOutcome: (outcome) => expectTypeOf(outcome).toEqualTypeOf<'done' | 'stopped'>(),
        },
      )
      client.lengths.subscribe({ room: '' }, { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<string>() })
    })
  })
})

describe('a channel infers', () => {
  test('inputs and outputs from its schemas', () => {
    expectTypeOf(counted.publish).parameter(1).toEqualTypeOf<{ at?: string | undefined; size: string }>()
    expectTypeOf<Event<ReturnType<typeof counted.subscribe>>>().toEqualTypeOf<{ at: string; size: number }>()
    expectTypeOf(counted.read)
      .returns.resolves.toHaveProperty('events')
      .toExtend<readonly { data: { size: number } }[]>()
    expectTypeOf(() => messages.publish({ room: '' }, { type: 'removed', id: '' })).returns.resolves.toEqualTypeOf<{
      readonly id: string
    }>()
    // @ts-expect-error the key's other type
    void (() => counted.publish({ n: '1' }, { size: '' }))
    // @ts-expect-error the schema's output is not its input
    void (() => counted.publish({ n: 1 }, { size: 1 }))
    // @ts-expect-error an ephemeral channel has no retention
    void (() => line.ephemeral('kept', { key: room, event: said, retention: '7d' }))
    // @ts-expect-error an ephemeral channel has no read
    void typing.read
  })

  test('what authorize gets: the output of its key, and the claims of the line', () => {
    interface Claims {
      readonly rooms: readonly string[]
    }
    const guarded = createLine<Claims>()
    const key = z.object({ room: z.string(), page: z.coerce.number<number>() })
    const schemas = { key, event: z.object({ text: z.string() }) }
    guarded.channel('a', {
      ...schemas,
      recheck: 'delivery',
      authorize(topic, caller) {
        expectTypeOf(topic).toEqualTypeOf<{ room: string; page: number }>()
        expectTypeOf(caller).toEqualTypeOf<TopicCaller<Claims>>()
        return caller.principal !== null && caller.claims.rooms.includes(topic.room) ? true : 'You are no member.'
      },
    })
    guarded.channel('b', { ...schemas, authorize: ({ room }, { claims }) => claims?.rooms.includes(room) || 'No.' })
    guarded.ephemeral('c', {
      ...schemas,
      authorize: async ({ page }, { principal }) => page > 1 || `${principal}: no.`,
    })
    guarded.presence('d', { key, data: schemas.event, authorize: ({ room }, { claims }) => claims?.rooms[0] ?? room })
    // without claims of its own, a line takes the type that is written
    line.channel('guarded', {
      ...schemas,
      authorize: ({ room }, { claims }: TopicCaller<Claims>) => claims?.rooms.includes(room) || 'No.',
    })
    expectTypeOf(guarded).toExtend<Line>()
    // @ts-expect-error neither true nor a reason
    void (() => guarded.channel('e', { ...schemas, authorize: ({ room }) => room === '7' }))
    // @ts-expect-error no such claim
    void (() => guarded.channel('f', { ...schemas, authorize: (_, { claims }) => claims?.roles ?? true }))
    // @ts-expect-error no such member of the key
    void (() => guarded.channel('g', { ...schemas, authorize: ({ rom }) => rom }))
    // @ts-expect-error no such time
    void (() => guarded.channel('h', { ...schemas, authorize: () => true, recheck: 'always' }))
    // @ts-expect-error an anonymous caller has no claims
    void (() => guarded.channel('i', { ...schemas, authorize: (_, { claims }) => claims.rooms.length > 0 || 'No.' }))
  })

  test('that a filter with a type guard narrows the type, and another filter keeps it', () => {
    const all = messages.subscribe({ room: '7' })
    expectTypeOf(all.filter((event): event is Posted => event.type === 'posted')).toEqualTypeOf<Subscription<Posted>>()
    expectTypeOf(all.filter((event) => event.type === 'posted')).toExtend<Subscription<Said>>()
    expectTypeOf(typing.subscribe({ room: '7' }).map(({ author }) => author)).toExtend<AsyncIterable<string>>()
    // @ts-expect-error a guard for a type that no event has
    all.filter((event): event is { type: 'edited' } => event.type === 'edited')
    // @ts-expect-error no such member
    all.filter(({ text }) => text === '')
    // @ts-expect-error a filter returns a boolean
    all.filter((event) => event.type)
  })

  test('map and startWith in a chain, with nothing after startWith', () => {
    const texts = messages
      .subscribe({ room: '7' })
      .filter((event): event is Posted => event.type === 'posted')
      .map(({ text }) => text)
    expectTypeOf<Event<typeof texts>>().toEqualTypeOf<string>()
    const page = texts.startWith(async () => ({ type: 'page' as const, texts: ['a'] }))
    expectTypeOf<Event<typeof page>>().toEqualTypeOf<string | { type: 'page'; texts: string[] }>()
    // @ts-expect-error startWith is last in the chain
    void page.map
    // @ts-expect-error an ephemeral channel has no log for a snapshot to match
    void typing.subscribe({ room: '7' }).startWith
  })
})

describe('a subscription that declares its events', () => {
  const declared = t.procedure.input(room)
  const router = t.router({
    live: declared.output(eventsOf(said)).subscription(({ input }) => messages.subscribe(input)),
    typing: declared
      .output(valuesOf(z.object({ author: z.string() })))
      .subscription(({ input }) => typing.subscribe(input)),
  })
  const client = createClient<typeof router>({ connection })

  test('is read with their type', () => {
    void (() =>
      client.live.subscribe({ room: '7' }, { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<Said>() }))
    void (() =>
      client.typing.subscribe(
        { room: '7' },
        { onData: (data) => expectTypeOf(data).toEqualTypeOf<{ author: string }>() },
      ))
  })

  test('must return them', () => {
    // @ts-expect-error other events
    declared.output(eventsOf(z.object({ n: z.number() }))).subscription(({ input }) => messages.subscribe(input))
    const posted = eventsOf(z.object({ type: z.literal('posted'), text: z.string() }))
    // @ts-expect-error a union with other events
    declared.output(posted).subscription(({ input }) => messages.subscribe(input))
    // @ts-expect-error values without ids, but ids are declared
    declared.output(eventsOf(z.object({ author: z.string() }))).subscription(({ input }) => typing.subscribe(input))
    // @ts-expect-error values with ids, but none are declared
    declared.output(valuesOf(said)).subscription(({ input }) => messages.subscribe(input))
    // @ts-expect-error no subscription at all
    declared.output(eventsOf(said)).query(() => ({ type: 'posted' as const, text: '' }))
  })
})

const inner = t.router({
  live: t.procedure.input(room).subscription(({ input }) => messages.subscribe(input)),
  page: t.procedure
    .input(room)
    .subscription(({ input }) => messages.subscribe(input).startWith(() => ({ type: 'page' as const }))),
  typing: t.procedure.input(room).subscription(({ input }) => typing.subscribe(input)),
})
const calls = t.router({
  parsed: t.procedure.output(z.object({ n: z.string().transform(Number) })).query(() => ({ n: '1' })),
  dropped: t.procedure.query(() => ({ at: new Date(), un: undefined, fn: () => 1 })),
})

describe('a client infers', () => {
  const nested = t.router({ a: t.router({ b: t.router({ inner, calls }) }) })
  const late = t.router({ late: lazy(async () => ({ default: inner })), own: lazy(async () => ({ default: calls })) })
  const merged = t.mergeRouters(inner, calls)
  const nestedClient = createClient<typeof nested>({ connection })
  const lateClient = createClient<typeof late>({ connection })
  const mergedClient = createClient<typeof merged>({ connection })

  test('events through nested, lazy and merged routers', () => {
    for (const live of [nestedClient.a.b.inner.live, lateClient.late.live, mergedClient.live])
      expectTypeOf(iterate(live, { room: '7' })).toExtend<AsyncIterable<{ id: string; data: Said }>>()
    void (() =>
      nestedClient.a.b.inner.page.subscribe(
        { room: '7' },
        { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<Said | { type: 'page' }>() },
      ))
    void (() =>
      mergedClient.typing.subscribe(
        { room: '7' },
        { onData: (data) => expectTypeOf(data).toEqualTypeOf<{ author: string }>() },
      ))
    void (() =>
      lateClient.late.live.subscribe({ room: '7' }, { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<Said>() }))
    // @ts-expect-error wrong input, nested
    void (() => nestedClient.a.b.inner.live.subscribe({ rom: '7' }, {}))
    // @ts-expect-error wrong input, lazy
    void (() => lateClient.late.live.subscribe({ rom: '7' }, {}))
    // @ts-expect-error no such procedure, merged
    void mergedClient.lives
    // @ts-expect-error a bare event has no id
    void (() => mergedClient.typing.subscribe({ room: '7' }, { onData: ({ id }) => id }))
  })

  test('the output of a parser, and otherwise what JSON preserves', () => {
    expectTypeOf(nestedClient.a.b.calls.parsed.query).returns.resolves.toEqualTypeOf<{ n: number }>()
    expectTypeOf(mergedClient.dropped.query).returns.resolves.toExtend<{ at: string }>()
    expectTypeOf(lateClient.own.dropped.query).returns.resolves.not.toHaveProperty('fn')
    // @ts-expect-error a query has no orderingKey, merged or not
    void (() => mergedClient.parsed.query(undefined, { orderingKey: 'x' }))
  })

  test('types that a transformer preserves, and requires the transformer', () => {
    const s = initTRPC.create({ transformer: superjson })
    const dated = s.router({
      now: s.procedure.input(z.date()).query(({ input }) => ({ input, big: 1n, all: new Map([['a', 1]]) })),
      live: s.procedure.input(room).subscription(({ input }) => messages.subscribe(input)),
    })
    const client = createClient<typeof dated>({ connection, transformer: superjson })
    expectTypeOf(client.now.query).parameter(0).toEqualTypeOf<Date>()
    expectTypeOf(client.now.query).returns.resolves.toEqualTypeOf<{
      input: Date
      big: bigint
      all: Map<string, number>
    }>()
    expectTypeOf(iterate(client.live, { room: '7' })).toExtend<AsyncIterable<{ id: string; data: Said }>>()
    // @ts-expect-error the router has a transformer
    createClient<typeof dated>({ connection })
    // @ts-expect-error the router has none
    createClient<typeof merged>({ connection, transformer: superjson })
  })
})
