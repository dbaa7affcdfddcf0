import { describe, expect, it, test } from 'vitest'
import { hereOf } from '../records/application.ts'
import type { PresenceEvent, PresenceSubscription } from '../records/history.ts'
import { createWorld } from '../world/create-world.ts'
import type { World } from '../world/world.ts'
import { checkNobodyLeft, checkPresence } from './presence-checker.ts'

type LoggedChange = readonly [type: 'join' | 'update' | 'leave', member: string, n?: number]

const toSlot = (world: World, [type, member, n]: LoggedChange, offset: number, here: number) => ({
  ...{ offset, epoch: 'e', publishId: `p${offset}`, time: world.kernel.now },
  data: JSON.stringify({ type, member, ...(n === undefined ? {} : { data: { n } }), here }),
  expires: world.kernel.now / 1_000 + 200_000,
})

/** A world with this presence log of room `a`, and these members in its rows. */
function worldOf(changes: readonly LoggedChange[], rows: Readonly<Record<string, number>> = {}): World {
  const world = createWorld({ seed: 1, allowed: [] })
  const here = new Set<string>()
  for (const [index, each] of changes.entries()) {
    if (each[0] === 'leave') here.delete(each[1])
    else here.add(each[1])
    world.table.operations.putSlot(hereOf('a'), toSlot(world, each, index + 1, here.size))
  }
  for (const [member, n] of Object.entries(rows)) putRow(world, member, n)
  return world
}

function putRow({ table, kernel }: World, member: string, n: number): void {
  const lease = kernel.now + 60_000
  const session = { ref: 1, connectionId: 'c', leaving: false, lease, joined: '', data: `{"n":${n}}`, since: 1 }
  const said = { id: member, base: 0, type: 'join', data: `{"n":${n}}` } as const
  const row = { topic: hereOf('a'), member, v: 1, mark: member, sessions: { s: session }, said, pending: false }
  table.operations.putPresence({ ...row, epoch: 'e', expires: lease / 1_000 }, undefined)
}

function addSubscription(
  world: World,
  events: readonly PresenceEvent[],
  more: Partial<PresenceSubscription> = {},
): void {
  const about = { device: 'd', member: undefined, room: 'a', ended: undefined }
  world.history.presenceSubscriptions.push({ ...about, events: [...events], ...more })
}

const rulesOf = ({ report }: World) => report.violations.map(({ rule }) => rule)
const id = (offset: number) => `0.e:${offset}`
const here = (offset: number, members: Readonly<Record<string, number>>): PresenceEvent => ({
  ...{ kind: 'here', id: id(offset), members },
})
const join = (offset: number, member: string, n = 0): PresenceEvent => ({ kind: 'join', id: id(offset), member, n })
const update = (offset: number, member: string, n: number): PresenceEvent => ({
  kind: 'update',
  id: id(offset),
  member,
  n,
})
const leave = (offset: number, member: string): PresenceEvent => ({ kind: 'leave', id: id(offset), member })
const gap: PresenceEvent = { kind: 'gap' }

describe('rule H13 reports the violations of a watcher that received', () => {
  const changes: readonly LoggedChange[] = [
    ['join', 'ann', 0],
    ['join', 'bob', 0],
    ['update', 'bob', 1],
    ['leave', 'ann'],
  ]
  const received = [join(2, 'bob'), update(3, 'bob', 1), leave(4, 'ann')]
  it.each<[title: string, events: readonly PresenceEvent[], rules: readonly string[]]>([
    ['all in order', [here(1, { ann: 0 }), ...received], []],
    ['a later state and its changes', [here(3, { ann: 0, bob: 1 }), leave(4, 'ann')], []],
    ['a gap and a new state', [here(1, { ann: 0 }), gap, here(4, { bob: 1 })], []],
    ['a state that differs from the log', [here(1, { ann: 0, bob: 0 }), ...received], ['H13']],
    ['a state with other data', [here(3, { ann: 0, bob: 0 }), leave(4, 'ann')], ['H13']],
    ['a change twice', [here(1, { ann: 0 }), join(2, 'bob'), join(2, 'bob'), ...received.slice(1)], ['H13']],
    [
      'a change out of order',
      [here(1, { ann: 0 }), update(3, 'bob', 1), join(2, 'bob'), leave(4, 'ann')],
      ['H13', 'H13'],
    ],
    ['all but one change', [here(1, { ann: 0 }), join(2, 'bob'), leave(4, 'ann')], ['H13']],
    ['all but the last change', [here(1, { ann: 0 }), join(2, 'bob'), update(3, 'bob', 1)], ['H13']],
    ['a change with other data', [here(1, { ann: 0 }), join(2, 'bob', 7), ...received.slice(1)], ['H13']],
    ['a change that is not in the log', [here(4, { bob: 1 }), leave(9, 'bob')], ['H13']],
    ['a change before any state', [leave(4, 'ann')], ['H13']],
    ['a change after a gap without a state', [here(1, { ann: 0 }), gap, ...received], ['H13']],
    ['nothing', [], ['H15']],
  ])('%s', (_, events, rules) => {
    const world = worldOf(changes, { bob: 1 })
    addSubscription(world, [here(4, { bob: 1 })], { device: 'b', member: 'bob' })
    addSubscription(world, events)
    checkPresence(world, ['a'])
    expect(rulesOf(world)).toEqual(rules)
  })
})

describe('rule H13 reports a log with', () => {
  it.each<[title: string, changes: readonly LoggedChange[]]>([
    [
      'two joins in a row',
      [
        ['join', 'ann', 0],
        ['join', 'ann', 0],
      ],
    ],
    ['an update before a join', [['update', 'ann', 0]]],
    ['a leave of an absent member', [['leave', 'ann']]],
    [
      'an update after a leave',
      [
        ['join', 'ann', 0],
        ['leave', 'ann'],
        ['update', 'ann', 1],
      ],
    ],
  ])('%s', (_, changes) => {
    const world = worldOf(changes)
    checkPresence(world, ['a'])
    expect(rulesOf(world)).toEqual(['H13'])
  })
  test('a change twice and a wrong count', () => {
    const world = worldOf([['join', 'ann', 0]])
    const again = { ...toSlot(world, ['join', 'bob', 0], 2, 1), publishId: 'p1' }
    world.table.operations.putSlot(hereOf('a'), again)
    checkPresence(world, ['a'])
    expect(world.report.violations.map(({ text }) => text)).toEqual([
      'a e:2: join of bob is in the log twice',
      'a e:2: join of bob counts 1 of 2',
    ])
  })
})

describe('rule H13 reports at the end', () => {
  const judged = (changes: readonly LoggedChange[], rows: Readonly<Record<string, number>>, member?: string) => {
    const world = worldOf(changes, rows)
    const members = changes.some(([type]) => type === 'leave')
      ? {}
      : Object.fromEntries(changes.map(([, who, n]) => [who, n ?? 0]))
    addSubscription(world, [here(changes.length, members)], { member })
    checkPresence(world, ['a'])
    return world.report.violations.map(({ text }) => text)
  }
  const ann: readonly LoggedChange[] = [['join', 'ann', 0]]
  test('a stale member in the log, the rows or both', () => {
    expect(judged(ann, { ann: 0 })).toEqual(['a: ann is shown and has no session'])
    expect(judged(ann, {})).toEqual(['a: ann is shown and has no session'])
    expect(judged([...ann, ['leave', 'ann']], { ann: 0 })).toEqual(['a: ann is shown and has no session'])
    expect(judged(ann, { ann: 0 }, 'ann')).toEqual([])
  })
  test('a member without a row, and a row that differs from the log', () => {
    expect(judged(ann, {}, 'ann')).toEqual(['a: ann is present and has no row'])
    expect(judged(ann, { ann: 4 }, 'ann')).toEqual(['a: ann is 4 by the row and 0 by the log'])
  })
  test('a member that is left after all devices closed', () => {
    const world = worldOf(ann, { ann: 0 })
    checkNobodyLeft(world, ['a'])
    expect(rulesOf(world)).toEqual(['H13', 'H13'])
  })
  test('new data that was accepted and never shown', () => {
    const world = worldOf(ann, { ann: 0 })
    world.history.marks.push({ member: 'ann', room: 'a', n: 9, answer: true })
    checkPresence(world, ['a'])
    expect(rulesOf(world)).toEqual(['H1'])
  })
})

describe('rule H13 and presence that flickers', () => {
  /** A device that joins, and a leave of its member after `ms`. */
  async function leaveAfter(ms: number, before: (world: World) => unknown = () => {}) {
    const world = createWorld({ seed: 1, allowed: [] })
    world.addDevice({ principal: 'ann' }).subscribePresence('joined', 'a')
    await world.kernel.run(5_000)
    const { offset = 0, epoch = '' } = world.table.published.of(hereOf('a')).at(-1)?.slot ?? {}
    before(world)
    await world.kernel.run(ms)
    world.table.operations.putSlot(hereOf('a'), { ...toSlot(world, ['leave', 'ann'], offset + 1, 0), epoch })
    checkPresence(world, [])
    checkNobodyLeft(world, ['a'])
    return world.report.violations.map(({ text }) => text).filter((text) => text.endsWith('presence flickered')).length
  }
  test('reports a leave of a session that is alive', async () => {
    expect(await leaveAfter(1_000)).toBe(1)
    expect(await leaveAfter(40 * 60_000)).toBe(1) // each keepalive renews it
  })
  test('reports a leave within the grace period after the socket’s end, and of a session that returned', async () => {
    expect(await leaveAfter(2_000, ({ gateway }) => gateway.disconnect('c1='))).toBe(1)
    expect(await leaveAfter(10_000, ({ gateway }) => gateway.disconnect('c1='))).toBe(1)
  })
  test('accepts the leave of a session that has ended', async () => {
    expect(await leaveAfter(20_000, ({ devices }) => devices[0]?.close())).toBe(0)
    expect(
      await leaveAfter(1_000, ({ devices, history }) =>
        devices[0]?.unsubscribePresence(history.presenceSubscriptions[0] as PresenceSubscription),
      ),
    ).toBe(0)
  })
})
