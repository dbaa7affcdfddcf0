import { defined } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
interface Started {
  readonly head?: string
  readonly gap?: string
  readonly snapshot?: boolean
}
const started = (ref: number, from: string, { head = from, gap, snapshot = true }: Started = {}) => ({
  id: 1,
  result: { type: 'started', ref, from, head, ...defined({ gap, snapshot: snapshot || undefined }) },
})
const snapshot = (at: string) => ({
  id: 1,
  result: { type: 'snapshot', id: at, data: { id: at, data: `state ${at}` } },
})
const event = (at: string) => ({ id: 1, result: { type: 'data', id: at, data: at } })
const subscribed = (ref: number, lastEventId?: string) =>
  `send ${JSON.stringify({ id: 1, method: 'subscription', params: { path: 'live', input: null, ref, lastEventId } })}`

/** There is no onGap: snapshots repair gaps. */
function begun() {
  const machine = createMachine()
  machine.open()
  machine.subscribe(1, false)
  machine.message(started(1, 'e:4'), snapshot('e:4'))
  return machine
}

describe('a snapshot', () => {
  test('is delivered first, then the events after it, early pushes included [TL-SNAP-1]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1, false)
    expect(machine.message(event('e:4'))).toEqual([])
    expect(machine.message(event('e:6'))).toEqual([])
    expect(machine.message(started(1, 'e:4', { head: 'e:5' }), snapshot('e:4'), event('e:5'))).toEqual([
      'started 1',
      'deliver 1 e:4',
      'deliver 1 e:5',
      'deliver 1 e:6',
    ])
  })

  test('is delivered once', () => {
    const machine = begun()
    expect(machine.message(started(1, 'e:4'), snapshot('e:4'))).toEqual([])
    expect(machine.message(snapshot('e:9'))).toEqual([])
  })

  test('repairs a gap, and no gap is reported [TL-SNAP-2]', () => {
    const machine = begun()
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(2, 'e:4')])
    const gap = started(2, 'f:2', { head: 'f:3', gap: 'new-epoch' })
    expect(machine.message(gap, snapshot('f:2'), event('f:3'))).toEqual(['started 1', 'deliver 1 f:2', 'deliver 1 f:3'])
  })

  test('is not sent again by a resume without a gap [TL-SNAP-3]', () => {
    const machine = begun()
    machine.feed({ type: 'lost', cause: network })
    machine.open()
    expect(machine.message(started(2, 'e:4', { head: 'e:5', snapshot: false }), event('e:5'))).toEqual([
      'started 1',
      'deliver 1 e:5',
    ])
  })

  test('a sync that finds a gap makes the client subscribe again [TL-SNAP-2]', () => {
    const machine = begun()
    machine.fire({ kind: 'ping' })
    const synced = { id: 1, result: { type: 'synced', from: 'e:9', head: 'e:9', gap: 'expired' } }
    expect(machine.message(synced, { id: 'sync-2', result: { type: 'data' } })).toEqual([subscribed(2, 'e:4')])
    expect(machine.message(started(2, 'e:9', { gap: 'expired' }), snapshot('e:9'))).toEqual(['deliver 1 e:9'])
  })

  test('a sync that finds a rewound log makes the client subscribe again without its cursor', () => {
    const machine = begun()
    machine.fire({ kind: 'ping' })
    const synced = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:2', gap: 'new-epoch' } }
    expect(machine.message(synced, { id: 'sync-2', result: { type: 'data' } })).toEqual([subscribed(2)])
    expect(machine.message(started(2, 'e:2'), snapshot('e:2'), event('e:3'))).toEqual([
      'deliver 1 e:2',
      'deliver 1 e:3',
    ])
  })

  test('of a rewound log moves the position back [TL-SYNC-4]', () => {
    const machine = begun()
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(2, 'e:4')])
    const gap = started(2, 'e:2', { head: 'e:3', gap: 'new-epoch' })
    const sync = { id: 'sync-3', method: 'sync', params: { subscriptions: [{ id: 1, ref: 2, from: 'e:3' }] } }
    expect(machine.message(gap, snapshot('e:2'), event('e:3'))).toEqual([
      'started 1',
      'deliver 1 e:2',
      'deliver 1 e:3',
      `send ${JSON.stringify(sync)}`,
    ])
  })

  test('an event that could not be evaluated makes the client subscribe again for a new snapshot', () => {
    const machine = begun()
    const fault = { id: 1, result: { type: 'fault', id: 'e:5', error: {} } }
    expect(machine.message(fault)).toEqual([subscribed(2)])
    expect(machine.message(started(2, 'e:5'), snapshot('e:5'))).toEqual(['deliver 1 e:5'])
  })

  test('is requested again when it was announced and did not arrive', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message(started(1, 'e:4'))
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(2)])
  })
})
