import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Settle } from '../table/table-requests.ts'
import { IdleConnections } from './idle-connections.ts'
import type { FunctionName, Invocation, InvocationCallbacks, InvocationLog, PlannedKill } from './invocation.ts'

/** The state that all sandboxes of the functions share. */
export interface SandboxEnvironment {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly random: Random
  readonly kill: PlannedKill | undefined
  readonly log: InvocationLog
  /** The sandboxes that were used and are not dead. */
  readonly alive: Set<Sandbox>
  /** Draws half of the latency of a port call, in milliseconds. */
  readonly latencyMs: () => number
}

/** The memory of one function instance. It runs one invocation at a time, and freezes or dies at port calls. */
export class Sandbox {
  readonly name: FunctionName
  /** How far its clock is off, in milliseconds. */
  readonly skewMs: number
  readonly connections: IdleConnections
  readonly #environment: SandboxEnvironment
  #state: 'running' | 'frozen' | 'dead' = 'running'
  /** Continuations that arrived while it was frozen. */
  #backlog: (() => void)[] = []
  /** The index of its invocation in the log. */
  #invocation = -1
  #calls = 0
  #endsAt = 0
  /** Whether its invocation has neither ended nor died. */
  #isRunning = false
  /** The invocation's caller, until it is notified. */
  #callbacks: InvocationCallbacks | undefined

  constructor(environment: SandboxEnvironment, name: FunctionName, skewMs: number) {
    this.name = name
    this.skewMs = skewMs
    this.#environment = environment
    this.connections = new IdleConnections(environment.kernel, environment.plan)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get remainingMs(): number {
    return this.#endsAt - this.#environment.kernel.now
  }

  /** Starts an invocation, and ends it at its timeout. */
  start(timeoutMs: number, callbacks: InvocationCallbacks): Invocation {
    const { kernel, alive, log } = this.#environment
    alive.add(this)
    this.connections.markIdle()
    this.#state = 'running'
    this.#invocation = log.length
    this.#calls = 0
    this.#callbacks = callbacks
    this.#isRunning = true
    this.#endsAt = kernel.now + timeoutMs
    log.push({ name: this.name, calls: 0 })
    this.#thaw()
    const number = this.#invocation
    const isCurrent = () => this.#invocation === number && this.#state !== 'dead'
    const cancelTimeout = kernel.after(timeoutMs, `timeout ${this.name}`, () => {
      if (!isCurrent()) return
      this.#notifyCaller((caller) => caller.failed('timed-out'))
      if (this.#state === 'running') this.markDead() // a frozen sandbox will resume as a zombie
    })
    return {
      isAlive: () => isCurrent() && this.#isRunning,
      settle: (notify) => {
        if (!isCurrent()) return false
        cancelTimeout()
        this.#notifyCaller(notify)
        this.#isRunning = false
        this.#state = 'frozen' // its unfinished work continues with the next invocation
        return true
      },
    }
  }

  #notifyCaller(notify: (caller: InvocationCallbacks) => void): void {
    const callbacks = this.#callbacks
    this.#callbacks = undefined
    if (callbacks !== undefined) notify(callbacks)
  }

  /** Ends the sandbox without a notice to the caller. */
  markDead(): void {
    if (this.#state === 'dead') return
    this.#state = 'dead'
    this.#backlog = []
    this.#environment.alive.delete(this)
    this.#isRunning = false
  }

  /** Ends the sandbox in the middle of its invocation. */
  die(): void {
    const { kernel } = this.#environment
    kernel.note(`kill ${this.name}#${this.#invocation}.${this.#calls}`)
    this.markDead()
    const callbacks = this.#callbacks
    this.#callbacks = undefined
    kernel.after(1, 'crashed', () => callbacks?.failed('crashed'))
  }

  #freeze(strike: Random): void {
    const { kernel } = this.#environment
    kernel.note(`freeze ${this.name}#${this.#invocation}.${this.#calls}`)
    this.#state = 'frozen'
    const ms = strike.pick([strike.between(50, 4_000), strike.between(1_000, 40_000), strike.between(60_000, 130_000)])
    kernel.after(ms, 'thaw', () => {
      if (this.#state !== 'frozen') return
      this.#state = 'running'
      this.connections.markIdle()
      this.#thaw()
      // after its deadline it continues for a short time, as a zombie that starts new work
      if (kernel.now >= this.#endsAt) kernel.after(strike.between(1, 2_000), 'end of a zombie', () => this.markDead())
    })
  }

  #thaw(): void {
    for (const resume of this.#environment.random.shuffle(this.#backlog.splice(0))) resume()
  }

  /** Continues now, or when the sandbox resumes. */
  resume(fn: () => void): void {
    if (this.#state === 'frozen') this.#backlog.push(fn)
    else if (this.#state === 'running') fn()
  }

  /**
   * Calls a port. The sandbox may die (F19, F20) or freeze (F23). The effect happens at one instant and the response at
   * another.
   */
  call<T>(label: string, effect: (settle: Settle<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#state === 'dead') return
      const { kernel, plan, latencyMs } = this.#environment
      const isPlanned = this.#countCall()
      if (isPlanned('before') || plan.strikes('F19')) return this.die()
      const answer = (settle: () => void) => {
        if (this.#state === 'running' && (isPlanned('after') || plan.strikes('F20'))) return this.die()
        kernel.after(latencyMs(), `${label} <`, () => this.resume(settle))
      }
      const begin = () =>
        void kernel.after(latencyMs(), label, () =>
          effect({
            resolve: (value) => answer(() => resolve(value)),
            reject: (thrown) => answer(() => reject(thrown)),
          }),
        )
      const strike = plan.strikes('F23')
      if (strike?.chance(0.5)) {
        this.#freeze(strike)
        this.#backlog.push(begin)
        return
      }
      if (strike !== undefined)
        kernel.after(latencyMs() / 2, 'freeze', () => this.#state === 'running' && this.#freeze(strike))
      begin()
    })
  }

  /** Counts a port call. Returns whether the planned kill is on a side of this call. */
  #countCall(): (side: PlannedKill['side']) => boolean {
    const { kill, log } = this.#environment
    this.#calls += 1
    const entry = log[this.#invocation]
    if (entry !== undefined) entry.calls = this.#calls
    const isThis = kill?.invocation === this.#invocation && kill.call === this.#calls
    return (side) => isThis && kill.side === side
  }
}
