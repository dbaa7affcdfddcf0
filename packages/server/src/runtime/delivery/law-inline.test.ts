import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Slot } from '../../ports/log.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import { createRoom, type Room, say, subscribe, withOperations } from '../subscriptions/room.suite.ts'
import { createModelClient } from './model-client.suite.ts'
import { createScheduleTable } from './schedule-table.suite.ts'

const table = createScheduleTable('inline delivery and its receipt [PROOF-INLINE-RECEIPT]')

interface Delivering extends Room {
  readonly ann: TestClient
  readonly bob: TestClient
  readonly written: { readonly topic: string; readonly slot: Slot }[]
  /** Resolves when an event is in the log, or when none will be. */
  readonly appended: Promise<void>
  readonly append: () => void
  /** Resolves when something was handed to retry, or when nothing ever will be. */
  readonly handed: Promise<void>
  readonly hand: () => void
}

function moment() {
  let comes = () => {}
  const came = new Promise<void>((resolve) => {
    comes = resolve
  })
  return { came, comes }
}

/** Ann listens. Posts to her do not come through at first: `hangs` says how many. */
const world =
  (hangs: number, mutant: Mutant = () => ({})) =>
  async (scheduler: Scheduler): Promise<Delivering> => {
    const written: Delivering['written'] = []
    const [appended, handed] = [moment(), moment()]
    const room = createRoom({
      scheduler,
      store: (inner) =>
        withOperations(withOperations(inner, mutant), (store) => ({
          putSlot: async (topic, slot) => {
            const outcome = await store.putSlot(topic, slot)
            if (outcome.status === 'put') written.push({ topic, slot })
            if (slot.data !== undefined) appended.comes()
            return outcome
          },
        })),
    })
    const ann = await room.connect({ connectionId: 'a' })
    await subscribe(ann)
    written.splice(0)
    const { intercept } = room.gateway
    let left = hangs
    room.gateway.intercept = async (connectionId, text) => {
      await intercept(connectionId, text)
      return left-- > 0 ? new Promise<never>(() => {}) : undefined
    }
    const { push } = room.invoked
    room.invoked.push = (...jobs) => {
      handed.comes()
      return push.apply(room.invoked, jobs)
    }
    const bob = await room.connect({ connectionId: 'p' })
    return {
      ...room,
      ann,
      bob,
      written,
      appended: appended.came,
      append: appended.comes,
      handed: handed.came,
      hand: handed.comes,
    }
  }

const streams = async (room: Delivering) => {
  await room.appended
  await room.stream(room.written)
}
const runJobs = async (room: Delivering) => {
  for (const { payload } of [...room.invoked, ...room.delayed])
    await room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))
}
const retries = async (room: Delivering) => {
  await room.handed
  await runJobs(room)
}

const delivering = (
  { hangs = 0, kills }: { readonly hangs?: number; readonly kills: readonly string[] },
  operations: Exploration<Delivering>['operations'],
  mutant?: Mutant,
): Exploration<Delivering> => ({
  world: world(hangs, mutant),
  operations: { publish: (room) => say(room.bob, 'one'), ...operations },
  kills,
  passes: {
    'the publisher’s two seconds pass': (room) => room.clock.advance(2_000),
    'a third second passes': (room) => room.clock.advance(1_000),
  },
  async idle(room) {
    room.append()
    room.hand()
    await room.clock.advance(10_000)
  },
  check: (room, ended) => everyEventArrives(room, ended, Object.keys(operations)),
})

/** No client syncs. The platform repeats a batch of the stream, or an asynchronous invocation, whose function died. */
async function everyEventArrives(room: Delivering, ended: Ended, operations: readonly string[]): Promise<void> {
  room.gateway.intercept = () => undefined // posts come through again
  await room.clock.advance(10_000)
  const done = (name: string) => operations.includes(name) && ended.returned.has(name)
  if (!done('stream') || ended.killed === 'stream') await room.stream(room.written)
  await runJobs(room).catch(async () => {
    await room.clock.advance(60_000) // a minute, as Lambda waits: what took the connection for slow tries again
    await runJobs(room)
  })
  const client = createModelClient()
  client.take(room.ann.frames())
  expect(client.seen).toEqual(room.written.map(({ slot }) => slot.offset))
}

describe('inline delivery with its receipt ∥ the table’s stream ∥ time', () => {
  test('posts every event at least once when the publisher or the stream’s function is killed at any point', () =>
    table.holds('publish ∥ stream ∥ time ∥ kill', delivering({ kills: ['publish', 'stream'] }, { stream: streams })))
  test('posts the event when the first post hangs, by a retry of the publisher or of the stream', () =>
    table.holds(
      'publish with a post that hangs ∥ stream ∥ time ∥ kill',
      delivering({ hangs: 1, kills: ['publish', 'stream'] }, { stream: streams }),
    ))
  test('posts the event when its retry dies at any point, since the retry is invoked again', () =>
    table.holds(
      'publish with a post that hangs ∥ its retry ∥ time ∥ kill',
      delivering({ hangs: 1, kills: ['publish', 'retry'] }, { retry: retries }),
    ))
})

describe('the explorer finds a broken delivery:', () => {
  const killed = { kills: ['publish'] }
  test('a receipt before the posts', () =>
    table.catches(
      'receipt before the posts',
      delivering(killed, { stream: streams }, (store) => ({
        putSlot: async (name, slot) => {
          const outcome = await store.putSlot(name, slot)
          if (slot.inline !== undefined) await store.putReceipt(name, slot.offset, slot.expires)
          return outcome
        },
      })),
    ))
  test('a stream that never delivers events with `inline`', () =>
    table.catches(
      'stream ignores inline slots for good',
      delivering(killed, { stream: streams }, () => ({ hasReceipts: async (events) => events.map(() => true) })),
    ))
  test('a receipt for an event whose retry was not scheduled', () =>
    table.catches('receipt though the hand-over to retry was lost', {
      ...delivering({ hangs: 1, kills: [] }, { stream: streams }),
      world: async (scheduler) => {
        const made = await world(1)(scheduler)
        made.invoked.push = () => 0
        return made
      },
    }))
})
