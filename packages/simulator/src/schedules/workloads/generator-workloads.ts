import { generatorPaths, interrupt, repeat, subscribeToGenerator } from './actions.ts'
import { keepaliveMs, minute, type Workload, without } from './workload.ts'

/** Generators of every kind in functions with a timeout of a minute, so that each runs through several functions. */
export const generatorsWorkload = {
  faults: without('F32'),
  activeMs: 3 * minute,
  settleMs: keepaliveMs + 90_000,
  hasGenerators: true,
  workerMs: 60_000,
  begin(world) {
    const { random } = world
    const mostMs = 150_000
    for (let count = 1 + random.int(2); count > 0; count--) {
      const device = world.addDevice()
      for (let more = 1 + random.int(2); more > 0; more--)
        subscribeToGenerator(world, device, {
          at: random.between(0, 60_000),
          ms: mostMs,
          path: random.pick(generatorPaths),
        })
      repeat(world, { times: random.int(3), within: [0, mostMs] }, () => device.cut())
      interrupt(world, device, { within: [0, mostMs], mostMs: 60_000 })
      if (random.chance(0.15)) world.after(random.between(1_000, mostMs), () => device.close())
    }
  },
} satisfies Workload

/**
 * A generator for an hour, in functions with Lambda's maximum of 15 minutes, and the end and hand-over of its socket
 * after it.
 */
export const hourWorkload = {
  faults: without('F32'),
  activeMs: 125 * minute,
  settleMs: keepaliveMs + 90_000,
  hasGenerators: true,
  workerMs: 15 * minute,
  isLong: true,
  begin(world) {
    const { random } = world
    const device = world.addDevice()
    const everyMs = random.pick([2_000, 9_000, 30_000])
    const input = { everyMs, last: 3_600_000 / everyMs, throws: random.chance(0.3), heeds: random.chance(0.8) }
    world.after(0, () => device.subscribeGenerator('ticks', { ...input, name: 'hour' }))
    // a second one is active when the session moves to its next socket
    world.after(80 * minute, () =>
      device.subscribeGenerator('ticks', { ...input, name: 'later', last: (45 * minute) / everyMs }),
    )
    repeat(world, { times: random.int(4), within: [0, 120 * minute] }, () => device.cut())
    interrupt(world, device, { within: [0, 50 * minute], mostMs: 10 * minute })
  },
} satisfies Workload
