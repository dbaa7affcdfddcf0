import { describe, expect, test } from 'vitest'
import { createStreamWorld } from '../../runtime/producers/stream-world.suite.ts'
import { settle } from '../test-line.suite.ts'
import { type HttpWorld, openWorld, publish } from './http-world.suite.ts'
import { messagesOf, positionOf, read } from './read-client.suite.ts'

const ann = { authorization: 'Bearer ann' }

/** Starts a request, and says whether it was answered. */
function begin(asked: ReturnType<typeof read>) {
  const state = { isAnswered: false }
  void asked.then(() => {
    state.isAnswered = true
  })
  return { asked, isAnswered: () => state.isAnswered }
}

/** Lets time pass in steps, so that timers that are armed meanwhile fire too. */
async function pass({ clock }: Pick<HttpWorld, 'clock'>, ms: number, stepMs = 250) {
  await settle()
  for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(left, stepMs))
}

describe('A long-poll', () => {
  test('is answered when an event comes [TL-READ-8]', async () => {
    const world = openWorld()
    const { asked, isAnswered } = begin(read(world, 'live', { offset: 'now', live: 'long-poll' }))
    await pass(world, 3_000)
    expect(isAnswered()).toBe(false)
    await publish(world, 'a')
    await pass(world, 2_500)
    expect(isAnswered()).toBe(true)
    const response = await asked
    expect(messagesOf(response)).toEqual([{ text: 'a' }])
    expect(positionOf(response).isUpToDate).toBe('true')
    expect(response.headers['stream-cursor']).toMatch(/^[0-9]+$/)
  })

  test('is answered at once by messages that are there [TL-READ-8]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    expect(messagesOf(await read(world, 'live', { offset: '-1', live: 'long-poll' }))).toEqual([{ text: 'a' }])
  })

  test('has 204 with its offset after 20 s, which has moved over what a filter leaves out [TL-READ-8]', async () => {
    const world = openWorld()
    const options = { offset: 'now', live: 'long-poll', headers: { authorization: 'Bearer ann/a' } }
    const { asked, isAnswered } = begin(read(world, 'mine', options))
    await pass(world, 2_000)
    await publish(world, 'b')
    await pass(world, 17_500)
    expect(isAnswered()).toBe(false)
    await pass(world, 1_000)
    const response = await asked
    expect([response.statusCode, response.body]).toEqual([204, ''])
    expect(positionOf(response)).toEqual({ isUpToDate: 'true', next: expect.stringMatching(/^0{15}2_/) })
  })

  test('has a cursor that always rises [TL-READ-8]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const cursorAfter = async (cursor?: string) =>
      (await read(world, 'live', { offset: '-1', live: 'long-poll', ...(cursor !== undefined && { cursor }) })).headers[
        'stream-cursor'
      ] ?? ''
    const first = await cursorAfter()
    const second = await cursorAfter(first)
    expect(Number(second)).toBeGreaterThan(Number(first))
    expect(Number(await cursorAfter(second))).toBeGreaterThan(Number(second))
    expect(await cursorAfter('not ours')).toBe(first)
  })

  test('ends with the authority of its caller [TL-READ-8]', async () => {
    const world = openWorld()
    await world.clock.advance(3_600_000 - 5_000)
    const { asked, isAnswered } = begin(read(world, 'live', { offset: 'now', live: 'long-poll', headers: ann }))
    await pass(world, 4_500)
    expect(isAnswered()).toBe(false)
    await pass(world, 500)
    expect(isAnswered()).toBe(true)
    expect((await asked).statusCode).toBe(204)
    expect((await read(world, 'live', { headers: ann })).statusCode).toBe(401)
  })

  test('ends within 5 s of a kick of its caller with 401, and has none of the events after it [TL-READ-8] [TL-KICK-2]', async () => {
    const world = openWorld()
    const { asked, isAnswered } = begin(read(world, 'live', { offset: 'now', live: 'long-poll', headers: ann }))
    await pass(world, 1_000)
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam' }))
    await pass(world, 5_000)
    expect(isAnswered()).toBe(true)
    expect((await asked).statusCode).toBe(401)
  })

  test('at the end of a closed stream is answered at once with 204 [TL-READ-8] [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.stop({ chat: 'x' }))
    const response = await read(world, 'watch', { input: { chat: 'x' }, offset: 'now', live: 'long-poll' })
    expect([response.statusCode, positionOf(response).isClosed, positionOf(response).outcome]).toEqual([
      204,
      'true',
      'stopped',
    ])
  })

  test('has the gap of its position, and the close when it comes [TL-READ-8]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.start({ chat: 'x' }, { prompt: 'why' }))
    await world.startWorker()
    const ask = (offset: string) => read(world, 'watch', { input: { chat: 'x' }, offset, live: 'long-poll' })
    expect(positionOf(await ask('0000000000000001_0.other')).gap).toBe('new-epoch')
    const { asked } = begin(ask('now'))
    await world.pass(1_000)
    world.runs[0]?.end()
    await world.pass(4_000)
    const response = await asked
    expect([response.statusCode, positionOf(response).outcome]).toEqual([204, 'done'])
  })

  test('that waits for news reads the log a few times, and stops when it is answered [TL-READ-8]', async () => {
    let reads = 0
    const world = openWorld({
      store: (store) => ({
        ...store,
        readSlots: (...args) => {
          reads += 1
          return store.readSlots(...args)
        },
      }),
    })
    const { asked } = begin(read(world, 'live', { offset: 'now', live: 'long-poll' }))
    await pass(world, 20_500)
    await asked
    expect(reads).toBeLessThan(20)
    const before = reads
    await pass(world, 30_000)
    expect(reads).toBe(before)
  })
})

describe('Events of a response that is not streamed', () => {
  test('are one page of data and a control event [TL-READ-9]', async () => {
    const world = openWorld()
    await publish(world, 'a\n\nb')
    const response = await read(world, 'live', { offset: '-1', live: 'sse' })
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/event-stream'])
    const [data = '', control = ''] = response.body.split('\n\n')
    expect(data).toBe('event: data\ndata:[{"text":"a\\n\\nb"}]')
    expect(control.split('\ndata:')[0]).toBe('event: control')
    expect(JSON.parse(control.split('\ndata:')[1] ?? '')).toEqual({
      streamNextOffset: expect.stringMatching(/^0{15}1_/),
      streamCursor: expect.stringMatching(/^[0-9]+$/),
      upToDate: true,
    })
    expect(response.headers['cache-control']).toBe('private, no-cache')
  })

  test('wait for news as a long-poll does, so that a reader that comes back does not come back at once [TL-READ-9]', async () => {
    const world = openWorld()
    const { asked, isAnswered } = begin(read(world, 'live', { offset: 'now', live: 'sse' }))
    await pass(world, 19_500)
    expect(isAnswered()).toBe(false)
    await pass(world, 1_000)
    expect((await asked).body).toMatch(/^event: control\n/)
  })

  test('have a status instead where nothing can be read [TL-READ-9]', async () => {
    const world = openWorld()
    expect((await read(world, 'live', { offset: '0000000000000001_0.x', live: 'sse' })).statusCode).toBe(410)
    expect((await read(world, 'nope', { offset: '-1', live: 'sse' })).statusCode).toBe(404)
    const other = openWorld()
    await publish(other, 'no!')
    expect((await read(other, 'mapped', { offset: '-1', live: 'sse' })).statusCode).toBe(500)
  })

  test('say that a stream is closed, how, and why [TL-READ-9] [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.start({ chat: 'x' }, { prompt: 'why' }))
    await world.startWorker()
    world.runs[0]?.fail(new Error('müde'))
    await world.pass(1_000)
    const { body } = await read(world, 'watch', { input: { chat: 'x' }, offset: '-1', live: 'sse' })
    expect(JSON.parse(body.split('data:')[1] ?? '')).toEqual({
      streamNextOffset: expect.any(String),
      upToDate: true,
      streamClosed: true,
      streamOutcome: 'failed',
      streamOutcomeError: { code: 'INTERNAL_SERVER_ERROR', message: 'müde' },
    })
  })
})
