import { describe, expect, test } from 'vitest'
import { createStreamWorld, type StreamWorld } from './stream-world.suite.ts'

const chat = { chat: 'x' }
const seconds = 5
/** One chunk each second, of a run. */
const chunksOf = (run: number, from = 0) => Array.from({ length: seconds - from }, (_, n) => `${run}.${from + n + 1}`)

const policies = ['close', 'restart', 'continue'] as const
type Policy = (typeof policies)[number]

const read = (world: StreamWorld) => world.run(() => world.answers.read(chat))
const texts = async (world: StreamWorld) => (await read(world)).chunks.map(({ data }) => data.text)

async function started(onLost: Policy) {
  const world = createStreamWorld({ onLost })
  await world.run(() => world.answers.start(chat, { prompt: 'hi' }))
  return { ...world, worker: await world.startWorker() }
}

/** The newest producer writes its answer, a chunk each second, from the first one or after those that are there. */
async function answer(world: StreamWorld, most = seconds): Promise<void> {
  const run = world.runs.at(-1)
  for (const chunk of chunksOf(world.runs.length, run?.produced).slice(0, most)) {
    run?.say(chunk)
    await world.pass(1_000, 100)
  }
}

async function end(world: StreamWorld): Promise<void> {
  world.runs.at(-1)?.end()
  await world.pass(200)
}

describe.each(policies)('a worker that is killed, with onLost: %s', (onLost) => {
  test.each(Array.from({ length: seconds + 1 }, (_, n) => n))('after %i seconds of its answer', async (second) => {
    const world = await started(onLost)
    await answer(world, second)
    world.runs[0]?.say('unsent') // it waits for its batch when the function dies
    world.worker.kill()
    await world.pass(60_000, 1_000)
    await world.startWorker() // the platform's retry
    const sent = chunksOf(1).slice(0, second)
    if (onLost === 'close') {
      expect(world.runs).toHaveLength(1)
      expect(await read(world)).toMatchObject({ status: { state: 'closed', outcome: { type: 'lost' } } })
      expect(await texts(world)).toEqual(sent)
      return
    }
    expect(world.runs[1]).toMatchObject({ produced: onLost === 'continue' ? second : 0, input: 'hi' })
    await answer(world)
    await end(world)
    expect(await texts(world)).toEqual(onLost === 'continue' ? [...sent, ...chunksOf(2, second)] : chunksOf(2))
    expect(await read(world)).toMatchObject({ status: { state: 'closed', outcome: { type: 'done' } } })
    expect((await world.kinds()).filter((kind) => kind.startsWith('closed'))).toHaveLength(1)
  })
})

describe.each(policies.slice(1))(
  'a producer that wakes after its successor has finished, with onLost: %s',
  (onLost) => {
    test.each(Array.from({ length: seconds + 1 }, (_, n) => n))(
      'frozen after %i seconds of its answer',
      async (second) => {
        const world = await started(onLost)
        await answer(world, second)
        const wake = world.worker.hold()
        world.runs[0]?.say('late')
        await world.pass(50_000, 1_000)
        await world.startWorker()
        await answer(world)
        await end(world)
        const finished = await world.kinds()
        world.runs[0]?.say('later')
        await wake()
        await world.pass(2_000)
        expect(world.worker.result()).toBe('ended')
        expect(world.runs[0]).toMatchObject({ isClosed: true, signal: { aborted: true } })
        expect(await world.kinds()).toEqual(finished)
        expect(finished.at(-1)).toBe('closed:done')
      },
    )
  },
)

test('a put that is refused since the table does not exist ends the producer, and the function does not fail', async () => {
  const world = await started('continue')
  await answer(world, 1)
  const before = world.faults.requests.length
  world.faults.misses = (operation) => operation === 'putSlot'
  world.runs[0]?.say('b')
  await world.pass(1_000)
  expect(world.runs[0]).toMatchObject({ isClosed: true, signal: { aborted: true } })
  expect(world.worker.result()).toBe('ended')
  expect(world.failures).toEqual(['The service is temporarily unavailable.'])
  expect(world.faults.requests.slice(before).filter((operation) => operation === 'putSlot')).toHaveLength(1)
  expect(await world.kinds()).toEqual(['start', 'claim', '[1.1]'])
})
