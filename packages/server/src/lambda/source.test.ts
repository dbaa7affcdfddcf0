// More than 200 lines: the rules of one handler share a table and its stream.
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { Change } from '../define/source.ts'
import { createLine } from '../line/create-line.ts'
import { createMemoryStore } from '../memory/store.ts'
import type { Backend } from '../ports/backend.ts'
import type { Store } from '../ports/store.ts'
import { createSourceHandler, type SourceOptions } from './source/source.ts'
import { inserted, modified, removed, type TestRecord, text } from './source-records.suite.ts'
import { createFakeClock, settle } from './test-line.suite.ts'

const line = createLine()
const boards = line.channel('boards', {
  key: z.object({ board: z.string() }),
  event: z.object({ id: z.string(), to: z.string().max(20) }),
})
const audit = line.channel('audit', { key: z.object({ org: z.string() }), event: z.object({ text: z.string() }) })
const blips = line.ephemeral('blips', { key: z.object({ board: z.string() }), event: z.object({ id: z.string() }) })

const card = z.object({ id: z.string(), column: z.string() })
type Card = z.output<typeof card>

const row = (id: string, column: string) => ({ id: text(id), column: text(column) })
const moved = (id: string, ...columns: readonly string[]): readonly TestRecord[] =>
  columns.map((column, index) => {
    const before = columns[index - 1]
    return before === undefined ? inserted(row(id, column)) : modified(row(id, before), row(id, column))
  })
const cardEvents = (change: Change<Card>) => {
  const { id, column } = change.newImage ?? change.oldImage
  return [boards.entry({ board: 'b' }, { id, to: change.type === 'remove' ? 'gone' : column })]
}

const clock = createFakeClock()
let store: Store
let backend: Backend
let invoked: unknown[]
const warned: unknown[] = []
const failures: unknown[] = []
beforeEach(() => {
  store = createMemoryStore({ clock })
  invoked = []
  backend = { store, clock, invoker: { kind: 'memory', invoke: async (_, payload) => void invoked.push(payload) } }
  warned.length = failures.length = 0
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void warned.push(JSON.parse(line)))
  vi.spyOn(console, 'error').mockImplementation((line: unknown) => {
    failures.push(typeof line === 'string' ? JSON.parse(line) : line)
  })
})
afterEach(() => vi.restoreAllMocks())

function resolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

type Handler = ReturnType<typeof createSourceHandler>
const source = (options: Partial<SourceOptions<typeof card>> = {}) =>
  createSourceHandler({ line, image: card, toEvents: cardEvents, ...options })
/** Hands a batch over as Lambda does; gives the sequence numbers of those reported failed. */
async function send(handler: Handler, records: readonly unknown[], context: object = {}): Promise<readonly string[]> {
  const event = JSON.parse(JSON.stringify({ Records: records }))
  const answer = await line.withBackend(backend, () =>
    handler(event, { getRemainingTimeInMillis: () => 60_000, ...context }),
  )
  const { batchItemFailures } = answer as { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
}
const sequencesOf = (records: readonly TestRecord[]) => records.map(({ dynamodb }) => dynamodb.SequenceNumber)
async function published(): Promise<readonly { readonly id: string; readonly to: string }[]> {
  const { events } = await line.withBackend(backend, () => boards.read({ board: 'b' }, { limit: 250 }))
  return events.map(({ data }) => data)
}
const publishedOf = async (id: string) => (await published()).filter((event) => event.id === id).map(({ to }) => to)

describe('a change', () => {
  const seen: unknown[] = []
  const recorder = <S extends z.ZodType>(image: S) =>
    createSourceHandler({
      line,
      image,
      toEvents: (change) => {
        seen.push(change)
        return []
      },
    })
  beforeEach(() => {
    seen.length = 0
  })
  const at = new Date(1_700_000_000_000)

  test('has its images and the time', async () => {
    const [a, b] = [row('1', 'todo'), row('1', 'done')]
    expect(await send(recorder(card), [inserted(a), modified(a, b), removed(b)])).toEqual([])
    expect(seen).toEqual([
      { type: 'insert', newImage: { id: '1', column: 'todo' }, at },
      { type: 'modify', newImage: { id: '1', column: 'done' }, oldImage: { id: '1', column: 'todo' }, at },
      { type: 'remove', oldImage: { id: '1', column: 'done' }, at, expired: false },
    ])
  })

  test('says whether TTL removed the row', async () => {
    const by = (userIdentity: object) => ({ ...removed(row('1', 'a')), userIdentity })
    const user = by({ type: 'User', principalId: 'dynamodb.amazonaws.com' })
    await send(recorder(card), [removed(row('1', 'a'), { expired: true }), user])
    expect(seen).toMatchObject([{ expired: true }, { expired: false }])
  })

  test('has every type of DynamoDB as a value', async () => {
    const image = {
      id: text('1'),
      whole: { N: '-42' },
      fraction: { N: '0.1' },
      long: { N: '0.33333333333333333333333333333333333333' },
      big: { N: '9007199254740993' },
      below: { N: '-9007199254740993' },
      safe: { N: '9007199254740991' },
      yes: { BOOL: true },
      no: { BOOL: false },
      nothing: { NULL: true },
      bytes: { B: 'AQID' },
      texts: { SS: ['a', 'b'] },
      numbers: { NS: ['1', '9007199254740993'] },
      binaries: { BS: ['AQ=='] },
      list: { L: [{ S: 'x' }, { M: { deep: { N: '1' } } }] },
      map: JSON.parse('{"M":{"__proto__":{"S":"own"}}}'),
      future: { X: 'of a type to come' },
    }
    await send(recorder(z.record(z.string(), z.unknown())), [inserted(image)])
    const [{ newImage }] = seen as [{ readonly newImage: Readonly<Record<string, unknown>> }]
    expect(newImage).toEqual({
      id: '1',
      whole: -42,
      fraction: 0.1,
      long: 1 / 3,
      big: 9007199254740993n,
      below: -9007199254740993n,
      safe: Number.MAX_SAFE_INTEGER,
      yes: true,
      no: false,
      nothing: null,
      bytes: Uint8Array.of(1, 2, 3),
      texts: new Set(['a', 'b']),
      numbers: new Set([1, 9007199254740993n]),
      binaries: new Set([Uint8Array.of(1)]),
      list: ['x', { deep: 1 }],
      map: JSON.parse('{"__proto__":"own"}'),
      future: undefined,
    })
  })

  test('passes through defaults, transforms and asynchronous checks', async () => {
    const image = z.object({
      id: z.string().refine(async (id) => Promise.resolve(id !== 'taken')),
      due: z.coerce.date(),
      tags: z.set(z.string()).default(new Set()),
    })
    const due = { due: text('2026-05-01') }
    await send(recorder(image), [inserted({ id: text('1'), ...due }), inserted({ id: text('taken'), ...due })])
    expect(seen).toMatchObject([{ newImage: { id: '1', due: new Date('2026-05-01'), tags: new Set() } }])
    expect(warned).toHaveLength(1)
  })

  test('may have no events', async () => {
    const same = row('1', 'todo')
    const quiet = source({ toEvents: (change) => (isMove(change) ? cardEvents(change) : []) })
    expect(await send(quiet, [modified(same, same)])).toEqual([])
    expect(await published()).toEqual([])
    await send(source(), [modified(same, same)])
    expect(await published()).toEqual([{ id: '1', to: 'todo' }])
  })
  const isMove = (change: Change<Card>) => change.oldImage?.column !== change.newImage?.column
})

describe('each event is published once', () => {
  test('when a batch is repeated, and with each record twice', async () => {
    const records = [...moved('1', 'a', 'b', 'c'), ...moved('2', 'a', 'b')]
    const twice = records.flatMap((record) => [record, record])
    await send(source(), twice)
    await send(source(), records)
    await send(source(), [...records].reverse())
    expect(await publishedOf('1')).toEqual(['a', 'b', 'c'])
    expect(await publishedOf('2')).toEqual(['a', 'b'])
    expect(await published()).toHaveLength(5)
  })

  test('when two functions get the same batch at the same time', async () => {
    const records = [...moved('1', 'a', 'b', 'c'), ...moved('2', 'a', 'b', 'c')]
    await Promise.all([send(source(), records), send(source(), records)])
    expect(await publishedOf('1')).toEqual(['a', 'b', 'c'])
    expect(await publishedOf('2')).toEqual(['a', 'b', 'c'])
  })

  test('when several entries of a change go to one topic and to others', async () => {
    const many = source({
      toEvents: (change) => [
        ...cardEvents(change),
        audit.entry({ org: 'o' }, { text: 'x' }),
        ...cardEvents(change),
        audit.entry({ org: 'o' }, { text: 'y' }),
      ],
    })
    const records = moved('1', 'a')
    await send(many, [...records, ...records])
    expect(await publishedOf('1')).toEqual(['a', 'a'])
    const { events } = await line.withBackend(backend, () => audit.read({ org: 'o' }))
    expect(events.map(({ data }) => data.text)).toEqual(['x', 'y'])
  })

  test('for an ephemeral channel also', async () => {
    const blip = source({ toEvents: () => [blips.entry({ board: 'b' }, { id: '1' })] })
    const records = moved('1', 'a', 'b')
    await send(blip, [...records, ...records])
    await send(blip, records)
    expect(invoked).toHaveLength(2)
  })

  test('for each function that makes events of the same table', async () => {
    const records = moved('1', 'a')
    for (const functionName of ['one', 'other', 'one']) await send(source(), records, { functionName })
    expect(await publishedOf('1')).toEqual(['a', 'a'])
  })

  test('in the order of each row, with repeated records and mixed rows', async () => {
    const rows = ['1', '2', '3'].map((id) => moved(id, 'a', 'b', 'c', 'd'))
    const position = fc.array(fc.record({ row: fc.nat(2), from: fc.nat(3), count: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(position, async (repeats) => {
        store = createMemoryStore({ clock })
        backend = { ...backend, store }
        // A stream repeats from any record on, and never skips one that it has not delivered.
        const delivered = [0, 0, 0]
        for (const { row: index, from, count } of repeats) {
          const start = Math.min(from, delivered[index] ?? 0)
          const end = Math.min(4, start + count)
          delivered[index] = Math.max(delivered[index] ?? 0, end)
          const repeated = rows[index]?.slice(start, end) ?? []
          await send(
            source(),
            repeated.flatMap((record) => [record, ...repeated.slice(0, 1)]),
          )
        }
        await send(
          source(),
          [0, 1, 2, 3].flatMap((step) => rows.flatMap((one) => one[step] ?? [])),
        )
        for (const id of ['1', '2', '3']) expect(await publishedOf(id)).toEqual(['a', 'b', 'c', 'd'])
      }),
      { numRuns: 30 },
    )
  })
})

describe('an invalid row', () => {
  const bad = { id: text('7'), column: { N: '1' } }

  test('is skipped, with its keys and issues in the log', async () => {
    expect(await send(source(), [inserted(bad), ...moved('1', 'a')])).toEqual([])
    expect(await published()).toEqual([{ id: '1', to: 'a' }])
    expect(warned).toEqual([
      {
        level: 'WARN',
        message: 'A row does not match the schema `image`; its change was skipped.',
        table: 'cards',
        keys: { id: '7' },
        issues: [expect.objectContaining({ code: 'invalid_type', path: ['newImage', 'column'] })],
      },
    ])
  })

  test('is reported with the issues of both images', async () => {
    const onInvalid = vi.fn()
    await send(source({ onInvalid }), [modified(bad, { id: text('7') }, { keys: { id: text('7'), n: { N: '3' } } })])
    expect(onInvalid.mock.calls).toMatchObject([
      [{ keys: { id: '7', n: 3 }, issues: [{ path: ['newImage', 'column'] }, { path: ['oldImage', 'column'] }] }],
    ])
    expect(warned).toEqual([])
  })

  test('has keys that JSON can represent', async () => {
    const onInvalid = vi.fn()
    const keys = { id: { B: 'AQID' }, n: { N: '9007199254740993' } }
    await send(source({ onInvalid }), [inserted(bad, { keys })])
    expect(onInvalid.mock.calls[0]?.[0].keys).toEqual({ id: 'AQID', n: '9007199254740993' })
  })

  test('does not block the later changes of the same row', async () => {
    const good = row('7', 'b')
    expect(await send(source(), [inserted(bad), modified(bad, good), modified(good, row('7', 'c'))])).toEqual([])
    expect(await publishedOf('7')).toEqual(['c'])
    expect(warned).toHaveLength(2)
  })

  test('is also one at which the schema throws', async () => {
    const image = card.extend({ column: z.string().transform((column) => JSON.parse(column)) })
    const handler = createSourceHandler({ line, image, toEvents: () => [] })
    expect(await send(handler, [inserted(row('1', '{')), inserted(row('2', '{}'))])).toEqual([])
    expect(warned).toMatchObject([
      { keys: { id: '1' }, issues: [{ message: expect.stringMatching(/^The schema threw: /) }] },
    ])
  })

  test('blocks no other when its report throws', async () => {
    const onInvalid = () => {
      throw new Error('the pager is down')
    }
    expect(await send(source({ onInvalid }), [inserted(bad), ...moved('1', 'a')])).toEqual([])
    expect(await published()).toEqual([{ id: '1', to: 'a' }])
    expect(failures).toMatchObject([
      { message: '`onInvalid` threw.', error: expect.stringContaining('the pager is down') },
    ])
  })

  test('is logged also when its issues have large numbers', async () => {
    const image = z.object({ n: z.bigint().max(1n) })
    const handler = createSourceHandler({ line, image, toEvents: () => [] })
    await send(handler, [inserted({ id: text('1'), n: { N: '9007199254740993' } })])
    expect(warned).toMatchObject([{ issues: [{ code: 'too_big', maximum: '1' }] }])
  })
})

describe('a toEvents that throws', () => {
  let broken = true
  const picky = source({
    toEvents: (change) => {
      if (broken && change.newImage?.column === 'poison') throw new Error('no such column')
      return cardEvents(change)
    },
  })
  beforeEach(() => {
    broken = true
  })

  test('fails its record and the later ones of its row, and no other', async () => {
    const one = moved('1', 'a', 'poison', 'c')
    const two = moved('2', 'a', 'b')
    const mixed = [one[0], two[0], one[1], two[1], one[2]].flatMap((record) => record ?? [])
    expect(await send(picky, mixed)).toEqual(sequencesOf(one.slice(1)))
    expect(await publishedOf('1')).toEqual(['a'])
    expect(await publishedOf('2')).toEqual(['a', 'b'])
    expect(failures).toMatchObject([
      { level: 'ERROR', table: 'cards', keys: { id: '1' }, error: expect.stringContaining('no such column') },
    ])
  })

  test('loses and duplicates nothing after it was fixed', async () => {
    const one = moved('1', 'a', 'poison', 'c')
    const two = moved('2', 'a', 'b')
    await send(picky, [...one, ...two])
    broken = false
    expect(await send(picky, [...one.slice(1), ...two])).toEqual([])
    expect(await publishedOf('1')).toEqual(['a', 'poison', 'c'])
    expect(await publishedOf('2')).toEqual(['a', 'b'])
  })

  test('is handled like an event that is invalid for its channel, and like a value that is not an entry', async () => {
    const long = moved('1', 'a column with a very long name')
    expect(await send(source(), long)).toEqual(sequencesOf(long))
    const records = moved('1', 'a')
    expect(await send(source({ toEvents: () => [{}] as never }), records)).toEqual(sequencesOf(records))
    expect(await send(source({ toEvents: () => undefined as never }), records)).toEqual(sequencesOf(records))
    expect(JSON.stringify(failures.at(-1))).toContain('toEvents to return an array of entries, got undefined.')
    expect(await send(source({ toEvents: (async () => []) as never }), records)).toEqual(sequencesOf(records))
    expect(JSON.stringify(failures.at(-1))).toContain('toEvents to return an array of entries, got a promise.')
    expect(await published()).toEqual([])
  })
})

describe('the table of the line', () => {
  test('failing for one topic fails only those records', async () => {
    const putSlot: Store['putSlot'] = async (topic, slot) => {
      if (topic.includes('down')) throw new Error('throttled')
      return store.putSlot(topic, slot)
    }
    backend = { ...backend, store: { ...store, putSlot } }
    const split = source({
      toEvents: ({ newImage }) =>
        newImage ? [boards.entry({ board: newImage.id === '1' ? 'down' : 'b' }, { id: newImage.id, to: 'x' })] : [],
    })
    const one = moved('1', 'a', 'b')
    expect(await send(split, [...one, ...moved('2', 'a')])).toEqual(sequencesOf(one))
    expect(await publishedOf('2')).toEqual(['x'])
  })

  test('that hangs leaves the rest to the next attempt, before the function ends', async () => {
    let hang = true
    const readSlotsBefore: Store['readSlotsBefore'] = async (...args) =>
      hang ? new Promise<never>(() => {}) : store.readSlotsBefore(...args)
    backend = { ...backend, store: { ...store, readSlotsBefore } }
    const records = [...moved('1', 'a', 'b'), ...moved('2', 'a')]
    const answer = send(source(), records)
    await clock.advance(59_000)
    const early = await Promise.race([answer, Promise.resolve('still working')])
    expect(early).toBe('still working')
    await clock.advance(600)
    expect(await answer).toEqual(sequencesOf(records))
    hang = false
    expect(await send(source(), records)).toEqual([])
    expect(await publishedOf('1')).toEqual(['a', 'b'])
  })

  test('is not used when no time is left', async () => {
    const records = moved('1', 'a')
    const toEvents = vi.fn(cardEvents)
    const answer = await send(source({ toEvents }), records, { getRemainingTimeInMillis: () => 400 })
    expect(answer).toEqual(sequencesOf(records))
    expect(toEvents).not.toHaveBeenCalled()
  })

  test('that responds after the function ended gets no more requests', async () => {
    const { promise: late, resolve: release } = resolvers()
    const readSlotsBefore: Store['readSlotsBefore'] = async (...args) => {
      await late
      return store.readSlotsBefore(...args)
    }
    backend = { ...backend, store: { ...store, readSlotsBefore } }
    const records = moved('1', 'a', 'b')
    const answer = send(source(), records)
    await settle()
    await clock.advance(60_000)
    expect(await answer).toEqual(sequencesOf(records))
    release()
    await settle()
    backend = { ...backend, store }
    expect(await published()).toEqual([])
  })
})

describe('a check that hangs', () => {
  test('fails its row at the deadline and no other', async () => {
    const image = card.refine((value) => (value.id === '1' ? new Promise<never>(() => {}) : true))
    const one = moved('1', 'a')
    const answer = send(createSourceHandler({ line, image, toEvents: cardEvents }), [...one, ...moved('2', 'a')])
    await settle()
    await clock.advance(60_000)
    expect(await answer).toEqual(sequencesOf(one))
    expect(await publishedOf('2')).toEqual(['a'])
  })
})

describe('an error of the deployment', () => {
  test('is explained: no batch of a table, or a stream without images', async () => {
    const call = (event: unknown) => line.withBackend(backend, () => source()(event, {}))
    await expect(call({ detail: {} })).rejects.toThrow(/Map the stream of your table/)
    await expect(call({ Records: [{ eventSource: 'aws:sqs', body: '{}' }] })).rejects.toThrow(/eventID/)
    await expect(send(source(), [inserted(row('1', 'a'), { view: 'NEW_IMAGE' })])).rejects.toThrow(
      'Expected the stream of cards to have the StreamViewType NEW_AND_OLD_IMAGES, got NEW_IMAGE. Set its StreamViewType to NEW_AND_OLD_IMAGES.',
    )
  })
})
