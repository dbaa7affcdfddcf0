// One file over 200 lines: it is the composition root of a schedule.

import type { InvokedFunction } from '../../../server/src/ports/invoker.ts'
import { createFaultPlan, type FaultPlan } from '../kernel/fault-plan.ts'
import type { FaultId } from '../kernel/faults.ts'
import { createKernel, type Kernel } from '../kernel/kernel.ts'
import { createRandom, type Random } from '../kernel/random.ts'
import { createReport, type Report } from '../kernel/report.ts'
import { expiryOf, handlers, publishAsScript, runLine, stage, topicOf } from '../records/application.ts'
import { createHistory, type History } from '../records/history.ts'
import { createPresenceExpectations, type PresenceExpectations } from '../records/presence-expectations.ts'
import { createSubscriptionResponses, type SubscriptionResponse } from '../records/subscription-responses.ts'
import { createDevice, type Device } from './device.ts'
import { createFunctions, type Functions, type PlannedKill } from './functions.ts'
import { createGateway, type SimulatedGateway, type Wire } from './gateway.ts'
import { loadOldTable, oldTable } from './old-table.ts'
import { createStockDevice } from './stock-device.ts'
import { createTableStream, type TableStream } from './stream.ts'
import { createTable, type Table } from './table.ts'

/** One line with its environment and the devices that use it. */
export interface World {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  /** The workload's own random source. */
  readonly random: Random
  readonly table: Table
  readonly functions: Functions
  readonly gateway: SimulatedGateway
  readonly stream: TableStream
  readonly history: History
  readonly report: Report
  /** The sessions that the server has confirmed as present. */
  readonly expectations: PresenceExpectations
  /** Responses about subscriptions that reached their devices. */
  readonly answers: readonly SubscriptionResponse[]
  readonly devices: readonly Device[]
  /** The failures that the line reported, counted by message. */
  readonly reported: ReadonlyMap<string, number>
  /** Sockets of an older version by connection id, and the messages that they received since. */
  readonly oldSockets: ReadonlyMap<string, OldSocket>
  /** The number of pending asynchronous invocations. */
  readonly invocations: number
  /** The worker's timeout. */
  readonly workerMs: number
  /** The kill of a crash sweep. */
  readonly kill: PlannedKill | undefined
  addDevice(options?: {
    readonly principal?: string | undefined
    readonly tokenLifeMs?: number
    /** Whether it uses tRPC's own client. @default false */
    readonly stock?: boolean
  }): Device
  /** The number for a new event. */
  nextN(): number
  /** Publishes as a script, without a gateway. */
  publish(room: string, options?: { readonly n?: number; readonly key?: string; readonly tries?: number }): void
  after(ms: number, fn: () => void): void
  /**
   * Copies the table now and restores the copy later; meanwhile no function runs. Only for workloads that set
   * `rewinds`.
   */
  rewindLater(options: {
    readonly afterMs: number
    /** Must be longer than any post or message is in flight. */
    readonly outageMs: number
    /** Whether the gateway's sockets end with the functions, as on the local line. */
    readonly cutsSockets: boolean
  }): void
}

export interface OldSocket {
  readonly wire: Wire
  readonly messages: readonly string[]
}

export interface WorldOptions {
  readonly seed: number
  readonly allowed: readonly FaultId[]
  readonly only?: ReadonlySet<string> | undefined
  readonly kill?: PlannedKill | undefined
  readonly swallowed?: readonly string[]
  /** The worker's timeout. */
  readonly workerMs?: number | undefined
  /** Whether the table is restored to an older copy during the schedule. */
  readonly rewinds?: boolean | undefined
  /** Faults that strike at every opportunity. */
  readonly certain?: readonly FaultId[] | undefined
  /** Whether the table starts with the rows of an older version, whose sockets are open. */
  readonly startsOld?: boolean | undefined
  readonly trace?: ((line: string) => void) | undefined
}

const dayMs = 24 * 3_600_000
/** Lambda's two retries, after one and two minutes; `deliver` retries sooner, so that schedules are shorter. */
const retriesMs = { deliver: [20_000, 40_000], worker: [60_000, 120_000] } as const
/** The delay queue hides a message for this long after each receive. The fifth failure is final. */
const [visibilityMs, maxReceiveCount] = [180_000, 5]

/** The time between the last write of the older version and the first request of this one. */
const deploymentMs = 3_000

function takeOver(table: Table, history: History): void {
  loadOldTable(table.operations)
  history.calls.push(...oldTable.calls.filter(({ settled }) => settled > 0))
  for (const [n, count] of Object.entries(oldTable.charges)) history.charges.set(Number(n), count)
}

/** Creates the world of a seed. */
export function createWorld(options: WorldOptions): World {
  const { seed, startsOld = false } = options
  const kernel = createKernel({ trace: options.trace, ...(startsOld && { start: oldTable.now + deploymentMs }) })
  const plan = createFaultPlan({
    ...{ seed, allowed: new Set(options.allowed), only: options.only },
    certain: new Set(options.certain),
  })
  const report = createReport()
  const history = createHistory()
  const expectations = createPresenceExpectations(() => kernel.now)
  const table = createTable(() => kernel.now, report)
  if (options.rewinds) table.keepWrites()
  const answers = createSubscriptionResponses(() => kernel.now)
  if (startsOld) takeOver(table, history) // before the stream is created: the old stream contained these rows
  const reported = new Map<string, number>()
  const devices: Device[] = []
  const oldSockets = new Map<string, OldSocket>()
  let [lastN, invocations, messages] = [startsOld ? 1_000 : 0, 0, 0]

  const gateway: SimulatedGateway = createGateway({
    ...{ kernel, plan, report, expectations, answers, expiryOf, functions: () => functions },
    random: createRandom(seed, 'gateway'),
    swallowed: new Set(options.swallowed),
  })
  const functions: Functions = createFunctions({
    ...{ kernel, plan, table, kill: options.kill, workerMs: options.workerMs },
    random: createRandom(seed, 'functions'),
    post: gateway.post,
    disconnect: gateway.disconnect,
    invokeAsync: (name, payload) => queue(name, payload, 0),
    invokeDelayed: (payload, delayMs) => delay(payload, delayMs),
    run: (name, event, backend, { remainingMs, isAlive }) =>
      runLine(backend, { sleep: backend.clock.sleep, isAlive }, async () =>
        name === 'script'
          ? publishAsScript(...(event as Parameters<typeof publishAsScript>))
          : handlers[name === 'delayed' ? 'deliver' : name](JSON.parse(JSON.stringify(event)), {
              getRemainingTimeInMillis: remainingMs,
            }),
      ),
  })
  const stream = createTableStream({ kernel, plan, functions: () => functions, random: createRandom(seed, 'stream') })
  table.onSlot = stream.add
  table.onMember = stream.addMember

  const queued = createRandom(seed, 'queue')
  function queue(name: InvokedFunction, payload: unknown, attempt: number): void {
    const failed = () => {
      invocations -= 1
      const ms = retriesMs[name][attempt]
      if (ms === undefined) return
      invocations += 1
      kernel.after(ms, 'retry', () => {
        invocations -= 1
        queue(name, payload, attempt + 1)
      })
    }
    const answered = () => {
      invocations -= 1
    }
    invocations += 1
    const invoke = (invoked: Parameters<Functions['invoke']>[2]) => functions.invoke(name, payload, invoked)
    kernel.after(queued.between(5, 150), 'dequeue', () => invoke({ answered, failed }))
    if (plan.strikes('F21'))
      kernel.after(queued.between(5, 5_000), 'dequeue twice', () => invoke({ answered: () => {}, failed: () => {} }))
  }

  /** The delay queue: at-least-once delivery, slightly late. Only failed messages are delivered again. */
  function delay(payload: unknown, delayMs: number): void {
    const messageId = `m${++messages}`
    const event = { Records: [{ messageId, eventSource: 'aws:sqs', body: JSON.stringify(payload) }] }
    const receive = (receives: number) => {
      const failed = () => {
        invocations -= 1
        if (receives < maxReceiveCount) wait(visibilityMs, receives + 1)
      }
      const answered = (answer: unknown) => {
        if (JSON.stringify(answer ?? null).includes(messageId)) return failed()
        invocations -= 1
      }
      invocations += 1
      const invoke = (invoked: Parameters<Functions['invoke']>[2]) => functions.invoke('delayed', event, invoked)
      kernel.after(queued.between(5, 150), 'dequeue', () => invoke({ answered, failed }))
      if (plan.strikes('F21'))
        kernel.after(queued.between(5, 5_000), 'dequeue twice', () => invoke({ answered: () => {}, failed: () => {} }))
    }
    const wait = (ms: number, receives: number) => {
      invocations += 1
      kernel.after(ms, 'delayed', () => {
        invocations -= 1
        receive(receives)
      })
    }
    wait(delayMs + queued.between(5, 500), 1)
  }

  const scripts = createRandom(seed, 'scripts')
  function publish(room: string, { n = world.nextN(), key, tries = 1 }: Parameters<World['publish']>[1] = {}): void {
    const record = { room, n, key, at: kernel.now, acknowledged: 0, settledAt: undefined as number | undefined }
    history.scripts.push(record)
    const attempt = (left: number) =>
      functions.invoke('script', [room, n, key], {
        answered: () => {
          record.acknowledged += 1
          record.settledAt ??= kernel.now
        },
        failed: () => {
          if (left > 1) kernel.after(scripts.between(10, 3_000), 'script again', () => attempt(left - 1))
        },
      })
    attempt(tries)
  }

  const world: World = {
    ...{
      kernel,
      plan,
      table,
      functions,
      gateway,
      stream,
      history,
      report,
      expectations,
      devices,
      reported,
      publish,
      oldSockets,
    },
    answers: answers.all,
    random: createRandom(seed, 'workload'),
    workerMs: options.workerMs ?? 900_000,
    kill: options.kill,
    get invocations() {
      return invocations
    },
    nextN: () => ++lastN,
    after: (ms, fn) => void kernel.after(ms, 'script of the workload', fn),
    rewindLater({ afterMs, outageMs, cutsSockets }) {
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
    },
    addDevice({ principal, tokenLifeMs = dayMs, stock = false } = {}) {
      const name = `d${devices.length + 1}`
      const random = createRandom(seed, name)
      const clockErrorMs = plan.strikes('F25') === undefined ? 0 : Math.round(random.between(-9e7, 9e7))
      const published = table.published
      const create = stock ? createStockDevice : createDevice
      const device = create({
        name,
        plan,
        kernel,
        gateway,
        random,
        history,
        published,
        report,
        clockErrorMs,
        principal,
        tokenLifeMs: () => (plan.calmed ? dayMs : tokenLifeMs), // renewals are tested only while faults strike
      })
      devices.push(device)
      return device
    },
  }
  if (startsOld)
    for (const socket of oldTable.connections) {
      const messages: string[] = []
      const peer = { opened() {}, message: (text: string) => void messages.push(text), lost() {} }
      oldSockets.set(socket.connectionId, { wire: gateway.adopt(socket, peer), messages })
    }
  stage.current = {
    now: () => kernel.now,
    charge: (n) => void history.charges.set(n, (history.charges.get(n) ?? 0) + 1),
    state: (room) => table.published.of(topicOf(room)).length,
    reported: (message) => void reported.set(message, (reported.get(message) ?? 0) + 1),
    began(name, connectionId, isAlive) {
      const run = { number: history.runs.length + 1, name, connectionId, isAlive, isOpen: true }
      history.runs.push(run)
      kernel.note(`run ${run.number} of ${name} begins`)
      return run
    },
  }
  return world
}
