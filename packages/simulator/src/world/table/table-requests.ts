import type { Store } from '@trunkline/server/ports'
import { StoreError } from '../../../../server/src/ports/store.ts'
import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Table } from './table.ts'

export type OperationName = Exclude<keyof Store, 'kind'>

/** Settles the promise of a call. */
export interface Settle<T> {
  readonly resolve: (value: T) => void
  readonly reject: (thrown: unknown) => void
}

/** Requests to the table, each with the faults of a network and of DynamoDB (F27, F28, F29, F35). */
export class TableRequests {
  readonly #kernel: Kernel
  readonly #plan: FaultPlan
  readonly #random: Random
  readonly #table: Table
  constructor(options: {
    readonly kernel: Kernel
    readonly plan: FaultPlan
    readonly random: Random
    readonly table: Table
  }) {
    this.#kernel = options.kernel
    this.#plan = options.plan
    this.#random = options.random
    this.#table = options.table
  }

  /** Sends a request, and settles with its response. */
  send(operation: OperationName, given: readonly unknown[], settle: Settle<unknown>): void {
    const kernel = this.#kernel
    const args = this.#plan.strikes('F35') === undefined ? given : cutPage(operation, given, this.#random)
    // the arguments come from a caller of the store's operation with this name
    const run = this.#table.operations[operation] as (...all: readonly unknown[]) => unknown
    const apply = () => run(...args)
    const throttled = this.#plan.strikes('F27')
    if (throttled !== undefined)
      return void kernel.after(throttled.between(50, 2_000), 'throttled', () => fail(operation, settle, false))
    const refused = this.#plan.strikes('F28')
    if (refused !== undefined)
      return void kernel.after(refused.between(5, 3_000), 'refused', () => fail(operation, settle, refused.chance(0.5)))
    const lost = this.#plan.strikes('F29')
    if (lost === undefined) settleWith(apply, settle)
    else this.#loseResponse(operation, { apply, lost, settle })
  }

  /** F29: the request takes effect before its caller's timeout or after it, and the adapter may repeat it. */
  #loseResponse(
    operation: OperationName,
    { apply, lost, settle }: { readonly apply: () => unknown; readonly lost: Random; readonly settle: Settle<unknown> },
  ): void {
    const kernel = this.#kernel
    const how = lost.int(3)
    if (how === 2) {
      const timeoutMs = lost.between(100, 1_000)
      kernel.after(timeoutMs, 'no answer', () => fail(operation, settle, true))
      kernel.after(timeoutMs + lost.between(0, 3_000), `late ${operation}`, () => void attempt(apply))
      return
    }
    const first = attempt(apply)
    if (how === 0) return void kernel.after(lost.between(100, 3_000), 'no answer', () => fail(operation, settle, true))
    kernel.after(lost.between(20, 800), `again ${operation}`, () =>
      settleWith(() => asFirstRequest(operation, apply(), first), settle),
    )
  }
}

function fail(operation: OperationName, settle: Settle<unknown>, mayHaveHappened: boolean): void {
  settle.reject(new StoreError(operation, mayHaveHappened, { cause: new Error('simulated') }))
}

class Thrown {
  readonly thrown: unknown
  constructor(thrown: unknown) {
    this.thrown = thrown
  }
}
function attempt(apply: () => unknown): unknown {
  try {
    return apply()
  } catch (thrown) {
    return new Thrown(thrown)
  }
}
function settleWith(apply: () => unknown, settle: Settle<unknown>): void {
  const value = attempt(apply)
  if (value instanceof Thrown) settle.reject(value.thrown)
  else settle.resolve(value)
}

/** An adapter that repeats a request finds its own write, which is not a repetition by its caller. */
function asFirstRequest(operation: OperationName, again: unknown, first: unknown): unknown {
  if (operation !== 'claimSubscription') return again
  const claim = first as { readonly status?: string; readonly repeated?: boolean; readonly wasLive?: boolean }
  const { status, repeated, wasLive } = claim
  return status === 'claimed' ? { ...(again as object), repeated, wasLive } : again
}

/** F35: reduces the limit of a page, since a request may return a shorter page. */
function cutPage(operation: OperationName, args: readonly unknown[], random: Random): readonly unknown[] {
  const limit = 1 + random.int(3)
  const [first, second, third] = args
  if (operation === 'readSlots' || operation === 'readSlotsBefore')
    return [first, second, Math.min(third as number, limit)]
  if (operation === 'readPresences') return [first, { ...(second as object), limit }]
  if (operation !== 'readSubscribers') return args
  const options = (third ?? {}) as { readonly limit?: number }
  return [first, second, { ...options, limit: Math.min(options.limit ?? limit, limit) }]
}
