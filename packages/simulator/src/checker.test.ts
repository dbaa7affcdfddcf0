import { expect, it } from 'vitest'
import { topicOf } from './application.ts'
import { checkCalls, checkSubscriptions } from './checker.ts'
import type { CallRecord, Entry } from './history.ts'
import { createWorld } from './world.ts'

/** A world whose room `a` holds the events 1 to 5 at the offsets 1 to 5. */
function worldOfFive() {
  const world = createWorld({ seed: 1, allowed: [] })
  for (let n = 1; n <= 5; n++)
    world.table.operations.putSlot(topicOf('a'), {
      ...{ offset: n, epoch: 'e', publishId: `p${n}`, time: world.kernel.now, data: `{"n":${n}}` },
      expires: world.kernel.now / 1_000 + 200_000,
    })
  return world
}

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
  const about = { device: 'd', path: 'live', room: 'a', ended: undefined } as const
  world.history.subscriptions.push({ ...about, entries: [...entries] })
  checkSubscriptions(world, true)
  expect(world.report.violations.map(({ rule }) => rule)).toEqual(rules)
})

it('judges calls: settled once and in time, acknowledged and there, one answer for one key', () => {
  const world = worldOfFive()
  const call: CallRecord = {
    ...({ device: 'd', path: 'post', room: 'a' } as const),
    ...{ key: 'own-1', at: 0, deviceAt: 0, lane: undefined, n: 1 },
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
  expect(world.report.violations.map(({ rule }) => rule)).toEqual(['H16'])
})
