import { partedRoom } from '../../records/application.ts'
import type { SubscriptionPath, SubscriptionRecord } from '../../records/history.ts'
import { interrupt, repeat } from './actions.ts'
import { minute, twoSyncsMs, type Workload, without } from './workload.ts'

const paths: readonly SubscriptionPath[] = ['live', 'live', 'replayed', 'thirds', 'snapshot']

/** A room whose partitions become more while clients follow it and functions of the older version still run. */
export const partitionsWorkload = {
  faults: without(),
  activeMs: 15 * minute,
  settleMs: twoSyncsMs,
  mayIdleForDays: true,
  hasPartitions: true,
  begin(world) {
    const { random } = world
    if (random.chance(0.8)) world.after(random.between(0, 2 * minute), () => world.deployNext())
    for (let count = 2 + random.int(2); count > 0; count--) {
      const device = world.addDevice(random.chance(0.5) ? { principal: `p${count % 2}` } : {})
      for (let more = 1 + random.int(2); more > 0; more--) {
        let record: SubscriptionRecord | undefined
        const start = () => {
          record = device.subscribe(random.pick(paths), partedRoom)
        }
        world.after(random.between(0, minute), start)
        if (random.chance(0.4)) {
          const stopAt = random.between(minute, 3 * minute)
          world.after(stopAt, () => record !== undefined && device.stop(record))
          if (random.chance(0.7)) world.after(stopAt + random.between(0, 3_000), start)
        }
      }
      repeat(world, { times: 3 + random.int(4), within: [500, 3 * minute] }, () =>
        device.call('post', partedRoom, { n: world.nextN(), key: random.chance(0.15) ? 'none' : 'auto' }),
      )
      repeat(world, { times: random.int(3), within: [0, 3 * minute] }, () => device.cut())
      interrupt(world, device, { within: [0, 2 * minute], mostMs: 14 * minute })
    }
    repeat(world, { times: 8, within: [0, 4 * minute] }, () =>
      world.publish(partedRoom, random.chance(0.5) ? { key: `k${random.int(1_000_000)}`, tries: 3 } : {}),
    )
    repeat(world, { times: 4, within: [11 * minute, 14 * minute] }, () => world.publish(partedRoom))
  },
} satisfies Workload
