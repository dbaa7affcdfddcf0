import { topicOf } from '../../records/application.ts'
import type {
  CallPath,
  GeneratorPath,
  GeneratorSubscription,
  PresenceSubscription,
  SubscriptionPath,
  SubscriptionRecord,
} from '../../records/history.ts'
import type { Device } from '../../world/devices/device.ts'
import type { World } from '../../world/world.ts'
import { rooms } from './workload.ts'

/** A part of a schedule, in milliseconds from its start. */
type Interval = readonly [from: number, to: number]

/** Makes one call of a random kind. */
export function makeRandomCall(world: World, device: Device, weights: readonly CallPath[] = mixedCalls): void {
  const { random } = world
  const key = random.chance(0.15) ? 'none' : 'auto'
  device.call(random.pick(weights), random.pick(rooms), { n: world.nextN(), key })
}
const mixedCalls: readonly CallPath[] = ['post', 'post', 'post', 'post', 'spread', 'bill', 'bill', 'refuse', 'count']

/** Schedules `fn` several times, each at a random time in the interval. */
export function repeat(
  world: World,
  { times, within: [from, to] }: { readonly times: number; readonly within: Interval },
  fn: () => void,
): void {
  for (let time = 0; time < times; time++) world.after(world.random.between(from, to), fn)
}

/** Subscribes, and sometimes stops and subscribes again. */
export function subscribeForAWhile(
  world: World,
  device: Device,
  { within: [from, to], paths }: { readonly within: Interval; readonly paths: readonly SubscriptionPath[] },
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

/** Disconnects or suspends the device for at most `mostMs` (F42), or sets its clock (F53). */
export function interrupt(
  world: World,
  device: Device,
  { within: [from, to], mostMs }: { readonly within: Interval; readonly mostMs: number },
): void {
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

/** Puts a proxy in front of the device, several times for a while, that spoils its sockets (F62). */
export function spoilSockets(
  world: World,
  device: Device,
  { within: [from, to] }: { readonly within: Interval },
): void {
  for (let count = 0; count < 4; count++) {
    const strike = world.plan.strikes('F62')
    if (strike === undefined) continue
    const mode = strike.pick(['blocks', 'blocks', 'hangs', 'mutes', 'cuts'] as const)
    const at = strike.chance(0.3) ? from : strike.between(from, to)
    world.after(at, () => device.setProxy(mode))
    world.after(at + strike.between(1_000, 90_000), () => device.setProxy('passes'))
  }
}

/** Joins or watches a room within `mostMs`, sometimes leaves it and returns. */
export function joinOrWatch(
  world: World,
  device: Device,
  { path, mostMs }: { readonly path: 'joined' | 'watched'; readonly mostMs: number },
): void {
  const { random } = world
  const room = random.chance(0.7) ? 'a' : 'b'
  let record: PresenceSubscription | undefined
  const start = () => {
    if (!device.isClosed) record = device.subscribePresence(path, room)
  }
  world.after(random.between(0, mostMs * 0.4), start)
  if (path === 'joined')
    repeat(
      world,
      { times: random.int(4), within: [500, mostMs] },
      () => !device.isClosed && device.updatePresence(room, world.nextN()),
    )
  if (random.chance(0.5)) return
  const stopAt = random.between(mostMs * 0.4, mostMs)
  world.after(stopAt, () => record !== undefined && device.unsubscribePresence(record))
  if (random.chance(0.6)) world.after(stopAt + random.between(0, 3_000), start)
}

/** Subscribes to a generator for about `ms`, and sometimes unsubscribes before it ends. */
export function subscribeToGenerator(
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
/** The paths of generators, with weights. */
export const generatorPaths: readonly GeneratorPath[] = ['ticks', 'ticks', 'words', 'observed']

/** Grows the shards of topics, as for thousands of subscribers. */
export function growShardsSometimes(world: World, mostMs: number): void {
  const { random, table } = world
  for (const room of rooms)
    for (let shards = 1; shards < 4 && random.chance(0.3); shards *= 2)
      world.after(random.between(0, mostMs), () => table.operations.growShards(topicOf(room), shards, shards * 2))
}
