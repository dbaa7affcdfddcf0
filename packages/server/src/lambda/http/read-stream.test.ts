import { describe, expect, test } from 'vitest'
import { createStreamWorld, type StreamWorld } from '../../runtime/producers/stream-world.suite.ts'
import { messagesOf, positionOf, read } from './read-client.suite.ts'

const chat = { chat: 'x' }
const watch = (
  world: StreamWorld,
  offset?: string,
  options: { readonly method?: string; readonly path?: string } = {},
) => read(world, options.path ?? 'watch', { input: chat, ...(offset !== undefined && { offset }), ...options })
const start = (world: StreamWorld) => world.run(() => world.answers.start(chat, { prompt: 'why' }))
const texts = (response: Awaited<ReturnType<typeof watch>>) =>
  messagesOf(response).map((each) => (each as { text: string }).text)

/** Reads to the end of the log, as a reader does: across gaps and faults, from where they say. */
async function follow(world: StreamWorld, from: string | undefined) {
  const chunks: string[] = []
  const gaps: (string | undefined)[] = []
  for (let offset = from, pages = 0; pages < 20; pages++) {
    const response = await watch(world, offset)
    offset = positionOf(response).next
    if (response.statusCode === 410) gaps.push(positionOf(response).gap)
    else chunks.push(...texts(response))
    if (positionOf(response).isUpToDate === 'true')
      return { chunks, gaps, offset, outcome: positionOf(response).outcome }
  }
  throw new Error('The stream was not read to its end.')
}

describe('A read of a stream', () => {
  test('has each chunk once, and the closure and the outcome at its end [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await start(world)
    await world.startWorker()
    world.runs[0]?.say('a', 'b')
    await world.pass(1_000)
    const first = await watch(world)
    expect(texts(first)).toEqual(['a', 'b'])
    expect(positionOf(first)).toMatchObject({ isUpToDate: 'true' })
    expect(positionOf(first)).not.toHaveProperty('isClosed')
    world.runs[0]?.say('c')
    await world.pass(1_000)
    world.runs[0]?.end()
    await world.pass(1_000)
    const second = await watch(world, positionOf(first).next)
    expect(texts(second)).toEqual(['c'])
    expect(positionOf(second)).toMatchObject({ isClosed: 'true', outcome: 'done', isUpToDate: 'true' })
    const atEnd = await watch(world, positionOf(second).next)
    expect([atEnd.statusCode, atEnd.body]).toEqual([200, '[]'])
    expect(positionOf(atEnd)).toEqual(positionOf(second))
    expect(positionOf(await watch(world, 'now'))).toEqual(positionOf(second))
    expect(positionOf(await watch(world, undefined, { method: 'HEAD' }))).toMatchObject({
      isClosed: 'true',
      outcome: 'done',
    })
    expect(second.headers['stream-outcome-error']).toBeUndefined()
  })

  test('that was never started is 404, and a read does not begin it [TL-READ-11]', async () => {
    const world = createStreamWorld()
    for (const offset of [undefined, '-1', 'now', '0000000000000001_0.x'])
      expect((await watch(world, offset)).statusCode).toBe(404)
    expect((await watch(world, undefined, { method: 'HEAD' })).statusCode).toBe(404)
    expect(await world.slots()).toEqual([])
  })

  test('that failed says so in its words, as a header can hold them [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await start(world)
    await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(1_000)
    world.runs[0]?.fail(new Error('Das Modell ist müde.\n"429"'))
    await world.pass(1_000)
    const response = await watch(world)
    expect(positionOf(response)).toMatchObject({ isClosed: 'true', outcome: 'failed' })
    const words = response.headers['stream-outcome-error'] ?? ''
    expect(words).toMatch(/^[ -~]+$/)
    expect(JSON.parse(words)).toEqual({ code: 'INTERNAL_SERVER_ERROR', message: 'Das Modell ist müde.\n"429"' })
  })

  test('whose producer died is settled by a read, and HEAD leaves it [TL-READ-11] [LAW-STREAM-SETTLE]', async () => {
    const world = createStreamWorld({ onLost: 'close' })
    await start(world)
    const worker = await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(1_000)
    worker.kill()
    await world.pass(60_000)
    const before = (await world.slots()).length
    expect(positionOf(await watch(world, undefined, { method: 'HEAD' }))).not.toHaveProperty('isClosed')
    expect(await world.slots()).toHaveLength(before)
    const response = await watch(world)
    expect([texts(response), positionOf(response).outcome]).toEqual([['a'], 'lost'])
    expect(JSON.parse(response.headers['stream-outcome-error'] ?? '')).toMatchObject({
      message: expect.stringContaining('was lost'),
    })
  })

  test('never has the chunks of a zombie: they do not get into the log [TL-READ-11] [LAW-STREAM]', async () => {
    const world = createStreamWorld({ onLost: 'continue' })
    await start(world)
    const zombie = await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(1_000)
    const release = zombie.hold()
    world.runs[0]?.say('late')
    await world.pass(60_000)
    await world.startWorker()
    world.runs[1]?.say('b')
    await world.pass(1_000)
    world.runs[1]?.end()
    await world.pass(1_000)
    await release()
    await world.pass(2_000)
    expect(await follow(world, undefined)).toMatchObject({ chunks: ['a', 'b'], gaps: [], outcome: 'done' })
  })

  test('that began again is 410 `restarted` for a reader of the run before, who goes on with the new run [TL-READ-5]', async () => {
    const world = createStreamWorld({ onLost: 'restart' })
    await start(world)
    const worker = await world.startWorker()
    world.runs[0]?.say('old')
    await world.pass(1_000)
    const { next } = positionOf(await watch(world))
    worker.kill()
    await world.pass(60_000)
    await world.startWorker()
    world.runs[1]?.say('new')
    await world.pass(1_000)
    world.runs[1]?.end()
    await world.pass(1_000)
    expect(await follow(world, next)).toMatchObject({ chunks: ['new'], gaps: ['restarted'], outcome: 'done' })
    expect(await follow(world, undefined)).toMatchObject({ chunks: ['new'], gaps: [], outcome: 'done' })
  })

  test('that was erased is 410 `erased`, and then has the outcome [TL-READ-5]', async () => {
    const world = createStreamWorld()
    await start(world)
    await world.startWorker()
    world.runs[0]?.say('secret')
    await world.pass(1_000)
    await world.run(() => world.answers.erase(chat))
    await world.pass(1_000)
    expect(await follow(world, undefined)).toMatchObject({ chunks: [], gaps: ['erased'], outcome: 'stopped' })
  })

  test('that is past its retention is 410 `expired`, and then has the outcome [TL-READ-5]', async () => {
    const world = createStreamWorld({ retention: '1h' })
    await start(world)
    await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(1_000)
    world.runs[0]?.end()
    await world.pass(1_000)
    await world.clock.advance(2 * 3_600_000)
    expect(await follow(world, undefined)).toMatchObject({ chunks: [], gaps: ['expired'], outcome: 'done' })
  })

  test('with a filter has the chunks that match, and the close whatever the filter [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await start(world)
    await world.startWorker()
    world.runs[0]?.say('a', 'B', 'c')
    await world.pass(1_000)
    world.runs[0]?.end()
    await world.pass(1_000)
    const loud = await watch(world, undefined, { path: 'loud' })
    expect([texts(loud), positionOf(loud).outcome]).toEqual([['B'], 'done'])
    expect(messagesOf(await watch(world, undefined, { path: 'lengths' }))).toEqual([1, 1, 1])
  })
})
