/** The composition root of the simulator: it creates every part of a world and connects them, so it is one file. */

import { copyJson } from '../kernel/copy-json.ts'
import { createFaultPlan } from '../kernel/fault-plan.ts'
import { createKernel, type Kernel } from '../kernel/kernel.ts'
import { createRandom } from '../kernel/random.ts'
import { createReport } from '../kernel/report.ts'
import {
  expiryOf,
  handlers,
  hooks,
  type Operation,
  operate,
  partitionsOfVersions,
  publishAsScript,
  ratedHandlers,
  runInFunction,
  type ScheduleHooks,
} from '../records/application.ts'
import { createHistory } from '../records/history.ts'
import { createKicks } from '../records/kicks.ts'
import { createPresenceExpectations } from '../records/presence-expectations.ts'
import { createRights } from '../records/rights.ts'
import { lengthOf } from '../records/room-length.ts'
import { createSubscriptionResponses } from '../records/subscription-responses.ts'
import type { Device } from './devices/device.ts'
import { createStockDevice } from './devices/stock-device.ts'
import { createTrunklineDevice } from './devices/trunkline-device.ts'
import { createFunctions, type Functions, type FunctionsOptions } from './functions/functions.ts'
import { createGateway, type SimulatedGateway } from './gateway/gateway.ts'
import { HttpConnections } from './http/http-connections.ts'
import { HttpDoor } from './http/http-door.ts'
import { InvocationQueues } from './invocation-queues.ts'
import { createTableStream } from './stream.ts'
import { deploymentTime, loadPreviousVersion, oldTable } from './table/old-table.ts'
import { createTable } from './table/table.ts'
import { TableRequests } from './table/table-requests.ts'
import type { DeviceChoice, OldSocket, RewindOptions, World, WorldOptions } from './world.ts'

const dayMs = 24 * 3_600_000

/** Creates the world of a seed. */
export function createWorld(options: WorldOptions): World {
  const { seed, startsOld = false } = options
  const kernel = createKernel({ trace: options.trace, ...(startsOld && { start: deploymentTime }) })
  const plan = createFaultPlan({
    ...{ seed, allowed: new Set(options.allowed), only: options.only },
    certain: new Set(options.certain),
  })
  const records = createRecords(kernel)
  const { report, history, expectations, responses } = records
  const table = createTable(() => kernel.now, report)
  if (options.rewinds) table.keepWrites()
  if (startsOld) loadPreviousVersion(table.operations, history) // before the stream is created: the old stream contained these rows

  const kicks = createKicks({ kernel, report })
  const rights = createRights({ kernel, report, claimsOf: (id) => table.operations.readConnection(id)?.claims })
  const gateway: SimulatedGateway = createGateway({
    ...{ kernel, plan, report, expectations, responses, expiryOf, functions: () => functions },
    ...{ rights, kicks },
    random: createRandom(seed, 'gateway'),
    swallowed: new Set(options.swallowed),
  })
  const http = new HttpDoor({
    ...{ kernel, plan, random: createRandom(seed, 'http'), functions: () => functions },
    connections: new HttpConnections({ kernel, plan, report, expectations, responses, rights, kicks }),
  })
  const queues = new InvocationQueues({
    ...{ kernel, plan, functions: () => functions },
    random: createRandom(seed, 'queue'),
  })
  const random = createRandom(seed, 'functions')
  const deployed = { partitions: createRandom(seed, 'partitions').chance(0.4) ? 1 : partitionsOfVersions.first }
  const functions: Functions = createFunctions({
    ...{ kernel, plan, random, kill: options.kill, workerMs: options.workerMs, run: runIn(options, deployed) },
    services: {
      requests: new TableRequests({ kernel, plan, random, table }),
      post: gateway.post,
      disconnect: gateway.disconnect,
      invokeAsync: (name, payload) => queues.invokeAsync(name, payload),
      invokeDelayed: (payload, delayMs) => queues.invokeDelayed(payload, delayMs),
    },
  })
  const stream = createTableStream({ kernel, plan, functions: () => functions, random: createRandom(seed, 'stream') })
  table.onSlot = stream.add
  table.onMember = stream.addMember
  table.onPrincipalConnection = kicks.recorded

  const reported = new Map<string, number>()
  const devices: Device[] = []
  let lastN = startsOld ? 1_000 : 0
  const nextN = () => ++lastN
  const parts = { kernel, plan, table, functions, gateway, http, stream, history, report, expectations }
  hooks.current = createHooks({ kernel, history, table, reported })
  return {
    ...parts,
    ...{ devices, reported, nextN },
    responses: responses.all,
    random: createRandom(seed, 'workload'),
    oldSockets: startsOld ? openOldSockets(gateway) : new Map(),
    workerMs: options.workerMs ?? 900_000,
    kill: options.kill,
    get invocations() {
      return queues.pending
    },
    after: (ms, fn) => void kernel.after(ms, 'script of the workload', fn),
    deployNext() {
      deployed.partitions = partitionsOfVersions.next
    },
    operate(operation) {
      const beganAt = kernel.now
      functions.invoke('operator', operation, {
        returned: () => kicks.resolved(operation, beganAt),
        failed: () => {
          kicks.failed(operation, beganAt)
          kernel.after(1_000, 'operator again', () => this.operate(operation))
        },
      })
    },
    publish: createPublish({ ...parts, nextN, random: createRandom(seed, 'scripts') }),
    rewindLater: (rewind) => rewindLater(parts, rewind),
    addDevice(choice = {}) {
      const device = createDevice(parts, {
        seed,
        name: `d${devices.length + 1}`,
        choice: { transport: options.transport ?? 'socket', ...choice },
      })
      devices.push(device)
      return device
    },
  }
}

function createRecords(kernel: Kernel) {
  return {
    report: createReport(),
    history: createHistory(),
    expectations: createPresenceExpectations(() => kernel.now),
    responses: createSubscriptionResponses(() => kernel.now),
  }
}

/** Runs a handler, or a script, in its sandbox. */
function runIn({ hasRates = false }: WorldOptions, deployed: { readonly partitions: number }): FunctionsOptions['run'] {
  const versions = new WeakMap<object, number>() // of each sandbox: the one that was deployed when it started
  return (name, event, { backend, remainingMs, isAlive }) => {
    const partitions = versions.get(backend) ?? deployed.partitions
    versions.set(backend, partitions)
    return runInFunction(backend, { sleep: backend.clock.sleep, isAlive, partitions }, async () => {
      if (name === 'operator') return operate(event as Operation, backend.clock.now())
      if (name === 'script') return publishAsScript(...(event as Parameters<typeof publishAsScript>))
      const handler = (hasRates ? ratedHandlers : handlers)[name === 'delayed' ? 'deliver' : name]
      return handler(copyJson(event), { getRemainingTimeInMillis: remainingMs })
    })
  }
}

/** Creates the publish of a script, which records each attempt. */
function createPublish({
  kernel,
  history,
  functions,
  nextN,
  random,
}: Pick<World, 'kernel' | 'history' | 'functions' | 'nextN' | 'random'>): World['publish'] {
  return (room, { n = nextN(), key, tries = 1 } = {}) => {
    const record = { room, n, key, at: kernel.now, acknowledged: 0, settledAt: undefined as number | undefined }
    history.scripts.push(record)
    const attempt = (left: number) =>
      functions.invoke('script', [room, n, key], {
        returned: () => {
          record.acknowledged += 1
          record.settledAt ??= kernel.now
        },
        failed: () => {
          if (left > 1) kernel.after(random.between(10, 3_000), 'script again', () => attempt(left - 1))
        },
      })
    attempt(tries)
  }
}

function rewindLater(
  { kernel, table, functions, stream, gateway }: Pick<World, 'kernel' | 'table' | 'functions' | 'stream' | 'gateway'>,
  { afterMs, outageMs, cutsSockets }: RewindOptions,
): void {
  const copy = table.copy()
  kernel.after(afterMs, 'outage', () => {
    functions.stopAll(outageMs)
    stream.reset()
    if (cutsSockets) gateway.dropAll()
    kernel.after(outageMs, 'restored', () => {
      stream.reset()
      table.rewind(copy)
    })
  })
}

function createDevice(
  {
    kernel,
    plan,
    gateway,
    http,
    history,
    table,
    report,
  }: Pick<World, 'kernel' | 'plan' | 'gateway' | 'history' | 'table' | 'report'> & { readonly http: HttpDoor },
  { seed, name, choice }: { readonly seed: number; readonly name: string; readonly choice: DeviceChoice },
): Device {
  const { principal, tokenLifeMs = dayMs, stock = false, guarded, transport = 'socket' } = choice
  const random = createRandom(seed, name)
  const create = stock ? createStockDevice : createTrunklineDevice
  return create({
    ...{ name, plan, kernel, gateway, http, random, history, published: table.published, report, principal, transport },
    guarded,
    clockErrorMs: plan.strikes('F25') === undefined ? 0 : Math.round(random.between(-9e7, 9e7)),
    tokenLifeMs: () => (plan.isStopped ? dayMs : tokenLifeMs), // renewals are tested only while faults strike
  })
}

/** The sockets of the previous version, which stay open across the deployment. */
function openOldSockets(gateway: SimulatedGateway): ReadonlyMap<string, OldSocket> {
  return new Map(
    oldTable.connections.map((socket) => {
      const messages: string[] = []
      const peer = { opened() {}, message: (text: string) => void messages.push(text), lost() {} }
      return [socket.connectionId, { wire: gateway.adopt(socket, peer), messages }]
    }),
  )
}

/** The hooks by which the application of a schedule reaches the world outside of its functions. */
function createHooks({
  kernel,
  history,
  table,
  reported,
}: Pick<World, 'kernel' | 'history' | 'table'> & { readonly reported: Map<string, number> }): ScheduleHooks {
  return {
    now: () => kernel.now,
    charge(n, principal) {
      history.charges.set(n, (history.charges.get(n) ?? 0) + 1)
      history.payers.set(n, new Set(history.payers.get(n)).add(principal))
    },
    state: (room) => lengthOf(table.published, room),
    reported: (message) => void reported.set(message, (reported.get(message) ?? 0) + 1),
    produced(name) {
      history.producers.push(name)
      kernel.note(`producer ${history.producers.length} of ${name} begins`)
      return history.producers.length
    },
    began(name, connectionId, isAlive) {
      const run = { number: history.runs.length + 1, name, connectionId, isAlive, isOpen: true }
      history.runs.push(run)
      kernel.note(`run ${run.number} of ${name} begins`)
      return run
    },
  }
}
