import type { LineBinding } from '../ports/binding.ts'
import { type Clock, systemClock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { Invoker } from '../ports/invoker.ts'
import type { Store } from '../ports/store.ts'
import { boundInvoker, boundStore } from './bound-ports.ts'
import { createDeadline, type Deadline, narrowDeadline } from './deadline.ts'
import type { Keyed } from './keyed-scope.ts'
import type { Server } from './server.ts'
import { type ShardHints, shardHintsOf } from './shards.ts'

/** Everything one inbound thing may reach: the ports, what serves it, and how long it may take. */
export interface Scope {
  readonly store: Store
  readonly gateway: Gateway | undefined
  readonly invoker: Invoker | undefined
  readonly clock: Clock
  readonly restore: number
  /** What this process has seen of the topics' shards in this store. */
  readonly shardHints: ShardHints
  /** Milliseconds that a channel of this line keeps its events; undefined for an ephemeral or unknown one. */
  readonly retentionOf: (channel: string) => number | undefined
  /** Absent in a script: its events are delivered by the table's stream. */
  readonly server: Server | undefined
  /** Absent in a script. */
  readonly deadline: Deadline | undefined
  /** Runs `fn` with this scope for the line's channels: what an application publishes inside belongs to it. */
  readonly enter: <T>(scope: Scope, fn: () => T) => T
  /** The claim of the keyed mutation that runs here. */
  readonly keyed: Keyed | undefined
}

/** A scope in one of the line's functions, where a router answers. */
export interface ServedScope extends Scope {
  readonly server: Server
  readonly deadline: Deadline
}

/** The scope of `binding`, with nothing to serve and no deadline. */
export function toScope(binding: LineBinding, line: Pick<Scope, 'retentionOf' | 'enter'>): Scope {
  return {
    store: binding.store,
    gateway: binding.gateway,
    invoker: binding.invoker,
    clock: binding.clock ?? systemClock,
    restore: binding.restore ?? 0,
    shardHints: shardHintsOf(binding.store),
    ...line,
    server: undefined,
    deadline: undefined,
    keyed: undefined,
  }
}

/** The scope of one invocation of `ms`: no port is waited for beyond its deadline (law 10; posts have theirs in `post`). Dispose its deadline when the work is done. */
export function toServedScope(base: Scope, server: Server, ms: number): ServedScope {
  const deadline = createDeadline(base.clock, ms)
  const { signal } = deadline
  return {
    ...base,
    store: boundStore(base.store, signal),
    invoker: base.invoker && boundInvoker(base.invoker, signal),
    server,
    deadline,
  }
}

/** Does a part of an invocation's work under a sooner deadline; its store keeps the invocation's. */
export async function within<T>(scope: ServedScope, ms: number, fn: (scope: ServedScope) => Promise<T>): Promise<T> {
  using deadline = narrowDeadline(scope.clock, scope.deadline, ms)
  return await fn({ ...scope, deadline })
}
