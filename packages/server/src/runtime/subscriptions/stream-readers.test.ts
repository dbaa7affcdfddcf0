import { TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../../lambda/test-line.suite.ts'
import { call, createStreamWorld, type StreamWorld, type StreamWorldOptions } from '../producers/stream-world.suite.ts'

const chat = { chat: 'x' }
const hour = 3_600_000

interface Result {
  readonly type: string
  readonly id?: string
  readonly from?: string
  readonly gap?: string
  readonly data: unknown
  readonly of?: number
  readonly places?: readonly number[]
  readonly prev?: number
  readonly outcome?: string
  readonly failure?: { readonly error: { readonly message: string }; readonly line?: { readonly code: string } }
  readonly off?: true
  readonly keepaliveMs?: number
}
interface Frame {
  readonly id: unknown
  readonly result?: Result
  readonly error?: { readonly message: string }
  readonly line?: { readonly code: string }
}

/** A stream that a worker produces. */
async function producing(options: StreamWorldOptions = {}) {
  const world = createStreamWorld(options)
  await world.run(() => world.answers.start(chat, { prompt: 'hi' }))
  const worker = await world.startWorker()
  return {
    ...world,
    worker,
    /** The producer yields these chunks as one batch. */
    say: async (...chunks: readonly string[]) => {
      world.runs.at(-1)?.say(...chunks)
      await world.pass(200)
    },
    end: async () => {
      world.runs.at(-1)?.end()
      await world.pass(200)
      await world.streamFrom(3)
      await settle()
    },
  }
}

type Producing = Awaited<ReturnType<typeof producing>>

/** Subscribes, and returns what the client has got for the subscription since, in short. */
async function watch(
  world: Pick<StreamWorld, 'slots'>,
  client: TestClient,
  { path = 'watch', lastEventId, id = 7 }: Watching = {},
) {
  const params = { path, input: chat, ref: 1, ...(lastEventId !== undefined && { lastEventId }) }
  const before = client.frames().length
  await client.send({ id, method: 'subscription', params })
  await settle()
  const epoch = (await world.slots()).at(-1)?.epoch
  return {
    frames: () => (client.frames() as readonly Frame[]).slice(before).filter((frame) => frame.id === id),
    seen() {
      return this.frames()
        .map((frame) => describeFrame(frame).replaceAll(`0.${epoch}:`, '#'))
        .filter((text) => !text.startsWith('advance'))
    },
  }
}
interface Watching {
  readonly path?: string
  readonly lastEventId?: string
  readonly id?: number
}

function describeFrame({ result, error, line }: Frame): string {
  if (error !== undefined) return `error ${line?.code ?? error.message}`
  if (result === undefined) return 'nothing'
  const gap = result.gap === undefined ? '' : ` gap ${result.gap}`
  if (result.type === 'started') return `started${result.from === undefined ? '' : ` ${result.from}`}${gap}`
  if (result.type === 'closed') return `closed ${result.outcome}${result.off ? ' off' : ''}`
  if (result.type === 'stopped') return 'stopped'
  if (result.type !== 'data') return `${result.type} ${result.id}`
  const texts =
    result.of === undefined ? [(result.data as { data: unknown }).data] : (result.data as readonly unknown[])
  const shown = texts.map((each) => (each as { text?: string }).text ?? JSON.stringify(each)).join()
  return `${result.id} ${shown}${result.places === undefined ? '' : ` at ${result.places}`}`
}

describe('a reader with extensions', () => {
  test('gets every chunk from the first, then live, then the outcome [TL-STREAM-1] [TL-STREAM-3] [TL-STREAM-6]', async () => {
    const world = await producing()
    await world.say('a', 'b')
    const ann = await watch(world, await world.connect())
    await world.say('c')
    await world.end()
    expect(ann.seen()).toEqual(['started #1', '#3 a,b', '#4 c', 'closed done'])
    expect(ann.frames()[1]?.result).toMatchObject({ of: 2, data: [{ text: 'a' }, { text: 'b' }] })
  })
  test('gets a chunk as soon as it stands, though the record of the claim comes late [TL-STREAM-5]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.start(chat, { prompt: 'hi' }))
    const client = await world.connect()
    await client.send({ id: 7, method: 'subscription', params: { path: 'watch', input: chat, ref: 1 } })
    await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(200)
    const results = (client.frames() as readonly Frame[]).map(({ result }) => result)
    // Nothing is missing between the position of `started` and the chunk, so the client need not wait.
    expect(results.map((result) => result?.type)).toEqual(['started', 'advance', 'advance', 'data'])
  })
  test('is pushed each slot of chunks by its producer, and by the table’s stream all others [TL-STREAM-5]', async () => {
    const world = await producing()
    const ann = await watch(world, await world.connect())
    await world.say('a')
    const own = ann.frames().filter(({ result }) => result?.type === 'data')
    await world.streamFrom(3)
    await settle()
    expect(ann.frames().filter(({ result }) => result?.type === 'data')).toEqual(own)
    await world.run(() => world.answers.stop(chat))
    await world.streamFrom(4)
    await settle()
    expect(ann.seen()).toEqual(['started #1', '#3 a', 'closed stopped'])
  })
  test('resumes after a chunk inside of a slot [TL-STREAM-2]', async () => {
    const world = await producing()
    await world.say('a', 'b', 'c')
    await world.say('d')
    const [slot] = await world.slots()
    const ann = await watch(world, await world.connect(), { lastEventId: `0.${slot?.epoch}:3.2` })
    expect(ann.seen()).toEqual(['started #2', '#3 c at 3', '#4 d'])
    const bob = await watch(world, await world.connect(), { lastEventId: `0.${slot?.epoch}:3` })
    expect(bob.seen()).toEqual(['started #3', '#4 d'])
  })
  test('of another history, or of no cursor, has a gap and gets the run from its first chunk [TL-STREAM-3]', async () => {
    const world = await producing()
    await world.say('a')
    const [slot] = await world.slots()
    for (const lastEventId of ['0.other:3', 'x', `0.${slot?.epoch}:99`, `0.${slot?.epoch}:99.1`])
      expect((await watch(world, await world.connect(), { lastEventId })).seen()).toEqual([
        'started #1 gap new-epoch',
        '#3 a',
      ])
  })
  test('that waits for a start gets the run', async () => {
    const world = createStreamWorld()
    const client = await world.connect()
    await client.send({ id: 7, method: 'subscription', params: { path: 'watch', input: chat, ref: 1 } })
    await call(client, 'ask', { ...chat, prompt: 'hi' })
    await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(200)
    await world.streamFrom()
    await settle()
    const data = (client.frames() as readonly Frame[]).filter(({ result }) => result?.type === 'data')
    expect(data.map(describeFrame)).toEqual([expect.stringMatching(/ a$/)])
    expect(await world.kinds()).toEqual(['epoch', 'start', 'claim', '[a]'])
  })
  test('of a stream that began again has a gap, and the new run alone [TL-STREAM-3] [TL-STREAM-8]', async () => {
    const world = await producing({ onLost: 'restart' })
    await world.say('a', 'b')
    const ann = await watch(world, await world.connect())
    world.worker.kill()
    await world.pass(46_000)
    await world.startWorker()
    await world.say('A')
    await world.streamFrom(3)
    await settle()
    // The successor posts the last slot of a producer that may have died before it did.
    expect(ann.seen().slice(0, 5)).toEqual(['started #1', '#3 a,b', '#3 a,b', 'anew #4', '#5 A'])
    const [slot] = await world.slots()
    const bob = await watch(world, await world.connect(), { lastEventId: `0.${slot?.epoch}:3.1` })
    expect(bob.seen()).toEqual(['started #4 gap restarted', '#5 A'])
    const cyd = await watch(world, await world.connect())
    expect(cyd.seen()).toEqual(['started #4', '#5 A'])
  })
  test('learns that a stream failed, with its message [TL-STREAM-6]', async () => {
    const world = await producing()
    const ann = await watch(world, await world.connect())
    world.runs[0]?.fail(new Error('The model refused.'))
    await world.pass(200)
    await world.streamFrom(3)
    await settle()
    expect(ann.seen()).toEqual(['started #1', 'closed failed'])
    expect(ann.frames().at(-1)?.result?.failure).toMatchObject({
      error: { message: 'The model refused.', data: { code: 'INTERNAL_SERVER_ERROR', path: 'watch' } },
    })
    expect(world.failures).toEqual(['The model refused.'])
  })
  test('learns the tRPC code of what the producer threw, and all of its chunks before [TL-STREAM-6]', async () => {
    const world = await producing()
    const ann = await watch(world, await world.connect())
    world.runs[0]?.say('a')
    world.runs[0]?.fail(new TRPCError({ code: 'TOO_MANY_REQUESTS', message: 'Too fast.' }))
    await world.pass(200)
    await world.streamFrom(3)
    await settle()
    expect(ann.seen()).toEqual(['started #1', '#3 a', 'closed failed'])
    expect(ann.frames().at(-1)?.result?.failure).toMatchObject({
      error: { message: 'Too fast.', data: { code: 'TOO_MANY_REQUESTS' } },
    })
  })
  test('learns by its sync that the producer was lost [LAW-STREAM-SETTLE] [TL-STREAM-6] [TL-STREAM-7]', async () => {
    const world = await producing()
    await world.say('a')
    const client = await world.connect()
    const ann = await watch(world, client)
    const { keepaliveMs = 0 } = ann.frames()[0]?.result ?? {}
    expect(keepaliveMs * 1.2).toBeLessThanOrEqual(60_000)
    world.worker.kill()
    const [slot] = await world.slots()
    const sync = () =>
      client.send({
        id: 's',
        method: 'sync',
        params: { subscriptions: [{ id: 7, ref: 1, from: `0.${slot?.epoch}:3` }] },
      }) as Promise<readonly Frame[]>
    await world.pass(44_000)
    expect((await sync()).map(({ result }) => result?.type)).toEqual(['synced', 'data'])
    await world.pass(2_000)
    const answer = await sync()
    expect(answer.map(({ result }) => result?.outcome ?? result?.type)).toEqual(['synced', 'lost', 'data'])
    expect(answer[1]?.result?.failure?.line?.code).toBe('STREAM_LOST')
  })
  test('of a stream that has ended gets all of it without a row, in one message [TL-STREAM-6]', async () => {
    const world = await producing()
    await world.say('a', 'b')
    await world.end()
    const client = await world.connect()
    world.faults.requests.length = 0
    const ann = await watch(world, client)
    expect(ann.seen()).toEqual(['started #1', '#3 a,b', 'closed done off'])
    expect(world.faults.requests.filter((name) => !name.startsWith('read'))).toEqual([])
    const bob = await watch(world, client, { path: 'loud', id: 8 })
    expect(bob.seen()).toEqual(['started #1', 'closed done off'])
  })
  test('of a stream that was stopped before it was started gets the outcome [TL-STREAM-6]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.stop(chat))
    const ann = await watch(world, await world.connect())
    expect(ann.seen()).toEqual(['started #0', 'closed stopped off'])
    const stock = await watch(world, await world.connect({ stock: true }))
    await world.pass(200)
    expect(stock.seen()).toEqual(['started', 'stopped'])
    expect(await world.run(() => world.answers.read(chat))).toMatchObject({ status: { state: 'closed' } })
  })
  test('of one whose stop began a new epoch gets the outcome too [TL-STREAM-6]', async () => {
    const world = await producing({ retention: '1h' })
    await world.end()
    await world.pass(60 * hour, hour)
    await world.run(() => world.answers.stop(chat))
    const slots = await world.slots()
    expect(slots.at(-1)?.epoch).not.toBe(slots.at(-2)?.epoch)
    const ann = await watch(world, await world.connect(), { lastEventId: `0.${slots[0]?.epoch}:2` })
    expect(ann.seen()).toEqual(['started #3 gap new-epoch', 'closed stopped off'])
  })
  test('of an ended stream that is larger than a message gets it in pages', async () => {
    const world = await producing()
    const large = 'x'.repeat(30_000)
    for (let n = 0; n < 5; n++) await world.say(`${n}${large}`)
    await world.end()
    const client = await world.connect()
    const ann = await watch(world, client)
    const first = ann.frames().filter(({ result }) => result?.type === 'data')
    expect(first.length).toBeGreaterThan(1)
    expect(first.length).toBeLessThan(5)
    const answer = (await client.send({
      id: 's',
      method: 'sync',
      params: { subscriptions: [{ id: 7, ref: 1, from: first.at(-1)?.result?.id }] },
    })) as readonly Frame[]
    const rest = answer.filter(({ result, id }) => result?.type === 'data' && id === 7)
    expect(first.length + rest.length).toBe(5)
    expect(answer.some(({ result }) => result?.outcome === 'done')).toBe(true)
  })
})

describe('[LAW-STREAM-AGE]', () => {
  test('no chunk is expired while the stream is open, however long it runs [TL-STREAM-3]', async () => {
    const world = await producing({ onLost: 'continue', retention: '1m' })
    await world.say('a')
    await world.pass(300_000, 5_000)
    await world.say('b')
    const ann = await watch(world, await world.connect())
    expect(ann.seen()).toEqual(['started #1', '#3 a', '#4 b'])
  })
  test('after its retention a stream is a gap, expired, and its outcome [TL-STREAM-3]', async () => {
    const world = await producing({ retention: '1h' })
    await world.say('a')
    await world.end()
    await world.pass(hour, hour)
    const ann = await watch(world, await world.connect())
    expect(ann.seen()).toEqual(['started #3 gap expired', 'closed done off'])
    const page = await world.run(() => world.answers.read(chat))
    expect(page).toMatchObject({ chunks: [], gap: 'expired', status: { state: 'closed' } })
  })
  test('an erased stream is a gap, erased, and its outcome [TL-STREAM-3]', async () => {
    const world = await producing()
    await world.say('a')
    await world.run(() => world.answers.erase(chat))
    const ann = await watch(world, await world.connect())
    expect(ann.seen()).toEqual(['started #3 gap erased', 'closed stopped off'])
  })
})

describe('a filter and a map', () => {
  test('are applied to each chunk; the outcome passes every filter [TL-STREAM-4] [TL-STREAM-1]', async () => {
    const world = await producing()
    await world.say('a', 'B', 'C')
    const ann = await watch(world, await world.connect(), { path: 'loud' })
    const bob = await watch(world, await world.connect(), { path: 'lengths' })
    await world.say('quiet')
    await world.say('D', 'e')
    await world.end()
    expect(ann.seen()).toEqual(['started #1', '#3 B,C at 2,3', '#5 D at 1', 'closed done'])
    expect(bob.seen()).toEqual(['started #1', '#3 1,1,1', '#4 5', '#5 1,1', 'closed done'])
    const pushed = ann.frames().find(({ result }) => result?.id?.endsWith(':5'))
    expect(pushed?.result?.prev).toBe(3)
  })
  test('that throws makes its slot a fault; the next ones are delivered [TL-STREAM-4]', async () => {
    const world = await producing()
    const ann = await watch(world, await world.connect(), { path: 'broken' })
    await world.say('no!')
    await world.say('yes')
    await world.end()
    expect(ann.seen()).toEqual(['started #1', 'fault #3', '#4 yes', 'closed done'])
  })
  test('lets a new beginning through [TL-STREAM-4]', async () => {
    const world = await producing({ onLost: 'restart' })
    await world.say('a')
    const ann = await watch(world, await world.connect(), { path: 'loud' })
    world.worker.kill()
    await world.pass(46_000)
    await world.startWorker()
    await world.say('A')
    expect(ann.seen()).toEqual(['started #1', 'anew #4', '#5 A'])
  })
})

describe('a stock client', () => {
  const stock = async (world: Producing) => world.connect({ stock: true })
  test('gets chunk by chunk, each with its id, then stopped [TL-STREAM-2] [TL-STREAM-6]', async () => {
    const world = await producing()
    await world.say('a', 'b')
    const ann = await watch(world, await stock(world))
    await world.say('c')
    await world.end()
    expect(ann.seen()).toEqual(['started', '#3.1 a', '#3 b', '#4 c', 'stopped'])
  })
  test('cut behind each chunk resumes with the next one [TL-STREAM-2]', async () => {
    const world = await producing()
    await world.say('a', 'b', 'c')
    await world.say('d')
    await world.end()
    const [slot] = await world.slots()
    const all = ['#3.1 a', '#3.2 b', '#3 c', '#4 d']
    for (const [index, at] of ['3.1', '3.2', '3', '4'].entries()) {
      const ann = await watch(world, await stock(world), { lastEventId: `0.${slot?.epoch}:${at}` })
      expect(ann.seen()).toEqual(['started', ...all.slice(index + 1), 'stopped'])
    }
  })
  test('of a long stream gets the rest from another function, also when the table is slow [TL-STOCK-6]', async () => {
    const world = await producing()
    await world.say(...Array.from({ length: 100 }, (_, n) => `${n + 1}`))
    await world.end()
    const post = async () => {
      await world.clock.advance(400)
      return undefined
    }
    world.gateway.intercept = post
    world.faults.loses = (operation) => {
      if (operation === 'releaseDeliveryLock') void world.clock.advance(600)
      return false
    }
    const ann = await watch(world, await stock(world))
    expect(ann.seen().length).toBeLessThan(70)
    for (let runs = 0; runs < 4; runs++) {
      const { payload } = world.invoked.findLast(({ name }) => name === 'deliver') ?? {}
      if (ann.seen().at(-1) !== 'stopped')
        await world.run(() => world.handlers.deliver(payload, { getRemainingTimeInMillis: () => 60_000 }))
    }
    const chunks = Array.from({ length: 100 }, (_, n) => `#3${n === 99 ? '' : `.${n + 1}`} ${n + 1}`)
    expect(ann.seen()).toEqual(['started', ...chunks, 'stopped'])
  })
  test('gets the error of a stream that failed or was lost, and GAP for one that begins again', async () => {
    const failed = await producing()
    const ann = await watch(failed, await stock(failed))
    failed.runs[0]?.fail(new Error('no more'))
    await failed.pass(200)
    await failed.streamFrom(3)
    await settle()
    expect(ann.seen()).toEqual(['started', 'error no more'])
    const lost = await producing()
    lost.worker.kill()
    await lost.pass(46_000)
    const bob = await watch(lost, await stock(lost))
    expect(bob.seen()).toEqual(['started', 'error STREAM_LOST'])
    const again = await producing({ onLost: 'restart' })
    await again.say('a')
    const cyd = await watch(again, await stock(again))
    again.worker.kill()
    await again.pass(46_000)
    await again.startWorker()
    await again.streamFrom(4)
    await settle()
    expect(cyd.seen()).toEqual(['started', '#3 a', 'error GAP'])
  })
  test('gets the chunks that pass its filter with their ids', async () => {
    const world = await producing()
    await world.say('a', 'B', 'c', 'D')
    const ann = await watch(world, await stock(world), { path: 'loud' })
    await world.end()
    expect(ann.seen()).toEqual(['started', '#3.2 B', '#3 D', 'stopped'])
  })
  test('whose post is uncertain in the middle of a slot is disconnected, and continues at the next chunk', async () => {
    const world = await producing()
    const client = await stock(world)
    const ann = await watch(world, client)
    let posts = 0
    world.gateway.intercept = async () =>
      ++posts === 2 ? { status: 'failed', unknown: true, reason: 'cut' } : undefined
    await world.say('a', 'b', 'c')
    world.gateway.intercept = () => undefined
    const got = ann.seen()
    expect(got).toEqual(['started', '#3.1 a'])
    const [slot] = await world.slots()
    const bob = await watch(world, await stock(world), { lastEventId: `0.${slot?.epoch}:3.1` })
    expect(bob.seen()).toEqual(['started', '#3.2 b', '#3 c'])
  })
})

describe('a loop over a subscription in a script', () => {
  const iterate = async (world: Producing, lastEventId?: string) => {
    const seen: string[] = []
    const loop = world.asScript(async () => {
      for await (const [id, data] of world.answers.subscribe(chat, { lastEventId })) seen.push(`${id} ${data.text}`)
    })
    return { seen, loop }
  }
  test('gets every chunk and ends with the stream', async () => {
    const world = await producing()
    await world.say('a', 'b')
    const [slot] = await world.slots()
    const { seen, loop } = await iterate(world)
    const resumed = await iterate(world, `0.${slot?.epoch}:3.1`)
    await world.pass(1_000)
    await world.say('c')
    await world.end()
    await world.pass(10_000)
    await loop
    await resumed.loop
    const at = (place: string) => `0.${slot?.epoch}:${place}`
    expect(seen).toEqual([`${at('3.1')} a`, `${at('3')} b`, `${at('4')} c`])
    expect(resumed.seen).toEqual(seen.slice(1))
  })
  test('throws the error of a stream that was lost, within two minutes', async () => {
    const world = await producing()
    await world.say('a')
    const { seen, loop } = await iterate(world)
    const thrown = loop.catch((error: unknown) => error)
    await settle()
    world.worker.kill()
    await world.pass(120_000, 500)
    expect(await thrown).toMatchObject({ line: 'STREAM_LOST' })
    expect(seen).toHaveLength(1)
  })
})

test('the slots of a stream reach an audience above the bound through deliver, its end too [TL-STREAM-5]', async () => {
  const world = await producing({ maxDirectAudience: 1 })
  const stock = await watch(world, await world.connect({ stock: true }))
  const readers = [await watch(world, await world.connect()), await watch(world, await world.connect(), { id: 8 })]
  let delivered = 0
  const deliver = async () => {
    const jobs = world.invoked.filter(({ name }) => name === 'deliver').slice(delivered)
    delivered += jobs.length
    for (const { payload } of jobs)
      await world.run(() => world.handlers.deliver(payload, { getRemainingTimeInMillis: () => 30_000 }))
    await settle()
    return jobs.length
  }
  await world.say('a')
  expect(await deliver()).toBeGreaterThan(0)
  for (const reader of readers) expect(reader.seen()).toEqual(['started #1', '#3 a'])
  await world.run(() => world.answers.stop(chat))
  await world.streamFrom(4)
  expect(await deliver()).toBeGreaterThan(0)
  for (const reader of readers) expect(reader.seen()).toEqual(['started #1', '#3 a', 'closed stopped'])
  expect(stock.seen()).toEqual(['started', '#3 a', 'stopped'])
})
