// More than 200 lines: the behaviours of one function are in one file.
import { formatCursor, limits, parseCursor } from '@trunkline/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import * as z3 from 'zod/v3'
import { createFakeClock } from '../lambda/test-line.suite.ts'
import { memoryBackend } from '../memory/store.ts'
import type { Backend } from '../ports/backend.ts'
import { createLine } from './create-line.ts'
import { internalsOf } from './internals.ts'
import { publishBatch } from './publish-all.ts'

const key = z.object({ room: z.string() })
const room = { room: 'x' }

function setup(options: Parameters<typeof createLine>[0] = {}) {
  const line = createLine(options)
  const events = line.channel('events', { key, event: z.object({ n: z.number() }), retention: '1h' })
  const clock = createFakeClock()
  return { line, events, clock, backend: memoryBackend({ clock }) }
}

type Events = ReturnType<typeof setup>['events']
const numbers = async (events: Events) => (await events.read(room)).events.map(({ data }) => data.n)

describe('a line', () => {
  beforeEach(() => {
    vi.stubEnv('TRUNKLINE_TABLE', '')
    vi.stubEnv('OTHER_TABLE', '')
  })
  afterEach(() => vi.unstubAllEnvs())

  test('reads nothing when it is declared, and names the missing variable when it is used without a backend', async () => {
    await expect(setup().events.publish(room, { n: 1 })).rejects.toThrow('set TRUNKLINE_TABLE')
    await expect(setup({ envPrefix: 'OTHER' }).events.read(room)).rejects.toThrow('set OTHER_TABLE')
  })
  test.each([
    ['no name', [undefined, { key, event: key }], 'Expected the name of a channel to be a text, got undefined.'],
    ['an empty name', ['', { key, event: key }], 'to be a text, got an empty one. Write line.channel('],
    ['no options', ['c'], 'Expected the options of channel c to be an object, got undefined.'],
    ['a misspelt option', ['c', { key, event: key, retentin: '7d' }], 'got "retentin". Did you mean retention?'],
    ['an option of another library', ['c', { key, event: key, history: 5 }], 'authorize, recheck, retention,'],
    ['an event that is no schema', ['c', { key, event: { text: z.string() } }], 'Write z.object({ text: … }).'],
    [
      'a key with an object inside',
      ['c', { key: z.object({ room: z.object({ id: z.string() }) }), event: key }],
      'Expected room in key of channel c to be a text or a number, got a schema of object.',
    ],
    [
      'a wrong retention',
      ['c', { key, event: key, retention: '1 day' }],
      "Expected retention of channel c to be milliseconds or a duration such as '90s', '15m', '24h' or '7d', got \"1 day\".",
    ],
    ['no event', ['c', { key }], 'Expected event of channel c to be a schema of zod 4, got undefined.'],
    ['a plain object', ['c', { key, event: {} }], 'Expected event of channel c to be a schema of zod 4, got object.'],
    ['a schema of zod 3', ['c', { key: z3.object({}), event: key }], 'got a schema of zod 3. Install zod 4'],
    [
      'a key of text',
      ['c', { key: z.string(), event: key }],
      'to be a schema of an object, got one of string. Write z.',
    ],
  ])('refuses a declaration with %s and says what to write', (_, given, words) => {
    const { line } = setup()
    expect(() => Reflect.apply(line.channel, line, given)).toThrow(words)
  })
  test.each<[string, () => unknown, string]>([
    ['createLine', () => createLine({ prefix: 'X' } as never), 'among envPrefix, backend, got "prefix". Remove it.'],
    [
      'ephemeral',
      () => createLine().ephemeral('e', { key, event: key, retention: '7d' } as never),
      'Expected the options of ephemeral channel e to be among key, event, authorize, recheck, got "retention".',
    ],
    [
      'presence',
      () => createLine().presence('p', { key, data: key, grace: 5 } as never),
      'got "grace". Did you mean graceMs?',
    ],
    [
      'stream',
      () => createLine().stream('s', { key, input: key, chunk: key, produce() {}, onlost: 'restart' } as never),
      'got "onlost". Did you mean onLost?',
    ],
    [
      'batch of a stream',
      () => createLine().stream('s', { key, input: key, chunk: key, produce() {}, batch: { sm: 5 } } as never),
      'Expected the options of batch of stream s to be among ms, bytes, got "sm".',
    ],
  ])('refuses an option of %s that does not exist', (_, declare, words) => {
    expect(declare).toThrow(words)
  })
  test.each<[string, (chat: Record<string, (...given: object[]) => unknown>) => unknown, string]>([
    ['subscribe', (chat) => chat['subscribe']?.({ room: 'x' }, { repaly: 5 }), 'got "repaly". Did you mean replay?'],
    [
      'publish',
      (chat) => chat['publish']?.({ room: 'x' }, { room: 'x' }, { key: 'a' }),
      'among idempotencyKey, partitionKey, got "key"',
    ],
    ['read', (chat) => chat['read']?.({ room: 'x' }, { limt: 5 }), 'got "limt". Did you mean limit?'],
  ])('refuses an option of %s that does not exist', async (_, use, words) => {
    const chat = createLine({ backend: {} as never }).channel('c', { key, event: key })
    await expect((async () => use(chat as never))()).rejects.toThrow(words)
  })
  test('refuses a presence and a stream without their schemas', () => {
    const { line } = setup()
    expect(() => line.presence('here', { key } as never)).toThrow(
      'Expected data of channel here to be a schema of zod 4',
    )
    expect(() => line.stream('answers', { key, input: key } as never)).toThrow('Expected chunk of channel answers')
  })
  test('refuses a second channel of one name', () => {
    const { line } = setup()
    expect(() => line.channel('events', { key, event: z.string() })).toThrow(
      'Channel events is declared twice on this line',
    )
    expect(() => line.ephemeral('events', { key, event: z.string() })).toThrow(
      'Channel events is declared twice on this line',
    )
  })
  test('calls a lazy backend once', async () => {
    let made = 0
    const make = (): Backend => {
      made += 1
      return memoryBackend()
    }
    const { events } = setup({ backend: make })
    expect(made).toBe(0)
    await events.publish(room, { n: 1 })
    await events.publish(room, { n: 2 })
    expect(made).toBe(1)
  })
  test('runs with another backend, nested and across awaits, and changes nothing outside', async () => {
    const { line, events } = setup({ backend: memoryBackend() })
    const [outer, inner] = [memoryBackend(), memoryBackend()]
    await events.publish(room, { n: 1 })
    await line.withBackend(outer, async () => {
      await events.publish(room, { n: 2 })
      await line.withBackend(inner, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        await events.publish(room, { n: 3 })
      })
      expect(await numbers(events)).toEqual([2])
    })
    expect(await numbers(events)).toEqual([1])
    expect(await line.withBackend(inner, () => numbers(events))).toEqual([3])
  })
  test('runs with two backends at the same time without mixing them', async () => {
    const { line, events } = setup()
    const backends = [memoryBackend(), memoryBackend()]
    await Promise.all(
      backends.map((backend, n) =>
        line.withBackend(backend, async () => {
          for (let round = 0; round < 5; round++) await events.publish(room, { n })
        }),
      ),
    )
    for (const [n, backend] of backends.entries())
      expect(new Set(await line.withBackend(backend, () => numbers(events)))).toEqual(new Set([n]))
  })
  test('does not affect another line', async () => {
    const [one, other] = [setup(), setup()]
    await one.line.withBackend(one.backend, async () => {
      await expect(other.events.publish(room, { n: 1 })).rejects.toThrow('TRUNKLINE_TABLE')
    })
  })
  test('refuses uses without a backend while it is held, and no others', async () => {
    const { line, events, backend } = setup({ backend: memoryBackend() })
    const release = internalsOf(line).hold('A local line is open.')
    internalsOf(line).hold('A local line is open.')() // another one for the same reason, which has ended
    await expect(events.publish(room, { n: 1 })).rejects.toThrow('A local line is open.')
    await line.withBackend(backend, () => events.publish(room, { n: 2 }))
    release()
    await events.publish(room, { n: 3 })
    expect(await numbers(events)).toEqual([3])
  })
})

describe('a publish', () => {
  test('validates key and event, and applies defaults', async () => {
    const line = createLine({ backend: memoryBackend() })
    const channel = line.channel('c', { key, event: z.object({ n: z.number().default(5) }) })
    await channel.publish(room, {})
    expect((await channel.read(room)).events[0]?.data).toEqual({ n: 5 })
    await expect(channel.publish({ room: 7 as unknown as string }, {})).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(channel.publish(room, { n: 'x' as unknown as number })).rejects.toThrow('n: ')
  })
  test('of an event beyond eventBytes is refused before anything is written [TL-LIM-5]', async () => {
    const line = createLine({ backend: memoryBackend() })
    const channel = line.channel('c', { key, event: z.string() })
    const fits = 'x'.repeat(limits.eventBytes.value - 2)
    await expect(channel.publish(room, `${fits}x`)).rejects.toMatchObject({ line: 'TOO_LARGE' })
    await expect(channel.publish(room, 'é'.repeat(limits.eventBytes.value / 2))).rejects.toMatchObject({
      line: 'TOO_LARGE',
    })
    expect((await channel.read(room)).events).toEqual([])
    await channel.publish(room, fits)
  })
  test('of a key whose topic name is too long is refused [TL-TOPIC-2]', async () => {
    const { events } = setup({ backend: memoryBackend() })
    await expect(events.publish({ room: 'x'.repeat(1_600) }, { n: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
  test('of an ephemeral event that no port can deliver names what the backend needs', async () => {
    const line = createLine({ backend: memoryBackend() })
    const typing = line.ephemeral('typing', { key, event: z.string() })
    await expect(typing.publish(room, 'ann')).rejects.toThrow('Expected the backend to have a gateway or an invoker')
  })
})

describe('publishBatch', () => {
  test('keeps the order of a channel, and one failure does not stop the others', async () => {
    const { line, events } = setup({ backend: memoryBackend() })
    const entries = [1, 2, 'three' as unknown as number, 4].map((n) => events.entry(room, { n }))
    const settled = await publishBatch(line, entries)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await numbers(events)).toEqual([1, 2, 4])
  })
})

describe('a page', () => {
  async function log(count: number) {
    const made = setup()
    const { line, backend, events } = made
    await line.withBackend(backend, async () => {
      for (let n = 1; n <= count; n++) await events.publish(room, { n })
    })
    const read = (options: Parameters<Events['read']>[1] = {}) =>
      line.withBackend(backend, () => events.read(room, options))
    const values = (page: Awaited<ReturnType<typeof read>>) => page.events.map(({ data }) => data.n)
    return { ...made, read, values }
  }

  test('has the newest events, oldest first, and the cursor of older ones', async () => {
    const { read, values } = await log(5)
    const page = await read({ limit: 2 })
    expect(values(page)).toEqual([4, 5])
    expect(page.older).toBe(page.events[0]?.id)
    expect(page.newer).toBeNull()
  })
  test('leads back to the first event by `older`, and forward by `newer`', async () => {
    const { read, values } = await log(5)
    const pages = [await read({ limit: 2 })]
    for (let page = pages[0]; page?.older; page = pages.at(-1)) pages.push(await read({ limit: 2, before: page.older }))
    expect(pages.map(values)).toEqual([[4, 5], [2, 3], [1]])
    const forth = await read({ limit: 3, after: pages[2]?.newer ?? '' })
    expect(values(forth)).toEqual([2, 3, 4])
    expect(values(await read({ after: forth.newer ?? '' }))).toEqual([5])
  })
  test('after the newest event is empty and has nothing newer', async () => {
    const { read } = await log(2)
    const newest = (await read()).events.at(-1)?.id ?? ''
    expect(await read({ after: newest })).toEqual({ events: [], older: null, newer: null })
  })
  test('leaves out events past their retention, also while their rows exist', async () => {
    const { read, values, clock, line, backend, events } = await log(2)
    await clock.advance(3_600_001)
    await line.withBackend(backend, () => events.publish(room, { n: 3 }))
    expect(values(await read())).toEqual([3])
  })
  test('continues past slots without an event, backwards and forwards', async () => {
    const { read, values, backend, clock } = await log(3)
    const topic = 'events?room=s:x'
    const [head] = (await backend.store.readSlotsBefore(topic, undefined, 1)).slots
    if (head === undefined) throw new Error('Expected a head.')
    for (let offset = 4; offset <= 300; offset++) {
      const { data: _, ...empty } = { ...head, offset, publishId: `empty ${offset}`, time: clock.now() }
      await backend.store.putSlot(topic, offset === 300 ? { ...empty, data: '{"n":300}' } : empty)
    }
    expect(values(await read())).toEqual([1, 2, 3, 300])
    const page = await read({ limit: 2 })
    expect(values(page)).toEqual([3, 300])
    expect(values(await read({ limit: 2, before: page.older ?? '' }))).toEqual([1, 2])
    const forth = await read({ limit: 2, after: `${page.older?.split(':')[0]}:2` })
    expect(values(forth)).toEqual([3, 300])
    expect(forth.newer).toBeNull()
  })
  test('from a cursor from before a table restore is empty [TL-CUR-2]', async () => {
    const { read, line, backend, events, values } = await log(3)
    const [first] = (await read()).events
    const restored = { ...backend, restore: 1 }
    const page = await line.withBackend(restored, () => events.read(room, { after: first?.id ?? '' }))
    expect(page.events).toEqual([])
    const fresh = await line.withBackend(restored, () => events.read(room))
    expect(values(fresh)).toEqual([1, 2, 3])
    expect(parseCursor(fresh.events[0]?.id ?? '')?.epoch).toMatch(/^1\./)
  })
  describe('of large events', () => {
    const size = 20_000
    /** A log of events of 20 KB each. */
    async function largeLog(count: number) {
      const backend = memoryBackend({ clock: createFakeClock() })
      const large = createLine({ backend }).channel('large', {
        key,
        event: z.object({ n: z.number(), text: z.string() }),
      })
      for (let n = 1; n <= count; n++) await large.publish(room, { n, text: 'x'.repeat(size) })
      const ns = (page: Awaited<ReturnType<typeof large.read>>) => page.events.map(({ data }) => data.n)
      return { large, ns }
    }

    test('has at most what fits one response, and the cursor of the rest', async () => {
      const { large, ns } = await largeLog(10)
      const page = await large.read(room)
      expect(ns(page)).toEqual([7, 8, 9, 10])
      expect(Buffer.byteLength(JSON.stringify(page.events))).toBeLessThanOrEqual(limits.pageBytes.value)
      expect(page.older).toBe(page.events[0]?.id)
    })
    test('leads to every event once, by `older` and by `newer`', async () => {
      const { large, ns } = await largeLog(10)
      const back = [await large.read(room, { maxBytes: 50_000 })]
      for (let page = back[0]; page?.older; page = back.at(-1))
        back.push(await large.read(room, { maxBytes: 50_000, before: page.older }))
      expect(back.map(ns)).toEqual([
        [9, 10],
        [7, 8],
        [5, 6],
        [3, 4],
        [1, 2],
      ])
      const first = back.at(-1)?.events[0]?.id ?? ''
      const forth = [await large.read(room, { maxBytes: 70_000, after: first })]
      for (let page = forth[0]; page?.newer; page = forth.at(-1))
        forth.push(await large.read(room, { maxBytes: 70_000, after: page.newer }))
      expect(forth.map(ns)).toEqual([
        [2, 3, 4],
        [5, 6, 7],
        [8, 9, 10],
      ])
    })
    test('has one event if that alone exceeds `maxBytes`', async () => {
      const { large, ns } = await largeLog(3)
      const page = await large.read(room, { maxBytes: 1 })
      expect(ns(page)).toEqual([3])
      expect(ns(await large.read(room, { maxBytes: 1, before: page.older ?? '' }))).toEqual([2])
    })
    test('has as many events as `limit` allows under a large `maxBytes`', async () => {
      const { large, ns } = await largeLog(10)
      expect(ns(await large.read(room, { maxBytes: 1_000_000 }))).toHaveLength(10)
    })
    test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses maxBytes %d', async (maxBytes) => {
      const { large } = await largeLog(1)
      await expect(large.read(room, { maxBytes })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    })
  })
  test.each([0, -1, 1.5, 1_001, Number.NaN])('of a limit of %d is refused', async (limit) => {
    await expect((await log(1)).read({ limit })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
  test.each(['', 'x', '1', ':1', formatCursor({ epoch: 'e', offset: 1 }).replace('1', '-1')])(
    'from the cursor %j is refused',
    async (after) => {
      await expect((await log(1)).read({ after })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    },
  )
})

test.each([
  ['a Date', { at: new Date(0) }, '"at"'],
  ['a Map', { list: [new Map()] }, 'Map'],
  ['NaN', { n: Number.NaN }, 'NaN'],
  ['a function', { fn: () => 1 }, 'function'],
])('publishing %s through a type of any is refused and its path is named', async (_, event, words) => {
  const line = createLine({ backend: memoryBackend() })
  const anything = line.channel('anything', { key: z.object({}), event: z.any() })
  await expect(anything.publish({}, event)).rejects.toThrow(words)
})

test('publishing plain JSON through a type of any works', async () => {
  const line = createLine({ backend: memoryBackend() })
  const anything = line.channel('anything', { key: z.object({}), event: z.any() })
  const event = { a: [1, null, { b: 'x', left: undefined }], c: Object.create(null) }
  await anything.publish({}, event)
  expect((await anything.read({})).events[0]?.data).toEqual({ a: [1, null, { b: 'x' }], c: {} })
})
