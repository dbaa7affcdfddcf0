// One file over 200 lines: every port call of a sandbox depends on the same life cycle of freezing and dying.

import type { Backend, Gateway, Invoker, Store } from '@trunkline/server/ports'
import type { InvokedFunction } from '../../../server/src/ports/invoker.ts'
import { StoreError } from '../../../server/src/ports/store.ts'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Random } from '../kernel/random.ts'
import type { Table } from './table.ts'

/** `delayed` consumes the delay queue with the handler of `deliver`. */
export type FunctionName = 'authorizer' | 'websocket' | 'tableStream' | 'deliver' | 'delayed' | 'worker' | 'script'

/** The callbacks of an invocation's caller. */
export interface Invoked {
  readonly answered: (value: unknown) => void
  /** `crashed`: called immediately. `timed-out`: called at the function's own timeout. */
  readonly failed: (why: 'threw' | 'crashed' | 'timed-out') => void
}

/** Lambda. Each invocation runs in a sandbox that may be warm, may die or freeze at any port call, and may resume. */
export interface Functions {
  invoke(name: FunctionName, event: unknown, invoked: Invoked): void
  /** All invocations so far, in order, each with the number of its port calls. */
  readonly log: readonly { readonly name: FunctionName; calls: number }[]
  /** The number of running invocations. */
  readonly running: number
  /** Ends all functions immediately, and starts none for `ms`. */
  stopAll(ms: number): void
}

/** Kills one invocation at one of its port calls: before the call, or between its effect and its response. */
export interface PlannedKill {
  readonly invocation: number
  readonly call: number
  readonly side: 'before' | 'after'
}

export interface FunctionsOptions {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly table: Table
  readonly random: Random
  /** Runs a handler with a sandbox's ports. */
  readonly run: (
    name: FunctionName,
    event: unknown,
    backend: Binding,
    invocationState: InvocationState,
  ) => Promise<unknown>
  readonly post: Gateway['post']
  readonly disconnect: (connectionId: string) => Promise<'closed' | 'failed'>
  readonly invokeAsync: (name: InvokedFunction, payload: unknown) => void
  readonly invokeDelayed: (payload: unknown, delayMs: number) => void
  readonly kill?: PlannedKill | undefined
  /** The worker's timeout in milliseconds. @default 15 min, Lambda's maximum */
  readonly workerMs?: number | undefined
}

/** The ports of a sandbox. */
export type Binding = Backend & Required<Pick<Backend, 'clock'>>

/** The state of an invocation, as the code that runs in it may read it. */
export interface InvocationState {
  readonly remainingMs: () => number
  /** Whether it is still running. */
  readonly isAlive: () => boolean
}

/** The services to which a function keeps connections alive. */
type Service = 'table' | 'callbacks' | 'lambda' | 'queue'

interface Sandbox {
  /** The services to which it has connections, and those whose connections were idle while it was frozen. */
  readonly connected: Set<Service>
  readonly idle: Set<Service>
  readonly name: FunctionName
  readonly skewMs: number
  readonly backend: Binding
  state: 'running' | 'frozen' | 'dead'
  /** Continuations that arrived while it was frozen. */
  backlog: (() => void)[]
  invocation: number
  calls: number
  endsAt: number
  /** Whether its invocation counts as running. */
  counted: boolean
  /** The invocation's caller, until it was notified. */
  invoked: Invoked | undefined
}

const timeouts: Record<FunctionName, number> = {
  authorizer: 10_000,
  websocket: 29_000,
  tableStream: 60_000,
  deliver: 60_000,
  delayed: 30_000,
  worker: 900_000,
  script: 60_000,
}
const warmKept = 4

/** Creates the functions of one line. */
export function createFunctions(options: FunctionsOptions): Functions {
  const { kernel, plan, table, random, workerMs } = options
  const timeoutOf = (name: FunctionName) => (name === 'worker' ? (workerMs ?? timeouts.worker) : timeouts[name])
  const warm = new Map<FunctionName, Sandbox[]>()
  const log: { readonly name: FunctionName; calls: number }[] = []
  const spread = random.pick([5, 20, 120]) // usual maximum latency of a table request, in ms
  const alive = new Set<Sandbox>()
  let running = 0
  let stoppedUntil = 0
  const skewed = plan.strikes('F25')
  const latency = () => (random.chance(0.04) ? random.between(20, 20 * spread) : random.between(0.5, spread))

  function invoke(name: FunctionName, event: unknown, invoked: Invoked): void {
    const idle = warm.get(name) ?? []
    const sandbox = random.chance(0.7) ? idle.pop() : undefined
    const cold = sandbox === undefined ? plan.strikes('F22') : undefined
    kernel.after(cold?.between(200, 5_000) ?? 1, `start ${name}`, () =>
      start(sandbox ?? createSandbox(name), event, invoked),
    )
  }

  function start(sandbox: Sandbox, event: unknown, invoked: Invoked): void {
    const { name } = sandbox
    if (kernel.now < stoppedUntil) {
      invoked.failed('crashed')
      return
    }
    alive.add(sandbox)
    noteIdle(sandbox)
    Object.assign(sandbox, {
      state: 'running',
      invocation: log.length,
      calls: 0,
      invoked,
      counted: true,
      endsAt: kernel.now + timeoutOf(name),
    })
    log.push({ name, calls: 0 })
    running += 1
    thaw(sandbox)
    const number = sandbox.invocation
    const isMine = () => sandbox.invocation === number && sandbox.state !== 'dead'
    const cancel = kernel.after(timeoutOf(name), `timeout ${name}`, () => {
      if (!isMine()) return
      notifyCaller(sandbox, (caller) => caller.failed('timed-out'))
      if (sandbox.state === 'running') markDead(sandbox) // a frozen sandbox will resume as a zombie
    })
    const settle = (how: (caller: Invoked) => void) => {
      if (!isMine()) return
      cancel()
      notifyCaller(sandbox, how)
      stopCounting(sandbox)
      sandbox.state = 'frozen' // its unfinished work continues with the next invocation
      const kept = warm.get(name) ?? []
      if (kept.length < warmKept && kernel.now < sandbox.endsAt) warm.set(name, [...kept, sandbox])
    }
    const invocationState = {
      remainingMs: () => sandbox.endsAt - kernel.now,
      isAlive: () => isMine() && sandbox.counted,
    }
    options.run(name, event, sandbox.backend, invocationState).then(
      (value) => settle((caller) => caller.answered(value)),
      (thrown: unknown) => {
        kernel.note(`${name} threw ${String(thrown)}`)
        settle((caller) => caller.failed('threw'))
      },
    )
  }

  function notifyCaller(sandbox: Sandbox, how: (caller: Invoked) => void): void {
    const { invoked } = sandbox
    sandbox.invoked = undefined
    if (invoked !== undefined) how(invoked)
  }
  function markDead(sandbox: Sandbox): void {
    if (sandbox.state === 'dead') return
    sandbox.state = 'dead'
    sandbox.backlog = []
    alive.delete(sandbox)
    stopCounting(sandbox)
  }
  function stopCounting(sandbox: Sandbox): void {
    if (sandbox.counted) running -= 1
    sandbox.counted = false
  }
  function die(sandbox: Sandbox): void {
    kernel.note(`kill ${sandbox.name}#${sandbox.invocation}.${sandbox.calls}`)
    markDead(sandbox)
    const { invoked } = sandbox
    sandbox.invoked = undefined
    kernel.after(1, 'crashed', () => invoked?.failed('crashed'))
  }
  function freeze(sandbox: Sandbox, strike: Random): void {
    kernel.note(`freeze ${sandbox.name}#${sandbox.invocation}.${sandbox.calls}`)
    sandbox.state = 'frozen'
    const ms = strike.pick([strike.between(50, 4_000), strike.between(1_000, 40_000), strike.between(60_000, 130_000)])
    kernel.after(ms, 'thaw', () => {
      if (sandbox.state !== 'frozen') return
      sandbox.state = 'running'
      noteIdle(sandbox)
      thaw(sandbox)
      // after its deadline it continues for a short time, as a zombie that starts new work
      if (kernel.now >= sandbox.endsAt)
        kernel.after(strike.between(1, 2_000), 'end of a zombie', () => markDead(sandbox))
    })
  }
  function noteIdle({ connected, idle }: Sandbox): void {
    for (const service of connected) idle.add(service)
  }
  function thaw(sandbox: Sandbox): void {
    for (const resume of random.shuffle(sandbox.backlog.splice(0))) resume()
  }
  function resumeIn(sandbox: Sandbox, resume: () => void): void {
    if (sandbox.state === 'frozen') sandbox.backlog.push(resume)
    else if (sandbox.state === 'running') resume()
  }

  /**
   * One call of a port. The sandbox may die or freeze; the effect happens at one instant and the response at another.
   */
  function call<T>(sandbox: Sandbox, label: string, effect: (settle: Settle<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (sandbox.state === 'dead') return
      sandbox.calls += 1
      const entry = log[sandbox.invocation]
      if (entry !== undefined) entry.calls = sandbox.calls
      const { invocation, calls } = sandbox
      const isPlanned = (side: PlannedKill['side']) =>
        options.kill?.invocation === invocation && options.kill.call === calls && options.kill.side === side
      if (isPlanned('before') || plan.strikes('F19')) return die(sandbox)
      const frozen = plan.strikes('F23')
      if (frozen?.chance(0.5)) {
        freeze(sandbox, frozen)
        sandbox.backlog.push(() => begin())
        return
      }
      if (frozen !== undefined)
        kernel.after(latency() / 2, 'freeze', () => sandbox.state === 'running' && freeze(sandbox, frozen))
      begin()
      function begin() {
        kernel.after(latency(), label, () =>
          effect({
            resolve: (value) => answer(() => resolve(value)),
            reject: (thrown) => answer(() => reject(thrown)),
          }),
        )
      }
      function answer(settle: () => void) {
        if (sandbox.state === 'running' && (isPlanned('after') || plan.strikes('F20'))) return die(sandbox)
        kernel.after(latency(), `${label} <`, () => resumeIn(sandbox, settle))
      }
    })
  }

  function createSandbox(name: FunctionName): Sandbox {
    const skewMs = skewed === undefined ? 0 : Math.round(random.between(-5_000, 5_000))
    const backend: Binding = {
      clock: {
        now: () => kernel.now + sandbox.skewMs,
        random: () => random.next(),
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            if (signal?.aborted) return resolve()
            const abort = () => {
              cancel()
              resolve()
            }
            const cancel = kernel.after(ms, 'sleep', () => {
              signal?.removeEventListener('abort', abort)
              resumeIn(sandbox, resolve)
            })
            signal?.addEventListener('abort', abort, { once: true })
          }),
      },
      store: storeOf((operation, args) =>
        call(sandbox, operation, (settle) => onConnection(sandbox, 'table', () => request(operation, args, settle))),
      ),
      ...(name === 'script' ? {} : { gateway: gatewayOf(), invoker: invokerOf() }),
    }
    const sandbox: Sandbox = {
      ...{ name, skewMs, backend, state: 'running', backlog: [], invocation: -1, calls: 0, endsAt: 0 },
      counted: false,
      invoked: undefined,
      connected: new Set(),
      idle: new Set(),
    }
    function gatewayOf(): Gateway {
      return {
        kind: 'simulated',
        post: (id, text, { signal } = {}) =>
          call(sandbox, `post ${id}`, (settle) => {
            const send = () => {
              if (signal?.aborted) settle.resolve({ status: 'failed', unknown: true, reason: 'aborted' })
              else void options.post(id, text).then(settle.resolve)
            }
            onCallbacks(sandbox, send, () => settle.resolve({ status: 'failed', unknown: false, reason: 'ECONNRESET' }))
          }),
        disconnect: (id) =>
          call(sandbox, `cut ${id}`, (settle) =>
            onCallbacks(
              sandbox,
              () => void options.disconnect(id).then(settle.resolve),
              () => void options.disconnect(id).then(settle.resolve), // the adapter repeats a DELETE
            ),
          ),
      }
    }
    function invokerOf(): Invoker {
      return {
        kind: 'simulated',
        invoke: (invoked, payload) =>
          call(sandbox, `invoke ${invoked}`, (settle) => {
            if (plan.strikes('F28')) return settle.reject(new Error('The invocation was not accepted.'))
            onConnection(sandbox, 'lambda', () => {
              options.invokeAsync(invoked, JSON.parse(JSON.stringify(payload)))
              settle.resolve(undefined)
            })
          }),
        invokeDelayed: (payload, { delayMs }) =>
          call(sandbox, 'invoke later', (settle) => {
            if (plan.strikes('F28')) return settle.reject(new Error('The message was not taken.'))
            onConnection(sandbox, 'queue', () => {
              options.invokeDelayed(JSON.parse(JSON.stringify(payload)), Math.ceil(delayMs / 1_000) * 1_000)
              settle.resolve(undefined)
            })
          }),
      }
    }
    return sandbox
  }

  /**
   * Sends a request on a connection that may have been idle while its function was frozen. After a reset, the adapter
   * sends it again. Without a response, it sends it again after its timeout, except a post or a DELETE, whose caller
   * has the deadline.
   */
  function onConnection(sandbox: Sandbox, service: Exclude<Service, 'callbacks'>, send: () => void): void {
    const died = diedIdle(sandbox, service)
    if (died === undefined) send()
    else kernel.after(died.how === 'reset' ? died.strike.between(1, 300) : 1_000, `sent again: ${died.how}`, send)
  }
  function onCallbacks(sandbox: Sandbox, send: () => void, notSent: () => void): void {
    const died = diedIdle(sandbox, 'callbacks')
    if (died === undefined) send()
    else if (died.how === 'reset')
      kernel.after(died.strike.between(1, 300), 'reset', died.strike.chance(0.7) ? send : notSent)
  }
  function diedIdle({ connected, idle }: Sandbox, service: Service) {
    connected.add(service)
    if (!idle.delete(service)) return undefined
    const reset = plan.strikes('F50')
    if (reset !== undefined) return { how: 'reset', strike: reset } as const
    const silent = plan.strikes('F51')
    return silent && ({ how: 'silent', strike: silent } as const)
  }

  function request(operation: OperationName, given: readonly unknown[], settle: Settle<unknown>): void {
    const args = plan.strikes('F35') === undefined ? given : cutPage(operation, given, random)
    const apply = () => (table.operations[operation] as (...all: readonly unknown[]) => unknown)(...args)
    const fail = (mayHaveHappened: boolean) =>
      settle.reject(new StoreError(operation, mayHaveHappened, { cause: new Error('simulated') }))
    const throttled = plan.strikes('F27')
    if (throttled !== undefined) return void kernel.after(throttled.between(50, 2_000), 'throttled', () => fail(false))
    const refused = plan.strikes('F28')
    if (refused !== undefined)
      return void kernel.after(refused.between(5, 3_000), 'refused', () => fail(refused.chance(0.5)))
    const lost = plan.strikes('F29')
    if (lost === undefined) {
      settleWith(apply, settle)
      return
    }
    const how = lost.int(3)
    if (how === 2) {
      // the response is lost, and the request takes effect after the caller's timeout
      const ms = lost.between(100, 1_000)
      kernel.after(ms, 'no answer', () => fail(true))
      kernel.after(ms + lost.between(0, 3_000), `late ${operation}`, () => void attempt(apply))
      return
    }
    const first = attempt(apply)
    if (how === 0) return void kernel.after(lost.between(100, 3_000), 'no answer', () => fail(true))
    // the response is lost, and the adapter repeats the request
    kernel.after(lost.between(20, 800), `again ${operation}`, () =>
      settleWith(() => unrepeated(operation, apply(), first), settle),
    )
  }

  return {
    invoke,
    log,
    stopAll(ms) {
      stoppedUntil = kernel.now + ms
      warm.clear()
      for (const sandbox of [...alive])
        if (sandbox.counted) die(sandbox)
        else markDead(sandbox)
    },
    get running() {
      return running
    },
  }
}

export type OperationName = Exclude<keyof Store, 'kind'>

interface Settle<T> {
  readonly resolve: (value: T) => void
  readonly reject: (thrown: unknown) => void
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

/** An adapter that repeats a request knows that it did, so finding its own write is not a repetition by its caller. */
function unrepeated(operation: OperationName, again: unknown, first: unknown): unknown {
  const wasClaimed = operation === 'claimSubscription' && (first as { readonly status?: string }).status === 'claimed'
  return wasClaimed ? { ...(again as object), repeated: (first as { readonly repeated?: boolean }).repeated } : again
}

/** Reduces the limit of a page, since a request may return a shorter page. */
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

/** All operations of the port. The compiler checks that the list is complete. */
const operations: Record<OperationName, true> = {
  ...{ putSlot: true, readSlots: true, readSlotsBefore: true, extendSlot: true, eraseSlot: true },
  ...{ putConnection: true, readConnection: true, readConnectionAndShards: true, closeConnection: true },
  ...{ putConnectionParams: true, renewConnection: true },
  ...{ claimSubscription: true, stopSubscription: true, readSubscription: true, readSubscriptions: true },
  ...{ claimRun: true, passRun: true },
  ...{ putSubscriber: true, readSubscriber: true, stopSubscriber: true, deleteSubscriber: true },
  ...{
    setSubscriberAuthExp: true,
    readSubscribers: true,
    readSubscribersOf: true,
    growShards: true,
    readSyncStates: true,
  },
  ...{ claimKey: true, takeKey: true, settleKey: true, recordBase: true, readKey: true },
  ...{ putPresence: true, deletePresence: true, readPresence: true, readPresences: true },
  ...{
    readSweep: true,
    moveSweep: true,
    readShardLease: true,
    putShardLease: true,
    putReceipt: true,
    hasReceipts: true,
  },
  ...{ acquireDeliveryLock: true, requestOffset: true, releaseDeliveryLock: true },
  ...{ putPart: true, notePart: true, claimUpload: true, readParts: true },
}

type Call = (operation: OperationName, args: readonly unknown[]) => Promise<unknown>

/** The methods are on a prototype, because a store is created for each sandbox. */
class SandboxStore {
  readonly kind = 'simulated'
  readonly call: Call
  constructor(call: Call) {
    this.call = call
  }
}
for (const name of Object.keys(operations) as OperationName[])
  Object.defineProperty(SandboxStore.prototype, name, {
    value(this: SandboxStore, ...args: readonly unknown[]) {
      return this.call(name, args)
    },
  })

const storeOf = (call: Call) => new SandboxStore(call) as unknown as Store
