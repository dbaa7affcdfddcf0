import type { AnswerRef } from '../../records/application.ts'
import type { StreamSubscription } from '../../records/history.ts'
import type { Device } from '../../world/devices/device.ts'
import type { World } from '../../world/world.ts'
import { interrupt, repeat } from './actions.ts'
import { minute, rooms, twoSyncsMs, type Workload, without } from './workload.ts'

const policies = ['close', 'restart', 'continue'] as const
const mostMs = 150_000

/** A few streams, most of them used by several devices. */
function pickAnswers({ random }: World): readonly AnswerRef[] {
  const count = 1 + random.int(2)
  return Array.from({ length: count }, () => ({ onLost: random.pick(policies), room: random.pick(rooms) }))
}

/** Watches a stream, and sometimes again, as a page that is reloaded. */
function watchForAWhile(world: World, device: Device, of: AnswerRef): void {
  const { random } = world
  let record: StreamSubscription | undefined
  const watch = () => {
    if (!device.isClosed) record = device.watch(random.pick(['answer', 'answer', 'evens']), of)
  }
  const at = random.between(0, minute)
  world.after(at, watch)
  for (let reloads = random.int(3); reloads > 0; reloads--) {
    const reloadAt = random.between(at, mostMs)
    world.after(reloadAt, () => record !== undefined && device.unwatch(record))
    world.after(reloadAt + random.between(0, 2_000), watch)
  }
}

/** A device starts a stream, and some device starts it again; sometimes one stops it. */
function produceAnswer(world: World, devices: readonly Device[], of: AnswerRef): void {
  const { random } = world
  const everyMs = random.pick([0, 30, 400, 3_000, 12_000, 30_000])
  const last = everyMs === 0 ? 1 + random.int(400) : 1 + random.int(Math.max(2, Math.ceil(100_000 / everyMs)))
  const input = { everyMs, last: Math.min(last, 400), throws: random.chance(0.2) }
  repeat(world, { times: 1 + random.int(3), within: [0, minute] }, () => {
    const device = random.pick(devices)
    if (!device.isClosed) device.ask(of, input)
  })
  if (random.chance(0.5))
    repeat(world, { times: 1 + random.int(2), within: [0, mostMs] }, () => {
      const device = random.pick(devices)
      if (!device.isClosed) device.silence(of)
    })
}

/** Streams in functions with a timeout of a minute, so that long ones are handed over; after their retention once more. */
export const streamsWorkload = {
  faults: without('F32'),
  activeMs: 3 * minute,
  settleMs: twoSyncsMs, // longer than the retention of a stream
  hasStreams: true,
  workerMs: 60_000,
  begin(world) {
    const { random } = world
    const devices = Array.from({ length: 2 + random.int(2) }, () => world.addDevice())
    for (const of of pickAnswers(world)) {
      produceAnswer(world, devices, of)
      for (const device of devices) if (random.chance(0.8)) watchForAWhile(world, device, of)
    }
    for (const device of devices) {
      repeat(world, { times: random.int(3), within: [0, mostMs] }, () => device.cut())
      interrupt(world, device, { within: [0, mostMs], mostMs: minute })
      if (random.chance(0.15)) world.after(random.between(1_000, mostMs), () => device.close())
    }
  },
} satisfies Workload

/** The same with readers that use tRPC's own client, under the assumptions of [LAW-STOCK-ORDER] about the gateway. */
export const stockStreamsWorkload = {
  faults: without('F1', 'F2', 'F8', 'F9', 'F10', 'F21', 'F32', 'F42'),
  activeMs: 3 * minute,
  settleMs: twoSyncsMs,
  hasStock: true,
  hasStreams: true,
  workerMs: 60_000,
  begin(world) {
    const { random } = world
    const starter = world.addDevice()
    const readers = Array.from({ length: 1 + random.int(2) }, () => world.addDevice({ stock: true }))
    for (const of of pickAnswers(world)) {
      produceAnswer(world, [starter], of)
      for (const reader of readers) watchForAWhile(world, reader, of)
    }
    for (const reader of readers) repeat(world, { times: random.int(3), within: [0, mostMs] }, () => reader.cut())
  },
} satisfies Workload
