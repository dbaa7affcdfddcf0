import { describe, expect, test } from 'vitest'
import type { PresenceRow } from '../../ports/presence.ts'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { withOperations } from '../subscriptions/room.suite.ts'
import {
  awayIfAll,
  checkPresence,
  createPresenceWorld,
  join,
  leave,
  look,
  lose,
  type PresenceWorld,
  type PresenceWorldOptions,
  renew,
  rowsOf,
  sweep,
  times,
} from './presence-world.suite.ts'

const table = createScheduleTable('presence')

type Operations = Exploration<PresenceWorld>['operations']

/** Ann is here with one tab when it begins. */
const present = (world: PresenceWorld) => join('ann', 'a')(world)
/** Ann’s lease is old enough to be renewed. */
const late = async (world: PresenceWorld) => {
  await present(world)
  await world.clock.advance(times.leaseMs / 2)
}
const nobody = async () => {}

const exploration = (
  operations: Operations,
  { begin, wrap, merge, ...more }: Partial<Exploration<PresenceWorld>> & PresenceWorldOptions = {},
): Exploration<PresenceWorld> => {
  return {
    world: (scheduler: Scheduler) => createPresenceWorld(scheduler, { begin, wrap, merge }),
    operations,
    check: checkPresence,
    idle: ({ clock }) => clock.advance(40), // a writer that backs off
    ...more,
  }
}
const killable = (operations: Operations) => ({ kills: Object.keys(operations) })

describe('join ∥ leave ∥ rejoin, each killed at any point, the stream completing the rest', () => {
  const scopes: Readonly<Record<string, readonly [Operations, ((world: PresenceWorld) => Promise<unknown>)?]>> = {
    'join ∥ rejoin': [{ join: join('ann', 'a'), rejoin: join('ann', 'a', 2) }],
    'join ∥ join of another tab': [{ join: join('ann', 'a'), other: join('ann', 'b') }],
    'join ∥ join of another member': [{ join: join('ann', 'a'), other: join('bob', 'b') }],
    'leave ∥ rejoin': [{ leave: leave('ann', 'a'), rejoin: join('ann', 'a', 2) }, present],
    'leave ∥ join of another tab': [{ leave: leave('ann', 'a'), other: join('ann', 'b') }, present],
    'lost ∥ rejoin': [{ lose: lose('ann', 'a'), rejoin: join('ann', 'a', 2) }, present],
    'join ∥ rejoin with other data': [{ join: join('ann', 'a'), rejoin: join('ann', 'a', 2, '{"away":true}') }],
  }
  test.each(Object.entries(scopes))(
    '%s: each change once and in order, and the log is the rows [TL-PRES-9]',
    (name, [operations, begin = nobody]) =>
      table.holds(`${name} ∥ kill`, exploration(operations, { begin, ...killable(operations) })),
  )

  test('lost ∥ renewal: a sync that was under way when its socket was lost keeps no session present [TL-PRES-4]', () =>
    table.holds(
      'lost ∥ late renewal',
      exploration(
        { lose: lose('ann', 'a'), renew: renew('ann', 'a') },
        {
          begin: late,
          async check(world, ended) {
            await checkPresence(world, ended)
            const [row] = await rowsOf(world)
            expect(row?.sessions['a']).toMatchObject({ leaving: true, lease: world.clock.now() + times.graceMs })
          },
        },
      ),
    ))

  test('two tabs leave while a third joins: the member stays present [TL-PRES-2]', () => {
    const operations = { leave: leave('ann', 'a'), other: leave('ann', 'b'), third: join('ann', 'c') }
    const begin = async (world: PresenceWorld) => {
      await join('ann', 'a')(world)
      await join('ann', 'b')(world)
    }
    return table.holds('leave ∥ leave ∥ join', exploration(operations, { begin }))
  })
  test('is the same when a response of the store is lost [TL-PRES-9]', () => {
    const again = (run: (world: PresenceWorld) => Promise<unknown>) => (world: PresenceWorld) =>
      run(world).catch(() => run(world))
    const operations = { join: again(join('ann', 'a')), leave: again(leave('ann', 'b')) }
    return table.holds(
      'join ∥ leave of another tab ∥ a lost answer',
      exploration(operations, { begin: (world) => join('ann', 'b')(world), losses: ['join', 'leave'] }),
    )
  })
})

describe('a member’s sessions that are merged', () => {
  const away = '{"away":true}'
  /** One tab is visible; the other is hidden and sent its frame last. */
  const twoTabs = async (world: PresenceWorld) => {
    await join('ann', 'a')(world)
    await join('ann', 'b', 1, away)(world)
  }
  const scopes: Readonly<Record<string, Operations>> = {
    'the one in front leaves ∥ the hidden one comes back': {
      leave: leave('ann', 'a'),
      rejoin: join('ann', 'b', 2, away),
    },
    'the one in front is hidden ∥ the hidden one is shown': {
      hide: join('ann', 'a', 2, away),
      show: join('ann', 'b', 2, '{}'),
    },
    'the one in front leaves ∥ a third comes': { leave: leave('ann', 'a'), third: join('ann', 'c', 1, away) },
  }
  test.each(Object.entries(scopes))('%s: the shown data is the merge of all sessions [TL-PRES-2]', (name, operations) =>
    table.holds(
      `merged: ${name} ∥ kill`,
      exploration(operations, { begin: twoTabs, merge: awayIfAll, ...killable(operations) }),
    ),
  )
})

describe('a snapshot', () => {
  const whiles: Readonly<Record<string, readonly [Operations, ((world: PresenceWorld) => Promise<unknown>)?]>> = {
    join: [{ join: join('ann', 'a') }],
    leave: [{ leave: leave('ann', 'a') }, present],
    'join of another tab': [{ join: join('ann', 'b') }, present],
    'new data': [{ join: join('ann', 'b', 1, '{"away":true}') }, present],
  }
  test.each(Object.entries(whiles))(
    'is exact at its place while there is a %s [TL-PRES-1]',
    (name, [operations, begin = nobody]) =>
      table.holds(
        `snapshot ∥ ${name} ∥ kill`,
        exploration({ look, ...operations }, { begin, ...killable(operations) }),
      ),
  )
  test('is exact while a member leaves and another joins [TL-PRES-1]', () =>
    table.holds(
      'snapshot ∥ leave ∥ join',
      exploration({ look, leave: leave('ann', 'a'), join: join('bob', 'b') }, { begin: present }),
    ))
})

describe('the sweep', () => {
  /** Ann’s lease runs out unseen. */
  const over = async (world: PresenceWorld) => {
    await present(world)
    await world.clock.advance(times.leaseMs + 1)
  }
  test('ends an expired lease once next to another sweep and a rejoin [TL-PRES-6]', () => {
    const operations = { sweep, rejoin: join('ann', 'a', 2) }
    return table.holds('sweep ∥ rejoin ∥ kill', exploration(operations, { begin: over, ...killable(operations) }))
  })
  test('ends an expired lease once next to a snapshot that sees it too [TL-PRES-6]', () =>
    table.holds('sweep ∥ snapshot ∥ kill', exploration({ sweep, look }, { begin: over, kills: ['sweep', 'look'] })))
})

describe('the explorer finds', () => {
  test('an append that does not wait for the one before it', () =>
    table.catches(
      'changed again without appending the pending change',
      exploration(
        { leave: leave('ann', 'a'), join: join('ann', 'b') },
        { begin: present, wrap: (store) => withOperations(store, unpending), ...killable({ leave: nobody }) },
      ),
    ))
  test('a row that two write at once', () =>
    table.catches(
      'unconditional put',
      exploration(
        { join: join('ann', 'a'), other: join('ann', 'b') },
        { wrap: (store) => withOperations(store, unconditional), check: checkPresence },
      ),
    ))
  test('a snapshot that reads only the rows', () =>
    table.catches('snapshot without the tail', exploration({ look: lookAtRowsAlone, join: join('ann', 'a') })))
})

/** Readers see no pending change. */
const unpending = (store: Store): Partial<Store> => ({
  readPresence: async (topic, member) => settled(await store.readPresence(topic, member)),
  putPresence: async (row, over) => {
    const outcome = await store.putPresence(row, over)
    const existing = outcome.status === 'conflict' ? settled(outcome.row) : undefined
    return outcome.status === 'conflict' ? { status: 'conflict', row: existing } : outcome
  },
})
const settled = (row: PresenceRow | undefined) => row && { ...row, pending: false, epoch: row.epoch ?? 'any' }

const unconditional = (store: Store): Partial<Store> => ({
  putPresence: async (row) => {
    const existing = await store.readPresence(row.topic, row.member)
    return store.putPresence(row, existing?.mark)
  },
})

/** The place first, then the rows, and nothing more: what is put meanwhile comes again in the tail. */
async function lookAtRowsAlone(world: PresenceWorld): Promise<void> {
  const { store } = world.context
  const { slots } = await store.readSlotsBefore('here?room=s:x', undefined, 1)
  const { rows } = await store.readPresences('here?room=s:x')
  const members = new Map(rows.map(({ member, said }) => [member, JSON.parse(said.data ?? 'null') as unknown]))
  world.seen.push({ at: slots[0]?.offset ?? 0, members })
}
