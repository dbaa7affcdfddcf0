import { presenceTimes } from '../../records/application.ts'
import type { Device } from '../../world/devices/device.ts'
import type { World } from '../../world/world.ts'
import { interrupt, joinOrWatch, makeRandomCall, repeat, spoilSockets, subscribeForAWhile } from './actions.ts'
import { rewoundWorkload } from './table-workloads.ts'
import { keepaliveMs, minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/** A device that subscribes, calls, is present and is interrupted. */
function useRooms(world: World, device: Device, mostMs: number): void {
  const { random } = world
  for (let more = 1 + random.int(2); more > 0; more--)
    subscribeForAWhile(world, device, { within: [0, minute], paths: [...paths, 'snapshot'] })
  if (random.chance(0.6)) joinOrWatch(world, device, { path: random.pick(['joined', 'watched']), mostMs: minute })
  repeat(world, { times: 3 + random.int(3), within: [500, mostMs] }, () => makeRandomCall(world, device))
  for (let count = 0; count < 2; count++)
    world.after(random.between(0, mostMs), () =>
      device.call('post', 'a', { n: world.nextN(), orderingKey: `key-${device.name}` }),
    )
  repeat(world, { times: random.int(3), within: [0, mostMs] }, () => device.cut())
  interrupt(world, device, { within: [0, mostMs], mostMs: 3 * minute })
}

/** The same keyed mutation by several devices. */
function shareKeys(world: World, devices: readonly Device[]): void {
  const { random } = world
  for (let count = 0; count < 2; count++) {
    const [n, at] = [world.nextN(), random.between(0, minute)]
    for (const device of devices)
      world.after(at + random.between(0, 3_000), () => device.call('bill', 'b', { n, key: `own-${n}` }))
  }
}

/** Devices that reach the server over HTTP only, and one with a socket. */
export const httpWorkload = {
  faults: without('F32'),
  activeMs: 2.5 * minute,
  settleMs: presenceTimes.leaseMs + keepaliveMs + minute, // the device with a socket has a sync
  transport: 'http',
  hasPresence: true,
  begin(world) {
    const { random } = world
    const tokenLifeMs = random.chance(0.3) ? random.between(20_000, 180_000) : undefined
    const devices = [1, 2].map(() => world.addDevice({ principal: 'p', ...(tokenLifeMs && { tokenLifeMs }) }))
    const other = world.addDevice({ principal: 'q', transport: 'socket' })
    for (const device of [...devices, other]) useRooms(world, device, 2 * minute)
    shareKeys(world, devices)
    if (random.chance(0.2)) world.after(random.between(minute, 2 * minute), () => devices[0]?.close())
    repeat(world, { times: 8, within: [0, 2 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/** Devices that move between sockets and HTTP, as the proxies in front of them change. */
export const movingWorkload = {
  faults: without('F32'),
  certain: ['F62'],
  activeMs: 7 * minute,
  settleMs: twoSyncsMs + 3 * minute, // a probe may come as late as that
  transport: 'both',
  hasPresence: true,
  begin(world) {
    const { random } = world
    const devices = [1, 2].map(() => world.addDevice({ principal: 'p' }))
    for (const device of devices) {
      useRooms(world, device, 5 * minute)
      spoilSockets(world, device, { within: [0, 5 * minute] })
    }
    shareKeys(world, devices)
    repeat(world, { times: 12, within: [0, 6 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/** A table that is restored to an older copy, with devices that poll it: a poll must notice that its position is gone. */
export const httpRewoundWorkload = { ...rewoundWorkload, transport: 'http' } satisfies Workload
