import { guardedRooms } from '../../records/application.ts'
import type { SubscriptionRecord } from '../../records/history.ts'
import { interrupt, repeat } from './actions.ts'
import { minute, paths, twoSyncsMs, type Workload, without } from './workload.ts'

/**
 * Tokens that live for about a minute, and whose rights come and go with each. No function freezes: one that thaws
 * would send what it has checked before.
 */
export const rightsWorkload = {
  faults: without('F23', 'F32'),
  certain: ['F54'],
  activeMs: 5 * minute,
  settleMs: twoSyncsMs,
  hasRights: true,
  begin(world) {
    const { random } = world
    const mostMs = 4 * minute
    for (let count = 2; count > 0; count--) {
      const tokenLifeMs = random.between(20_000, 90_000)
      const device = world.addDevice({ principal: `p${count}`, tokenLifeMs, guarded: guardedRooms })
      const live: SubscriptionRecord[] = []
      repeat(world, { times: 8, within: [0, mostMs] }, () => {
        const room = random.pick(guardedRooms)
        // An application subscribes again some time after it was refused.
        if (live.filter((each) => each.ended === undefined).length < 3)
          live.push(device.subscribe(random.pick(paths), room))
      })
      repeat(world, { times: random.int(3), within: [0, mostMs] }, () => device.cut())
      interrupt(world, device, { within: [0, mostMs], mostMs: minute })
    }
    repeat(world, { times: 60, within: [0, 5 * minute] }, () => world.publish(random.pick(guardedRooms)))
  },
} satisfies Workload
