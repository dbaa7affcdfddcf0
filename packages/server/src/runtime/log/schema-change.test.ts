import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { ChannelOptions } from '../../define/channel.ts'
import { anonymous } from '../../define/identity.ts'
import type { EventSchema, KeySchema } from '../../define/topic.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'

const key = z.object({ room: z.string() })
const room = { room: 'x' }
const topic = 'news?room=s:x'
const first = z.object({ a: z.string() })
const second = z.object({ a: z.string(), b: z.string().default('x') })

interface Frame {
  readonly result?: {
    readonly type: string
    readonly data?: { readonly data: unknown }
    readonly error?: { readonly message: string }
  }
  readonly error?: { readonly message: string }
}

type Options = Omit<ChannelOptions<KeySchema, EventSchema>, 'key'>

/** A line whose log holds what a line of an older schema has published. */
async function lineAfter(old: EventSchema | undefined, events: readonly unknown[], options: Options) {
  const line = createLine()
  const channel = line.channel('news', { key, ...options } as never)
  const t = initTRPC.create()
  const seen: unknown[] = []
  const keep = (event: unknown) => seen.push(event) > 0
  const router = t.router({
    live: t.procedure.input(key).subscription(({ input }) => channel.subscribe(input, { replay: 100 })),
    filtered: t.procedure
      .input(key)
      .subscription(({ input }) => channel.subscribe(input, { replay: 100 }).filter(keep)),
    strict: t.procedure
      .input(key)
      .subscription(({ input }) => channel.subscribe(input).filter((event) => (event as { b: string }).b.length > 1)),
    mapped: t.procedure
      .input(key)
      .subscription(({ input }) => channel.subscribe(input, { replay: 100 }).map((event) => ({ event }))),
    page: t.procedure
      .input(key)
      .subscription(({ input }) => channel.subscribe(input).startWith(() => channel.read(room))),
    post: t.procedure.input(z.any()).mutation(({ input }) => channel.publish(room, input as never)),
  })
  const failures: string[] = []
  const made = createTestLine({
    line,
    router,
    authorize: () => anonymous,
    anonymousMay: 'everything',
    onError: ({ error }) => failures.push(error.message),
  })
  const older = old === undefined ? channel : createLine().channel('news', { key, event: old } as never)
  const publish = (event: unknown) =>
    made.line.withBackend({ store: made.store, clock: made.clock }, () =>
      old === undefined ? channel.publish(room, event as never) : olderLine(made, old).publish(room, event as never),
    )
  for (const event of events) await publish(event)
  const read = () => made.asScript(() => channel.read(room))
  return { ...made, channel, older, seen, failures, publish, read }
}

function olderLine(made: TestLine, event: EventSchema) {
  return createLine({ backend: { store: made.store, clock: made.clock } }).channel('news', { key, event } as never)
}

const framesOf = (client: TestClient) => client.frames() as readonly Frame[]
const eventsOf = (client: TestClient) =>
  framesOf(client).flatMap(({ result }) => (result?.type === 'data' ? [result.data?.data] : []))

const subscribe = (client: TestClient, path: string, params: object = { ref: 1 }) =>
  client.send({ id: 7, method: 'subscription', params: { path, input: room, ...params } })

const upgraded = [
  { a: '1', b: 'x' },
  { a: '2', b: 'x' },
]
const stored = [{ a: '1' }, { a: '2' }]

describe('an event of an older schema [TL-ROW-7]', () => {
  test('is parsed by the reader’s schema in `read`', async () => {
    const { read } = await lineAfter(first, stored, { event: second })
    expect((await read()).events.map(({ data }) => data)).toEqual(upgraded)
  })
  test.each([
    ['live', { ref: 1 }, upgraded],
    ['live', undefined, upgraded],
    ['filtered', { ref: 1 }, upgraded],
    ['filtered', undefined, upgraded],
    ['mapped', { ref: 1 }, upgraded.map((event) => ({ event }))],
  ])('is so in a replay of %s (%j)', async (path, params, expected) => {
    const made = await lineAfter(first, stored, { event: second })
    const client = await made.connect({ stock: params === undefined })
    await subscribe(client, path, params ?? {})
    expect(eventsOf(client)).toEqual(expected)
  })
  test('is parsed in a resume, a sync and the state of startWith', async () => {
    const made = await lineAfter(first, stored, { event: second })
    const [one] = (await made.read()).events
    const [ann, bob] = [await made.connect(), await made.connect()]
    await subscribe(ann, 'live', { ref: 1, lastEventId: one?.id })
    expect(eventsOf(ann)).toEqual([upgraded[1]])
    const subscriptions = [{ id: 7, ref: 1, from: one?.id }]
    const synced = await ann.send({ id: 's', method: 'sync', params: { subscriptions } })
    expect(JSON.stringify(synced)).toContain('{"a":"2","b":"x"}')
    await subscribe(bob, 'page')
    expect(JSON.stringify(bob.frames())).toContain('{"a":"1","b":"x"}')
  })
  test.each([true, false])('is so when it is delivered (stock: %j)', async (stock) => {
    const made = await lineAfter(first, [], { event: second })
    const clients = [await made.connect({ stock }), await made.connect({ stock })]
    for (const [index, path] of ['live', 'mapped'].entries())
      await subscribe(clients[index] as TestClient, path, stock ? {} : { ref: 1 })
    await made.publish({ a: '1' })
    const { slots } = await made.store.readSlots(topic, 1, 9)
    await made.stream(slots.map((slot) => ({ topic, slot })))
    expect(eventsOf(clients[0] as TestClient)).toEqual([{ a: '1', b: 'x' }])
    expect(eventsOf(clients[1] as TestClient)).toEqual([{ event: { a: '1', b: 'x' } }])
  })
  test('is parsed in the block that a filter evaluates, and the filter does not throw', async () => {
    const made = await lineAfter(first, stored, { event: second })
    const ann = await made.connect()
    await subscribe(ann, 'strict')
    await made.publish({ a: '3' })
    await (await made.connect()).send({
      id: 'm',
      method: 'mutation',
      params: { path: 'post', input: { a: '4', b: 'yy' } },
    })
    const result = { type: 'data', data: { data: { a: '4', b: 'yy' } }, prev: 0 } // all of the block was judged
    expect(framesOf(ann).at(-1)).toMatchObject({ result })
    expect(made.failures).toEqual([])
  })
  test('is parsed for an iteration outside of a line', async () => {
    const made = await lineAfter(first, stored, { event: second })
    const events = made.asScript(() => made.channel.subscribe(room, { replay: 9 }))[Symbol.asyncIterator]()
    expect([(await events.next()).value?.[1], (await events.next()).value?.[1]]).toEqual(upgraded)
    const next = events.next()
    await settle()
    await made.publish({ a: '3' })
    await made.clock.advance(2_000)
    expect((await next).value?.[1]).toEqual({ a: '3', b: 'x' })
    await events.return?.()
  })
  test('is parsed without a fingerprint, as older versions and scripts put it', async () => {
    const made = await lineAfter(first, [], { event: second })
    const { slot } = {
      slot: {
        offset: 1,
        epoch: 'e1',
        publishId: 'p',
        time: made.clock.now(),
        expires: made.clock.now() / 1_000 + 259_200,
      },
    }
    await made.store.putSlot(topic, { ...slot, data: '{"a":"1"}' })
    expect((await made.read()).events.map(({ data }) => data)).toEqual([{ a: '1', b: 'x' }])
  })
  test('goes through `upcast` first, once for each event and invocation', async () => {
    const calls: unknown[] = []
    const upcast = (old: unknown) => {
      calls.push(old)
      const { a } = old as { a: string }
      return { a, b: `was ${a}` }
    }
    const made = await lineAfter(first, stored, { event: second, upcast })
    expect((await made.read()).events.map(({ data }) => data)).toEqual([
      { a: '1', b: 'was 1' },
      { a: '2', b: 'was 2' },
    ])
    expect(calls.splice(0).reverse()).toEqual(stored) // a page is read from its end
    const clients = [await made.connect(), await made.connect(), await made.connect()]
    for (const client of clients) await subscribe(client, 'filtered')
    calls.length = 0
    await made.publish({ a: '3' })
    const { slots } = await made.store.readSlots(topic, 2, 9)
    await made.stream(slots.map((slot) => ({ topic, slot })))
    for (const client of clients) expect(eventsOf(client).at(-1)).toEqual({ a: '3', b: 'was 3' })
    expect(calls).toEqual([{ a: '3' }, { a: '1' }, { a: '2' }]) // the other two are in the filter's block
  })
  test('is parsed by an asynchronous schema and `upcast` too', async () => {
    const event = second.refine(async ({ a }) => a !== 'no')
    const made = await lineAfter(first, stored, { event, upcast: async (old) => old })
    expect((await made.read()).events.map(({ data }) => data)).toEqual(upgraded)
    for (const path of ['live', 'filtered']) {
      const client = await made.connect()
      await subscribe(client, path)
      expect(eventsOf(client)).toEqual(upgraded)
    }
    const stock = await made.connect({ stock: true })
    await subscribe(stock, 'filtered', {})
    expect(eventsOf(stock)).toEqual(upgraded)
  })
  test('cannot be changed by one filter for another', async () => {
    const made = await lineAfter(first, stored, { event: second })
    const one = await made.connect()
    await subscribe(one, 'filtered')
    for (const event of made.seen) Object.assign(event as object, { a: 'changed' })
    const other = await made.connect()
    await subscribe(other, 'filtered')
    expect(eventsOf(other)).toEqual(upgraded)
  })
})

describe('an event of the reader’s own schema [TL-ROW-7]', () => {
  test('is used as it is stored: no default, transform or upcast runs', async () => {
    let [parses, upcasts] = [0, 0]
    const event = z.object({ n: z.string().transform((text) => text.length) }).refine(() => ++parses > 0)
    const upcast = (old: unknown) => {
      upcasts += 1
      return old
    }
    const made = await lineAfter(undefined, [{ n: 'abc' }], { event, upcast })
    expect(parses).toBe(1)
    expect((await made.read()).events.map(({ data }) => data)).toEqual([{ n: 3 }])
    const client = await made.connect()
    await subscribe(client, 'filtered')
    expect(eventsOf(client)).toEqual([{ n: 3 }])
    expect([parses, upcasts]).toEqual([1, 0])
  })
  test('is recognised by a fingerprint in its slot', async () => {
    const made = await lineAfter(undefined, [{ a: '1' }], { event: second })
    const [slot] = (await made.store.readSlots(topic, 0, 1)).slots
    expect(slot?.schema).toMatch(/^[\w-]{16}$/)
  })
  test('without a fingerprint keeps the results of transforms and codecs', async () => {
    const codec = z.codec(z.string(), z.object({ n: z.number() }), {
      decode: (text) => ({ n: Number(text) }),
      encode: ({ n }) => String(n),
    })
    const event = z.object({
      length: z.string().transform((text) => text.length),
      shout: z.string().transform((text) => `${text}!`),
      codec,
      pre: z.preprocess((value) => `${value}?`, z.string()),
      list: z.array(z.string().transform((text) => ({ text }))).default([]),
      piped: z.string().transform(Number).pipe(z.number().min(1)),
    })
    const made = await lineAfter(
      undefined,
      [{ length: 'abc', shout: 'a', codec: '5', pre: 'a', list: ['b'], piped: '4' }],
      { event },
    )
    const expected = { length: 3, shout: 'a!', codec: { n: 5 }, pre: 'a?', list: [{ text: 'b' }], piped: 4 }
    expect((await made.read()).events[0]?.data).toEqual(expected)
    const [slot] = (await made.store.readSlots(topic, 0, 1)).slots
    const { schema: _, ...before } = { ...slot, offset: 2, publishId: 'q' } as Required<NonNullable<typeof slot>>
    const { inline: __, erased: ___, ...put } = before
    await made.store.putSlot(topic, put)
    expect((await made.read()).events[1]?.data).toEqual(expected)
  })
})

describe('an event that cannot be parsed [TL-SUB-11]', () => {
  const third = z.object({ a: z.string(), at: z.number().default(() => Date.now()) })

  test.each<[string, EventSchema, RegExp]>([
    ['a default that is a function', third, /offset 1 of news .*at: /],
    [
      'a default that is always the same function',
      z.object({ a: z.string(), tags: z.array(z.string()).default(() => []) }),
      /tags: /,
    ],
    [
      'a prefault that is a function',
      z.object({
        a: z.string(),
        c: z
          .string()
          .min(1)
          .prefault(() => 'c'),
      }),
      /c: /,
    ],
    [
      'a default deep inside',
      z.object({ a: z.string(), in: z.object({ at: third.shape.at }).prefault({}) }),
      /in\.at: /,
    ],
    ['a member of another type', z.object({ a: z.number() }), /a: /],
    ['a member that is missing', z.object({ a: z.string(), b: z.string() }), /b: /],
  ])('for %s is a fault with its offset, and the next events arrive', async (_, event, words) => {
    const made = await lineAfter(first, [{ a: '1' }], { event })
    const client = await made.connect()
    await subscribe(client, 'live')
    expect(framesOf(client)[1]).toMatchObject({ result: { type: 'fault' } })
    expect(made.failures).toEqual([expect.stringMatching(words)])
    expect((await made.read()).events).toEqual([])
  })
  test('is left out of `read`, which logs it, and hides no other', async () => {
    const made = await lineAfter(first, [{ a: '1' }, { a: 'long enough' }], {
      event: z.object({ a: z.string().min(5) }),
    })
    expect((await made.read()).events.map(({ data }) => data)).toEqual([{ a: 'long enough' }])
  })
  test('is left out for a stock client and reported to `onError` [TL-CHAIN-4]', async () => {
    const made = await lineAfter(first, [{ a: '1' }, { a: 'long enough' }], {
      event: z.object({ a: z.string().min(5) }),
    })
    const client = await made.connect({ stock: true })
    await subscribe(client, 'live', {})
    expect(eventsOf(client)).toEqual([{ a: 'long enough' }])
    expect(made.failures).toEqual([expect.stringContaining('offset 1 of news')])
  })
  test('is a fault when it is delivered, also to a filter', async () => {
    const made = await lineAfter(first, [], { event: third })
    const clients = [await made.connect(), await made.connect()]
    for (const [index, path] of ['live', 'filtered'].entries()) await subscribe(clients[index] as TestClient, path)
    await made.publish({ a: '1' })
    const { slots } = await made.store.readSlots(topic, 1, 9)
    await made.stream(slots.map((slot) => ({ topic, slot })))
    for (const client of clients) expect(framesOf(client).at(-1)).toMatchObject({ result: { type: 'fault' } })
  })
  test('is one whose `upcast` throws', async () => {
    const upcast = () => {
      throw new Error('what was that?')
    }
    const made = await lineAfter(first, [{ a: '1' }], { event: second, upcast })
    await subscribe(await made.connect(), 'live')
    expect(made.failures).toEqual([expect.stringContaining('what was that?')])
  })
  test('does not occur when another member of a union matches', async () => {
    const event = z.union([
      third.extend({ b: z.string() }),
      z.object({ a: z.string(), c: z.literal('c').default('c') }),
    ])
    const { read } = await lineAfter(first, [{ a: '1' }], { event })
    expect((await read()).events.map(({ data }) => data)).toEqual([{ a: '1', c: 'c' }])
  })
  test('leaves the publishing schema unchanged', async () => {
    const made = await lineAfter(first, [{ a: '1' }], { event: third })
    await made.read()
    await made.asScript(() => made.channel.publish(room, { a: '2' } as never))
    expect((await made.read()).events.map(({ data }) => data)).toEqual([{ a: '2', at: expect.any(Number) }])
  })
  test('is read through a recursive schema', async () => {
    const node: z.ZodType = z.object({
      name: z.string(),
      at: z.number().default(() => 1),
      note: z.string().default('none'),
      get children() {
        return z.array(node)
      },
    })
    const old = z.object({ name: z.string(), at: z.number().optional(), children: z.array(z.any()) })
    const fits = { name: 'a', at: 1, children: [{ name: 'b', at: 2, children: [] }] }
    const made = await lineAfter(old, [fits, { name: 'c', children: [] }], { event: node })
    const [only, ...others] = (await made.read()).events
    expect(only?.data).toEqual({ ...fits, note: 'none', children: [{ ...fits.children[0], note: 'none' }] })
    expect(others).toEqual([])
  })
})

describe('a presence member of an older schema [TL-ROW-7]', () => {
  const name = z.object({ name: z.string() })
  const status = name.extend({ status: z.string().default('here') })
  const later = status.extend({ team: z.string() })
  const dataOf = (result: unknown) => (result as { readonly value: readonly [string, unknown] }).value[1]

  /** A presence whose only member joined by the schema `old`, as a line of the schema `data` sees it. */
  async function presenceAfter(old: typeof name, data: typeof name, merge?: (sessions: readonly unknown[]) => unknown) {
    const made = createTestLine({ line: createLine(), router: initTRPC.create().router({}) })
    const backend = { store: made.store, clock: made.clock }
    const presenceOf = (schema: typeof name) =>
      createLine({ backend }).presence('here', { key, data: schema, ...(merge && { merge: merge as never }) })
    const joined = presenceOf(old)
      .join(room, { member: 'ann', data: { name: 'Ann' } })
      [Symbol.asyncIterator]()
    await joined.next()
    return { ...made, here: presenceOf(data), joined }
  }

  test('is parsed by the reader’s schema in `read`, in the state and in later changes', async () => {
    const { here, clock, joined } = await presenceAfter(name, status)
    const ann = { member: 'ann', data: { name: 'Ann', status: 'here' } }
    expect(await here.read(room)).toEqual([ann])
    const watcher = here.watch(room)[Symbol.asyncIterator]()
    expect(dataOf(await watcher.next())).toEqual({ type: 'here', members: [ann] })
    const next = watcher.next()
    await joined.return?.()
    for (let second = 0; second < 40; second++) await clock.advance(1_000)
    expect(dataOf(await next)).toEqual({ type: 'leave', member: 'ann' })
    await watcher.return?.()
  })

  test('is parsed for `merge`', async () => {
    const seen: unknown[] = []
    const { here, joined } = await presenceAfter(name, status, (sessions) => {
      seen.push(...sessions)
      return sessions[0]
    })
    const tab = here.join(room, { member: 'ann', data: { name: 'Ann 2' } })[Symbol.asyncIterator]()
    await tab.next()
    expect(seen).toContainEqual({ name: 'Ann', status: 'here' })
    await Promise.all([joined.return?.(), tab.return?.()])
  })

  test('is left out of the list when its data cannot be parsed', async () => {
    const { here, joined } = await presenceAfter(name, later)
    expect(await here.read(room)).toEqual([])
    await joined.return?.()
  })
})
