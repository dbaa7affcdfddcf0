// One file over 200 lines: it is a table of workloads and the few actions that they share.

import { type FaultId, faultIds } from '../kernel/faults.ts'
import { presenceTimes, topicOf } from '../records/application.ts'
import type {
  CallPath,
  GeneratorPath,
  GeneratorSubscription,
  PresenceSubscription,
  SubscriptionPath,
  SubscriptionRecord,
} from '../records/history.ts'
import type { Device } from '../world/devices/device.ts'
import { oldTable } from '../world/table/old-table.ts'
import type { World } from '../world/world.ts'

/** The actions of devices in a schedule, and its faults. */
export interface Workload {
  readonly faults: readonly FaultId[]
  /** How long the devices are active, in milliseconds. */
  readonly busyMs: number
  /** How long all clients may take to converge after faults have stopped, in milliseconds. */
  readonly settleMs: number
  /** Methods whose frames never leave a device. Without syncs, events that a race loses stay lost. */
  readonly swallowed?: readonly string[]
  /** Creates the devices and schedules their actions; `world.random` decides. */
  readonly begin: (world: World) => void
  /** Whether days may pass without devices, which then return. */
  readonly mayFallSilent?: boolean
  /** Whether some devices use tRPC's own client. */
  readonly hasStock?: boolean
  /** Whether it uses presence; a new member then joins at the end. */
  readonly hasPresence?: boolean
  /** Whether it uses generators. */
  readonly hasGenerators?: boolean
  /** The timeout of the worker function in milliseconds. */
  readonly workerMs?: number
  /** Whether the table is restored to an older copy during the schedule. */
  readonly rewinds?: boolean
  /** Faults that strike at every opportunity. */
  readonly certain?: readonly FaultId[]
  /** Whether the table starts with the rows of an older version, whose sockets are still open. */
  readonly startsOld?: boolean
  /** Too long to be part of the rotation. */
  readonly isLong?: boolean
  /** Whether no function dies. Then no row may be left over, not even until the next push finds it. */
  readonly isTidy?: boolean
}

export const rooms = ['a', 'b'] as const
const keepaliveMs = 325_000
const twoSyncsMs = 2 * keepaliveMs + 60_000

const without = (...left: readonly FaultId[]) => faultIds.filter((id) => !left.includes(id))
/** Faults that can lose a push permanently when no sync repairs it. */
const losers: readonly FaultId[] = ['F1', 'F2', 'F5', 'F6', 'F9', 'F12', 'F35', 'F40', 'F42', 'F38', 'F32']

const paths: readonly SubscriptionPath[] = ['live', 'replayed', 'thirds', 'live']

function anyCall(world: World, device: Device, weights: readonly CallPath[] = mixed): void {
  const { random } = world
  const key = random.chance(0.15) ? 'none' : 'auto'
  device.call(random.pick(weights), random.pick(rooms), { n: world.nextN(), key })
}
const mixed: readonly CallPath[] = ['post', 'post', 'post', 'post', 'spread', 'bill', 'bill', 'refuse', 'count']

/** Schedules `fn` `count` times, each at a random time in [`from`, `to`). */
function often(world: World, count: number, [from, to]: readonly [number, number], fn: () => void): void {
  for (let time = 0; time < count; time++) world.after(world.random.between(from, to), fn)
}

/** Subscribes, and sometimes stops and subscribes again. */
function listen(
  world: World,
  device: Device,
  [from, to]: readonly [number, number],
  paths: readonly SubscriptionPath[],
): void {
  const { random } = world
  let record: SubscriptionRecord | undefined
  const start = () => {
    record = device.subscribe(random.pick(paths), random.pick(rooms))
  }
  world.after(random.between(from, from + (to - from) * 0.4), start)
  if (random.chance(0.4)) {
    const stopAt = random.between(from + (to - from) * 0.4, to)
    world.after(stopAt, () => record !== undefined && device.stop(record))
    if (random.chance(0.7)) world.after(stopAt + random.between(0, 3_000), start)
  }
}

/** Disconnects or suspends the device for a while, or sets its clock. */
function wander(world: World, device: Device, [from, to]: readonly [number, number], mostMs: number): void {
  const set = world.plan.strikes('F53')
  if (set !== undefined) {
    const ms = Math.round(set.between(-9e7, 9e7))
    world.after(set.between(from, to), () => device.setClock(ms))
  }
  const strike = world.plan.strikes('F42')
  if (strike === undefined) return
  const at = strike.between(from, to)
  const ms = strike.chance(0.4) ? strike.between(500, 30_000) : strike.between(1_000, mostMs)
  if (strike.chance(0.5)) {
    world.after(at, () => device.setOnline(false))
    world.after(at + ms, () => device.setOnline(true))
  } else {
    world.after(at, () => device.setAsleep(true))
    world.after(at + ms, () => device.setAsleep(false))
  }
}

/** Joins or watches a room, sometimes leaves it and returns. */
function attend(world: World, device: Device, path: 'joined' | 'watched', mostMs: number): void {
  const { random } = world
  const room = random.chance(0.7) ? 'a' : 'b'
  let record: PresenceSubscription | undefined
  const start = () => {
    if (!device.isClosed) record = device.subscribePresence(path, room)
  }
  world.after(random.between(0, mostMs * 0.4), start)
  if (path === 'joined')
    often(world, random.int(4), [500, mostMs], () => !device.isClosed && device.updatePresence(room, world.nextN()))
  if (random.chance(0.5)) return
  const stopAt = random.between(mostMs * 0.4, mostMs)
  world.after(stopAt, () => record !== undefined && device.unsubscribePresence(record))
  if (random.chance(0.6)) world.after(stopAt + random.between(0, 3_000), start)
}

/** Subscribes to a generator for about `ms`, and sometimes unsubscribes before it ends. */
function listenTo(
  world: World,
  device: Device,
  { at, ms, path }: { readonly at: number; readonly ms: number; readonly path: GeneratorPath },
): void {
  const { random } = world
  const everyMs = random.pick([0, 20, 300, 2_000, 9_000, 30_000])
  const isEndless = everyMs > 0 && random.chance(0.3)
  const last = isEndless ? 1e9 : everyMs === 0 ? random.between(1, 600) : 1 + ms / everyMs
  const input = {
    ...{ name: `g${world.nextN()}`, everyMs, last: Math.floor(last) },
    ...{ throws: random.chance(0.3), heeds: random.chance(0.8) },
  }
  let record: GeneratorSubscription | undefined
  world.after(at, () => {
    if (!device.isClosed) record = device.subscribeGenerator(path, input)
  })
  if (random.chance(0.5))
    world.after(at + random.between(0, ms), () => record !== undefined && device.unsubscribeGenerator(record))
}
const generators: readonly GeneratorPath[] = ['ticks', 'ticks', 'words', 'observed']

/** Grows the shards of topics, as for thousands of subscribers. */
function mayGrow(world: World, mostMs: number): void {
  const { random, table } = world
  for (const room of rooms)
    for (let shards = 1; shards < 4 && random.chance(0.3); shards *= 2)
      world.after(random.between(0, mostMs), () => table.operations.growShards(topicOf(room), shards, shards * 2))
}

const busy = 60_000

export const workloads = {
  /** Typical use of an application, under every fault. */
  chat: {
    faults: without(),
    busyMs: 15 * 60_000,
    settleMs: twoSyncsMs,
    mayFallSilent: true,
    begin(world) {
      const { random } = world
      for (let count = 2 + random.int(3); count > 0; count--) {
        const device = world.addDevice(random.chance(0.5) ? { principal: `p${count % 2}` } : {})
        for (let more = 1 + random.int(2); more > 0; more--) listen(world, device, [0, busy], paths)
        often(world, 2 + random.int(4), [500, busy], () => anyCall(world, device))
        often(world, random.int(3), [0, busy], () => device.cut())
        wander(world, device, [0, busy], 14 * 60_000)
      }
      mayGrow(world, busy)
      often(world, 3, [0, busy], () => world.publish(random.pick(rooms)))
      often(world, 2, [12 * 60_000, 14 * 60_000], () => world.publish(random.pick(rooms)))
    },
  },
  /** Short subscriptions: subscribe, stop, disconnect. Without syncs, which would hide events that a race loses. */
  race: {
    faults: without(...losers),
    busyMs: 12_000,
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
      mayGrow(world, 10_000)
      often(world, 8, [0, 10_000], () => world.publish(random.pick(rooms)))
      const speaker = world.addDevice()
      often(world, 4, [500, 9_000], () => speaker.call('post', random.pick(rooms), { n: world.nextN() }))
    },
  },
  /** Subscribers that leave immediately, and functions that all finish. */
  leave: {
    faults: ['F7', 'F10', 'F11', 'F13', 'F21', 'F22', 'F25', 'F35'],
    busyMs: 20_000,
    settleMs: 40_000,
    isTidy: true,
    begin(world) {
      const { random } = world
      for (let count = 4; count > 0; count--) {
        const device = world.addDevice()
        const at = random.between(0, 10_000)
        const records: SubscriptionRecord[] = []
        for (let more = 1 + random.int(3); more > 0; more--)
          world.after(
            at + random.between(0, 400),
            () => void records.push(device.subscribe('live', random.pick(rooms))),
          )
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
  },
  /** No message is lost and no client syncs, so pushes alone must be sufficient. */
  quiet: {
    faults: without(...losers, 'F3', 'F4', 'F13', 'F14', 'F17', 'F18', 'F19', 'F20', 'F23', 'F27', 'F28', 'F29', 'F49'),
    busyMs: 20_000,
    settleMs: 90_000,
    swallowed: ['sync'],
    begin(world) {
      const { random } = world
      for (let count = 3; count > 0; count--) {
        const device = world.addDevice()
        world.after(random.between(0, 15_000), () => device.subscribe(random.pick(paths), 'a'))
        often(world, 3, [500, 18_000], () => device.call('post', 'a', { n: world.nextN() }))
      }
      often(world, 5, [0, 18_000], () => world.publish('a'))
    },
  },
  /**
   * Mutations with keys: publishes inside, effects outside, the same key from several devices, ordering keys. Functions
   * die, freeze and resume.
   */
  keyed: {
    faults: without('F1', 'F2', 'F5', 'F6', 'F12', 'F32', 'F40', 'F42'),
    busyMs: 100_000,
    settleMs: twoSyncsMs,
    begin(world) {
      const { random } = world
      const devices = [0, 1, 2].map(() => world.addDevice({ principal: 'p' }))
      devices[0]?.subscribe('replayed', 'a')
      for (const device of devices) {
        often(world, 2, [0, 40_000], () => anyCall(world, device, ['post', 'spread', 'bill', 'refuse']))
        often(world, random.int(3), [0, 60_000], () => device.cut())
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
  },
  /** Calls that are larger than a frame, and events that are larger than a message: both are sent in chunks. */
  large: {
    faults: without('F32'),
    busyMs: 4 * 60_000,
    settleMs: twoSyncsMs,
    begin(world) {
      const { random } = world
      for (let count = 3; count > 0; count--) {
        const device = world.addDevice()
        listen(world, device, [0, busy], ['live', 'replayed'])
        often(world, 2, [500, busy], () => {
          const key = random.chance(0.4) ? 'none' : 'auto'
          const pad = random.between(20_000, 70_000)
          device.call(random.pick(['post', 'bill']), 'a', { n: world.nextN(), key, pad })
        })
        often(world, random.int(3), [0, busy], () => device.cut())
        wander(world, device, [0, busy], 60_000)
      }
      often(world, 3, [0, busy], () => world.publish('a'))
    },
  },
  /** Tokens that expire after minutes and are renewed on the open socket. */
  auth: {
    faults: without('F32'),
    busyMs: 6 * 60_000,
    settleMs: twoSyncsMs,
    begin(world) {
      const { random } = world
      for (let count = 2; count > 0; count--) {
        const device = world.addDevice({ principal: `p${count}`, tokenLifeMs: random.between(20_000, 300_000) })
        listen(world, device, [0, busy], paths)
        often(world, 3, [500, 5 * 60_000], () => anyCall(world, device))
        wander(world, device, [0, 5 * 60_000], 3 * 60_000)
      }
      often(world, 6, [0, 5 * 60_000], () => world.publish(random.pick(rooms)))
    },
  },
  /**
   * tRPC's own clients, which neither order nor deduplicate: ordered deliveries, and sockets that are cut. The gateway
   * behaves as [LAW-STOCK-ORDER] assumes: a 200 is lost only with its socket, and is received once.
   */
  stock: {
    faults: without('F1', 'F2', 'F8', 'F9', 'F10', 'F21', 'F32', 'F42'),
    busyMs: 3 * 60_000,
    settleMs: twoSyncsMs, // longer than the retention: events that waited for the next one may be a gap by then
    hasStock: true,
    begin(world) {
      const { random } = world
      for (let count = 2 + random.int(2); count > 0; count--) {
        const device = world.addDevice({ stock: true })
        for (let more = 1 + random.int(2); more > 0; more--) listen(world, device, [0, busy], paths)
        often(world, random.int(3), [0, 2 * busy], () => device.cut())
      }
      const speaker = world.addDevice()
      listen(world, speaker, [0, busy], paths)
      often(world, 8, [500, 2 * busy], () => speaker.call('post', random.pick(rooms), { n: world.nextN() }))
      const at = random.between(0, busy)
      often(world, 6, [at, at + 300], () => world.publish('a')) // a burst
      often(world, 6, [0, 2 * busy], () => world.publish(random.pick(rooms)))
      mayGrow(world, busy)
    },
  },
  /** A socket's two-hour limit, and the hand-over to the next socket. */
  handover: {
    faults: without('F32'),
    busyMs: 126 * 60_000,
    settleMs: twoSyncsMs,
    begin(world) {
      const { random } = world
      for (let count = 2; count > 0; count--) {
        const device = world.addDevice(random.chance(0.5) ? { principal: `p${count}` } : {})
        for (let more = 2; more > 0; more--) listen(world, device, [0, busy], paths)
        often(world, 8, [99 * 60_000, 121 * 60_000], () => anyCall(world, device, ['post', 'post', 'bill', 'count']))
        wander(world, device, [98 * 60_000, 118 * 60_000], 2 * 60_000)
      }
      often(world, 12, [99 * 60_000, 125 * 60_000], () => world.publish(random.pick(rooms)))
    },
  },
  /** Subscriptions that start with a state, and restart with it after a gap. */
  snapshot: {
    faults: without(),
    busyMs: 15 * 60_000,
    settleMs: twoSyncsMs,
    mayFallSilent: true,
    begin(world) {
      const { random } = world
      for (let count = 3; count > 0; count--) {
        const device = world.addDevice()
        listen(world, device, [0, busy], ['snapshot', 'snapshot', 'live'])
        often(world, 3, [500, busy], () => anyCall(world, device, ['post', 'spread']))
        wander(world, device, [0, busy], 14 * 60_000)
      }
      often(world, 4, [0, busy], () => world.publish(random.pick(rooms)))
      often(world, 3, [11 * 60_000, 14 * 60_000], () => world.publish(random.pick(rooms)))
    },
  },
  /**
   * Presence: sessions of a few members that join, watch, update their data, leave, sleep, lose their sockets and
   * close. When faults stop, stale sessions have a lease and a watcher's keepalive to disappear.
   */
  presence: {
    faults: without(),
    busyMs: 5 * 60_000,
    settleMs: presenceTimes.leaseMs + keepaliveMs + 60_000,
    mayFallSilent: true,
    hasPresence: true,
    begin(world) {
      const { random } = world
      const mostMs = 4 * 60_000
      for (let count = 3 + random.int(3); count > 0; count--) {
        const device = world.addDevice({ principal: `p${random.int(3)}` })
        for (let more = 1 + random.int(2); more > 0; more--) attend(world, device, 'joined', mostMs)
        if (random.chance(0.3)) attend(world, device, 'watched', mostMs)
        often(world, random.int(4), [0, mostMs], () => device.cut())
        wander(world, device, [0, mostMs], mostMs)
        if (random.chance(0.25)) world.after(random.between(1_000, mostMs), () => device.close())
      }
      for (let count = 2; count > 0; count--) {
        const watcher = world.addDevice()
        attend(world, watcher, 'watched', mostMs)
        wander(world, watcher, [0, mostMs], mostMs)
      }
    },
  },
  /** Generators of every kind in functions with a timeout of a minute, so that each runs through several functions. */
  generators: {
    faults: without('F32'),
    busyMs: 3 * 60_000,
    settleMs: keepaliveMs + 90_000,
    hasGenerators: true,
    workerMs: 60_000,
    begin(world) {
      const { random } = world
      const mostMs = 150_000
      for (let count = 1 + random.int(2); count > 0; count--) {
        const device = world.addDevice()
        for (let more = 1 + random.int(2); more > 0; more--)
          listenTo(world, device, { at: random.between(0, 60_000), ms: mostMs, path: random.pick(generators) })
        often(world, random.int(3), [0, mostMs], () => device.cut())
        wander(world, device, [0, mostMs], 60_000)
        if (random.chance(0.15)) world.after(random.between(1_000, mostMs), () => device.close())
      }
    },
  },
  /** The same with tRPC's own clients, under the assumptions of [LAW-STOCK-ORDER] about the gateway. */
  'stock-generators': {
    faults: without('F1', 'F2', 'F8', 'F9', 'F10', 'F21', 'F32', 'F42'),
    busyMs: 3 * 60_000,
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
          listenTo(world, device, { at: random.between(0, 60_000), ms: mostMs, path: random.pick(generators) })
        often(world, random.int(3), [0, mostMs], () => device.cut())
        if (random.chance(0.15)) world.after(random.between(1_000, mostMs), () => device.close())
      }
    },
  },
  /**
   * A deployment: rows that the previous version wrote, sockets that it accepted, keys that it settled or left running.
   */
  'old-table': {
    faults: without(),
    busyMs: 5 * 60_000,
    settleMs: twoSyncsMs,
    mayFallSilent: true,
    startsOld: true,
    hasPresence: true,
    begin(world) {
      const { random } = world
      const devices = [0, 1].map(() => world.addDevice({ principal: 'p1' }))
      for (const device of devices) {
        listen(world, device, [0, busy], ['replayed', 'thirds', 'snapshot', 'live'])
        for (const { path, room, n, key } of oldTable.calls.filter(({ device }) => device === 'd1'))
          if (random.chance(0.5)) world.after(random.between(0, 2 * busy), () => device.call(path, room, { n, key }))
        often(world, 2, [0, busy], () => anyCall(world, device))
        often(world, random.int(3), [0, busy], () => device.cut())
        wander(world, device, [0, busy], 3 * 60_000)
      }
      const watcher = world.addDevice()
      for (const room of rooms) watcher.subscribePresence('watched', room) // sees the members of the old version leave
      mayGrow(world, busy)
      often(world, 6, [0, busy], () => world.publish(random.pick(rooms)))
    },
  },
  /**
   * The table is restored to a copy from seconds or a minute before, and the restore number stays the same. Only
   * scripts publish, because effects of a rewound key elsewhere cannot be undone.
   */
  rewound: {
    faults: without('F32', 'F42'),
    certain: ['F33'],
    busyMs: 4 * 60_000,
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
        often(world, random.int(3), [0, 3 * busy], () => device.cut())
      }
      mayGrow(world, busy)
      often(world, 10, [0, busy], () => world.publish(random.pick(rooms)))
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
      often(world, random.int(12), [60_000, 4 * 60_000], () =>
        world.publish(random.chance(0.8) ? room : random.pick(rooms)),
      )
    },
  },
  /**
   * A generator for an hour, in functions with Lambda's maximum of 15 minutes, and the end and hand-over of its socket
   * after it.
   */
  hour: {
    faults: without('F32'),
    busyMs: 125 * 60_000,
    settleMs: keepaliveMs + 90_000,
    hasGenerators: true,
    workerMs: 15 * 60_000,
    isLong: true,
    begin(world) {
      const { random } = world
      const device = world.addDevice()
      const everyMs = random.pick([2_000, 9_000, 30_000])
      const input = { everyMs, last: 3_600_000 / everyMs, throws: random.chance(0.3), heeds: random.chance(0.8) }
      world.after(0, () => device.subscribeGenerator('ticks', { ...input, name: 'hour' }))
      // a second one is active when the session moves to its next socket
      world.after(80 * 60_000, () =>
        device.subscribeGenerator('ticks', { ...input, name: 'later', last: (45 * 60_000) / everyMs }),
      )
      often(world, random.int(4), [0, 120 * 60_000], () => device.cut())
      wander(world, device, [0, 50 * 60_000], 10 * 60_000)
    },
  },
} as const satisfies Record<string, Workload>

export type WorkloadName = keyof typeof workloads
export const workloadNames = Object.keys(workloads) as readonly WorkloadName[]
const isLong = (name: WorkloadName) => (workloads[name] as Workload).isLong === true
/** The workloads of the rotation. */
export const turns = workloadNames.filter((name) => !isLong(name))
