import { describe, expect, test } from 'vitest'
import type { Store } from '../../ports/store.ts'
import { type Ended, type Exploration, explore, type Scheduler } from '../../runtime/explore.suite.ts'
import { createRoom, publish, type Room, say, withOperations } from '../../runtime/subscriptions/room.suite.ts'
import type { TestClient } from '../test-line.suite.ts'
import { type AnswerOf, framesOf, type HttpClient, openHttp } from './http-client.suite.ts'
import type { HttpResponse } from './http-response.ts'
import { createWorld, type HttpWorld, here, room as key, subscribeFrame } from './http-world.suite.ts'

interface Polling extends Room {
  readonly ann: HttpClient
  readonly bob: TestClient
  /** The answer to the subscribe that came before the operations. */
  readonly started: AnswerOf | undefined
}

type Mutant = (store: Store) => Partial<Store>
const live = { id: 's', method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }
const pollFrom = (from: string) => ({
  id: 'y',
  method: 'sync',
  params: { poll: true, subscriptions: [{ id: 's', ref: 1, from }] },
})
/** The frames of a response; none of one that says that the connection is gone. */
const framesIn = (returned: unknown): readonly AnswerOf[] =>
  (returned as HttpResponse).statusCode === 410 ? [] : framesOf(returned as HttpResponse)
const offsetOf = (cursor: unknown) => Number(String(cursor).split(':')[1])
const eventsIn = (frames: readonly AnswerOf[]) =>
  frames.flatMap(({ result }) => (result?.['type'] === 'data' && result['id'] !== undefined ? [result['id']] : []))

/** Ann is over HTTP, bob publishes over a socket. */
function polling(
  operations: Exploration<Polling>['operations'],
  { isLive = false, mutant }: { readonly isLive?: boolean; readonly mutant?: Mutant | undefined } = {},
): Exploration<Polling> {
  return {
    async world(scheduler: Scheduler) {
      const room = createRoom({
        scheduler,
        ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
      })
      await publish(room, 'first')
      const ann = await openHttp(room)
      const [started] = isLive ? await ann.send(live) : []
      return { ...room, started, ann, bob: await room.connect({ connectionId: 'p' }) }
    },
    operations,
    kills: Object.keys(operations).filter((name) => name !== 'poll'),
    check: everythingArrives,
  }
}

/** What ann knows at the end, when she polls until nothing is new: every event after `started`, each once. */
async function everythingArrives(room: Polling, { returned, killed }: Ended): Promise<void> {
  expect(room.misdirected).toEqual([])
  const answers = returned.has('subscribe') ? framesIn(returned.get('subscribe')) : []
  const started = room.started ?? answers.find(({ result }) => result?.['type'] === 'started')
  if (started === undefined || returned.has('close') || killed === 'close') return // nothing was promised
  const from = String(started.result?.['from'])
  const [epoch] = from.split(':')
  let position = offsetOf(from)
  const seen: number[] = []
  const take = (frames: readonly AnswerOf[]) => {
    for (const { result, line } of frames) {
      expect([result?.['gap'], line]).toEqual([undefined, undefined])
    }
    for (const offset of eventsIn(frames).map(offsetOf)) {
      if (offset <= position) continue // a poll and the subscribe may both have it
      expect(offset).toBe(position + 1)
      seen.push(offset)
      position = offset
    }
  }
  take(answers)
  if (returned.has('poll')) take(framesIn(returned.get('poll')))
  for (let n = 0; n < 3; n++) take(await room.ann.send(pollFrom(`${epoch}:${position}`)))
  const head = (await room.store.readSlots('room?room=s:x', 0, 100)).slots.length
  expect(position).toBe(head)
}

const subscribes = { subscribe: (room: Polling) => room.ann.post([live]) }
const publishes = { publish: (room: Polling) => say(room.bob, 'second') }
const polls = { poll: (room: Polling) => room.ann.post([pollFrom(String(room.started?.result?.['from']))]) }
const closes = { close: (room: Polling) => room.ann.post([{ method: 'close' }]) }

async function holds(exploration: Exploration<Polling>): Promise<void> {
  const { schedules, failure } = await explore(exploration)
  console.log(`${Object.keys(exploration.operations).join(' ∥ ')} ∥ kill, over HTTP: ${schedules} schedules`)
  expect(failure).toBeUndefined()
  expect(schedules).toBeGreaterThan(1)
}

describe('Over HTTP, [LAW-STARTED-IS-LIVE]: what is published while', () => {
  test('a subscription starts is read by it or by a later poll, with any of them killed [TL-HTTP-8]', () =>
    holds(polling({ ...subscribes, ...publishes })))
  test('a poll runs is read by it or by the next one, each once [TL-HTTP-9]', () =>
    holds(polling({ ...polls, ...publishes }, { isLive: true })))
  test('the connection closes names no socket and no row of a topic [TL-HTTP-14]', () =>
    holds(polling({ ...subscribes, ...publishes, ...closes })))
  test('it is subscribed twice by one request that was sent again is in both answers [TL-HTTP-8]', () =>
    holds(polling({ ...subscribes, again: (room) => room.ann.post([live]), ...publishes })))

  test.each<[string, Mutant]>([
    [
      'a sync whose liveness is that of a row of the topic',
      (store) => ({
        readSubscriptions: async (id) => (await store.readSubscriptions(id)).map(({ polled: _, ...row }) => row),
      }),
    ],
    [
      'a poll that believes that the head never moves',
      (store) => ({
        readSyncStates: async (asked) => (await store.readSyncStates(asked)).map(({ after: _, ...state }) => state),
      }),
    ],
  ])('the explorer finds %s', async (_, mutant) => {
    const { failure } = await explore(polling({ ...polls, ...publishes }, { isLive: true, mutant }))
    expect(failure?.thrown).toBeDefined()
  })
})

interface Joining extends HttpWorld {
  readonly ann: HttpClient
}

/** Ann joins a presence while her connection closes. At rest nobody is present for a closed connection. */
function joining(mutant?: Mutant): Exploration<Joining> {
  return {
    async world(scheduler: Scheduler) {
      const world = createWorld({
        store: (store) => scheduler.store(mutant === undefined ? store : withOperations(store, mutant)),
        invoker: (inner) => ({ ...inner, invokeDelayed: async () => {} }),
      })
      return { ...world, ann: await openHttp(world) }
    },
    operations: {
      join: ({ ann }) => ann.post([subscribeFrame('p', 'joined', { input: { ...key, name: 'ann' } })]),
      close: ({ ann }) => ann.post([{ method: 'close' }]),
    },
    idle: (world) => world.clock.advance(1_000),
    async check(world) {
      expect(world.misdirected).toEqual([])
      await world.clock.advance(16_000) // past the grace period
      expect(await world.asScript(() => here.read(key))).toEqual([])
    },
  }
}

describe('Over HTTP, join ∥ close', () => {
  test('leaves nobody present behind the grace period [LAW-CONNECTION-ROW] [TL-HTTP-14]', async () => {
    const { schedules, failure } = await explore(joining())
    console.log(`join ∥ close, over HTTP: ${schedules} schedules`)
    expect(failure).toBeUndefined()
  })
  test('the explorer finds a join that does not look at its connection again', async () => {
    let opened: unknown
    const { failure } = await explore(
      joining((store) => ({
        readConnection: async (id) => {
          opened ??= await store.readConnection(id)
          return { ...(await store.readConnection(id)), ...(opened as object), connectionId: id } as never
        },
      })),
    )
    expect(failure?.thrown).toBeDefined()
  })
})
