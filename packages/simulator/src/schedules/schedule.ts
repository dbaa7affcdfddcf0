import { checkCalls } from '../checks/calls-checker.ts'
import { checkGenerators, checkRuns } from '../checks/generators-checker.ts'
import { checkNothingLeft, checkRows } from '../checks/leftovers-checker.ts'
import { checkNobodyLeft, checkPresence } from '../checks/presence-checker.ts'
import { checkRights } from '../checks/rights-checker.ts'
import { checkStreams } from '../checks/streams-checker.ts'
import { checkSubscriptions } from '../checks/subscriptions-checker.ts'
import { sealGlobals } from '../kernel/globals.ts'
import type { Violation } from '../kernel/report.ts'
import { createVirtualTimers } from '../kernel/virtual-timers.ts'
import {
  answerTopicOf,
  guardedRooms,
  hereOf,
  hooks,
  partedRoom,
  partedTopics,
  topicOf,
} from '../records/application.ts'
import { createWorld } from '../world/create-world.ts'
import type { TransportChoice } from '../world/devices/device.ts'
import type { PlannedKill } from '../world/functions/invocation.ts'
import type { World } from '../world/world.ts'
import { spoilSockets } from './workloads/actions.ts'
import { rooms, type Workload } from './workloads/workload.ts'
import { type WorkloadName, workloads } from './workloads/workloads.ts'

export interface ScheduleOptions {
  readonly seed: number
  readonly workload: WorkloadName | Workload
  /** Only these strikes of faults happen. */
  readonly only?: readonly string[] | undefined
  readonly kill?: PlannedKill | undefined
  /** The ways of devices to the server. @default those of the workload */
  readonly transport?: TransportChoice | undefined
  readonly trace?: ((line: string) => void) | undefined
}

/** The outcome of a schedule. */
export interface Outcome {
  readonly seed: number
  readonly violations: readonly Violation[]
  /** The strikes of faults, such as `F19.4`. */
  readonly struck: readonly string[]
  readonly events: number
  /** The numbers of events put into logs, and of events given to applications. */
  readonly published: number
  readonly delivered: number
  readonly gaps: number
  readonly connections: number
  readonly invocations: readonly { readonly name: string; readonly calls: number }[]
  /** A hash of the whole history. */
  readonly hash: string
}

const hour = 3_600_000
const afterwardsMs = 40_000
const idleMs = 610_000
const topics = [
  ...rooms.flatMap((room) => [topicOf(room), hereOf(room)]),
  ...guardedRooms.map(topicOf),
  ...partedTopics(),
]

/** Runs one schedule and checks its history. It takes processor time only. */
export async function runSchedule(options: ScheduleOptions): Promise<Outcome> {
  const workload: Workload = typeof options.workload === 'string' ? workloads[options.workload] : options.workload
  const world = createWorld({
    ...options,
    only: options.only && new Set(options.only),
    allowed: workload.faults,
    swallowed: workload.swallowed ?? [],
    workerMs: workload.workerMs,
    startsOld: workload.startsOld,
    rewinds: workload.rewinds,
    hasRates: workload.hasRates,
    certain: options.transport === 'both' ? [...(workload.certain ?? []), 'F62'] : workload.certain,
    transport: options.transport ?? workload.transport,
  })
  const unseal = sealGlobals(workload.hasStock ? createVirtualTimers(world.kernel) : undefined)
  try {
    await play(world, workload, options.transport)
  } catch (thrown) {
    world.report.break('H15', thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown), 'other')
  } finally {
    unseal()
    hooks.current = undefined
  }
  return outcomeOf(world, options.seed)
}

async function play(world: World, workload: Workload, transport?: TransportChoice): Promise<void> {
  const { kernel, plan, random, devices, table } = world
  const isTtlStrange = plan.strikes('F32') !== undefined
  workload.begin(world)
  if (transport === 'both')
    for (const device of devices) spoilSockets(world, device, { within: [0, workload.activeMs] })
  await kernel.run(workload.activeMs)
  if (workload.mayIdleForDays && isTtlStrange && random.chance(0.7)) await idleForDays(world)

  plan.stop()
  for (const device of devices) {
    device.setAsleep(false)
    device.setOnline(true)
    device.setProxy('passes')
  }
  await kernel.run(workload.settleMs)
  checkSubscriptions(world, 'settled')
  checkPresence(world, rooms)
  checkGenerators(world)
  checkRuns(world)
  checkStreams(world)
  if (workload.leavesNoRows) checkRows(world, topics)
  if (workload.hasRights) checkRights(world)
  if (world.report.violations.length > 0) return

  // new events reveal leftovers
  // `thirds` receives one of three
  const guarded = workload.hasRights ? guardedRooms : []
  for (const room of [...rooms, ...guarded]) for (let each = 0; each < 3; each++) world.publish(room)
  if (workload.hasPartitions) for (let each = 0; each < 48; each++) world.publish(partedRoom)
  if (workload.hasPresence) await joinNewMembers(world)
  if (workload.hasGenerators) endSome(world)
  if (workload.hasStreams) startAgain(world)
  await kernel.run(afterwardsMs)
  checkSubscriptions(world, 'published')
  checkPresence(world, rooms)
  checkGenerators(world)
  checkRuns(world)
  checkStreams(world)
  checkRows(world, topics)

  for (const device of devices) device.close()
  await kernel.run(3 * hour)
  checkNobodyLeft(world, rooms)
  table.deleteExpired(random, 1)
  checkCalls(world)
  checkNothingLeft(world)
}

/** A new device joins each room after the gateway has noticed the half-open sockets. */
async function joinNewMembers({ kernel, addDevice }: World): Promise<void> {
  await kernel.run(idleMs)
  for (const room of rooms) addDevice({ principal: 'new' }).subscribePresence('joined', room)
}

/** Starts every stream again, most of them past their retention, and reads each. */
function startAgain({ devices, history }: World): void {
  const device = devices.find(({ isClosed, isStock }) => !isClosed && !isStock)
  const refs = new Map(history.streamCalls.map(({ of }) => [answerTopicOf(of), of]))
  for (const of of refs.values()) {
    device?.ask(of, { everyMs: 1_000, last: 7, throws: false })
    device?.watch('answer', of)
  }
}

/** After faults have stopped, ends some subscriptions and sockets, whose end the server must notice. */
function endSome({ random, devices, history }: World): void {
  for (const record of history.generatorSubscriptions) {
    const device = devices.find(({ name }) => name === record.device)
    if (random.chance(0.5)) device?.unsubscribeGenerator(record)
  }
  for (const device of devices) if (random.chance(0.3)) device.cut()
}

/** Days pass without devices. TTL deletes some of the expired rows, late and in no particular order. */
async function idleForDays(world: World): Promise<void> {
  const { kernel, devices, random, table } = world
  for (const device of devices) device.setAsleep(true)
  for (let day = 0; day < 3; day++) {
    await kernel.run(random.between(15, 26) * hour)
    table.deleteExpired(random, random.next())
    if (random.chance(0.3)) world.publish(random.pick(rooms))
  }
  for (const device of devices) world.after(random.between(0, 5_000), () => device.setAsleep(false))
  for (let count = 0; count < 3; count++)
    world.after(random.between(0, 20_000), () => world.publish(random.pick(rooms)))
  await kernel.run(30_000)
}

function outcomeOf(world: World, seed: number): Outcome {
  const { kernel, plan, report, history, table, gateway, functions } = world
  const entries = history.subscriptions.flatMap((record) => record.entries)
  const presenceEvents = history.presenceSubscriptions.flatMap((record) => record.events)
  const generatorEvents = history.generatorSubscriptions.flatMap((record) => record.events)
  const streamEvents = history.streamSubscriptions.flatMap((record) => record.events)
  const count = (kinds: readonly string[]) =>
    [...entries, ...presenceEvents, ...generatorEvents, ...streamEvents].filter(({ kind }) => kinds.includes(kind))
      .length
  return {
    seed,
    violations: report.violations,
    struck: plan.struck,
    events: kernel.events,
    published: [...table.published.topics.values()].reduce(
      (sum, all) => sum + all.filter(({ n }) => n !== undefined).length,
      0,
    ),
    delivered: count(['data', 'here', 'join', 'update', 'leave', 'value', 'chunk']),
    gaps: count(['gap']),
    connections: gateway.connections.size,
    invocations: functions.log,
    hash: kernel.hash,
  }
}
