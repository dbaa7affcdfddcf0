import type { ChunkFrame } from '@trunkline/protocol'
import { describe, expect, test, vi } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import { createRoom } from '../subscriptions/room.suite.ts'

const ask = JSON.stringify({ id: 1, method: 'query', params: { path: 'whoami' } }).padEnd(20_000)
/** One of two parts of a message. */
const part = (message: string, at: 0 | 1, text = ask): ChunkFrame => ({
  id: message,
  method: 'chunk',
  params: {
    ...{ message, part: at, of: 2, bytes: text.length },
    text: at === 0 ? text.slice(0, 10_000) : text.slice(10_000),
  },
})
const answered = { id: 1, result: { type: 'data', data: 'you' } }
const names = ['a', 'b', 'c', 'd']
const tooMany = (id: string, retryAfterMs: number) => ({
  id,
  error: { message: expect.stringContaining('at most 4 messages of one connection') },
  line: { code: 'RATE_LIMITED', retry: 'later', retryAfterMs, mayHaveRun: false },
})

async function open(client: TestClient): Promise<void> {
  for (const name of names) expect(await client.send(part(name, 0))).toBeUndefined()
}

describe('the messages of one connection that come in chunks', () => {
  test('are at most four at a time, and a part of a fifth is refused and stored nowhere [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await open(client)
    const parts = vi.spyOn(room.store, 'putPart')
    expect(await client.send(part('e', 0))).toMatchObject(tooMany('e', 300_000))
    expect(parts).not.toHaveBeenCalled()
    const other = await room.connect()
    expect(await other.send(part('e', 0))).toBeUndefined()
    expect(await other.send(part('e', 1))).toEqual(answered)
  })
  test('make room when one is complete, in any order, with parts that come twice [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await open(client)
    for (const name of names) await client.send(part(name, 0))
    expect(await client.send(part('c', 1))).toEqual(answered)
    for (const at of [0, 1] as const) expect(await client.send(part('c', at))).toBeUndefined()
    expect(await client.send(part('e', 1))).toBeUndefined()
    expect(await client.send(part('f', 1))).toMatchObject(tooMany('f', 300_000))
    expect(await client.send(part('e', 0))).toEqual(answered)
    for (const name of ['a', 'b', 'd']) expect(await client.send(part(name, 1))).toEqual(answered)
  })
  test('make room when they are too late [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(part('a', 0))
    await room.clock.advance(100_000)
    for (const name of ['b', 'c', 'd']) await client.send(part(name, 0))
    expect(await client.send(part('e', 0))).toMatchObject(tooMany('e', 200_000))
    await room.clock.advance(200_000)
    expect(await client.send(part('e', 0))).toBeUndefined()
    expect(await client.send(part('f', 0))).toMatchObject(tooMany('f', 100_000))
    expect(await client.send(part('e', 1))).toEqual(answered)
  })
  test('stay open when a part is refused, so that no message is uncounted [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await open(client)
    for (const name of names) expect(await client.send(part(name, 0, 'x'.repeat(15_000)))).toHaveProperty('error')
    expect(await client.send(part('e', 0))).toMatchObject(tooMany('e', 300_000))
  })
  test('run when many come one after another [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    for (let n = 0; n < 50; n++) {
      expect(await client.send(part(`m${n}`, 0))).toBeUndefined()
      expect(await client.send(part(`m${n}`, 1))).toEqual(answered)
    }
  })
  test('never have more than four that are open, however many come at once [TL-CHUNK-12]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const sent = Array.from({ length: 40 }, (_, n) => client.send(part(`m${n}`, 0)))
    const refused = (await Promise.all(sent)).filter((answer) => answer !== undefined)
    expect(refused).toHaveLength(36)
  })
})
