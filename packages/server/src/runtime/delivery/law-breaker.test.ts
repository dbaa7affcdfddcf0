import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../../lambda/test-line.suite.ts'
import type { Slot } from '../../ports/log.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { createRoom, type Room, say, subscribe, withOperations } from '../subscriptions/room.suite.ts'
import { createModelClient } from './model-client.suite.ts'
import { createScheduleTable } from './schedule-table.suite.ts'

const table = createScheduleTable('TL-PUSH-2, a slow connection and its retries')

/** A retry that the queue holds back. */
interface Delayed {
  readonly payload: unknown
  /** Epoch milliseconds. */
  readonly due: number
}

interface SlowWorld extends Room {
  readonly ann: TestClient
  readonly bob: TestClient
  readonly cat: TestClient
  readonly written: { readonly topic: string; readonly slot: Slot }[]
  readonly queue: Delayed[]
  /** Resolves when something was handed to retry, or when nothing ever will be. */
  readonly handed: Promise<void>
  readonly hand: () => void
  /** How often only the passing of time let an operation continue. */
  idles: number
}

/** Changes the retries that were requested. */
type Mutant = (delayed: Delayed, now: number) => readonly Delayed[]

/** Ann listens. Two posts to her were given up, and now she reads again; the function that publishes does not know. */
const world =
  (throttled: number, mutant: Mutant = (delayed) => [delayed]) =>
  async (scheduler: Scheduler): Promise<SlowWorld> => {
    const written: SlowWorld['written'] = []
    const queue: Delayed[] = []
    let hand = () => {}
    const handed = new Promise<void>((resolve) => {
      hand = resolve
    })
    const room = createRoom({
      scheduler,
      store: (inner) =>
        withOperations(inner, (store) => ({
          async putSlot(topic, slot) {
            const outcome = await store.putSlot(topic, slot)
            if (outcome.status === 'put') written.push({ topic, slot })
            return outcome
          },
        })),
    })
    room.delayed.push = (...asked) => {
      for (const { payload, delayMs } of asked)
        queue.push(...mutant({ payload, due: room.clock.now() + delayMs }, room.clock.now()))
      hand()
      return asked.length
    }
    const ann = await room.connect({ connectionId: 'a' })
    await subscribe(ann)
    written.splice(0)
    for (let n = 0; n < 2; n++) trafficOf(room.gateway, room).breaker.fail(ann.connectionId)
    const { intercept } = room.gateway
    let left = throttled
    room.gateway.intercept = async (connectionId, text) => {
      await intercept(connectionId, text)
      return left-- > 0 ? { status: 'failed', unknown: false, reason: '403' } : undefined
    }
    const [bob, cat] = [await room.connect({ connectionId: 'p' }), await room.connect({ connectionId: 'q' })]
    return { ...room, ann, bob, cat, written, queue, handed, hand, idles: 0 }
  }

/** Another function, which knows nothing of what this one saw. */
const elsewhere = (room: SlowWorld, payload: unknown) =>
  room.line.withBackend({ ...room.backend, gateway: { ...room.gateway } }, () => room.handlers.deliver(payload, {}))

/** The first retry, when it is due. */
async function retry(room: SlowWorld): Promise<void> {
  await room.handed
  const [first] = room.queue
  if (first === undefined) return
  while (room.clock.now() < first.due) await room.clock.sleep(first.due - room.clock.now())
  await elsewhere(room, first.payload)
  room.queue.splice(0, 1)
}

const slow = ({ throttled = 0, kills = [] as readonly string[] }, mutant?: Mutant): Exploration<SlowWorld> => ({
  world: world(throttled, mutant),
  operations: { first: (room) => say(room.bob, 'one'), next: (room) => say(room.cat, 'two'), retry },
  kills,
  passes: { 'the pause ends': (room) => room.clock.advance(5_000) },
  async idle(room) {
    if (room.idles++ > 0) room.hand() // a publisher died: nothing was asked for, and nothing will be
    await room.clock.advance(5_000)
  },
  check: caughtUp,
})

/**
 * Ann has every event though she asked for none and no other came after them. What the platform repeats is repeated.
 */
async function caughtUp(room: SlowWorld, ended: Ended): Promise<void> {
  await room.clock.advance(10_000)
  await Promise.all([room.stream(room.written), room.clock.advance(10_000), settle()])
  for (const { payload } of room.queue.splice(0)) await elsewhere(room, payload)
  for (const { payload } of room.invoked.splice(0)) await elsewhere(room, payload)
  const client = createModelClient()
  client.take(room.ann.frames())
  expect([client.seen, ended.thrown.get('first')]).toEqual([room.written.map(({ slot }) => slot.offset), undefined])
}

describe('events for a connection that was slow', () => {
  test('arrive without a fetch, by the retry or by their own posts [TL-PUSH-2]', () =>
    table.holds('event ∥ next event ∥ retry ∥ time', slow({})))
  test('arrive when a publisher or the retry dies at any point, by the platform’s repetition [TL-PUSH-2]', () =>
    table.holds('event ∥ next event ∥ retry ∥ time ∥ kill', slow({ kills: ['first', 'next', 'retry'] })))
  test('arrive when the connection is still slow at the retry [TL-PUSH-2]', () =>
    table.holds('event ∥ next event ∥ retry that fails ∥ time', slow({ throttled: 1 })))
})

describe('the explorer finds a broken retry:', () => {
  test('at once, and not when the breaker may close', () =>
    table.catches(
      'retry at once',
      slow({}, ({ payload }, now) => [{ payload, due: now }]),
    ))
  test('never', () =>
    table.catches(
      'no retry',
      slow({}, () => []),
    ))
  test('that is relied on before it was scheduled', () =>
    table.catches(
      'retry that is relied on before it was scheduled',
      {
        ...slow({ kills: ['first'] }),
        async world(scheduler) {
          const made = await world(0)(scheduler)
          const counted = new Set<string>()
          const awaitsRetry = (_: string, topic: string) => counted.has(topic) || !counted.add(topic)
          Object.assign(trafficOf(made.gateway, made).breaker, { awaitsRetry })
          return made
        },
      },
      /kill first/,
    ))
})
