import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createModelClient } from '../delivery/model-client.suite.ts'
import { createRoom, publish, type Room, say, slotsOf, subscribe } from './room.suite.ts'

/** Posts of one connection, as they went out, with what each of the room's events says. */
async function record(path: string, texts: readonly string[]) {
  const room = createRoom()
  const ann = await room.connect()
  await subscribe(ann, 1, { path })
  const poster = await room.connect()
  for (const text of texts) await say(poster, text)
  const [started, ...pushes] = ann.frames()
  const wanted = (await slotsOf(room)).flatMap(({ offset, data }) => {
    const { text } = JSON.parse(data ?? 'null') ?? {}
    return text === undefined || (path === 'loud' && text !== text.toUpperCase()) ? [] : [offset]
  })
  const fetch = async (from: string) =>
    (await ann.send({ id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from }] } })) as unknown[]
  return { started, pushes, wanted, fetch }
}

type Fate = { readonly copies: number; readonly rank: number }

/** The events that the application receives when each push is lost, doubled or moved according to `fates`. */
async function seenBy(
  { started, pushes, fetch }: Awaited<ReturnType<typeof record>>,
  fates: readonly Fate[],
  client = createModelClient(),
) {
  const order = pushes.flatMap((push, at) => {
    const { copies, rank } = fates[at % fates.length] ?? { copies: 1, rank: 0 }
    return Array.from({ length: copies }, (_, copy) => ({ push, rank: at + rank * (copy + 1) }))
  })
  const at = Math.max(0, Math.floor((fates[0]?.rank ?? 0) / 2)) // pushes may overtake `started`
  const frames = order.sort((a, b) => a.rank - b.rank).map(({ push }) => push)
  client.take([...frames.slice(0, at), started, ...frames.slice(at)])
  for (let round = 0; round < 20; round++) {
    const before = client.cursor()
    client.take(await fetch(before))
    if (client.cursor() === before && !client.behind()) break
  }
  return client.seen
}

const quiet = fc.constantFrom('quiet', 'LOUD')
const fates = fc.array(fc.record({ copies: fc.integer({ min: 0, max: 2 }), rank: fc.integer({ min: -3, max: 3 }) }), {
  minLength: 1,
  maxLength: 40,
})

describe('[LAW-COVERAGE]: pushes lost, doubled and in any order', () => {
  test.each(['live', 'loud'])('of %s lose, double and reorder nothing [TL-SUB-5] [TL-SUB-6]', async (path) => {
    await fc.assert(
      fc.asyncProperty(fc.array(quiet, { minLength: 1, maxLength: 45 }), fates, async (texts, fate) => {
        const recorded = await record(path, texts)
        expect(await seenBy(recorded, fate)).toEqual(recorded.wanted)
      }),
      { numRuns: 60, seed: 16 },
    )
  })
  test('lose events when the client accepts any hole: the mutant is caught', async () => {
    const recorded = await record('live', ['a', 'b', 'c'])
    const lost = [
      { copies: 1, rank: 0 },
      { copies: 0, rank: 0 },
      { copies: 1, rank: 0 },
    ]
    expect(
      await seenBy(
        recorded,
        lost,
        createModelClient(() => true),
      ),
    ).not.toEqual(recorded.wanted)
  })
  test('lose events when `prev` is always the start of the block: the mutant is caught', async () => {
    const recorded = await record('loud', ['LOUD', 'LOUD', 'LOUD'])
    const pushes = recorded.pushes.map((push) => {
      const { result, ...frame } = push as { result: object }
      return { ...frame, result: { ...result, prev: 0 } }
    })
    const lost = [
      { copies: 1, rank: 0 },
      { copies: 0, rank: 0 },
      { copies: 1, rank: 0 },
    ]
    expect(await seenBy({ ...recorded, pushes }, lost)).not.toEqual(recorded.wanted)
    expect(await seenBy(recorded, lost)).toEqual(recorded.wanted)
  })
  test('of a block that exceeds one request claim nothing that was not read', async () => {
    const room: Room = createRoom({
      store: (inner) =>
        new Proxy(inner, {
          get: (target, name) =>
            name === 'readSlots' // a table's request returns 1 MB: here, three slots
              ? async (topic: string, after: number, limit: number) => {
                  const page = await target.readSlots(topic, after, Math.min(limit, 3))
                  return page
                }
              : Reflect.get(target, name),
        }),
    })
    const ann = await room.connect()
    await subscribe(ann, 1, { path: 'loud' })
    for (let n = 0; n < 9; n++) await publish(room, n === 6 ? 'LOUD' : 'quiet') // not pushed, since a script publishes them
    await say(await room.connect(), 'LOUD')
    expect(ann.frames().at(-1)).toMatchObject({ result: { type: 'data', prev: 8 } })
  })
})
