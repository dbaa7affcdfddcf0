import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../memory/store.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { type Exploration, explore, replay, type Scheduler } from './explore.suite.ts'

interface Counter {
  readonly scheduler: Scheduler
  value: number
  readonly order: string[]
}

const world = async (scheduler: Scheduler): Promise<Counter> => ({ scheduler, value: 0, order: [] })
const row = (name: string, writes = true) => ({ rows: [name], writes })

/** Reads, then writes what it read and one: two of these at a time lose one. */
const increment = async (counter: Counter) => {
  await counter.scheduler.at('read', row('value', false))
  const { value } = counter
  await counter.scheduler.at('write', row('value'))
  counter.value = value + 1
}
const steps = (name: string, count: number) => async (counter: Counter) => {
  for (let at = 0; at < count; at++) {
    await counter.scheduler.at('step', row(name))
    counter.order.push(name)
  }
}

describe('the explorer', () => {
  test('runs every interleaving once', async () => {
    const orders = new Set<string>()
    const { schedules } = await explore({
      world,
      operations: { a: steps('a', 2), b: steps('b', 3) },
      check: ({ order }) => void orders.add(order.join('')),
      redundant: true,
    })
    expect(schedules).toBe(10)
    expect(orders.size).toBe(10)
  })
  test('runs only one of the interleavings that differ in the order of independent calls', async () => {
    const { schedules } = await explore({
      world,
      operations: { a: steps('a', 2), b: steps('b', 3) },
      check: () => {},
    })
    expect(schedules).toBe(1)
  })
  test('kills an operation at each of its calls, and it never takes another step', async () => {
    const orders = new Set<string>()
    const { schedules } = await explore({
      world,
      operations: { a: steps('a', 2) },
      kills: ['a'],
      check: ({ order }, { killed }) => void orders.add(`${order.join('')}${killed === 'a' ? '†' : ''}`),
    })
    expect(schedules).toBe(3)
    expect([...orders].sort()).toEqual(['aa', 'a†', '†'])
  })
  test('lets events of the world happen at each point, once and in order', async () => {
    const orders = new Set<string>()
    await explore({
      world,
      operations: { a: steps('a', 2) },
      passes: { one: ({ order }) => void order.push('1'), two: async ({ order }) => void order.push('2') },
      check: ({ order }) => void orders.add(order.join('')),
    })
    // what comes after the last call changes nothing, so the schedule is over by then
    expect([...orders].sort()).toEqual(['12aa', '1a2a', '1aa', 'a12a', 'a1a', 'aa'])
  })
  test('lets a call whose operation continued without its response take effect at any later point', async () => {
    const orders = new Set<string>()
    await explore({
      world,
      operations: {
        a: async ({ scheduler, order }) => void scheduler.at('late', row('a')).then(() => order.push('late')),
        b: steps('b', 2),
      },
      redundant: true,
      check: ({ order }) => void orders.add(order.join(' ')),
    })
    expect([...orders].sort()).toEqual(['b b late', 'b late b', 'late b b'])
  })
  test('loses the response of each call of the store, one per schedule, while the call takes effect', async () => {
    const reached = new Set<string>()
    const put = (offset: number) => ({ offset, epoch: 'e', publishId: `p${offset}`, time: 0, expires: 2e9 })
    const { schedules } = await explore({
      world: async (scheduler: Scheduler) => {
        const store = createMemoryStore()
        return { store, scheduled: scheduler.store(store) }
      },
      operations: {
        a: async ({ scheduled }) => {
          await scheduled.putSlot('t', put(1))
          await scheduled.putSlot('t', put(2))
        },
      },
      losses: ['a'],
      async check({ store }, { thrown, lost }) {
        expect(thrown.get('a') instanceof StoreError).toBe(lost !== undefined)
        reached.add(`${lost}: ${(await store.readSlots('t', 0, 9)).slots.length}`)
      },
    })
    expect(schedules).toBe(3)
    expect([...reached].sort()).toEqual(['a.1 putSlot: 1', 'a.2 putSlot: 2', 'undefined: 2'])
  })
  test('runs one of each class of equivalent interleavings, deaths included', async () => {
    const seen = { all: new Set<string>(), reduced: 0 }
    const two: Exploration<Counter> = {
      world,
      operations: {
        a: steps('a', 2),
        b: async (counter) => {
          await steps('b', 1)(counter)
          await steps('a', 1)(counter)
        },
      },
      kills: ['a', 'b'],
      check: () => {},
    }
    const ends = (into: Set<string>): Exploration<Counter> => ({
      ...two,
      check: ({ order }, { killed }) => {
        const met = order.filter((name) => name === 'a').length
        into.add(`${killed} ${met} ${order.filter((name) => name === 'b').length}`)
      },
    })
    const reduced = new Set<string>()
    const full = await explore({ ...ends(seen.all), redundant: true })
    seen.reduced = (await explore(ends(reduced))).schedules
    expect(reduced).toEqual(seen.all)
    expect(seen.reduced).toBeLessThan(full.schedules)
  })
  const losing: Exploration<Counter> = {
    world,
    operations: { a: increment, b: increment },
    check: ({ value }) => expect(value).toBe(2),
  }
  test('finds a lost update, and replays it by its choices', async () => {
    const { failure } = await explore(losing)
    expect(failure?.steps).toEqual(['a.1 read', 'b.1 read', 'a.2 write', 'b.2 write'])
    await expect(replay(losing, failure?.choices ?? [])).rejects.toThrow('expected 1 to be 2')
    await replay(losing, [0, 1, 0, 0]) // a reads and writes, then b
  })
  test('finds the same schedule each time', async () => {
    expect((await explore(losing)).failure?.choices).toEqual((await explore(losing)).failure?.choices)
  })

  describe('that merges equal states', () => {
    const put = (offset: number) => ({ offset, epoch: 'e', publishId: 'p', time: 0, expires: 2e9 })
    const slots = async ({ store }: Stored) => (await store.readSlots('t', 0, 99)).slots
    const writers: Exploration<Stored> = {
      world: async (scheduler: Scheduler) => {
        const store = createMemoryStore()
        return { store, scheduled: scheduler.store(store) }
      },
      operations: {
        a: async ({ scheduled }) => {
          for (const offset of [1, 2, 3]) await scheduled.putSlot('t', put(offset))
        },
        b: async ({ scheduled }) => {
          for (const offset of [11, 12, 13]) await scheduled.putSlot('t', put(offset))
        },
      },
      stateOf: async (world) => JSON.stringify(await slots(world)),
      check: () => {},
    }
    test('enters each state once, however many orders lead to it', async () => {
      const { states, isCut } = await explore(writers)
      expect({ states, isCut }).toEqual({ states: 16, isCut: false }) // four positions of each: 20 orders
    })
    test('checks every state, so each operation may have died in it', async () => {
      const reached = new Set<string>()
      await explore({
        ...writers,
        checkState: async (world) => void reached.add((await slots(world)).map(({ offset }) => offset).join()),
      })
      expect(reached.size).toBe(16)
    })
    test('reports the first state that breaks a law, and replays it', async () => {
      const checkState = async (world: Stored) => expect((await slots(world)).length).toBeLessThan(4)
      const { failure } = await explore({ ...writers, checkState })
      expect(failure?.steps).toHaveLength(4)
      expect(String(failure?.thrown)).toContain('to be less than 4')
    })
    test('ends with the schedule that reaches the given number of states', async () => {
      expect(await explore({ ...writers, mostStates: 8 })).toEqual({ schedules: 1, states: 8, isCut: true })
    })
    test('loses as many answers as it may', async () => {
      const most = new Set<number>()
      const losing = { a: 0 }
      await explore({
        ...writers,
        operations: {
          a: async ({ scheduled }) => {
            losing.a = 0
            const count = () => {
              losing.a += 1
            }
            for (const offset of [1, 2, 3]) await scheduled.putSlot('t', put(offset)).catch(count)
          },
        },
        losses: ['a'],
        mostLosses: 2,
        check: () => void most.add(losing.a),
      })
      expect([...most].sort()).toEqual([0, 1, 2])
    })
    test('keeps states apart in which an operation read another time', async () => {
      const read = new Set<string>()
      await explore<Stored & { now: number }>({
        world: async (scheduler) => ({ ...(await writers.world(scheduler)), now: 0 }),
        operations: {
          a: async (world) => {
            await world.scheduled.readSlots('t', 0, 1)
            const { now } = world
            await world.scheduled.readSlots('t', 0, 1)
            await world.scheduled.readSlots('t', 0, 1)
            read.add(String(now))
          },
        },
        passes: { time: (world) => void Object.assign(world, { now: 1 }) },
        stateOf: async (world) => `${world.now} ${JSON.stringify(await slots(world))}`,
        check: () => {},
      })
      expect([...read].sort()).toEqual(['0', '1'])
    })
  })
})

interface Stored {
  readonly store: Store
  readonly scheduled: Store
}
