import type { GatewayHooks } from '../../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../../emulators/clock.ts'
import type { StreamRecord, TableUse } from '../../emulators/dynamodb/dynamo.ts'
import type { FunctionRun, RunDetails } from '../../emulators/lambda/invocations/function-run.ts'
import type { CostView } from '../data-source.ts'
import { ConnectionRows } from './connection-rows.ts'
import { Frames } from './frames.ts'
import { Handshakes } from './handshakes.ts'
import { createMeter, type Meter } from './meter.ts'
import { PresenceRows, StreamRows } from './presence-and-streams.ts'
import { toCost, toGbSeconds, toMessages, type Usage } from './prices.ts'
import { Runs } from './runs.ts'
import { Topics } from './topics.ts'

const minuteMs = 60_000

/** Records one line's activity: counts its usage and keeps the newest frames and runs, and the state of its rows. */
export class Watch {
  readonly gateway: Required<Pick<GatewayHooks, 'received' | 'sent' | 'opened' | 'ended' | 'connect'>>
  readonly frames = new Frames()
  readonly runs = new Runs(this.frames)
  readonly topics = new Topics()
  readonly connections = new ConnectionRows()
  readonly presence = new PresenceRows()
  readonly streams = new StreamRows()
  readonly handshakes = new Handshakes()
  readonly startedAt: number
  readonly #clock: Pick<LocalClock, 'now'>
  readonly #meter: Meter
  readonly #openSince = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #changes = 0

  constructor(clock: Pick<LocalClock, 'now'>) {
    this.#clock = clock
    this.#meter = createMeter(clock)
    this.startedAt = clock.now()
    this.gateway = {
      connect: (info) => this.handshakes.begin(info),
      received: ({ connectionId, text }) => {
        this.handshakes.renew(connectionId, text)
        this.#addFrame('in', connectionId, text)
      },
      sent: ({ connectionId, text }) => this.#addFrame('out', connectionId, text),
      opened: ({ connectionId }) => this.#onOpened(connectionId),
      ended: ({ connectionId }) => this.#onEnded(connectionId),
    }
  }

  /** Rises with each change of connections, topics, presence and streams. */
  get changes(): number {
    return this.#changes
  }

  /** Records a finished run of a function. */
  readonly ran = (run: FunctionRun, details: RunDetails): void => {
    this.#meter.add('requests', 1)
    this.#meter.add('gbSeconds', toGbSeconds(run.durationMs + (run.initMs ?? 0)))
    this.runs.add(run, details)
    this.notify()
  }

  /** Records the consumption of a request to the table. */
  readonly used = ({ readUnits, writeUnits }: TableUse): void => {
    this.#meter.add('readUnits', readUnits)
    this.#meter.add('writeUnits', writeUnits)
    this.notify()
  }

  /** Records a record of the table's stream. */
  readonly record = (record: StreamRecord): void => {
    for (const rows of [this.topics, this.connections, this.presence, this.streams]) rows.read(record)
    this.#change()
  }

  /** The cost of the usage so far. The minutes of open connections are added, which the meter counts when they end. */
  cost(): CostView {
    const perHour = { ...this.#meter.perHour(), connectionMinutes: this.#openSince.size * 60 }
    return toCost(this.#usage(), perHour)
  }

  /** Calls `listener` at each event. Returns a function that unsubscribes. */
  onEvent(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #change(): void {
    this.#changes += 1
    this.notify()
  }

  #addFrame(direction: 'in' | 'out', connectionId: string, text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#meter.add('messages', toMessages(bytes))
    this.frames.add({ at: this.#clock.now(), direction, connectionId, bytes }, text)
    this.notify()
  }

  #onOpened(connectionId: string): void {
    this.#openSince.set(connectionId, this.#clock.now())
    this.#change()
  }

  #onEnded(connectionId: string): void {
    const since = this.#openSince.get(connectionId) ?? this.#clock.now()
    this.#meter.add('connectionMinutes', (this.#clock.now() - since) / minuteMs)
    this.#openSince.delete(connectionId)
    for (const rows of [this.topics, this.connections, this.frames, this.handshakes]) rows.remove(connectionId)
    this.#change()
  }

  #usage(): Usage {
    const now = this.#clock.now()
    const open = [...this.#openSince.values()].reduce((sum, since) => sum + now - since, 0)
    const total = this.#meter.total()
    return { ...total, connectionMinutes: total.connectionMinutes + open / minuteMs }
  }
}
