import { describe, expect, test } from 'vitest'
import type { Store } from '../../ports/store.ts'
import { createWorld, openWorld, publish, topic } from './http-world.suite.ts'
import { messagesOf, positionOf, read, readAll } from './read-client.suite.ts'

const texts = (messages: readonly unknown[]) => messages.map((each) => (each as { text: string }).text)
const hour = 3_600_000

describe('A read of a channel', () => {
  test('returns the retained events as a JSON array, and where reading goes on [TL-READ-1] [TL-READ-3]', async () => {
    const world = openWorld()
    await publish(world, 'a', 'b')
    const response = await read(world, 'live')
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'application/json'])
    expect(response.body).toBe('[{"text":"a"},{"text":"b"}]')
    expect(positionOf(response)).toMatchObject({
      isUpToDate: 'true',
      next: expect.stringMatching(/^0{15}2_0\.[0-9a-z]{12}$/),
    })
  })

  test('goes on after an offset, and begins an epoch where there is none [TL-READ-4]', async () => {
    const world = openWorld()
    const first = await read(world, 'live')
    expect(first.body).toBe('[]')
    await publish(world, 'a')
    const { next = '' } = positionOf(first)
    expect(messagesOf(await read(world, 'live', { offset: next }))).toEqual([{ text: 'a' }])
    expect(messagesOf(await read(world, 'live', { offset: '-1' }))).toEqual([{ text: 'a' }])
  })

  test('from `now` has no message, and its offset is the end of the log [TL-READ-4]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const response = await read(world, 'live', { offset: 'now' })
    expect([response.body, positionOf(response)]).toEqual(['[]', positionOf(await read(world, 'live'))])
  })

  test('has a page of at most 1,000 slots, whose offset moves over what a filter leaves out [TL-READ-4]', async () => {
    const world = openWorld()
    await publish(world, ...Array.from({ length: 1_500 }, (_, n) => (n === 1_400 ? 'editor' : 'x')))
    const options = { headers: { authorization: 'Bearer ann/editor' } }
    const first = await read(world, 'mine', options)
    expect([first.body, positionOf(first)]).toEqual(['[]', { next: expect.stringMatching(/^0{12}1000_/) }])
    const all = await readAll(world, 'mine', options)
    expect([texts(all.messages), all.pages]).toEqual([['editor'], 2])
  })

  test('has a page of at most 1 MB [TL-READ-4]', async () => {
    const world = openWorld()
    await publish(world, ...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000)))
    const all = await readAll(world, 'live')
    expect(texts(all.messages).map((text) => text[0])).toEqual(['a', 'b', 'c', 'd'])
    expect(all.pages).toBe(2)
    expect((await read(world, 'live')).body.length).toBeLessThan(1_048_576)
  })

  test('begins with the state of `startWith`, and the events after it follow [TL-READ-4]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const first = await read(world, 'page')
    expect(messagesOf(first)).toEqual([{ type: 'state' }])
    await publish(world, 'b')
    const { next = '' } = positionOf(first)
    expect(messagesOf(await read(world, 'page', { offset: next }))).toEqual([{ text: 'b' }])
    expect((await read(world, 'page', { offset: 'now' })).body).toBe('[]')
  })

  test('refuses a state that exceeds a page with 413 [TL-READ-4]', async () => {
    const response = await read(openWorld(), 'large', { input: { room: 'x', bytes: 1_100_000 } })
    expect([response.statusCode, JSON.parse(response.body).line.code]).toEqual([413, 'TOO_LARGE'])
  })

  test('writes an epoch and nothing else, and HEAD writes nothing [TL-READ-1]', async () => {
    const writes: string[] = []
    const world = openWorld({ store: (store) => noting(store, writes) })
    const head = await read(world, 'live', { method: 'HEAD' })
    expect([head.statusCode, positionOf(head), head.body]).toEqual([200, { next: '-1' }, ''])
    expect(writes).toEqual([])
    await read(world, 'live')
    await read(world, 'live')
    await read(world, 'mine', { offset: 'now' })
    expect(writes).toEqual(['putSlot'])
    const { next } = positionOf(await read(world, 'live', { method: 'HEAD' }))
    expect(next).toMatch(/^0{15}1_/)
  })

  test('makes nobody present, also by a procedure that joins [TL-READ-10]', async () => {
    const writes: string[] = []
    const world = openWorld({ store: (store) => noting(store, writes) })
    const headers = { authorization: 'Bearer ann' }
    for (const live of [undefined, 'sse'] as const) {
      const asked = { input: { room: 'x', name: 'ann' }, headers, ...(live && { live, offset: '-1' }) }
      const response = await read(world, 'joined', asked)
      expect(response.body).toContain('{"type":"here","members":[]}')
    }
    expect(messagesOf(await read(world, 'watch', { headers }))).toEqual([{ type: 'here', members: [] }])
    expect(writes).toEqual(['putSlot'])
  })
})

/** A store whose writes are noted. */
function noting(store: Store, writes: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (!/^read|^has/.test(String(name))) writes.push(String(name))
        return Reflect.apply(member, target, args) as unknown
      }
    },
  })
}

describe('A filter or a map that throws', () => {
  test('ends the page before the event, and a page that begins there is 500 with the offset after it [TL-READ-6]', async () => {
    const world = openWorld()
    await publish(world, 'a', 'bb', 'no!', 'ccc')
    const first = await read(world, 'mapped')
    expect([first.body, positionOf(first)]).toEqual(['[1,2]', { next: expect.stringMatching(/^0{15}2_/) }])
    const second = await read(world, 'mapped', { offset: positionOf(first).next ?? '' })
    expect(second.statusCode).toBe(500)
    expect(JSON.parse(second.body)).toMatchObject({
      error: { message: 'map failed', data: { code: 'INTERNAL_SERVER_ERROR' } },
    })
    const after = positionOf(second).next ?? ''
    expect(after).toMatch(/^0{15}3_/)
    expect((await read(world, 'mapped', { offset: after })).body).toBe('[3]')
    expect(world.failures).toEqual(['map failed'])
  })
})

test('A million expired slots are not read one by one: the first page has the retained events [TL-READ-4]', async () => {
  const reads: number[] = []
  const expired = 1_000_000
  const world = createWorld({
    store: (store) => ({
      ...store,
      readSlots: async (of, after, limit) => {
        reads.push(limit)
        const slotAt = (offset: number) => ({
          ...{ offset, epoch: 'e'.repeat(12), publishId: `p${offset}`, data: `{"text":"${offset}"}` },
          time: 1_800_000_000_000 - (offset <= expired ? 25 : 1) * hour,
          expires: (1_800_000_000_000 + 47 * hour) / 1_000,
        })
        const last = Math.min(after + limit, expired + 3)
        const slots =
          of === topic ? Array.from({ length: Math.max(0, last - after) }, (_, n) => slotAt(after + 1 + n)) : []
        return { slots, more: last < expired + 3 }
      },
      readSlotsBefore: async () => ({
        slots: [
          {
            offset: expired + 3,
            epoch: 'e'.repeat(12),
            publishId: 'last',
            data: '{"text":"last"}',
            time: 1_800_000_000_000 - hour,
            expires: (1_800_000_000_000 + 47 * hour) / 1_000,
          },
        ],
        more: true,
      }),
    }),
  })
  const response = await read(world, 'live')
  expect(texts(messagesOf(response))).toEqual(['1000001', '1000002', '1000003'])
  expect(positionOf(response).isUpToDate).toBe('true')
  expect(reads.length).toBeLessThan(60)
  expect(reads.filter((limit) => limit > 1)).toHaveLength(1)
})
