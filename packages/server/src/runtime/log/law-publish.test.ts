import { describe, expect, test } from 'vitest'
import { StoreError } from '../../ports/store.ts'
import { type Exploration, explore, type Scheduler } from '../explore.suite.ts'
import { createRoom, publish, type Room, say, slotsOf, topic, withOperations } from '../subscriptions/room.suite.ts'

interface Publishing extends Room {
  readonly publishers: Awaited<ReturnType<Room['connect']>>[]
}

const world =
  (store?: Parameters<typeof withOperations>[1]) =>
  async (scheduler: Scheduler): Promise<Publishing> => {
    const room = createRoom({
      scheduler,
      ...(store === undefined ? {} : { store: (inner) => withOperations(inner, store) }),
    })
    await publish(room, 'first')
    const publishers = [await room.connect({ connectionId: 'p1' }), await room.connect({ connectionId: 'p2' })]
    return { ...room, publishers }
  }

const at = (room: Publishing, n: number) => room.publishers[n] as Publishing['publishers'][number]

const publishing = (store?: Parameters<typeof withOperations>[1]): Exploration<Publishing> => ({
  world: world(store),
  operations: { a: (room) => say(at(room, 0), 'a'), b: (room) => say(at(room, 1), 'b') },
  kills: ['a', 'b'],
  async check(room, { returned, killed }) {
    const slots = await slotsOf(room)
    expect(slots.map(({ offset }) => offset)).toEqual(slots.map((_, index) => index + 1))
    expect(new Set(slots.map(({ publishId }) => publishId)).size).toBe(slots.length)
    expect(new Set(slots.map(({ epoch }) => epoch)).size).toBe(1)
    const answered = [...returned.values()] as { result: { data: { id: string } } }[]
    const texts = slots.map(({ data }) => data)
    for (const name of ['a', 'b']) {
      const times = texts.filter((text) => text === `{"text":"${name}"}`).length
      if (killed === name) expect(times).toBeLessThanOrEqual(1)
      else expect(times).toBe(1)
    }
    const ids = answered.map(({ result }) => result.data.id)
    expect(new Set(ids).size).toBe(ids.length)
  },
})

describe('[LAW-SLOT-PUT]: concurrent publishes', () => {
  test('leave a dense log with one slot each, with any of them killed at any point [TL-ROW-2]', async () => {
    const { schedules, failure } = await explore(publishing())
    console.log(`publish ∥ publish ∥ kill: ${schedules} schedules`)
    expect(failure).toBeUndefined()
    expect(schedules).toBeGreaterThan(20)
  })
  test('leave a dense log when one frame has two of them, which do not race each other [LAW-BACK-OFF]', async () => {
    const post = (id: number, text: string) => ({
      ...{ id, method: 'mutation', params: { path: 'post', input: { room: 'x', text } } },
    })
    const { schedules, failure } = await explore({
      ...publishing(),
      operations: {
        a: (room) => at(room, 0).send([post(1, 'a'), post(2, 'c')]),
        b: (room) => say(at(room, 1), 'b'),
      },
      idle: (room) => room.clock.advance(40),
      async check(room, { killed }) {
        const slots = await slotsOf(room)
        expect(slots.map(({ offset }) => offset)).toEqual(slots.map((_, index) => index + 1))
        expect(new Set(slots.map(({ data }) => data)).size).toBe(slots.length)
        if (killed === undefined) expect(slots).toHaveLength(4)
      },
    })
    console.log(`publish twice in one frame ∥ publish ∥ kill: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('leave a dense log in the interleavings that the explorer skips as redundant', async () => {
    const { schedules, failure } = await explore({ ...publishing(), redundant: true })
    console.log(`publish ∥ publish ∥ kill, all interleavings: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('that increment a counter before the put leave a hole when killed: the explorer finds it', async () => {
    let counter = 2
    const counting = publishing((store) => ({
      readSlotsBefore: async (name, before, limit) => {
        const page = await store.readSlotsBefore(name, before, limit)
        return { ...page, slots: page.slots.map((newest) => ({ ...newest, offset: counter++ - 1 })) }
      },
    }))
    const { failure } = await explore({
      ...counting,
      world: (scheduler) => {
        counter = 2
        return counting.world(scheduler)
      },
    })
    expect(failure?.thrown).toBeDefined()
  })
  test('that overwrite an existing slot lose an event: the explorer finds it', async () => {
    const { failure } = await explore(
      publishing((store) => ({
        putSlot: async (name, slot) => {
          const outcome = await store.putSlot(name, slot)
          return outcome.status === 'taken' ? { status: 'put' } : outcome
        },
      })),
    )
    expect(failure?.thrown).toBeDefined()
  })
})

describe('a put whose response was lost', () => {
  /** As an SDK does: the first request took effect, its answer was lost, the second meets its own. */
  const forgetful = (store: Parameters<Parameters<typeof withOperations>[1]>[0]) => ({
    putSlot: async (name: string, slot: Parameters<typeof store.putSlot>[1]) => {
      await store.putSlot(name, slot)
      return store.putSlot(name, slot)
    },
  })
  test('appends once when the adapter retries', async () => {
    const room = createRoom({ store: (inner) => withOperations(inner, forgetful) })
    const client = await room.connect()
    const answer = (await say(client, 'a')) as { result: { data: { id: string } } }
    expect(answer.result.data.id).toMatch(/:1$/)
    expect(await slotsOf(room)).toHaveLength(1)
  })
  test('appends twice when the own publish id is not recognised: the mutant is caught', async () => {
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          putSlot: async (name, slot) => {
            await store.putSlot(name, slot)
            const outcome = await store.putSlot(name, slot)
            return outcome.status === 'taken'
              ? { status: 'taken', slot: { ...outcome.slot, publishId: 'forgotten' } }
              : outcome
          },
        })),
    })
    void say(await room.connect(), 'a').catch(() => {}) // it takes each slot for another writer's
    await room.clock.advance(100)
    expect((await slotsOf(room)).length).toBeGreaterThan(1)
  })
  test('that cannot be settled fails with an error that says it may have run [TL-ERR-2]', async () => {
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          putSlot: async (name, slot) => {
            await store.putSlot(name, slot)
            throw new StoreError('putSlot', true, { cause: new Error('arn:aws:dynamodb:eu-west-1:1:table/chat') })
          },
        })),
    })
    const answer = await say(await room.connect(), 'a')
    expect(answer).toMatchObject({ line: { code: 'FUNCTION_FAILED', mayHaveRun: true } })
    expect(JSON.stringify(answer)).not.toContain('arn:aws')
    expect((await room.store.readSlots(topic, 0, 9)).slots).toHaveLength(1)
  })
})
