import type { InvokedFunction } from '../../../server/src/ports/invoker.ts'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Random } from '../kernel/random.ts'
import type { Functions } from './functions/functions.ts'
import type { FunctionName, InvocationCallbacks } from './functions/invocation.ts'

/** Lambda's two retries, after one and two minutes; `deliver` retries sooner, so that schedules are shorter. */
const retriesMs = { deliver: [20_000, 40_000], worker: [60_000, 120_000] } as const
/** The delay queue hides a message for this long after each receive. The fifth failure is final. */
const [visibilityMs, maxReceiveCount] = [180_000, 5]

/** Lambda's queue of asynchronous invocations, and the delay queue. Both invoke at least once, slightly late. */
export class InvocationQueues {
  readonly #kernel: Kernel
  readonly #plan: FaultPlan
  readonly #random: Random
  readonly #functions: () => Functions
  #pending = 0
  #messages = 0

  constructor(options: {
    readonly kernel: Kernel
    readonly plan: FaultPlan
    readonly random: Random
    readonly functions: () => Functions
  }) {
    this.#kernel = options.kernel
    this.#plan = options.plan
    this.#random = options.random
    this.#functions = options.functions
  }

  /** The number of invocations that have not ended, with those that wait for a retry. */
  get pending(): number {
    return this.#pending
  }

  /** Invokes a function asynchronously. A failed invocation is repeated twice. */
  invokeAsync(name: InvokedFunction, payload: unknown, attempt = 0): void {
    const failed = () => {
      const ms = retriesMs[name][attempt]
      if (ms !== undefined) this.#wait(ms, 'retry', () => this.invokeAsync(name, payload, attempt + 1))
    }
    this.#invoke(name, payload, { returned: () => {}, failed })
  }

  /** Invokes `delayed` with a message, `delayMs` from now. Only failed messages are delivered again. */
  invokeDelayed(payload: unknown, delayMs: number): void {
    const messageId = `m${++this.#messages}`
    const event = { Records: [{ messageId, eventSource: 'aws:sqs', body: JSON.stringify(payload) }] }
    const receive = (receives: number) => {
      const failed = () => {
        if (receives < maxReceiveCount) this.#wait(visibilityMs, 'delayed', () => receive(receives + 1))
      }
      const returned = (result: unknown) => {
        if (JSON.stringify(result ?? null).includes(messageId)) failed()
      }
      this.#invoke('delayed', event, { returned, failed })
    }
    this.#wait(delayMs + this.#random.between(5, 500), 'delayed', () => receive(1))
  }

  #wait(ms: number, label: string, fn: () => void): void {
    this.#pending += 1
    this.#kernel.after(ms, label, () => {
      this.#pending -= 1
      fn()
    })
  }

  /** Invokes a function soon, and sometimes twice (F21). */
  #invoke(name: FunctionName, event: unknown, { returned, failed }: InvocationCallbacks): void {
    const invoke = (callbacks: InvocationCallbacks) => this.#functions().invoke(name, event, callbacks)
    this.#pending += 1
    this.#kernel.after(this.#random.between(5, 150), 'dequeue', () =>
      invoke({
        returned: (value) => {
          this.#pending -= 1
          returned(value)
        },
        failed: (why) => {
          this.#pending -= 1
          failed(why)
        },
      }),
    )
    if (this.#plan.strikes('F21'))
      this.#kernel.after(this.#random.between(5, 5_000), 'dequeue twice', () =>
        invoke({ returned: () => {}, failed: () => {} }),
      )
  }
}
