import type { SubscriptionRecord } from '../../records/history.ts'
import { growShardsSometimes, interrupt, makeRandomCall, repeat, subscribeForAWhile } from './actions.ts'
import { lossFaults, minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/** Typical use of an application, under every fault. */
export const chatWorkload = {
  faults: without(),
  activeMs: 15 * minute,
  settleMs: twoSyncsMs,
  mayIdleForDays: true,
  begin(world) {
    const { random } = world
    for (let count = 2 + random.int(3); count > 0; count--) {
      const device = world.addDevice(random.chance(0.5) ? { principal: `p${count % 2}` } : {})
      for (let more = 1 + random.int(2); more > 0; more--)
        subscribeForAWhile(world, device, { within: [0, minute], paths })
      repeat(world, { times: 2 + random.int(4), within: [500, minute] }, () => makeRandomCall(world, device))
      repeat(world, { times: random.int(3), within: [0, minute] }, () => device.cut())
      interrupt(world, device, { within: [0, minute], mostMs: 14 * minute })
    }
    growShardsSometimes(world, minute)
    repeat(world, { times: 3, within: [0, minute] }, () => world.publish(random.pick(rooms)))
    repeat(world, { times: 2, within: [12 * minute, 14 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/** Short subscriptions: subscribe, stop, disconnect. Without syncs, which would hide events that a race loses. */
export const raceWorkload = {
  faults: without(...lossFaults),
  activeMs: 12_000,
  settleMs: 150_000,
  swallowed: ['sync'],
  begin(world) {
    const { random } = world
    for (let count = 3 + random.int(3); count > 0; count--) {
      const device = world.addDevice()
      for (let more = 1 + random.int(2); more > 0; more--) {
        const at = random.between(0, 8_000)
        let record: SubscriptionRecord | undefined
        world.after(at, () => (record = device.subscribe('live', random.pick(rooms))))
        if (random.chance(0.5))
          world.after(at + random.between(0, 600), () => record !== undefined && device.stop(record))
      }
      if (random.chance(0.5)) world.after(random.between(200, 8_000), () => device.cut())
      if (random.chance(0.3)) world.after(random.between(200, 8_000), () => device.close())
    }
    growShardsSometimes(world, 10_000)
    repeat(world, { times: 8, within: [0, 10_000] }, () => world.publish(random.pick(rooms)))
    const publisher = world.addDevice()
    repeat(world, { times: 4, within: [500, 9_000] }, () =>
      publisher.call('post', random.pick(rooms), { n: world.nextN() }),
    )
  },
} satisfies Workload

/** Subscribers that leave immediately, and functions that all finish. */
export const leaveWorkload = {
  faults: ['F7', 'F10', 'F11', 'F13', 'F21', 'F22', 'F25', 'F35'],
  activeMs: 20_000,
  settleMs: 40_000,
  leavesNoRows: true,
  begin(world) {
    const { random } = world
    for (let count = 4; count > 0; count--) {
      const device = world.addDevice()
      const at = random.between(0, 10_000)
      const records: SubscriptionRecord[] = []
      for (let more = 1 + random.int(3); more > 0; more--)
        world.after(at + random.between(0, 400), () => void records.push(device.subscribe('live', random.pick(rooms))))
      for (let more = random.int(4); more > 0; more--) {
        const stopAt = at + random.pick([random.between(0, 1_000), random.between(400, 2_000)])
        world.after(stopAt, () => {
          const record = records.shift()
          if (record !== undefined) device.stop(record)
        })
      }
      if (random.chance(0.6)) world.after(at + random.between(100, 1_500), () => device.cut())
      if (random.chance(0.5)) world.after(at + random.between(100, 3_000), () => device.close())
    }
  },
} satisfies Workload

/** No message is lost and no client syncs, so pushes alone must be sufficient. */
export const quietWorkload = {
  faults: without(
    ...lossFaults,
    'F3',
    'F4',
    'F13',
    'F14',
    'F17',
    'F18',
    'F19',
    'F20',
    'F23',
    'F27',
    'F28',
    'F29',
    'F49',
  ),
  activeMs: 20_000,
  settleMs: 90_000,
  swallowed: ['sync'],
  begin(world) {
    const { random } = world
    for (let count = 3; count > 0; count--) {
      const device = world.addDevice()
      world.after(random.between(0, 15_000), () => device.subscribe(random.pick(paths), 'a'))
      repeat(world, { times: 3, within: [500, 18_000] }, () => device.call('post', 'a', { n: world.nextN() }))
    }
    repeat(world, { times: 5, within: [0, 18_000] }, () => world.publish('a'))
  },
} satisfies Workload

/** Subscriptions that start with a state, and restart with it after a gap. */
export const snapshotWorkload = {
  faults: without(),
  activeMs: 15 * minute,
  settleMs: twoSyncsMs,
  mayIdleForDays: true,
  begin(world) {
    const { random } = world
    for (let count = 3; count > 0; count--) {
      const device = world.addDevice()
      subscribeForAWhile(world, device, { within: [0, minute], paths: ['snapshot', 'snapshot', 'live'] })
      repeat(world, { times: 3, within: [500, minute] }, () => makeRandomCall(world, device, ['post', 'spread']))
      interrupt(world, device, { within: [0, minute], mostMs: 14 * minute })
    }
    repeat(world, { times: 4, within: [0, minute] }, () => world.publish(random.pick(rooms)))
    repeat(world, { times: 3, within: [11 * minute, 14 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/** A socket's two-hour limit, and the hand-over to the next socket. */
export const handoverWorkload = {
  faults: without('F32'),
  activeMs: 126 * minute,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random } = world
    for (let count = 2; count > 0; count--) {
      const device = world.addDevice(random.chance(0.5) ? { principal: `p${count}` } : {})
      for (let more = 2; more > 0; more--) subscribeForAWhile(world, device, { within: [0, minute], paths })
      repeat(world, { times: 8, within: [99 * minute, 121 * minute] }, () =>
        makeRandomCall(world, device, ['post', 'post', 'bill', 'count']),
      )
      interrupt(world, device, { within: [98 * minute, 118 * minute], mostMs: 2 * minute })
    }
    repeat(world, { times: 12, within: [99 * minute, 125 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload
