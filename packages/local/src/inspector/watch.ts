import type { LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import type { StreamRecord, TableUse } from '../emulators/dynamodb/dynamo.ts'
import type { FunctionRun } from '../emulators/lambda/invocations/function-run.ts'
import type { FaultRule } from '../faults/fault-rules.ts'
import type { Faults } from '../faults/faults.ts'
import { toConnectionView } from './connection-view.ts'
import { toCost } from './cost.ts'
import { createMeter } from './meter.ts'
import { toGbSeconds, toMessages, type Usage } from './prices.ts'
import { createRecent } from './recent.ts'
import { redact } from './redact.ts'
import { createTopics } from './topics.ts'
import type { FaultRequest, FrameView, InspectorView } from './view.ts'

/**
 * Records one line's activity: counts its usage and keeps the newest frames and runs. Frames are parsed only when a
 * viewer is connected.
 */
export interface Watch {
  readonly gateway: Required<Pick<GatewayHooks, 'received' | 'sent' | 'opened' | 'ended'>>
  readonly ran: (run: FunctionRun) => void
  readonly used: (use: TableUse) => void
  readonly record: (record: StreamRecord) => void
  attach(line: InspectedLine): void
  /** The current state, with the frames and runs above these numbers. */
  view(since: Since): InspectorView
  act(request: FaultRequest): void
  /** Calls `listener` at each event. Returns a function that unsubscribes. */
  onEvent(listener: () => void): () => void
}

export interface InspectedLine {
  readonly connections: LocalGateway['connections']
  readonly faults: Pick<Faults, 'on' | 'cut'>
}

/** The numbers of the last frame and run that a viewer received. */
export interface Since {
  readonly frame: number
  readonly run: number
}

const mostFrames = 300
const mostRuns = 200
const keptCharacters = 8_192 // kept per frame
const minuteMs = 60_000

/** Creates a watch over a line with this clock. */
export function createWatch(clock: Pick<LocalClock, 'now'>): Watch {
  const meter = createMeter(clock)
  const frames = createRecent<FrameView>(mostFrames)
  const runs = createRecent<FunctionRun>(mostRuns)
  const topics = createTopics()
  const openSince = new Map<string, number>()
  const startedAt = clock.now()
  const listeners = new Set<() => void>()
  let line: InspectedLine | undefined
  let delay: { readonly rule: FaultRule; readonly ms: number } | undefined

  function notifyListeners(): void {
    for (const listener of listeners) listener()
  }
  function frame(direction: FrameView['direction'], connectionId: string, text: string): void {
    const bytes = Buffer.byteLength(text)
    meter.add('messages', toMessages(bytes))
    frames.add({ at: clock.now(), direction, connectionId, bytes, text: text.slice(0, keptCharacters) })
    notifyListeners()
  }
  /** Adds the minutes of open connections, which the meter counts only when they end. */
  function used(): Usage {
    const open = [...openSince.values()].reduce((sum, since) => sum + clock.now() - since, 0)
    const total = meter.total()
    return { ...total, connectionMinutes: total.connectionMinutes + open / minuteMs }
  }
  return {
    gateway: {
      received: ({ connectionId, text }) => frame('in', connectionId, text),
      sent: ({ connectionId, text }) => frame('out', connectionId, text),
      opened({ connectionId }) {
        openSince.set(connectionId, clock.now())
        notifyListeners()
      },
      ended({ connectionId }) {
        const since = openSince.get(connectionId) ?? clock.now()
        meter.add('connectionMinutes', (clock.now() - since) / minuteMs)
        openSince.delete(connectionId)
        topics.forget(connectionId)
        notifyListeners()
      },
    },
    ran(run) {
      meter.add('requests', 1)
      meter.add('gbSeconds', toGbSeconds(run.durationMs + (run.initMs ?? 0)))
      runs.add(run)
      notifyListeners()
    },
    used({ readUnits, writeUnits }) {
      meter.add('readUnits', readUnits)
      meter.add('writeUnits', writeUnits)
      notifyListeners()
    },
    record(record) {
      topics.read(record)
      notifyListeners()
    },
    attach(attached) {
      line = attached
    },
    view: (since) => ({
      now: clock.now(),
      startedAt,
      connections: (line?.connections() ?? []).map((one) => toConnectionView(one, topics.of(one.connectionId))),
      topics: topics.view(),
      frames: frames.after(since.frame).map((one) => ({ ...one, text: redact(one.text) })),
      runs: runs.after(since.run),
      cost: toCost(used(), { ...meter.perHour(), connectionMinutes: openSince.size * 60 }),
      answerDelayMs: delay?.ms ?? 0,
    }),
    act(request) {
      if ('cut' in request) return line?.faults.cut()
      delay?.rule[Symbol.dispose]()
      const ms = request.answerDelayMs
      const rule = ms > 0 ? line?.faults.on('answer', { delayMs: ms }) : undefined
      delay = rule && { rule, ms }
      notifyListeners()
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
