import { oldTable } from '../../world/table/old-table.ts'
import { growShardsSometimes, interrupt, makeRandomCall, repeat, subscribeForAWhile } from './actions.ts'
import { minute, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/**
 * A deployment: rows that the previous version wrote, sockets that it accepted, keys that it settled or left running.
 */
export const oldTableWorkload = {
  faults: without(),
  activeMs: 5 * minute,
  settleMs: twoSyncsMs,
  mayIdleForDays: true,
  startsOld: true,
  hasPresence: true,
  begin(world) {
    const { random } = world
    const devices = [0, 1].map(() => world.addDevice({ principal: 'p1' }))
    for (const device of devices) {
      subscribeForAWhile(world, device, { within: [0, minute], paths: ['replayed', 'thirds', 'snapshot', 'live'] })
      for (const { path, room, n, key } of oldTable.calls.filter(({ device }) => device === 'd1'))
        if (random.chance(0.5)) world.after(random.between(0, 2 * minute), () => device.call(path, room, { n, key }))
      repeat(world, { times: 2, within: [0, minute] }, () => makeRandomCall(world, device))
      repeat(world, { times: random.int(3), within: [0, minute] }, () => device.cut())
      interrupt(world, device, { within: [0, minute], mostMs: 3 * minute })
    }
    const watcher = world.addDevice()
    for (const room of rooms) watcher.subscribePresence('watched', room) // sees the members of the old version leave
    growShardsSometimes(world, minute)
    repeat(world, { times: 6, within: [0, minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/**
 * The table is restored to a copy from seconds or a minute before, and the restore number stays the same. Only
 * scripts publish, because effects of a rewound key elsewhere cannot be undone.
 */
export const rewoundWorkload = {
  faults: without('F32', 'F42'),
  certain: ['F33'],
  activeMs: 4 * minute,
  settleMs: twoSyncsMs,
  rewinds: true,
  begin(world) {
    const { random, plan } = world
    // one of each kind for each room and device, so that a response belongs to one subscription
    for (let count = 2 + random.int(2); count > 0; count--) {
      const device = world.addDevice()
      for (const path of ['live', 'replayed', 'thirds', 'snapshot'] as const)
        for (const room of rooms)
          if (random.chance(0.3)) world.after(random.between(0, 20_000), () => device.subscribe(path, room))
      repeat(world, { times: random.int(3), within: [0, 3 * minute] }, () => device.cut())
    }
    growShardsSometimes(world, minute)
    repeat(world, { times: 10, within: [0, minute] }, () => world.publish(random.pick(rooms)))
    for (let time = 1 + random.int(2), from = 5_000; time > 0; time--) {
      const strike = plan.strikes('F33')
      if (strike === undefined) break
      const options = {
        afterMs: strike.between(2_000, 60_000),
        outageMs: strike.between(20_000, 40_000),
        cutsSockets: strike.chance(0.5),
      }
      const at = strike.between(from, from + 20_000)
      world.after(at, () => world.rewindLater(options))
      from = at + options.afterMs + options.outageMs
    }
    // some logs pass their old end soon, some late, some only after they are read
    const room = random.pick(rooms)
    repeat(world, { times: random.int(12), within: [60_000, 4 * minute] }, () =>
      world.publish(random.chance(0.8) ? room : random.pick(rooms)),
    )
  },
} satisfies Workload
