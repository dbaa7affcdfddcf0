import { generatorPaths, growShardsSometimes, repeat, subscribeForAWhile, subscribeToGenerator } from './actions.ts'
import { keepaliveMs, minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/**
 * tRPC's own clients, which neither order nor deduplicate: ordered deliveries, and sockets that are cut. The gateway
 * behaves as [LAW-STOCK-ORDER] assumes: a 200 is lost only with its socket, and is received once.
 */
export const stockWorkload = {
  faults: without('F1', 'F2', 'F8', 'F9', 'F10', 'F21', 'F32', 'F42'),
  activeMs: 3 * minute,
  settleMs: twoSyncsMs, // longer than the retention: events that waited for the next one may be a gap by then
  hasStock: true,
  begin(world) {
    const { random } = world
    for (let count = 2 + random.int(2); count > 0; count--) {
      const device = world.addDevice({ stock: true })
      for (let more = 1 + random.int(2); more > 0; more--)
        subscribeForAWhile(world, device, { within: [0, minute], paths })
      repeat(world, { times: random.int(3), within: [0, 2 * minute] }, () => device.cut())
    }
    const publisher = world.addDevice()
    subscribeForAWhile(world, publisher, { within: [0, minute], paths })
    repeat(world, { times: 8, within: [500, 2 * minute] }, () =>
      publisher.call('post', random.pick(rooms), { n: world.nextN() }),
    )
    const at = random.between(0, minute)
    repeat(world, { times: 6, within: [at, at + 300] }, () => world.publish('a')) // a burst
    repeat(world, { times: 6, within: [0, 2 * minute] }, () => world.publish(random.pick(rooms)))
    growShardsSometimes(world, minute)
  },
} satisfies Workload

/** The same with tRPC's own clients, under the assumptions of [LAW-STOCK-ORDER] about the gateway. */
export const stockGeneratorsWorkload = {
  faults: without('F1', 'F2', 'F8', 'F9', 'F10', 'F21', 'F32', 'F42'),
  activeMs: 3 * minute,
  settleMs: keepaliveMs + 90_000,
  hasStock: true,
  hasGenerators: true,
  workerMs: 60_000,
  begin(world) {
    const { random } = world
    const mostMs = 150_000
    for (let count = 1 + random.int(2); count > 0; count--) {
      const device = world.addDevice({ stock: true })
      for (let more = 1 + random.int(2); more > 0; more--)
        subscribeToGenerator(world, device, {
          at: random.between(0, 60_000),
          ms: mostMs,
          path: random.pick(generatorPaths),
        })
      repeat(world, { times: random.int(3), within: [0, mostMs] }, () => device.cut())
      if (random.chance(0.15)) world.after(random.between(1_000, mostMs), () => device.close())
    }
  },
} satisfies Workload
