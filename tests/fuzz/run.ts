// More than 200 lines: the loop, its checks and the heap belong to one run.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { limits } from '@trunkline/protocol'
import { createRandom, mix } from '../../packages/simulator/src/kernel/random.ts'
import { tokens } from './application.ts'
import { countAnswers, flawsOf, idsIn, readMessage, textFlaws } from './check.ts'
import { foreignTokens, generate, type Message } from './generate.ts'
import { findToken } from './leaks.ts'
import {
  type Connection,
  createWorld,
  type Delivered,
  type State,
  seedRound,
  states,
  type World,
  type Wrap,
} from './world.ts'

/** A flaw, and what is needed to see it again. */
export interface Failure {
  readonly flaw: string
  readonly state: State
  /** The number of the case: a few messages that one connection sends one after another. */
  readonly index: number
  /** The number of the message in its case. */
  readonly at: number
  readonly message: Message
}

export interface RunOptions {
  readonly seed: number
  /** The run ends with the first case after so many frames. */
  readonly frames: number
  /** Runs only this case, after the earlier ones of its round. */
  readonly only?: number
  /** Ends the run after so many failures. @default 10 */
  readonly mostFailures?: number
  /** The most CPU for a message, in milliseconds; an array may have half a millisecond for each frame. @default 20 */
  readonly mostCpuMs?: number
  readonly wrap?: Wrap
  /** Gets each message of the case `only`, and what it led to. */
  readonly onMessage?: (connection: Connection, message: Message, delivered: Delivered) => void
}

export interface Report {
  readonly frames: number
  readonly bytes: number
  readonly byState: ReadonlyMap<State, number>
  readonly neighbourCalls: number
  readonly failures: readonly Failure[]
  /** The most CPU that a message with one answer took, repeated alone where it was above the bound, in milliseconds. */
  readonly mostCpuMs: number
  /** The same for messages with several answers. */
  readonly mostArrayCpuMs: number
  readonly heap: Heap | undefined
}

/** Bytes of the heap after garbage collection. */
export interface Heap {
  readonly before: number
  /** With the rows of the last rounds in the table. */
  readonly withRows: number
  /** After every row has expired and was deleted. */
  readonly after: number
}

const casesInRound = 252 // of nine states
const neighbourEvery = 8 // frames
const roundMs = 5 * 3_600_000 // rows of earlier rounds expire while the run goes on
const warmUpRounds = 12
const leakBytes = 8 * 1_048_576
const elementCpuMs = 0.5 // each frame of an array runs by itself, at most 100 of them

/** Sends generated frames to a line and checks what comes back. The same seed gives the same frames. */
export async function fuzz(options: RunOptions): Promise<Report> {
  const run = new Run(options)
  const stop = run.watchProcess()
  try {
    return await run.all()
  } finally {
    stop()
  }
}

class Run {
  readonly #options: RunOptions
  readonly #failures: Failure[] = []
  readonly #byState = new Map<State, number>()
  readonly #open = new Map<State, Connection>()
  #world: World
  #measuring: World | undefined
  #neighbour: Connection | undefined
  #frames = 0
  #bytes = 0
  #neighbourCalls = 0
  #mostCpuMs = 0
  #mostArrayCpuMs = 0
  #current: Omit<Failure, 'flaw'> = { state: 'named', index: 0, at: 0, message: undefined }

  constructor(options: RunOptions) {
    this.#options = options
    this.#world = createWorld(options.seed, { wrap: options.wrap })
  }

  async all(): Promise<Report> {
    const { only, frames } = this.#options
    let heap: Heap | undefined
    if (only !== undefined) await this.#round(Math.floor(only / casesInRound), only)
    else {
      let before: number | undefined
      for (let round = 0; this.#frames < frames && !this.#isOver(); round++) {
        if (round === warmUpRounds) before = await this.#heapWithoutRows()
        await this.#round(round)
      }
      if (before !== undefined && !this.#isOver()) heap = await this.#compareHeap(before)
    }
    return {
      ...{ frames: this.#frames, bytes: this.#bytes, byState: this.#byState, neighbourCalls: this.#neighbourCalls },
      ...{ failures: this.#failures, mostCpuMs: this.#mostCpuMs, mostArrayCpuMs: this.#mostArrayCpuMs, heap },
    }
  }

  /** Notes what escapes from the handlers. */
  watchProcess(): () => void {
    const onRejection = (thrown: unknown) => this.#fail(`an unhandled rejection: ${String(thrown)}`)
    const onException = (thrown: unknown) => this.#fail(`an uncaught exception: ${String(thrown)}`)
    process.on('unhandledRejection', onRejection).on('uncaughtException', onException)
    return () => void process.off('unhandledRejection', onRejection).off('uncaughtException', onException)
  }

  #isOver(): boolean {
    return this.#failures.length >= (this.#options.mostFailures ?? 10)
  }

  #fail(flaw: string): void {
    this.#failures.push({ ...this.#current, flaw })
  }

  /** Cases `round × casesInRound` and on, with connections of their own. */
  async #round(round: number, last = Number.POSITIVE_INFINITY): Promise<void> {
    seedRound(this.#world, this.#options.seed, round)
    this.#neighbour = await this.#world.open('named', [])
    for (let n = 0; n < casesInRound && !this.#isOver(); n++) {
      const index = round * casesInRound + n
      if (index > last) break
      await this.#case(round, index)
      if (this.#options.only === undefined && this.#frames >= this.#options.frames) break
    }
    for (const connection of [...this.#world.connections.values()]) await this.#world.close(connection)
    const failures = await this.#world.runDelayed()
    for (const failure of failures) this.#fail(`a delayed invocation threw ${String(failure)}`)
    this.#takeLogs()
    this.#open.clear()
    this.#world.clock.time += roundMs
  }

  async #case(round: number, index: number): Promise<void> {
    const state = states[index % states.length] as State
    const random = createRandom(mix(this.#options.seed, index), 'case')
    const rooms = [`x${round}`, `y${round}`]
    const known = { rooms, tokens: state === 'expired' ? foreignTokens : [...foreignTokens, tokens.named] }
    const messages = generate(random, known)
    for (const [at, message] of messages.entries()) {
      this.#current = { state, index, at, message }
      const delivered = await this.#message(await this.#connectionIn(state, rooms), message)
      await this.#checkCpu(delivered, messages.slice(0, at + 1))
      if (this.#isOver()) return
    }
  }

  /** The connection of a state, opened again where the last message ended the state. */
  async #connectionIn(state: State, rooms: readonly string[]): Promise<Connection> {
    const found = this.#open.get(state)
    if (found !== undefined && (found.isOpen || state === 'closed')) return found
    if (found !== undefined) await this.#world.close(found)
    const opened = await this.#world.open(state, rooms)
    this.#open.set(state, opened)
    return opened
  }

  async #message(connection: Connection, message: Message): Promise<Delivered> {
    const read = readMessage(message)
    const delivered = await this.#world.send(connection, message, { method: read.method })
    this.#frames += 1
    this.#bytes += Buffer.byteLength(message ?? '')
    this.#byState.set(connection.state, (this.#byState.get(connection.state) ?? 0) + 1)
    for (const flaw of flawsOf(connection, read, delivered)) this.#fail(flaw)
    for (const id of idsIn(read)) connection.usedIds.add(id)
    if (this.#current.index === this.#options.only) this.#options.onMessage?.(connection, message, delivered)
    this.#checkOthers()
    this.#takeLogs()
    if (Object.keys(Object.prototype).length > 0 || 'polluted' in {}) this.#fail('Object.prototype has a new member')
    if (endsState(connection.state, message)) await this.#endState(connection)
    if (this.#frames % neighbourEvery === 0) await this.#callNeighbour()
    return delivered
  }

  async #endState(connection: Connection): Promise<void> {
    this.#open.delete(connection.state)
    await this.#world.close(connection)
  }

  /** The events that were posted to other connections' subscriptions. The neighbour has none. */
  #checkOthers(): void {
    for (const connection of this.#world.connections.values()) {
      for (const text of connection.posted) for (const flaw of textFlaws(connection, text)) this.#fail(flaw)
      if (connection === this.#neighbour && connection.posted.length > 0) this.#fail('the neighbour was sent a frame')
      connection.posted = []
    }
  }

  #takeLogs(): void {
    for (const entry of this.#world.logs) {
      const text = JSON.stringify(entry)
      const token = findToken(text)
      if (token !== undefined) this.#fail(`a log line holds ${token}`)
      const waited = this.#current.state === 'stock-params-pending' && entry.facts['code'] === 'TIMEOUT'
      const isExpected = entry.facts['path'] === 'fails' || entry.level === 'WARN' || waited
      if (!isExpected) this.#fail(`an error was logged: ${text.slice(0, 600)}`)
    }
    this.#world.logs = []
  }

  async #callNeighbour(): Promise<void> {
    if (this.#neighbour === undefined) return
    this.#neighbourCalls += 1
    const id = this.#neighbourCalls
    const message = JSON.stringify({ id, method: 'query', params: { path: 'add', input: { a: id, b: 1 } } })
    const { body, elapsedMs } = await this.#world.send(this.#neighbour, message)
    if (body !== JSON.stringify({ id, result: { type: 'data', data: id + 1 } }) || elapsedMs > 0)
      this.#fail(`the neighbour was answered ${body} after ${elapsedMs} ms`)
  }

  /**
   * The messages of a case whose last one took longer than its bound are repeated up to three times on a line of their
   * own, and the CPU of the last one is measured. The least counts, so that a garbage collection or a busy machine does
   * not. A frame of an array runs by itself, so each of them has a time of its own.
   */
  async #checkCpu(delivered: Delivered, messages: readonly Message[]): Promise<void> {
    const answers = Math.min(limits.batchSize.value, countAnswers(delivered))
    const bound = Math.max(this.#options.mostCpuMs ?? 20, elementCpuMs * answers)
    let least = delivered.tookMs
    for (let n = 0; n < 3 && least > bound; n++) least = Math.min(least, await this.#cpuAlone(messages))
    if (answers > 1) this.#mostArrayCpuMs = Math.max(this.#mostArrayCpuMs, least)
    else this.#mostCpuMs = Math.max(this.#mostCpuMs, least)
    if (least > bound) this.#fail(`${least.toFixed(1)} ms of CPU`)
  }

  async #cpuAlone(messages: readonly Message[]): Promise<number> {
    this.#measuring ??= createWorld(this.#options.seed, { wrap: this.#options.wrap })
    const connection = await this.#measuring.open(this.#current.state, ['x'])
    let cpuMs = 0
    for (const message of messages) ({ cpuMs } = await this.#measuring.send(connection, message, { measuresCpu: true }))
    await this.#measuring.close(connection)
    this.#measuring.clock.time += roundMs
    this.#measuring.logs = []
    return cpuMs
  }

  async #heapWithoutRows(): Promise<number> {
    await this.#world.expireRows()
    await this.#measuring?.expireRows()
    return collectedHeap()
  }

  async #compareHeap(before: number): Promise<Heap> {
    const withRows = collectedHeap()
    const after = await this.#heapWithoutRows()
    const leaked = after - before
    if (leaked > leakBytes) this.#fail(`${Math.round(leaked / 1_024)} KB of the heap outlive the rows of the table`)
    return { before, withRows, after }
  }
}

/** Whether the connection is in another state after the message. */
function endsState(state: State, message: Message): boolean {
  if (state === 'before-hello') return message?.includes('hello') === true
  return state === 'stock-params-pending' && message?.includes('connectionParams') === true
}

let collect: (() => void) | undefined
function collectedHeap(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
