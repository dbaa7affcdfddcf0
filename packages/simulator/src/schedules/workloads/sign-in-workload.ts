import { interrupt, makeRandomCall, repeat, subscribeForAWhile } from './actions.ts'
import { minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/**
 * Devices whose users sign in and out while calls are in flight and sockets are lost. An effect belongs to the principal
 * that made the call.
 */
export const signInWorkload = {
  faults: without('F32'),
  activeMs: 3 * minute,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random } = world
    const mostMs = 2 * minute
    for (let count = 2; count > 0; count--) {
      const device = world.addDevice({ principal: random.pick([undefined, 'ann', 'bob']) })
      subscribeForAWhile(world, device, { within: [0, minute], paths })
      for (let times = 1 + random.int(4); times > 0; times--) {
        const at = random.between(500, mostMs)
        repeat(world, { times: 2, within: [at - 500, at + 1_000] }, () =>
          makeRandomCall(world, device, ['bill', 'bill', 'post']),
        )
        world.after(at, () => device.signIn(random.pick([undefined, 'ann', 'bob', 'cleo'])))
        if (random.chance(0.4)) world.after(at + random.between(-50, 300), () => device.cut())
      }
      interrupt(world, device, { within: [0, mostMs], mostMs: minute })
    }
    repeat(world, { times: 6, within: [0, mostMs] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload
