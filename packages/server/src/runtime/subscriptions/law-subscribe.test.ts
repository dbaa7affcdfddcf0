import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { rememberShards, shardHintsOf } from '../context/shard-hints.ts'
import { createModelClient } from '../delivery/model-client.suite.ts'
import { type Exploration, explore, type Scheduler } from '../explore.suite.ts'
import {
  createRoom,
  deliverRest,
  publish,
  type Room,
  say,
  slotsOf,
  subscribe,
  topic,
  withOperations,
} from './room.suite.ts'

interface Meeting extends Room {
  readonly scheduler: Scheduler
  readonly ann: TestClient
  readonly bob: TestClient
}

/** Ann subscribes while bob publishes; either may die. No client syncs, since a sync would mask a lost push. */
function meeting(mutant?: (store: Store) => Partial<Store>): Exploration<Meeting> {
  return {
    async world(scheduler: Scheduler) {
      const room = createRoom({
        scheduler,
        ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
      })
      await publish(room, 'first')
      const ann = await room.connect({ connectionId: 'b' }) // hashes into the second of two shards
      return { ...room, scheduler, ann, bob: await room.connect({ connectionId: 'p' }) }
    },
    operations: { subscribe: (room) => subscribe(room.ann), publish: (room) => say(room.bob, 'second') },
    kills: ['subscribe', 'publish'],
    check: everythingArrives,
  }
}

async function everythingArrives(room: Meeting, { killed }: { readonly killed: string | undefined }): Promise<void> {
  await deliverRest(room)
  const client = createModelClient()
  client.take(room.ann.frames())
  if (killed === 'subscribe') return // no `started`, so nothing was promised
  const from = Number(client.seen[0] ?? client.cursor().split(':')[1])
  const head = (await slotsOf(room)).length
  expect(client.cursor()).toMatch(new RegExp(`:${head}$`))
  expect(client.seen).toEqual(Array.from({ length: client.seen.length }, (_, index) => from + index))
  expect(client.gaps).toEqual([])
}

describe('[LAW-REGISTER-THEN-READ] [LAW-STARTED-IS-LIVE]: an event that is published while a subscription starts', () => {
  test('reaches it by push or response, with any operation killed at any point [TL-SUB-2]', async () => {
    const { schedules, failure } = await explore(meeting())
    console.log(`subscribe ∥ publish ∥ kill: ${schedules} schedules`)
    expect(failure).toBeUndefined()
    expect(schedules).toBeGreaterThan(20)
  })
  test('reaches it with two publishers [TL-SUB-2]', async () => {
    const { schedules, failure } = await explore({
      ...meeting(),
      operations: {
        subscribe: (room) => subscribe(room.ann),
        publish: (room) => say(room.bob, 'second'),
        again: (room) => publish(room, 'third'),
      },
      kills: [],
    })
    console.log(`subscribe ∥ publish ∥ publish: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('is lost when the log is read before the row is written: the explorer finds it', async () => {
    const { failure } = await explore(
      meeting((store) => {
        const rows: Parameters<Store['putSubscriber']>[0][] = []
        return {
          putSubscriber: async (row) => {
            rows.push(row)
            return 'put'
          },
          readSlotsBefore: async (...args) => {
            const page = await store.readSlotsBefore(...args)
            for (const row of rows.splice(0)) await store.putSubscriber(row)
            return page
          },
        }
      }),
    )
    expect(failure?.steps.join(' → ')).toMatch(/readSlotsBefore.*publish.*putSubscriber/)
  })
  test('is lost when the receipt is written before the posts and the publisher dies between: the explorer finds it', async () => {
    const { failure } = await explore(
      meeting((store) => ({
        putSlot: async (name, slot) => {
          const outcome = await store.putSlot(name, slot)
          if (slot.inline !== undefined) await store.putReceipt(name, slot.offset, slot.expires)
          return outcome
        },
      })),
    )
    expect(failure?.steps).toContain('kill publish')
  })
})

describe('a topic that grows during a subscribe', () => {
  /** Ann's row may go to shard 1 as soon as the growth was seen. */
  const growing = (mutant?: (store: Store) => Partial<Store>): Exploration<Meeting> => ({
    ...meeting(mutant),
    operations: {
      grow: async ({ store }) => {
        await store.growShards(topic, 1, 2)
        rememberShards(shardHintsOf(store), topic, 2)
      },
      subscribe: async (room) => {
        await room.scheduler.at('wakes', { rows: [`SUBS#${topic}`], writes: false }) // its hint of the shards decides
        await subscribe(room.ann)
      },
      publish: (room) => say(room.bob, 'second'),
    },
    kills: ['publish'],
  })
  test('keeps every row in a shard that every delivery reads [PROOF-GROWING-SHARDS]', async () => {
    const { schedules, failure } = await explore(growing())
    console.log(`grow ∥ subscribe ∥ publish ∥ kill: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('loses an event when K is read before the append: the explorer finds it', async () => {
    const { failure } = await explore(
      growing((store) => {
        const seen: number[] = []
        return {
          putSlot: async (name, slot) => {
            seen.push((await store.readSubscribers(topic, 0)).shards ?? 1)
            return store.putSlot(name, slot)
          },
          readSubscribers: async (name, shard, options) => {
            const page = await store.readSubscribers(name, shard, options)
            return page.shards === undefined ? page : { ...page, shards: seen.at(-1) ?? 1 }
          },
        }
      }),
    )
    expect(failure?.thrown).toBeDefined()
  })

  /** Cy subscribes first in the process of ann, which never delivered: K is what his subscribe read. */
  const learning = (mutant?: (store: Store) => Partial<Store>): Exploration<Meeting & { readonly cy: TestClient }> => {
    const { check, world } = meeting(mutant)
    return {
      check,
      async world(scheduler) {
        const room = await world(scheduler)
        return { ...room, cy: await room.connect({ connectionId: 'c' }) }
      },
      operations: {
        grow: ({ store }) => store.growShards(topic, 1, 2),
        subscribe: async (room) => {
          await subscribe(room.cy)
          await subscribe(room.ann)
        },
        publish: (room) => say(room.bob, 'second'),
      },
      kills: [],
    }
  }
  test('keeps every row in a shard that is read after another subscribe has read K [PROOF-GROWING-SHARDS]', async () => {
    const { schedules, failure } = await explore(learning())
    console.log(`grow ∥ subscribe, subscribe ∥ publish: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('loses an event when that read returns more than K: the explorer finds it', async () => {
    const { failure } = await explore(
      learning((store) => ({
        growShards: async () => {},
        readConnectionAndShards: async (id, name) => ({
          ...(await store.readConnectionAndShards(id, name)),
          shards: 2,
        }),
      })),
    )
    expect(failure?.thrown).toBeDefined()
  })
})
