import { expect, it } from 'vitest'
import { formatToken, topicOf } from '../records/application.ts'
import type { Entry } from '../records/history.ts'
import { createWorld } from '../world/create-world.ts'
import { rulesOf, worldOf } from './published-world.suite.ts'
import { checkSubscriptions } from './subscriptions-checker.ts'

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
  const world = worldOf(1, 2, 3, 4, 5)
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

it.each<[title: string, entries: readonly Entry[], respondedMs: readonly number[], rules: readonly string[]]>([
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
])('reports the violations of a subscription of a rewound log that %s', async (_, entries, respondedMs, rules) => {
  const { world, at } = await rewoundWorld()
  const about = { device: 'd', path: 'live', room: 'a' } as const
  world.history.subscriptions.push({ ...about, isStock: false, ended: undefined, entries: [...entries] })
  for (const ms of respondedMs) (world.responses as unknown[]).push({ ...about, at: at + ms })
  checkSubscriptions(world, 'settled')
  expect(rulesOf(world)).toEqual(rules)
})

it('finds an event that a subscription receives after its end', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const record = world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  world.publish('a')
  await world.kernel.run(5_000)
  expect(world.report.violations).toEqual([])
  record.ended = 'stopped' // the application has stopped it, and the server continues
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
