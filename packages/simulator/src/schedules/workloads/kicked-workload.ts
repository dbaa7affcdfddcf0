import { interrupt, repeat } from './actions.ts'
import { minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

const kinds = ['kick', 'ban', 'ban', 'revoke'] as const

/**
 * Operators kick, ban and revoke principals while these connect, move, call and subscribe. No function freezes: one that
 * thaws would send what it has checked before.
 */
export const kickedWorkload = {
  faults: without('F23', 'F32'),
  activeMs: 5 * minute,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random, plan } = world
    const mostMs = 4 * minute
    for (let count = 3; count > 0; count--) {
      const device = world.addDevice({ principal: `p${1 + random.int(2)}` })
      for (let more = 1 + random.int(2); more > 0; more--) device.subscribe(random.pick(paths), random.pick(rooms))
      repeat(world, { times: random.int(4), within: [0, mostMs] }, () => device.cut())
      repeat(world, { times: 6, within: [0, mostMs] }, () =>
        device.call('post', random.pick(rooms), { n: world.nextN() }),
      )
      interrupt(world, device, { within: [0, mostMs], mostMs: minute })
    }
    repeat(world, { times: 8, within: [1_000, mostMs] }, () => {
      const strike = plan.strikes('F55')
      if (strike === undefined) return
      const until = world.kernel.now + Math.round(strike.between(5_000, minute))
      world.operate({ kind: strike.pick(kinds), principal: `p${1 + strike.int(2)}`, until })
    })
    repeat(world, { times: 40, within: [0, 5 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload
