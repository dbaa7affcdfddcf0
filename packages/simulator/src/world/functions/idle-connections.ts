import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'

/** The services to which a function keeps connections alive. */
export type Service = 'table' | 'callbacks' | 'lambda' | 'queue'

/**
 * The keep-alive connections of a sandbox. A connection that is idle while its function is frozen may be reset (F50) or
 * dead (F51) afterwards.
 */
export class IdleConnections {
  readonly #kernel: Kernel
  readonly #plan: FaultPlan
  readonly #connected = new Set<Service>()
  readonly #idle = new Set<Service>()
  constructor(kernel: Kernel, plan: FaultPlan) {
    this.#kernel = kernel
    this.#plan = plan
  }

  /** Marks all connections as idle: the function was frozen. */
  markIdle(): void {
    for (const service of this.#connected) this.#idle.add(service)
  }

  /** Sends a request. The adapter sends it again after a reset, and after its timeout without a response. */
  send(service: Exclude<Service, 'callbacks'>, send: () => void): void {
    const failure = this.#use(service)
    if (failure === undefined) {
      send()
      return
    }
    const ms = failure.how === 'reset' ? failure.strike.between(1, 300) : 1_000
    this.#kernel.after(ms, `sent again: ${failure.how}`, send)
  }

  /**
   * Sends a post or a DELETE. After a reset the adapter sends it again or calls `notSent`. Without a response it does
   * nothing, because its caller has the deadline.
   */
  sendCallback(send: () => void, notSent: () => void): void {
    const failure = this.#use('callbacks')
    if (failure === undefined) send()
    else if (failure.how === 'reset') {
      const { strike } = failure
      this.#kernel.after(strike.between(1, 300), 'reset', strike.chance(0.7) ? send : notSent)
    }
  }

  #use(service: Service): { readonly how: 'reset' | 'silent'; readonly strike: Random } | undefined {
    this.#connected.add(service)
    if (!this.#idle.delete(service)) return undefined
    const reset = this.#plan.strikes('F50')
    if (reset !== undefined) return { how: 'reset', strike: reset }
    const silent = this.#plan.strikes('F51')
    return silent && { how: 'silent', strike: silent }
  }
}
