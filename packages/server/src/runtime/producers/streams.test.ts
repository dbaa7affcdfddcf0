import { describe, expect, test } from 'vitest'
import { erase } from '../../erase/index.ts'
import { settle } from '../../lambda/test-line.suite.ts'
import { call, createStreamWorld, type StreamWorld, topic } from './stream-world.suite.ts'

const chat = { chat: 'x' }
const hour = 3_600_000

const start = (world: StreamWorld, prompt = 'hi') => world.run(() => world.answers.start(chat, { prompt }))
const stop = (world: StreamWorld) => world.run(() => world.answers.stop(chat))
const status = (world: StreamWorld) => world.run(() => world.answers.status(chat))
const read = (world: StreamWorld, options = {}) => world.run(() => world.answers.read(chat, options))
const texts = async (world: StreamWorld) => (await read(world)).chunks.map(({ data }) => data.text)

/** A stream that a worker produces, and has said `a`. */
async function running(options: Parameters<typeof createStreamWorld>[0] = {}) {
  const world = createStreamWorld(options)
  await start(world)
  const worker = await world.startWorker()
  world.runs[0]?.say('a')
  await world.pass(250)
  return { ...world, worker }
}

test('a stream that a mutation starts is produced by the worker, chunk by chunk, and ends', async () => {
  const world = createStreamWorld()
  const ann = await world.connect()
  expect(await call(ann, 'ask', { ...chat, prompt: 'hi' })).toEqual({ state: 'waiting', chunks: 0 })
  expect(world.invoked).toEqual([{ name: 'worker', payload: { kind: 'stream', topic } }])
  const worker = await world.startWorker()
  expect(world.runs[0]).toMatchObject({ input: 'hi', produced: 0 })
  world.runs[0]?.say('a', 'b')
  await world.pass(150)
  expect(await status(world)).toEqual({ state: 'running', chunks: 2 })
  world.runs[0]?.say('c')
  world.runs[0]?.end()
  await world.pass(150)
  expect(worker.result()).toBe('ended')
  expect(await world.kinds()).toEqual(['start', 'claim', '[a,b]', '[c]', 'closed:done'])
  expect(await status(world)).toEqual({ state: 'closed', chunks: 3, outcome: { type: 'done' } })
  expect(await texts(world)).toEqual(['a', 'b', 'c'])
})

describe('start', () => {
  test('answers the same stream for the same key and input, in whatever order the members are', async () => {
    const world = await running()
    expect(await start(world)).toEqual({ state: 'running', chunks: 1 })
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]'])
  })
  test('answers the outcome of a stream that has ended', async () => {
    const world = await running()
    world.runs[0]?.end()
    await world.pass(150)
    expect(await start(world)).toEqual({ state: 'closed', chunks: 1, outcome: { type: 'done' } })
  })
  test('refuses another input under the key with CONFLICT', async () => {
    const world = await running()
    await expect(start(world, 'other')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('was started with another input'),
    })
  })
  test('refuses an input that does not match and one that is too large, and writes nothing', async () => {
    const world = createStreamWorld()
    await expect(world.run(() => world.answers.start(chat, { prompt: 1 } as never))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('This input does not fit stream answers: prompt:'),
    })
    await expect(start(world, 'x'.repeat(262_144))).rejects.toMatchObject({ line: 'TOO_LARGE' })
    await expect(world.run(() => world.answers.start({ chat: 1 } as never, { prompt: '' }))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
    expect(await world.slots()).toEqual([])
  })
  test('says that the worker could not be invoked; the stream has started, and the table’s stream invokes it', async () => {
    let isDown = true
    const invoker = (inner: StreamWorld['backend']['invoker'] & object) => ({
      ...inner,
      invoke: async (...args: Parameters<typeof inner.invoke>) => {
        if (isDown) throw new Error('down')
        await inner.invoke(...args)
      },
    })
    const world = createStreamWorld({ invoker })
    const ann = await world.connect()
    await expect(call(ann, 'ask', { ...chat, prompt: 'hi' })).rejects.toMatchObject({
      message: expect.stringContaining('Stream answers was started, but the function that produces it could not be'),
      line: { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true },
    })
    isDown = false
    await world.streamFrom()
    expect(world.invoked).toEqual([{ name: 'worker', payload: { kind: 'stream', topic } }])
    expect(await start(world)).toEqual({ state: 'waiting', chunks: 0 })
  })
  test('works in a script without a right to invoke: the table’s stream pokes the worker', async () => {
    const world = createStreamWorld()
    await world.asScript(() => world.answers.start(chat, { prompt: 'hi' }))
    expect(world.invoked).toEqual([])
    await world.streamFrom()
    expect(world.invoked.filter(({ name }) => name === 'worker')).toHaveLength(1)
  })
  test('after the retention begins a new run in the same epoch, marked anew', async () => {
    const world = await running({ retention: '1h' })
    world.runs[0]?.end()
    await world.pass(150)
    await world.pass(hour, hour)
    expect(await start(world, 'again')).toEqual({ state: 'waiting', chunks: 0 })
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'closed:done', 'start anew'])
    expect(new Set((await world.slots()).map(({ epoch }) => epoch)).size).toBe(1)
    expect(await texts(world)).toEqual([])
  })
  test('where the log has no anchor any more it begins a new epoch', async () => {
    const world = await running({ retention: '1h' })
    world.runs[0]?.end()
    await world.pass(150)
    await world.pass(49 * hour, hour)
    expect(await status(world)).toEqual({ state: 'idle', chunks: 0 })
    await start(world, 'again')
    const slots = await world.slots()
    expect(slots.at(-1)?.epoch).not.toBe(slots.at(-2)?.epoch)
    expect(await status(world)).toEqual({ state: 'waiting', chunks: 0 })
  })
})

describe('stop', () => {
  test('ends a stream: no chunk follows, and the producer leaves within a second', async () => {
    const world = await running()
    expect(await stop(world)).toEqual({ type: 'stopped' })
    world.runs[0]?.say('b')
    await world.pass(1_000)
    expect(world.runs[0]).toMatchObject({ isClosed: true, signal: { aborted: true } })
    expect(world.worker.result()).toBe('ended')
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'closed:stopped'])
  })
  test('ends a stream whose producer is silent', async () => {
    const world = await running()
    await world.pass(5_000)
    await stop(world)
    await world.pass(1_000)
    expect(world.runs[0]?.signal.aborted).toBe(true)
  })
  test('answers how the stream has ended, which may be done', async () => {
    const world = await running()
    world.runs[0]?.end()
    await world.pass(150)
    expect(await stop(world)).toEqual({ type: 'done' })
  })
  test('of a stream that never started closes it: a start that comes later is answered stopped', async () => {
    const world = createStreamWorld()
    expect(await stop(world)).toEqual({ type: 'stopped' })
    expect(await start(world)).toEqual({ state: 'closed', chunks: 0, outcome: { type: 'stopped' } })
    await world.startWorker()
    expect(world.runs).toEqual([])
    expect(await world.kinds()).toEqual(['closed:stopped'])
  })
  test('whose answer is lost may be repeated', async () => {
    const world = await running()
    world.faults.loses = (operation) => operation === 'putSlot'
    await expect(stop(world)).rejects.toThrow()
    world.faults.loses = () => false
    expect(await stop(world)).toEqual({ type: 'stopped' })
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'closed:stopped'])
  })
})

describe('a producer that throws', () => {
  test('fails the stream with its message, after the chunks that it yielded', async () => {
    const world = await running()
    world.runs[0]?.say('b')
    world.runs[0]?.fail(new Error('The model refused.'))
    await world.pass(150)
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', '[b]', 'closed:failed'])
    const outcome = { type: 'failed', code: 'INTERNAL_SERVER_ERROR', message: 'The model refused.' }
    expect(await status(world)).toEqual({ state: 'closed', chunks: 2, outcome })
    expect(world.failures).toEqual(['The model refused.'])
    expect(world.worker.result()).toBe('ended')
  })
  test('never tells a reader the name of a resource', async () => {
    const world = await running()
    world.runs[0]?.fail(new Error('User arn:aws:iam::1:user/x may not'))
    await world.pass(150)
    expect(await status(world)).toMatchObject({ outcome: { type: 'failed', message: 'Internal server error' } })
  })
  test('and a chunk that does not fit its schema fails it', async () => {
    const world = await running()
    world.runs[0]?.say(7 as never)
    await world.pass(150)
    expect(await status(world)).toMatchObject({
      outcome: { type: 'failed', message: expect.stringContaining('This chunk does not fit stream answers: text:') },
    })
    expect(world.runs[0]?.isClosed).toBe(true)
  })
  test('and a chunk that does not fit a slot fails it with the limit', async () => {
    const world = await running()
    world.runs[0]?.say('x'.repeat(389_120))
    await world.pass(150)
    expect(await status(world)).toMatchObject({
      chunks: 1,
      outcome: {
        type: 'failed',
        message: expect.stringContaining('at most 389118 can be stored. Yield smaller chunks.'),
      },
    })
  })
  test('the largest chunk that fits is stored', async () => {
    const world = await running()
    world.runs[0]?.say('x'.repeat(389_118 - '{"text":""}'.length))
    world.runs[0]?.end()
    await world.pass(150)
    expect(await status(world)).toMatchObject({ chunks: 2, outcome: { type: 'done' } })
  })
})

describe('[LAW-STREAM] two workers', () => {
  test('one claims, the other leaves', async () => {
    const world = createStreamWorld()
    await start(world)
    const [one, two] = [await world.startWorker(), await world.startWorker()]
    expect(world.runs).toHaveLength(1)
    expect([one.result(), two.result()]).toEqual([undefined, 'ended'])
  })
  test('a worker for a stream that has ended does nothing', async () => {
    const world = await running()
    await stop(world)
    const late = await world.startWorker()
    expect(late.result()).toBe('ended')
    expect(world.runs).toHaveLength(1)
  })
  test('a worker that comes early after a death waits until the claim lapses', async () => {
    const world = await running({ onLost: 'continue' })
    world.worker.kill()
    await world.pass(30_000)
    const retry = await world.startWorker()
    expect(retry.result()).toBeUndefined()
    await world.pass(10_000)
    expect(world.runs).toHaveLength(1)
    await world.pass(6_000)
    expect(world.runs).toHaveLength(2)
    expect(world.runs[1]).toMatchObject({ produced: 1, input: 'hi' })
  })
  test('and it leaves when the producer turns out to live', async () => {
    const world = await running({ onLost: 'continue' })
    const go = world.worker.hold()
    await world.pass(30_000)
    const retry = await world.startWorker()
    await go()
    await world.pass(20_000)
    expect(retry.result()).toBe('ended')
    expect(world.runs).toHaveLength(1)
  })
})

describe('onLost', () => {
  test('close: the stream is lost for the first who looks, as old as its last sign of life', async () => {
    const world = await running()
    const lastSign = world.clock.now()
    world.worker.kill()
    await world.pass(44_000)
    expect(await status(world)).toEqual({ state: 'running', chunks: 1 })
    await world.pass(2_000)
    expect(await status(world)).toEqual({ state: 'closed', chunks: 1, outcome: { type: 'lost' } })
    const slots = await world.slots()
    expect(slots.at(-1)?.time).toBeLessThanOrEqual(lastSign)
    await world.startWorker()
    expect(world.runs).toHaveLength(1)
  })
  test('continue: the next worker gets how many chunks stand, and readers have each once', async () => {
    const world = await running({ onLost: 'continue' })
    world.worker.kill()
    await world.pass(46_000)
    expect(await status(world)).toEqual({ state: 'running', chunks: 1 })
    expect(world.invoked.at(-1)).toEqual({ name: 'worker', payload: { kind: 'stream', topic } })
    await world.startWorker()
    expect(world.runs[1]?.produced).toBe(1)
    world.runs[1]?.say('b')
    world.runs[1]?.end()
    await world.pass(150)
    expect(await texts(world)).toEqual(['a', 'b'])
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'claim', '[b]', 'closed:done'])
  })
  test('restart: the run begins anew, and a reader of the new run has its chunks alone', async () => {
    const world = await running({ onLost: 'restart' })
    world.worker.kill()
    await world.pass(46_000)
    await world.startWorker()
    expect(world.runs[1]?.produced).toBe(0)
    world.runs[1]?.say('A')
    world.runs[1]?.end()
    await world.pass(150)
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'claim anew', '[A]', 'closed:done'])
    expect(await texts(world)).toEqual(['A'])
    const [first] = await world.slots()
    expect(await read(world, { after: `0.${first?.epoch}:3` })).toMatchObject({ gap: 'restarted' })
  })
  test('a zombie that wakes after its successor has finished writes nothing', async () => {
    const world = await running({ onLost: 'continue' })
    world.runs[0]?.say('late')
    const go = world.worker.hold()
    await world.pass(46_000)
    await world.startWorker()
    world.runs[1]?.say('b')
    world.runs[1]?.end()
    await world.pass(150)
    await go()
    await world.pass(1_000)
    expect(world.worker.result()).toBe('ended')
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'claim', '[b]', 'closed:done'])
  })
  test('three claims without a chunk are the last', async () => {
    const world = createStreamWorld({ onLost: 'continue' })
    await start(world)
    for (let n = 0; n < 3; n++) {
      const worker = await world.startWorker()
      worker.kill()
      await world.pass(46_000, 1_000)
    }
    expect(world.runs).toHaveLength(3)
    expect(await status(world)).toMatchObject({ state: 'closed', outcome: { type: 'lost' } })
  })
  test('a stream that no worker begins within 5 minutes is lost', async () => {
    const world = createStreamWorld({ onLost: 'continue' })
    await start(world)
    await world.pass(300_000, 10_000)
    expect(await status(world)).toMatchObject({ state: 'waiting' })
    await world.pass(1_000)
    expect(await status(world)).toMatchObject({ state: 'closed', outcome: { type: 'lost' } })
    await world.startWorker()
    expect(world.runs).toEqual([])
  })
  test('those who look at a lost stream poke one worker in 30 s together', async () => {
    const world = await running({ onLost: 'continue' })
    world.worker.kill()
    await world.pass(46_000)
    const before = world.invoked.length
    for (let n = 0; n < 5; n++) await status(world)
    expect(world.invoked.length - before).toBe(1)
    await world.pass(30_000, 1_000)
    await status(world)
    expect(world.invoked.length - before).toBe(2)
  })
})

describe('a function that comes to its end', () => {
  test('hands the stream over: the old one ends with its last batch, the next one continues', async () => {
    const world = createStreamWorld({ onLost: 'continue' })
    await start(world)
    const worker = await world.startWorker({ seconds: 60 })
    await world.pass(46_000, 500)
    world.runs[0]?.say('a')
    await world.pass(3_000)
    expect(worker.result()).toBe('ended')
    expect(world.runs[0]).toMatchObject({ isClosed: true, signal: { aborted: true } })
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'yield'])
    expect(world.invoked).toHaveLength(2)
    await world.startWorker()
    expect(world.runs[1]?.produced).toBe(1)
  })
  test('closes it as lost where onLost is close', async () => {
    const world = createStreamWorld()
    await start(world)
    const worker = await world.startWorker({ seconds: 60 })
    world.runs[0]?.say('a')
    await world.pass(50_000, 500)
    expect(worker.result()).toBe('ended')
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'closed:lost'])
  })
  test('closes it 12 s before the end of its 15 minutes where onLost is close', async () => {
    const world = await running()
    await world.pass(887_000, 1_000)
    expect(await status(world)).toMatchObject({ state: 'running' })
    await world.pass(2_000)
    expect(await status(world)).toMatchObject({ state: 'closed', outcome: { type: 'lost' } })
  })
  test('begins the run anew where onLost is restart, and three functions are the last', async () => {
    const world = createStreamWorld({ onLost: 'restart' })
    await start(world)
    for (const text of ['a', 'b', 'c']) {
      await world.startWorker({ seconds: 60 })
      world.runs.at(-1)?.say(text)
      await world.pass(50_000, 500)
    }
    expect(await texts(world)).toEqual(['c'])
    await world.startWorker()
    expect(world.runs).toHaveLength(3)
    expect(await status(world)).toEqual({ state: 'closed', chunks: 1, outcome: { type: 'lost' } })
  })
  test('throws when the next worker cannot be invoked, so that the platform repeats the job', async () => {
    let isDown = false
    const world = createStreamWorld({
      onLost: 'continue',
      invoker: (inner) => ({
        ...inner,
        invoke: async (...args) => (isDown ? Promise.reject(new Error('down')) : inner.invoke(...args)),
      }),
    })
    await start(world)
    const worker = await world.startWorker({ seconds: 60 })
    isDown = true
    await world.pass(50_000, 500)
    expect(worker.result()).toMatchObject({ message: 'down' })
    expect(await world.kinds()).toEqual(['start', 'claim', 'yield'])
  })
})

describe('batches', () => {
  test('chunks of 100 ms share a slot, and 32 KB make a slot at once', async () => {
    const world = await running()
    const large = 'x'.repeat(20_000)
    world.runs[0]?.say(large, large, large)
    await settle()
    const before = await world.slots()
    await world.pass(250)
    expect(before.length).toBeGreaterThan(3)
    expect((await world.slots()).map(({ data }) => data?.length ?? 0)).toEqual([0, 0, 14, 20_013, 20_013, 20_013])
  })
  test('their times and sizes are settable, and a setting out of range is refused', async () => {
    const world = await running({ batch: { ms: 1_000, bytes: 40 } })
    world.runs[0]?.say('b')
    await world.pass(700)
    expect(await world.kinds()).toEqual(['start', 'claim'])
    for (const batch of [{ ms: -1 }, { ms: 10_001 }, { bytes: 0 }, { bytes: 98_305 }, { ms: 0.5 }])
      expect(() => createStreamWorld({ batch })).toThrow(RangeError)
    expect(() => createStreamWorld({ bytesPerMinute: 1 })).toThrow(RangeError)
    expect(() => createStreamWorld({ onLost: 'ignore' as never })).toThrow(TypeError)
  })
  test('a producer that adds too much within a minute waits for the rest of it', async () => {
    const world = createStreamWorld({ bytesPerMinute: 100_000 })
    await start(world)
    await world.startWorker()
    const run = world.runs[0]
    run?.say(...Array.from({ length: 8 }, () => 'x'.repeat(30_000)))
    await world.pass(30_000)
    expect(run?.yielded).toBe(4)
    await world.pass(31_000)
    expect(run?.yielded).toBeGreaterThan(4)
  })
  test('[LAW-STREAM] a batch whose answer is lost is repeated as it was, however the buffer has grown', async () => {
    const world = await running()
    let lost = 0
    world.faults.loses = (operation, [, slot]) => {
      const isChunk = operation === 'putSlot' && (slot as { data?: string }).data !== undefined
      if (isChunk) lost += 1
      return isChunk && lost <= 2
    }
    world.runs[0]?.say('b')
    await world.pass(110, 10)
    world.runs[0]?.say('c')
    await world.pass(2_000)
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', '[b]', '[c]'])
    expect(lost).toBe(4)
  })
  test('a put that fails is repeated until it stands', async () => {
    const world = await running()
    let fails = 5
    world.faults.fails = (operation) => operation === 'putSlot' && fails-- > 0
    world.runs[0]?.say('b')
    await world.pass(10_000)
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', '[b]'])
  })
  test('a slot that a script puts between does not end the stream', async () => {
    const world = await running()
    const [newest] = (await world.slots()).slice(-1)
    const {
      state: _,
      own: __,
      ...foreign
    } = { ...(newest as NonNullable<typeof newest>), offset: 4, publishId: 'mine' }
    await world.store.putSlot(topic, foreign)
    world.runs[0]?.say('b')
    await world.pass(1_000)
    expect(await world.kinds()).toEqual(['start', 'claim', '[a]', 'foreign', '[b]'])
    expect(await texts(world)).toEqual(['a', 'b'])
    await stop(world)
    await world.pass(1_000)
    expect(world.worker.result()).toBe('ended')
  })
})

test('a silent producer records every 15 s that it lives, reads the log 80 times a minute, and is not lost', async () => {
  const world = await running()
  const before = world.faults.requests.length
  await world.pass(60_000)
  const signs = world.faults.requests.slice(before).filter((operation) => operation === 'putStreamSign')
  expect(signs.length).toBeGreaterThanOrEqual(3)
  expect(signs.length).toBeLessThanOrEqual(4)
  const looks = world.faults.requests.slice(before).filter((operation) => operation === 'readSlots')
  expect(looks.length).toBeLessThanOrEqual(80)
  expect(await status(world)).toEqual({ state: 'running', chunks: 1 })
})

test('erase stops a stream, and removes its chunks and its input', async () => {
  const world = await running()
  expect(await world.run(() => world.answers.erase(chat))).toEqual({ type: 'stopped' })
  await world.pass(1_000)
  expect(await world.kinds()).toEqual(['start', 'claim', 'erased', 'closed:stopped'])
  expect(JSON.stringify(await world.slots())).not.toContain('"text"')
  const [first] = await world.slots()
  expect(await world.store.readStreamInput(topic, JSON.parse(first?.state ?? '{}').input)).toBeUndefined()
  expect(await read(world)).toMatchObject({ chunks: [], gap: 'erased', status: { state: 'closed', chunks: 1 } })
  expect(await world.run(() => world.answers.erase(chat))).toEqual({ type: 'stopped' })
})

test('an erasure of its topic stops a stream, and removes its chunks and its input', async () => {
  const world = await running()
  const report = await world.run(() => erase(world.line, { topic }))
  expect(report).toMatchObject({ status: 'done', counts: { events: 1 } })
  await world.pass(1_000)
  expect(world.worker.result()).toBe('ended')
  expect(await world.kinds()).toEqual(['start', 'claim', 'erased', 'closed:stopped'])
  const [first] = await world.slots()
  expect(await world.store.readStreamInput(topic, JSON.parse(first?.state ?? '{}').input)).toBeUndefined()
})

describe('read', () => {
  test('pages through the run by the ids of the chunks', async () => {
    const world = await running()
    world.runs[0]?.say('b', 'c', 'd', 'e')
    world.runs[0]?.end()
    await world.pass(150)
    const seen: string[] = []
    let after: string | null = null
    for (let pages = 0; pages < 9; pages++) {
      const page: Awaited<ReturnType<typeof read>> = await read(world, { limit: 2, ...(after && { after }) })
      seen.push(...page.chunks.map(({ data }) => data.text))
      expect(page.status).toMatchObject({ state: 'closed' })
      after = page.next
      if (after === null) break
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
    const { chunks } = await read(world)
    const [epoch] = (await world.slots()).map((slot) => `0.${slot.epoch}`)
    expect(chunks.map(({ id }) => id)).toEqual([`${epoch}:3`, ...[1, 2, 3].map((i) => `${epoch}:4.${i}`), `${epoch}:4`])
  })
  test('refuses invalid options', async () => {
    const world = await running()
    for (const options of [{ limit: 0 }, { limit: 1_001 }, { maxBytes: 0 }, { after: 'x' }])
      await expect(read(world, options)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
  test('of an idle stream is empty', async () => {
    const world = createStreamWorld()
    expect(await read(world)).toEqual({ chunks: [], next: null, status: { state: 'idle', chunks: 0 } })
  })
})

test('an erased stream keeps its key closed until its retention has passed', async () => {
  const world = await running({ retention: '1h' })
  await world.run(() => world.answers.erase(chat))
  expect(await start(world)).toEqual({ state: 'closed', chunks: 1, outcome: { type: 'stopped' } })
  await expect(start(world, 'other')).rejects.toMatchObject({ code: 'CONFLICT' })
  await world.pass(hour + 1_000, hour)
  expect(await start(world, 'other')).toEqual({ state: 'waiting', chunks: 0 })
  expect(await read(world)).toMatchObject({ chunks: [], status: { state: 'waiting' } })
})
