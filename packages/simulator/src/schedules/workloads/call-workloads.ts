import { interrupt, makeRandomCall, repeat, subscribeForAWhile } from './actions.ts'
import { minute, paths, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

/**
 * Mutations with keys: publishes inside, effects outside, the same key from several devices, ordering keys. Functions
 * die, freeze and resume.
 */
export const keyedWorkload = {
  faults: without('F1', 'F2', 'F5', 'F6', 'F12', 'F32', 'F40', 'F42'),
  activeMs: 100_000,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random } = world
    const devices = [0, 1, 2].map(() => world.addDevice({ principal: 'p' }))
    devices[0]?.subscribe('replayed', 'a')
    for (const device of devices) {
      repeat(world, { times: 2, within: [0, 40_000] }, () =>
        makeRandomCall(world, device, ['post', 'spread', 'bill', 'refuse']),
      )
      repeat(world, { times: random.int(3), within: [0, 60_000] }, () => device.cut())
      for (let count = 0; count < 2; count++) {
        const at = random.between(0, 40_000)
        const orderingKey = `orderingKey-${device.name}`
        world.after(at, () => device.call('post', 'a', { n: world.nextN(), orderingKey }))
      }
    }
    for (let count = 0; count < 3; count++) {
      const withinMs = random.pick([500, 3_000, 50_000])
      const [n, path, at] = [
        world.nextN(),
        random.pick(['post', 'bill', 'spread', 'refuse'] as const),
        random.between(0, 40_000),
      ]
      for (const device of devices)
        for (let times = 1 + random.int(2); times > 0; times--)
          world.after(at + random.between(0, withinMs), () => device.call(path, 'a', { n, key: `own-${n}` }))
    }
    for (let count = 0; count < 3; count++)
      world.after(random.between(0, 60_000), () =>
        world.publish('a', { key: `script-${world.random.int(1e9)}`, tries: 6 }),
      )
  },
} satisfies Workload

/** Calls that are larger than a frame, and events that are larger than a message: both are sent in chunks. */
export const largeWorkload = {
  faults: without('F32'),
  activeMs: 4 * minute,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random } = world
    for (let count = 3; count > 0; count--) {
      const device = world.addDevice()
      subscribeForAWhile(world, device, { within: [0, minute], paths: ['live', 'replayed'] })
      repeat(world, { times: 2, within: [500, minute] }, () => {
        const key = random.chance(0.4) ? 'none' : 'auto'
        const pad = random.between(20_000, 70_000)
        device.call(random.pick(['post', 'bill']), 'a', { n: world.nextN(), key, pad })
      })
      repeat(world, { times: random.int(3), within: [0, minute] }, () => device.cut())
      interrupt(world, device, { within: [0, minute], mostMs: 60_000 })
    }
    repeat(world, { times: 3, within: [0, minute] }, () => world.publish('a'))
  },
} satisfies Workload

/** Tokens that expire after minutes and are renewed on the open socket. */
export const authWorkload = {
  faults: without('F32'),
  activeMs: 6 * minute,
  settleMs: twoSyncsMs,
  begin(world) {
    const { random } = world
    for (let count = 2; count > 0; count--) {
      const device = world.addDevice({ principal: `p${count}`, tokenLifeMs: random.between(20_000, 300_000) })
      subscribeForAWhile(world, device, { within: [0, minute], paths })
      repeat(world, { times: 3, within: [500, 5 * minute] }, () => makeRandomCall(world, device))
      interrupt(world, device, { within: [0, 5 * minute], mostMs: 3 * minute })
    }
    repeat(world, { times: 6, within: [0, 5 * minute] }, () => world.publish(random.pick(rooms)))
  },
} satisfies Workload

/**
 * A device floods: it publishes several times what its rates of bytes allow, so that it is refused and its connections
 * are deleted. Others of its principal, and a stranger, call and subscribe meanwhile.
 */
export const ratesWorkload = {
  faults: without('F32'),
  activeMs: 4 * minute,
  settleMs: twoSyncsMs,
  hasRates: true,
  begin(world) {
    const { random } = world
    const flooding = world.addDevice({ principal: 'p' })
    const devices = [flooding, world.addDevice({ principal: 'p' }), world.addDevice()]
    for (const device of devices) {
      subscribeForAWhile(world, device, { within: [0, minute], paths })
      repeat(world, { times: 3, within: [0, 2 * minute] }, () => makeRandomCall(world, device))
      repeat(world, { times: 4, within: [0, 2 * minute] }, () => makeRandomCall(world, device, ['bill']))
      repeat(world, { times: random.int(2), within: [0, minute] }, () => device.cut())
    }
    const from = random.between(0, minute)
    repeat(world, { times: 8 + random.int(12), within: [from, from + 15_000] }, () => {
      const key = random.chance(0.3) ? 'none' : 'auto'
      const path = random.pick(['post', 'post', 'bill'] as const)
      flooding.call(path, random.pick(rooms), { n: world.nextN(), key, pad: random.between(30_000, 60_000) })
    })
    for (let count = 0; count < 2; count++) {
      const [n, at] = [world.nextN(), random.between(0, minute)]
      for (const device of devices.slice(0, 2)) // an anonymous caller has keys of its own
        world.after(at + random.between(0, 3_000), () => device.call('bill', 'b', { n, key: `own-${n}` }))
    }
    repeat(world, { times: 6, within: [0, 2 * minute] }, () => world.publish(random.pick(rooms)))
    interrupt(world, flooding, { within: [0, 2 * minute], mostMs: minute })
  },
} satisfies Workload
