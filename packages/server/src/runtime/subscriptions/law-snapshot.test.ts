import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import { createModelClient } from '../delivery/model-client.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { createRoom, deliverRest, publish, type Room, say, slotsOf, subscribe } from './room.suite.ts'

const table = createScheduleTable('[LAW-STARTED-IS-LIVE], startWith')

interface Beginning extends Room {
  readonly ann: TestClient
  readonly bob: TestClient
}

interface Snapshot {
  readonly result?: { readonly type: string; readonly id: string; readonly data: { readonly data: readonly number[] } }
}

/** Ann's page is the offsets that the log holds while it is loaded. */
async function world(scheduler: Scheduler): Promise<Beginning> {
  const load = async () => (await slotsOf(room)).flatMap(({ offset, data }) => (data === undefined ? [] : [offset]))
  const room: Room = createRoom({ scheduler, createContext: () => ({ load }) })
  await publish(room, 'first')
  return { ...room, ann: await room.connect({ connectionId: 'a' }), bob: await room.connect({ connectionId: 'p' }) }
}

const begins =
  (path: string, ref = 1, lastEventId?: string) =>
  (room: Beginning) =>
    subscribe(room.ann, ref, { path, ...(lastEventId === undefined ? {} : { lastEventId }) })

const beginning = (
  path: string,
  more: Exploration<Beginning>['operations'] = {},
  kills: readonly string[] = [],
  lastEventId?: string,
): Exploration<Beginning> => ({
  world,
  operations: {
    subscribe: begins(path, 1, lastEventId),
    publish: (room) => say(room.bob, 'second'),
    ...more,
  },
  kills,
  async check(room, { killed }) {
    if (killed === 'subscribe') await begins(path, 2, lastEventId)(room)
    await deliverRest(room)
    const client = createModelClient()
    client.take(room.ann.frames())
    const snapshot = (room.ann.frames() as readonly Snapshot[]).findLast(({ result }) => result?.type === 'snapshot')
    const position = Number(snapshot?.result?.id.split(':')[1])
    const state = snapshot?.result?.data.data ?? []
    // [TL-SNAP-1] whatever is in the log up to the position is in the state, and the rest in the tail
    for (const { offset, data } of await slotsOf(room))
      if (data !== undefined) expect(offset <= position ? state : client.seen).toContain(offset)
  },
})

const again = { again: (room: Beginning) => publish(room, 'third') }

describe('startWith: position ∥ load ∥ publish', () => {
  test('leaves no hole between the state and the events, with either killed at any point [TL-SNAP-1]', () =>
    table.holds('startWith ∥ publish ∥ kill', beginning('page', {}, ['subscribe', 'publish'])))
  test('leaves no hole with two publishers [TL-SNAP-1]', () =>
    table.holds('startWith ∥ publish ∥ publish ∥ kill', beginning('page', again, ['subscribe', 'publish'])))
  test('leaves no hole after a gap [TL-SNAP-2]', () =>
    table.holds(
      'startWith after a gap ∥ publish ∥ publish ∥ kill',
      beginning('page', again, ['subscribe', 'publish'], '0.gone:9'),
    ))
  test('leaves a hole when the state is loaded before the position: the explorer finds it', () =>
    table.catches('load before position', beginning('early')))
})
