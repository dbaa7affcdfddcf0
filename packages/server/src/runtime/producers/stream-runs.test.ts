import { describe, expect, test } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import { call, createStreamWorld, topic } from './stream-world.suite.ts'

const chat = { chat: 'x' }
const other = { chat: 'y' }
const hi = { prompt: 'hi' }

describe('a stream that a frame starts counts among the runs of its caller [TL-RUN-1]', () => {
  async function full() {
    const world = createStreamWorld({ maxRuns: 1 })
    const ann = await world.connect()
    await call(ann, 'ask', { ...chat, ...hi })
    return { ...world, ann }
  }
  const refused = { line: { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: expect.any(Number) } }

  test('until it closes: another is refused before anything is put', async () => {
    const { ann, store, ...world } = await full()
    await expect(call(ann, 'ask', { ...other, ...hi })).rejects.toMatchObject(refused)
    expect(await store.readSlots('answers?chat=s:y', 0, 9)).toEqual({ slots: [], more: false })
    await world.startWorker()
    world.runs[0]?.end()
    await world.pass(500)
    expect(await call(ann, 'ask', { ...other, ...hi })).toMatchObject({ state: 'waiting' })
  })
  test('on all connections of its principal, and not for another one', async () => {
    const world = await full()
    const again = await world.connect()
    await expect(call(again, 'ask', { ...other, ...hi })).rejects.toMatchObject(refused)
    const bob = await world.connect({ token: 'bob' })
    expect(await call(bob, 'ask', { ...other, ...hi })).toMatchObject({ state: 'waiting' })
  })
  test('for as long as it is produced, beyond the lease of its place', async () => {
    const world = await full()
    await world.startWorker()
    await world.pass(120_000)
    await expect(call(world.ann, 'ask', { ...other, ...hi })).rejects.toMatchObject(refused)
  })
  test('and a stop by anybody frees its place', async () => {
    const world = await full()
    await world.startWorker()
    const bob = await world.connect({ token: 'bob' })
    expect(await call(bob, 'stop', chat)).toEqual({ type: 'stopped' })
    await world.pass(1_000)
    expect(await call(world.ann, 'ask', { ...other, ...hi })).toMatchObject({ state: 'waiting' })
  })
  test('and so does the one who finds it lost', async () => {
    const world = await full()
    const worker = await world.startWorker()
    worker.kill()
    await world.pass(46_000)
    expect(await call(world.ann, 'status', chat)).toMatchObject({ state: 'closed', outcome: { type: 'lost' } })
    expect(await call(world.ann, 'ask', { ...other, ...hi })).toMatchObject({ state: 'waiting' })
  })
  test('the same start again is answered, also when its caller has no place left', async () => {
    const { ann } = await full()
    expect(await call(ann, 'ask', { ...chat, ...hi })).toMatchObject({ state: 'waiting' })
  })
  test('one that a script starts counts for nobody', async () => {
    const world = await full()
    expect(await world.run(() => world.answers.start(other, hi))).toMatchObject({ state: 'waiting' })
  })
})

test('50 batches cost 54 writes and 55 posts for one reader, besides its rows and the count of runs', async () => {
  const world = createStreamWorld()
  const ann = await world.connect()
  await ann.send({ id: 7, method: 'subscription', params: { path: 'watch', input: chat, ref: 1 } })
  const before = world.faults.requests.length
  const posted = ann.frames().length
  let posts = 0
  world.gateway.intercept = () => {
    posts += 1
    return undefined
  }
  await call(ann, 'ask', { ...chat, ...hi })
  await world.startWorker()
  let streamed = 1
  for (let batch = 0; batch < 50; batch++) {
    world.runs[0]?.say(...Array.from({ length: 10 }, (_, token) => `token ${batch} ${token}`))
    await world.pass(200)
    const slots = await world.slots()
    // The table's stream gets each slot once, the chunks of the producer left out.
    await world.stream(slots.slice(streamed).map((slot) => ({ topic, slot })))
    streamed = slots.length
  }
  world.runs[0]?.end()
  await world.pass(200)
  await world.streamFrom(streamed + 1)
  await settle()
  const requests = world.faults.requests.slice(before)
  const reads = /^(read|has)/
  const ofRuns = /RunPlace$/
  const writes = requests.filter((name) => !reads.test(name) && !ofRuns.test(name))
  expect(await world.kinds()).toHaveLength(54) // one begins the epoch
  expect(writes.length).toBeLessThanOrEqual(54)
  expect(posts).toBeLessThanOrEqual(55)
  const chunks = (ann.frames().slice(posted) as readonly { result?: { of?: number } }[]).map(
    ({ result }) => result?.of ?? 0,
  )
  expect(chunks.reduce((sum, of) => sum + of, 0)).toBe(500)
})
