import { expect, it } from 'vitest'
import { formatToken, topicOf } from '../records/application.ts'
import type { CallRecord, Entry } from '../records/history.ts'
import { createWorld, type World } from '../world/world.ts'
import { checkCalls, checkNothingLeft, checkRows, checkSubscriptions } from './checker.ts'

/** A world whose room `a` contains these events, at offsets from 1. */
function worldOf(...events: readonly number[]) {
  const world = createWorld({ seed: 1, allowed: [] })
  for (const [index, n] of events.entries())
    world.table.operations.putSlot(topicOf('a'), {
      ...{ offset: index + 1, epoch: 'e', publishId: `p${n}`, time: world.kernel.now, data: `{"n":${n}}` },
      expires: world.kernel.now / 1_000 + 200_000,
    })
  return world
}
const worldOfFive = () => worldOf(1, 2, 3, 4, 5)

const rulesOf = (world: World) => world.report.violations.map(({ rule }) => rule)
const started = (seen: number): Entry => ({ kind: 'started', seen })
const event = (n: number): Entry => ({ kind: 'data', seen: 5, id: `0.e:${n}`, n })
const gap = (seen: number): Entry => ({ kind: 'gap', seen, reason: 'expired' })

it.each<[title: string, entries: readonly Entry[], rules: readonly string[]]>([
  ['all in order', [started(0), ...[1, 2, 3, 4, 5].map(event)], []],
  ['a later start', [started(3), event(4), event(5)], []],
  ['an event that precedes `started`', [started(3), event(3), event(4), event(5)], []],
  ['a missing event', [started(0), event(1), event(3), event(4), event(5)], ['H7']],
  ['a missing event with a gap', [started(0), event(1), gap(3), event(4), event(5)], []],
  ['a missing event after a gap', [started(0), event(1), gap(3), event(5)], ['H7']],
  ['an event twice', [started(0), event(1), event(1), ...[2, 3, 4, 5].map(event)], ['H2']],
  ['an event out of order', [started(1), event(3), event(2), event(4), event(5)], ['H7', 'H6']],
  ['all but the last events', [started(0), event(1), event(2)], ['H5']],
  ['nothing', [], ['H15']],
  ['an event that is not in the log', [started(5), { ...event(5), id: '0.x:1' } as Entry], ['H8']],
  ['another event under a valid cursor', [started(4), { ...event(5), n: 4 } as Entry], ['H3']],
])('reports the violations of a subscription that received %s', (_, entries, rules) => {
  const world = worldOfFive()
  const about = { device: 'd', path: 'live', room: 'a', isStock: false, ended: undefined } as const
  world.history.subscriptions.push({ ...about, entries: [...entries] })
  checkSubscriptions(world, 'settled')
  expect(rulesOf(world)).toEqual(rules)
})

/** A restore undoes the events 4 and 5 of five; 14, 15 and 16 get the offsets from 4, one second apart. */
async function rewoundWorld() {
  const world = createWorld({ seed: 1, allowed: [], rewinds: true })
  const put = async (offset: number, n: number) => {
    await world.kernel.run(1_000)
    world.table.operations.putSlot(topicOf('a'), {
      ...{ offset, epoch: 'e', publishId: `p${n}`, time: world.kernel.now, data: `{"n":${n}}` },
      expires: world.kernel.now / 1_000 + 200_000,
    })
  }
  for (const n of [1, 2, 3]) await put(n, n)
  const copy = world.table.copy()
  for (const n of [4, 5]) await put(n, n)
  await world.kernel.run(1_000)
  world.table.rewind(copy)
  const at = world.kernel.now
  for (const n of [14, 15, 16]) await put(n - 10, n)
  return { world, at }
}
const given = (offset: number, n: number): Entry => ({ kind: 'data', seen: n > 10 ? 8 : 5, id: `0.e:${offset}`, n })
const old = [started(0), ...[1, 2, 3, 4, 5].map((n) => given(n, n))]
const fresh = [given(4, 14), given(5, 15), given(6, 16)]
const state: Entry = { kind: 'data', seen: 8, id: '0.e:3', n: -1, state: 8 }
const again = ['H2', 'H2', 'H2']
const rewound: Entry = { kind: 'gap', seen: 5, reason: 'new-epoch' }

it.each<[title: string, entries: readonly Entry[], answeredMs: readonly number[], rules: readonly string[]]>([
  ['restarted with a state before its position', [...old, given(6, 16), state, ...fresh], [2_500], []],
  [
    'began again with a state and had nothing that was undone',
    [started(5), ...fresh, state, ...fresh],
    [],
    ['H6', ...again],
  ],
  ['received a gap', [...old, rewound, given(4, 14), given(5, 15), given(6, 16)], [500], []],
  ['misses an event after the gap', [...old, rewound, given(4, 14), given(6, 16)], [500], ['H7']],
  ['got no response and no gap', [...old, given(6, 16)], [], []],
  ['got a response while the log ended before its position, and no gap', [...old, given(6, 16)], [500], ['H7']],
  ['got a response while the log had one of two events again', [...old, given(6, 16)], [1_500], ['H7']],
  ['got a response only after the log had passed its position', [...old, given(6, 16)], [2_500], []],
  ['had received none of the undone events', [...old.slice(0, 4), given(4, 14), given(5, 15), given(6, 16)], [], []],
  ['had received no undone event and misses new events', [...old.slice(0, 4), given(6, 16)], [], ['H7']],
  ['misses the events after its old position', old, [], ['H5']],
])('reports the violations of a subscription of a rewound log that %s', async (_, entries, answeredMs, rules) => {
  const { world, at } = await rewoundWorld()
  const about = { device: 'd', path: 'live', room: 'a' } as const
  world.history.subscriptions.push({ ...about, isStock: false, ended: undefined, entries: [...entries] })
  for (const ms of answeredMs) (world.responses as unknown[]).push({ ...about, at: at + ms })
  checkSubscriptions(world, 'settled')
  expect(rulesOf(world)).toEqual(rules)
})

it('checks that calls settle once and in time, are in the log when acknowledged, and get one response per key', () => {
  const world = worldOfFive()
  const call: CallRecord = {
    ...({ device: 'd', path: 'post', room: 'a' } as const),
    ...{ key: 'own-1', at: 0, deviceAt: 0, orderingKey: undefined, n: 1 },
    ...{ settled: 1, settledAt: 10, deviceSettledAt: 10, answer: { data: { id: '0.e:1' } } },
  }
  world.history.calls.push({ ...call }, { ...call, answer: { data: { id: '0.e:2' } } })
  world.history.calls.push(
    { ...call, key: 'auto', n: 99 },
    { ...call, n: 2, settled: 2 },
    { ...call, n: 3, deviceSettledAt: 40_000 },
  )
  checkCalls(world)
  expect(world.report.violations.map(({ rule }) => rule).sort()).toEqual(['H1', 'H10', 'H11', 'H11'])
})

it('checks that slots are contiguous and not shortened, and that no epoch starts beside an anchor or returns', () => {
  const world = worldOfFive()
  const { operations } = world.table
  const slot = { publishId: 'p', time: world.kernel.now, expires: world.kernel.now / 1_000 + 200_000 }
  operations.putSlot(topicOf('a'), { ...slot, offset: 7, epoch: 'e' })
  operations.putSlot(topicOf('a'), { ...slot, offset: 8, epoch: 'f' })
  operations.putSlot(topicOf('a'), { ...slot, offset: 9, epoch: 'e' })
  expect(rulesOf(world)).toEqual(['H4', 'H4', 'H4', 'H2'])
  operations.extendSlot(topicOf('a'), 9, slot.expires - 61)
  expect(world.report.violations.at(-1)?.rule).toBe('H3')
})

it('checks the order of acknowledged calls, and of the calls with one orderingKey', () => {
  const call: CallRecord = {
    ...({ device: 'd', path: 'post', room: 'a' } as const),
    ...{ key: 'auto', at: 0, deviceAt: 0, orderingKey: undefined, n: 1 },
    ...{ settled: 1, settledAt: 10, deviceSettledAt: 10, answer: { data: { id: '0.e:1' } } },
  }
  const judged = (...calls: readonly CallRecord[]) => {
    const world = worldOf(1, 2, 4, 3)
    world.history.calls.push(...calls)
    checkCalls(world)
    return rulesOf(world)
  }
  const second = { ...call, n: 2 }
  expect(judged(call, { ...second, at: 20 })).toEqual([])
  expect(judged({ ...call, at: 5 }, second)).toEqual([]) // they ran concurrently
  expect(judged({ ...call, at: 20 }, second)).toEqual(['H9'])
  const [third, fourth] = [
    { ...call, n: 3 },
    { ...call, n: 4 },
  ]
  expect(judged(third, fourth)).toEqual([])
  expect(judged({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'm' })).toEqual([])
  expect(judged({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'l' })).toEqual(['H9'])
})

it('finds an event that a subscription receives after its end', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const record = world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  world.publish('a')
  await world.kernel.run(5_000)
  expect(world.report.violations).toEqual([])
  record.ended = 'stopped' // the application has stopped it, and the line continues
  world.publish('a')
  await world.kernel.run(5_000)
  expect(rulesOf(world)).toEqual(['H12'])
})

it('finds an event that is pushed after the authority has ended', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const token = Buffer.from(formatToken('p', world.kernel.now + 60_000)).toString('base64url')
  const peer = { opened: () => {}, message: () => {}, lost: () => {} }
  const { connectionId } = world.gateway.connect('d', ['trunkline.1', `token.${token}`], peer)
  const event = '{"id":1,"result":{"type":"data","id":"0.e:1","data":{"n":1}}}'
  await world.kernel.run(60_000)
  await world.gateway.post(connectionId, event)
  expect(world.report.violations).toEqual([])
  await world.kernel.run(30_000)
  await world.gateway.post(connectionId, event)
  expect(rulesOf(world)).toEqual(['H12'])
})

it('finds rows without a subscription, and claims without an end', () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const { operations } = world.table
  const expires = world.kernel.now / 1_000 + 8_000
  const row = { topic: topicOf('a'), shard: 0, connectionId: 'c', id: '1', ref: 1, on: true, path: 'live' }
  operations.putSubscriber({ ...row, extensions: true, expires })
  checkRows(world, [topicOf('a')])
  expect(rulesOf(world)).toEqual(['H14'])
  operations.claimKey({ key: 'k', owner: 'o', fingerprint: 'f', lease: world.kernel.now + 75_001, expires })
  checkCalls(world)
  expect(rulesOf(world)).toEqual(['H14', 'H14'])
})

it('finds the open sockets, timers and connection of a closed device', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  checkNothingLeft(world)
  expect(new Set(rulesOf(world))).toEqual(new Set(['H14']))
  expect(world.report.violations.map(({ text }) => text.replaceAll(/\d+/g, 'n'))).toEqual([
    'dn closed and kept n sockets',
    'dn closed and kept n timers',
    'dn did not close',
    'cn= is still open',
  ])
})

it('finds a partition with more writes per second than AWS allows', () => {
  const world = worldOfFive()
  const slot = {
    offset: 6,
    epoch: 'e',
    publishId: 'p6',
    time: world.kernel.now,
    expires: world.kernel.now / 1_000 + 200_000,
  }
  for (let n = 0; n <= 1_000; n++) world.table.operations.putSlot(topicOf('a'), slot)
  expect(rulesOf(world)).toEqual(['H16'])
})
