import type { ChannelDefinition, PresenceRules } from '../../define/definition.ts'
import type { Backend } from '../../ports/backend.ts'
import { type Clock, systemClock } from '../../ports/clock.ts'
import { consoleRecorder } from '../../ports/console-log.ts'
import type { Gateway } from '../../ports/gateway.ts'
import type { Invoker } from '../../ports/invoker.ts'
import type { Store } from '../../ports/store.ts'
import type { Recorder } from '../../ports/telemetry.ts'
import type { ConnectionCaller } from './caller.ts'
import { createDeadline, type Deadline, narrowDeadline } from './deadline.ts'
import { createParsedEvents, type ParsedEvents } from './parsed-events.ts'
import { boundInvoker, boundStore } from './port-deadlines.ts'
import type { Server } from './served-application.ts'
import { type ShardHints, shardHintsOf } from './shard-hints.ts'

/** The claim that an attempt of a keyed mutation runs under; its publishes are counted, so that each attempt's n-th is the same event. */
export interface Keyed {
  readonly key: string
  /** Absent in its middlewares, which run without the claim: their publishes are recorded in a row of their own. */
  readonly owner?: string
  /** Epoch seconds. */
  readonly expires: number
  /** Publishes so far, by topic. */
  readonly counts: Map<string, number>
}

/** Everything one inbound thing may reach: the ports, what serves it, and how long it may take. */
export interface RuntimeContext {
  readonly store: Store
  readonly gateway: Gateway | undefined
  readonly invoker: Invoker | undefined
  readonly clock: Clock
  readonly restore: number
  /** Told what happens here; in a script, lines of log go to the console. */
  readonly telemetry: Recorder
  /** What this process has seen of the topics' shards in this store. */
  readonly shardHints: ShardHints
  /** Milliseconds that a channel of this line keeps its events; undefined for an ephemeral or unknown one. */
  readonly retentionOf: (channel: string) => number | undefined
  /** The rules of a presence of this line; undefined for every other channel. */
  readonly presenceOf: (channel: string) => PresenceRules | undefined
  /** A channel of this line; undefined for another. */
  readonly channelOf: (channel: string) => ChannelDefinition | undefined
  /** The events of older schemas that were parsed here. */
  readonly parsed: ParsedEvents
  /** Absent in a script: its events are delivered by the table's stream. */
  readonly server: Server | undefined
  /** Absent in a script. */
  readonly deadline: Deadline | undefined
  /** Runs `fn` with this scope for the line's channels: what an application publishes inside belongs to it. */
  readonly enter: <T>(scope: RuntimeContext, fn: () => T) => T
  /** W3C trace context of what runs here, handed on with the work. */
  readonly traceparent?: string
  /** The claim of the keyed mutation that runs here, or its key where its middlewares run. */
  readonly keyed: Keyed | undefined
  /** Whose call runs here: whose presence `update` changes. */
  readonly caller: Pick<ConnectionCaller, 'connectionId' | 'session'> | undefined
}

/** A scope in one of the line's functions, where a router answers. */
export interface InvocationContext extends RuntimeContext {
  readonly server: Server
  readonly deadline: Deadline
}

/** The scope of `backend`, with nothing to serve and no deadline. */
export function toRuntimeContext(
  backend: Backend,
  line: Pick<RuntimeContext, 'retentionOf' | 'presenceOf' | 'channelOf' | 'enter'>,
): RuntimeContext {
  return {
    store: backend.store,
    gateway: backend.gateway,
    invoker: backend.invoker,
    clock: backend.clock ?? systemClock,
    restore: backend.restore ?? 0,
    telemetry: consoleRecorder,
    shardHints: shardHintsOf(backend.store),
    ...line,
    parsed: createParsedEvents(),
    server: undefined,
    deadline: undefined,
    keyed: undefined,
    caller: undefined,
  }
}

/** The scope of one invocation of `ms`: no port is waited for beyond its deadline ([LAW-DEADLINE]; posts have theirs in `post`). Dispose its deadline when the work is done. */
export function toInvocationContext(
  base: RuntimeContext,
  server: Server,
  ms: number,
  telemetry: Recorder = consoleRecorder,
): InvocationContext {
  const deadline = createDeadline(base.clock, ms)
  const { signal } = deadline
  return {
    ...base,
    parsed: createParsedEvents(),
    store: boundStore(base.store, signal),
    invoker: base.invoker && boundInvoker(base.invoker, signal),
    telemetry,
    server,
    deadline,
  }
}

/** Does a part of an invocation's work under a sooner deadline; its store keeps the invocation's. */
export async function within<T>(
  scope: InvocationContext,
  ms: number,
  fn: (scope: InvocationContext) => Promise<T>,
): Promise<T> {
  using deadline = narrowDeadline(scope.clock, scope.deadline, ms)
  return await fn({ ...scope, deadline })
}

/** Whether what is published here is delivered here: a script's events go by the table's stream. */
export function canDeliver(scope: RuntimeContext): scope is InvocationContext {
  return scope.gateway !== undefined && scope.server !== undefined
}
