import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { FunctionName, InvocationCallbacks, InvocationLog, PlannedKill } from './invocation.ts'
import { Sandbox, type SandboxEnvironment } from './sandbox.ts'
import { createSandboxPorts, type SandboxBackend, type Services } from './sandbox-ports.ts'

/** Lambda. Each invocation runs in a sandbox that may be warm, may die or freeze at any port call, and may resume. */
export interface Functions {
  invoke(name: FunctionName, event: unknown, callbacks: InvocationCallbacks): void
  /** All invocations so far, in order, each with the number of its port calls. */
  readonly log: readonly { readonly name: FunctionName; readonly calls: number }[]
  /** The number of running invocations. */
  readonly running: number
  /** Ends all functions immediately, and starts none for `ms`. */
  stopAll(ms: number): void
}

export interface FunctionsOptions {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly random: Random
  readonly services: Services
  /** Runs a handler with a sandbox's ports. */
  readonly run: (
    name: FunctionName,
    event: unknown,
    { backend, remainingMs, isAlive }: InvocationContext,
  ) => Promise<unknown>
  readonly kill?: PlannedKill | undefined
  /** The worker's timeout in milliseconds. @default 15 min, Lambda's maximum */
  readonly workerMs?: number | undefined
}

/** The ports and the state of an invocation, for the code that runs in it. */
export interface InvocationContext {
  readonly backend: SandboxBackend
  readonly remainingMs: () => number
  /** Whether it is still running. */
  readonly isAlive: () => boolean
}

const timeoutsMs: Record<FunctionName, number> = {
  authorizer: 10_000,
  websocket: 29_000,
  http: 29_000,
  tableStream: 60_000,
  deliver: 60_000,
  delayed: 30_000,
  worker: 900_000,
  script: 60_000,
  operator: 60_000,
}
const mostWarm = 4

/** Creates the functions of one deployment. */
export function createFunctions(options: FunctionsOptions): Functions {
  return new SimulatedFunctions(options)
}

class SimulatedFunctions implements Functions {
  readonly log: InvocationLog = []
  readonly #options: FunctionsOptions
  readonly #environment: SandboxEnvironment
  /** Whether the clocks of sandboxes are wrong (F25). */
  readonly #areClocksWrong: boolean
  readonly #warm = new Map<FunctionName, WarmSandbox[]>()
  #stoppedUntil = 0

  constructor(options: FunctionsOptions) {
    const { kernel, plan, random, kill } = options
    const usualMs = random.pick([5, 20, 120]) // usual maximum latency of a table request
    const latencyMs = () => (random.chance(0.04) ? random.between(20, 20 * usualMs) : random.between(0.5, usualMs))
    this.#options = options
    this.#environment = { kernel, plan, random, kill, log: this.log, alive: new Set(), latencyMs }
    this.#areClocksWrong = plan.strikes('F25') !== undefined
  }

  get running(): number {
    return [...this.#environment.alive].filter(({ isRunning }) => isRunning).length
  }

  invoke(name: FunctionName, event: unknown, callbacks: InvocationCallbacks): void {
    const { kernel, plan, random } = this.#options
    const idle = this.#warm.get(name) ?? []
    const warm = random.chance(0.7) ? idle.pop() : undefined
    const cold = warm === undefined ? plan.strikes('F22') : undefined
    kernel.after(cold?.between(200, 5_000) ?? 1, `start ${name}`, () =>
      this.#start(warm ?? this.#createSandbox(name), event, callbacks),
    )
  }

  #createSandbox(name: FunctionName): WarmSandbox {
    const skewMs = this.#areClocksWrong ? Math.round(this.#options.random.between(-5_000, 5_000)) : 0
    const sandbox = new Sandbox(this.#environment, name, skewMs)
    return { sandbox, backend: createSandboxPorts(this.#environment, sandbox, this.#options.services) }
  }

  #start(warm: WarmSandbox, event: unknown, callbacks: InvocationCallbacks): void {
    const { kernel, run, workerMs = timeoutsMs.worker } = this.#options
    const { sandbox, backend } = warm
    const { name } = sandbox
    if (kernel.now < this.#stoppedUntil) {
      callbacks.failed('crashed')
      return
    }
    const invocation = sandbox.start(name === 'worker' ? workerMs : timeoutsMs[name], callbacks)
    const settle = (notify: (caller: InvocationCallbacks) => void) => {
      if (invocation.settle(notify)) this.#keepWarm(warm)
    }
    run(name, event, { backend, remainingMs: () => sandbox.remainingMs, isAlive: invocation.isAlive }).then(
      (value) => settle((caller) => caller.returned(value)),
      (thrown: unknown) => {
        kernel.note(`${name} threw ${String(thrown)}`)
        settle((caller) => caller.failed('threw'))
      },
    )
  }

  #keepWarm(warm: WarmSandbox): void {
    const { name, remainingMs } = warm.sandbox
    const kept = this.#warm.get(name) ?? []
    if (kept.length < mostWarm && remainingMs > 0) this.#warm.set(name, [...kept, warm])
  }

  stopAll(ms: number): void {
    this.#stoppedUntil = this.#options.kernel.now + ms
    this.#warm.clear()
    for (const sandbox of [...this.#environment.alive])
      if (sandbox.isRunning) sandbox.die()
      else sandbox.markDead()
  }
}

/** A sandbox with its ports, which are created once. */
interface WarmSandbox {
  readonly sandbox: Sandbox
  readonly backend: SandboxBackend
}
