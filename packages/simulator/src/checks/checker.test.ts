import { expect, it } from 'vitest'
import { formatToken, topicOf } from '../records/application.ts'
import type { CallRecord, Entry } from '../records/history.ts'
import { createWorld, type World } from '../world/world.ts'
import { checkCalls, checkNothingLeft, checkRows, checkSubscriptions } from './checker.ts'

/** A world whose room `a` holds these events, at the offsets from 1 on. */
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
  ['one that began later', [started(3), event(4), event(5)], []],
  ['one that began a little before it was told', [started(3), event(3), event(4), event(5)], []],
  ['a hole', [started(0), event(1), event(3), event(4), event(5)], ['H7']],
  ['a signalled hole', [started(0), event(1), gap(3), event(4), event(5)], []],
  ['a hole beyond what was signalled', [started(0), event(1), gap(3), event(5)], ['H7']],
  ['one twice', [started(0), event(1), event(1), ...[2, 3, 4, 5].map(event)], ['H2']],
  ['one late', [started(1), event(3), event(2), event(4), event(5)], ['H7', 'H6']],
  ['a tail that never came', [started(0), event(1), event(2)], ['H5']],
  ['nothing at all', [], ['H15']],
  ['what nobody put', [started(5), { ...event(5), id: '0.x:1' } as Entry], ['H8']],
  ['another event under a right number', [started(4), { ...event(5), n: 4 } as Entry], ['H3']],
])('judges a subscription that was told %s', (_, entries, rules) => {
  const world = worldOfFive()
  const about = { device: 'd', path: 'live', room: 'a', isStock: false, ended: undefined } as const
  world.history.subscriptions.push({ ...about, entries: [...entries] })
  checkSubscriptions(world, 'settled')
  expect(rulesOf(world)).toEqual(rules)
})

/** The events 4 and 5 of five are undone by a restore of the table; 14, 15 and 16 take the offsets from 4 on, a second apart. */
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
  ['began again with a state behind it', [...old, given(6, 16), state, ...fresh], [2_500], []],
  [
    'began again with a state and had nothing that was undone',
    [started(5), ...fresh, state, ...fresh],
    [],
    ['H6', ...again],
  ],
  ['was told of it', [...old, rewound, given(4, 14), given(5, 15), given(6, 16)], [500], []],
  ['misses an event after it was told', [...old, rewound, given(4, 14), given(6, 16)], [500], ['H7']],
  ['was never answered, and was not told', [...old, given(6, 16)], [], []],
  ['was answered while the log ended before it, and was not told', [...old, given(6, 16)], [500], ['H7']],
  ['was answered while the log had one of two events again', [...old, given(6, 16)], [1_500], ['H7']],
  ['was answered only after the log had passed it', [...old, given(6, 16)], [2_500], []],
  ['had less than was undone', [...old.slice(0, 4), given(4, 14), given(5, 15), given(6, 16)], [], []],
  ['had less, and misses new events', [...old.slice(0, 4), given(6, 16)], [], ['H7']],
  ['misses what comes after its old position', old, [], ['H5']],
])('judges a subscription of a rewound log that %s', async (_, entries, answeredMs, rules) => {
  const { world, at } = await rewoundWorld()
  const about = { device: 'd', path: 'live', room: 'a' } as const
  world.history.subscriptions.push({ ...about, isStock: false, ended: undefined, entries: [...entries] })
  for (const ms of answeredMs) (world.answers as unknown[]).push({ ...about, at: at + ms })
  checkSubscriptions(world, 'settled')
  expect(rulesOf(world)).toEqual(rules)
})

it('judges calls: settled once and in time, acknowledged and there, one answer for one key', () => {
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

it('judges the log: slots without a hole, no epoch born beside an anchor, none that comes back, none shortened', () => {
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

it('judges order: what was acknowledged before another was asked for, and the calls of one orderingKey', () => {
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
  expect(judged({ ...call, at: 5 }, second)).toEqual([]) // they ran side by side
  expect(judged({ ...call, at: 20 }, second)).toEqual(['H9'])
  const [third, fourth] = [
    { ...call, n: 3 },
    { ...call, n: 4 },
  ]
  expect(judged(third, fourth)).toEqual([])
  expect(judged({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'm' })).toEqual([])
  expect(judged({ ...third, orderingKey: 'l' }, { ...fourth, orderingKey: 'l' })).toEqual(['H9'])
})

it('finds what a subscription is told after its end', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const record = world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  world.publish('a')
  await world.kernel.run(5_000)
  expect(world.report.violations).toEqual([])
  record.ended = 'stopped' // the application believes so, and the line goes on
  world.publish('a')
  await world.kernel.run(5_000)
  expect(rulesOf(world)).toEqual(['H12'])
})

it('finds what is pushed after the end of an authority', async () => {
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

it('finds rows that nobody wants, and claims without an end', () => {
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

it('finds a device that goes on after it closed: its socket, its timers, its connection', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  checkNothingLeft(world)
  expect(new Set(rulesOf(world))).toEqual(new Set(['H14']))
  expect(world.report.violations.map(({ text }) => text.replaceAll(/\d+/g, 'n'))).toEqual([
    'dn closed and kept n sockets',
    'dn closed and kept n timers',
    'dn did not close',
    'cn= is open still',
  ])
})

it('finds a partition that is written more often than AWS allows in a second', () => {
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
