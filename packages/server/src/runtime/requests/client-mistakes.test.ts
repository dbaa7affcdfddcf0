import { deserialize, serialize } from 'node:v8'
import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { recordingTelemetry } from '../../lambda/recording-telemetry.suite.ts'
import { createTestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'

const key = z.object({ room: z.string() })
/** Lets every key through, so that only the topic's name is left to judge it. */
const loose = z.object({ room: z.any() }) as unknown as typeof key
/** Fits whatever the input says, so that the channel is the first to judge it. */
const any = z.any()

/** Carries what JSON cannot: circular values, bigints, NaN. Errors are left as they are. */
const transformer = {
  input: {
    serialize: (value: unknown) => serialize(value).toString('base64'),
    deserialize: (text: string) => deserialize(Buffer.from(text, 'base64')) as unknown,
  },
  output: { serialize: (value: unknown) => value, deserialize: (value: unknown) => value },
}

/** A recursive event: its schema never comes to an end with a circular value. */
const tree = z.object({
  text: z.string(),
  get children() {
    return z.array(tree)
  },
})

/** A line whose procedures hand on what a client sends without a look at it. */
function careless() {
  const { telemetry, ...recorded } = recordingTelemetry()
  const line = createLine()
  const chat = line.channel('chat', { key: loose, event: any })
  const strict = line.channel('strict', { key, event: any })
  const trees = line.channel('trees', { key, event: tree })
  const typing = line.ephemeral('typing', { key: loose, event: any })
  const here = line.presence('here', { key: loose, data: any })
  const groves = line.presence('groves', { key, data: tree })
  const t = initTRPC.create({ transformer })
  const p = t.procedure.input(any)
  const router = t.router({
    publish: p.mutation(({ input }) => chat.publish(input, 'hi')),
    publishEvent: p.mutation(({ input }) => chat.publish({ room: 'x' }, input)),
    publishTree: p.mutation(({ input }) => trees.publish({ room: 'x' }, input)),
    publishStrict: p.mutation(({ input }) => strict.publish(input, 'hi')),
    subscribe: p.subscription(({ input }) => chat.subscribe(input)),
    subscribeStrict: p.subscription(({ input }) => strict.subscribe(input)),
    replay: p.subscription(({ input }) => chat.subscribe({ room: 'x' }, { replay: input })),
    startWith: p.subscription(({ input }) => chat.subscribe(input).startWith(() => 'state')),
    filter: p.subscription(({ input }) => chat.subscribe(input).filter(() => true)),
    read: p.query(({ input }) => chat.read(input)),
    readPage: p.query(({ input }) => chat.read({ room: 'x' }, input)),
    publishTyping: p.mutation(({ input }) => typing.publish(input, 'hi')),
    publishTypingEvent: p.mutation(({ input }) => typing.publish({ room: 'x' }, input)),
    subscribeTyping: p.subscription(({ input }) => typing.subscribe(input)),
    join: p.subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
    joinData: p.subscription(({ input }) => here.join({ room: 'x' }, { member: 'ann', data: input })),
    joinTree: p.subscription(({ input }) => groves.join({ room: 'x' }, { member: 'ann', data: input })),
    joinMember: p.subscription(({ input }) => here.join({ room: 'x' }, { member: input, data: {} })),
    watch: p.subscription(({ input }) => here.watch(input)),
    count: p.subscription(({ input }) => here.count(input)),
    update: p.mutation(({ input }) => here.update(input, {})),
    updateData: p.mutation(({ input }) => here.update({ room: 'x' }, input)),
    readHere: p.query(({ input }) => here.read(input)),
  })
  return { ...createTestLine({ line, router, telemetry }), ...recorded, router }
}

const keyed = [
  ...['publish', 'read', 'publishTyping', 'update', 'readHere'],
  ...['subscribe', 'startWith', 'filter', 'subscribeTyping', 'join', 'watch', 'count'],
]
const keys: Readonly<Record<string, unknown>> = {
  'half a surrogate pair': { room: '\uD800' },
  '1,600 characters': { room: 'x'.repeat(1_600) },
  'a boolean': { room: true },
  'a bigint': { room: 1n },
  NaN: { room: Number.NaN },
  'an object': { room: {} },
  'no object': 7,
}

const circular: { text: string; self?: unknown; children: unknown[] } = { text: 'a', children: [] }
circular.self = circular
circular.children.push(circular)
const deep = () => {
  let made: unknown = 'x'
  for (let level = 0; level < 20_000; level++) made = [made]
  return made
}

const events: Readonly<Record<string, unknown>> = {
  'that is circular': circular,
  'that is a bigint': 1n,
  'that holds a bigint': { n: 1n },
  'that holds a Date': { at: new Date(0) },
  'that is NaN': Number.NaN,
  'that is undefined': undefined,
}

const mistakes: readonly (readonly [string, unknown])[] = [
  ...keyed.flatMap((path) => Object.values(keys).map((input) => [path, input] as const)),
  ...['publishStrict', 'subscribeStrict'].flatMap((path) => [[path, { room: 7 }] as const, [path, undefined] as const]),
  ...['publishEvent', 'publishTypingEvent', 'joinData', 'updateData'].flatMap((path) =>
    Object.values(events).map((input) => [path, input] as const),
  ),
  ...['publishTree', 'joinTree'].map((path) => [path, circular] as const),
  ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21, '5', {}].map((replay) => ['replay', replay] as const),
  ...[0, -1, 1_001, 1.5, Number.NaN, 1e21, '5'].map((limit) => ['readPage', { limit }] as const),
  ...['', 'x', 'e:-1', 'e:1.5', 7, null, '\uD800', 'e:99999999999999999'].flatMap((cursor) => [
    ['readPage', { before: cursor }] as const,
    ['readPage', { after: cursor }] as const,
  ]),
  ...['', 'x'.repeat(257), '\uD800', 7, null, undefined].map((member) => ['joinMember', member] as const),
]

describe('a client’s mistake is answered with BAD_REQUEST, writes no error log and raises no alarm', () => {
  for (const stock of [false, true])
    test(`whatever it is and wherever it comes in, ${stock ? 'from a stock client' : 'from a client of ours'}`, async () => {
      const made = careless()
      const client = await made.connect({ stock })
      for (const [index, [path, value]] of mistakes.entries()) {
        const type = made.router._def.procedures[path as 'publish']._def.type as string
        const input = transformer.input.serialize(value)
        const frame = { id: index, method: type, params: { path, input } }
        const answered = (await client.send(frame)) ?? client.frames().at(-1)
        expect([path, value, answered]).toMatchObject([path, value, { id: index, error: badRequest }])
      }
      expect(made.logs).toEqual([])
      const rung = [...made.sums.keys()].filter((name) => /failed|INTERNAL|FUNCTION/i.test(name))
      expect(rung).toEqual([])
    })
})

const badRequest = { code: -32_600, data: { code: 'BAD_REQUEST' } }

describe('the words of a refusal', () => {
  const { store, clock } = careless()
  const chat = createLine({ backend: { store, clock } }).channel('chat', { key, event: any })
  test('name the channel and the member that does not fit, alike in publish and subscribe', async () => {
    const said = /^This key does not fit channel chat: room: /
    expect(() => chat.subscribe({ room: 7 as never })).toThrow(said)
    await expect(chat.publish({ room: 7 as never }, 1)).rejects.toThrow(said)
  })
  test('say that an event is circular, or nested too deep', async () => {
    const publish = (event: unknown) => chat.publish({ room: 'x' }, event)
    await expect(publish(circular)).rejects.toThrow('An event of chat must be JSON, but it is circular')
    await expect(publish(deep())).rejects.toThrow(
      'An event of chat must be JSON, but it is circular or nested too deep',
    )
  })
  test('of a schema that is asynchronous or throws are the application’s own, and leave no rejection behind', () => {
    const fail = () => {
      throw new Error('x')
    }
    for (const check of [async () => true, fail]) {
      const line = createLine()
      const slow = line.channel('slow', { key: key.refine(check), event: any })
      const here = line.presence('here', { key, data: z.object({}).refine(check) })
      expect(() => slow.subscribe({ room: 'x' })).toThrow('The key schema of channel slow must be synchronous')
      expect(() => here.join({ room: 'x' }, { member: 'ann', data: {} })).toThrow('The data schema of channel here')
    }
  })
})
