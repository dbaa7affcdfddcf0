import type { GatewayConnection, LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import type { StreamRecord, TableUse } from '../emulators/dynamodb/dynamo.ts'
import type { FunctionRun } from '../emulators/lambda/invocations/function-run.ts'
import type { FaultRule } from '../faults/fault-rules.ts'
import type { Faults } from '../faults/faults.ts'
import { createMeter, type Meter } from './meter.ts'
import { toCost, toGbSeconds, toMessages, type Usage } from './prices.ts'
import { createRecent } from './recent.ts'
import { redact } from './redact.ts'
import { createTopics } from './topics.ts'
import type { ConnectionView, FaultRequest, FrameView, InspectorView, SubscriptionView } from './view.ts'

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

/**
 * Records one line's activity: counts its usage and keeps the newest frames and runs. Frames are parsed only when a
 * viewer is connected.
 */
export class Watch {
  readonly gateway: Required<Pick<GatewayHooks, 'received' | 'sent' | 'opened' | 'ended'>>
  readonly #clock: Pick<LocalClock, 'now'>
  readonly #meter: Meter
  readonly #frames = createRecent<FrameView>(mostFrames)
  readonly #runs = createRecent<FunctionRun>(mostRuns)
  readonly #topics = createTopics()
  readonly #openSince = new Map<string, number>()
  readonly #startedAt: number
  readonly #listeners = new Set<() => void>()
  #line: InspectedLine | undefined
  #delay: { readonly rule: FaultRule; readonly ms: number } | undefined

  constructor(clock: Pick<LocalClock, 'now'>) {
    this.#clock = clock
    this.#meter = createMeter(clock)
    this.#startedAt = clock.now()
    this.gateway = {
      received: ({ connectionId, text }) => this.#addFrame('in', connectionId, text),
      sent: ({ connectionId, text }) => this.#addFrame('out', connectionId, text),
      opened: ({ connectionId }) => this.#onOpened(connectionId),
      ended: ({ connectionId }) => this.#onEnded(connectionId),
    }
  }

  /** Records a finished run of a function. */
  readonly ran = (run: FunctionRun): void => {
    this.#meter.add('requests', 1)
    this.#meter.add('gbSeconds', toGbSeconds(run.durationMs + (run.initMs ?? 0)))
    this.#runs.add(run)
    this.#notify()
  }

  /** Records the consumption of a request to the table. */
  readonly used = ({ readUnits, writeUnits }: TableUse): void => {
    this.#meter.add('readUnits', readUnits)
    this.#meter.add('writeUnits', writeUnits)
    this.#notify()
  }

  /** Records a record of the table's stream. */
  readonly record = (record: StreamRecord): void => {
    this.#topics.read(record)
    this.#notify()
  }

  attach(line: InspectedLine): void {
    this.#line = line
  }

  /** The current state, with the frames and runs above these numbers. */
  view(since: Since): InspectorView {
    const connections = this.#line?.connections() ?? []
    const perHour = { ...this.#meter.perHour(), connectionMinutes: this.#openSince.size * 60 }
    return {
      now: this.#clock.now(),
      startedAt: this.#startedAt,
      connections: connections.map((one) => toConnectionView(one, this.#topics.of(one.connectionId))),
      topics: this.#topics.view(),
      frames: this.#frames.after(since.frame).map((one) => ({ ...one, text: redact(one.text) })),
      runs: this.#runs.after(since.run),
      cost: toCost(this.#usage(), perHour),
      answerDelayMs: this.#delay?.ms ?? 0,
    }
  }

  /** Cuts the sockets, or sets the delay of responses. */
  act(request: FaultRequest): void {
    if ('cut' in request) {
      this.#line?.faults.cut()
      return
    }
    this.#delay?.rule[Symbol.dispose]()
    const ms = request.answerDelayMs
    const rule = ms > 0 ? this.#line?.faults.on('answer', { delayMs: ms }) : undefined
    this.#delay = rule && { rule, ms }
    this.#notify()
  }

  /** Calls `listener` at each event. Returns a function that unsubscribes. */
  onEvent(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #addFrame(direction: FrameView['direction'], connectionId: string, text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#meter.add('messages', toMessages(bytes))
    const kept = text.slice(0, keptCharacters)
    this.#frames.add({ at: this.#clock.now(), direction, connectionId, bytes, text: kept })
    this.#notify()
  }

  #onOpened(connectionId: string): void {
    this.#openSince.set(connectionId, this.#clock.now())
    this.#notify()
  }

  #onEnded(connectionId: string): void {
    const since = this.#openSince.get(connectionId) ?? this.#clock.now()
    this.#meter.add('connectionMinutes', (this.#clock.now() - since) / minuteMs)
    this.#openSince.delete(connectionId)
    this.#topics.remove(connectionId)
    this.#notify()
  }

  /** The usage so far. The minutes of open connections are added, which the meter counts only when they end. */
  #usage(): Usage {
    const now = this.#clock.now()
    const open = [...this.#openSince.values()].reduce((sum, since) => sum + now - since, 0)
    const total = this.#meter.total()
    return { ...total, connectionMinutes: total.connectionMinutes + open / minuteMs }
  }
}

/** A connection, described by its authorizer's context. */
export function toConnectionView(
  { connectionId, authorizer, state, connectedAt }: GatewayConnection,
  subscriptions: readonly SubscriptionView[],
): ConnectionView {
  const { principal, extensions } = readCaller(authorizer?.['trunkline'])
  return {
    id: connectionId,
    principal: typeof principal === 'string' ? principal : null,
    client: extensions === true ? 'ours' : 'stock',
    state,
    connectedAt,
    subscriptions,
  }
}

/**
 * Reads the context that the server's `authorizeConnect` writes. Another authorizer of the application may write other
 * fields or none.
 */
function readCaller(text: string | undefined): { readonly principal?: unknown; readonly extensions?: unknown } {
  try {
    const caller: unknown = JSON.parse(text ?? '{}')
    return typeof caller === 'object' && caller !== null ? caller : {}
  } catch {
    return {}
  }
}
