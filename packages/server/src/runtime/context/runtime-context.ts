import type { ChannelDefinition, PresenceRules } from '../../define/definition.ts'
import type { Backend } from '../../ports/backend.ts'
import { type Clock, systemClock } from '../../ports/clock.ts'
import { consoleRecorder } from '../../ports/console-log.ts'
import type { ErasureStore } from '../../ports/erasure.ts'
import type { Gateway } from '../../ports/gateway.ts'
import type { Invoker } from '../../ports/invoker.ts'
import type { Store } from '../../ports/store.ts'
import type { Recorder } from '../../ports/telemetry.ts'
import { type AppendQueues, createAppendQueues } from './append-queues.ts'
import type { Caller, ContextDetails } from './caller.ts'
import { createDeadline, type Deadline, narrowDeadline } from './deadline.ts'
import { type ParamsMemory, paramsMemoryOf } from './kept-params.ts'
import { createParsedEvents, type ParsedEvents } from './parsed-events.ts'
import { boundInvoker, boundStore } from './port-deadlines.ts'
import type { Server } from './served-application.ts'
import { type KnownCount, partitionCountsOf, type ShardHints, shardHintsOf } from './shard-hints.ts'

/**
 * The claim of an attempt of a mutation with a key. Its publishes are counted, so that the n-th publish of each attempt
 * is the same event.
 */
export interface Keyed {
  readonly key: string
  /** Absent in middlewares, which run without the claim. Their publishes are recorded in a row of their own. */
  readonly owner?: string
  /** Epoch seconds. */
  readonly expires: number
  /** Publishes so far, by topic. */
  readonly counts: Map<string, number>
}

/** The session that calls. */
export interface CallingSession extends Pick<ContextDetails, 'connectionId' | 'sessionId' | 'principal'> {
  /** Whether each session that its connection joined to a presence has a row of its own. */
  readonly namesSessions?: boolean | undefined
  /** See `ConnectionCaller`. */
  readonly via?: Caller['via'] | undefined
}

/** What a request, job or script uses: the ports, the served application, and a deadline. */
export interface RuntimeContext {
  readonly store: Store
  /** The store without the deadline, for what is written in the time that a function keeps before its end. */
  readonly unboundStore?: Store | undefined
  /** Of a script that erases. */
  readonly erasure?: ErasureStore | undefined
  readonly gateway: Gateway | undefined
  readonly invoker: Invoker | undefined
  readonly clock: Clock
  readonly restore: number
  /** Receives measurements and log entries. In a script, log entries go to the console. */
  readonly telemetry: Recorder
  /** The shards of topics that this process has seen in this store. */
  readonly shardHints: ShardHints
  /** The partitions of channels that this process has seen in this store. */
  readonly partitionCounts: Map<string, KnownCount>
  /** The appends of this invocation, or of this use of a backend by a script. */
  readonly appends: AppendQueues
  /** The connection parameters that this process has read. */
  readonly knownParams: ParamsMemory
  /** How long a channel keeps its events, in milliseconds; undefined for an ephemeral or unknown channel. */
  readonly retentionOf: (channel: string) => number | undefined
  /** The rules of a presence; undefined for every other channel. */
  readonly presenceOf: (channel: string) => PresenceRules | undefined
  /** A channel of this line; undefined if it has none of this name. */
  readonly channelOf: (channel: string) => ChannelDefinition | undefined
  /** The events of other schemas that were parsed already. */
  readonly parsed: ParsedEvents
  /** The publishes of this invocation that have not settled. A procedure must await each. */
  readonly publishing: Set<{ readonly channel: string }>
  /** The streams that this invocation may still settle. */
  readonly settles: SettleBudget
  /** The served application. Absent in a script, whose events are delivered by the table's stream. */
  readonly server: Server | undefined
  /** Absent in a script. */
  readonly deadline: Deadline | undefined
  /** Runs `fn` with `context` as the context of the line's channels, which the application uses inside. */
  readonly enter: <T>(context: RuntimeContext, fn: () => T) => T
  /** The W3C trace context, which is passed on to further functions. */
  readonly traceparent?: string | undefined
  /** The claim of the current mutation with a key; in its middlewares without an owner. */
  readonly keyed: Keyed | undefined
  /** The connection whose `$connect` runs, and which the gateway has not accepted yet. */
  readonly connecting?: string | undefined
  /** The caller of the current call, whose presence `update` changes. */
  readonly caller: CallingSession | undefined
  /** The sender of the current frame, for whom streams that are started count as runs. Absent elsewhere. */
  readonly starter?: Caller | undefined
}

/** The context of one of the line's functions, which serves a router under a deadline. */
export interface InvocationContext extends RuntimeContext {
  readonly server: Server
  readonly deadline: Deadline
  /** Its signal aborts when a message need not be answered any more. @default the deadline */
  readonly running?: Pick<Deadline, 'signal'> | undefined
}

/** The context of `backend`, without an application and without a deadline. */
export function toRuntimeContext(
  backend: Backend,
  line: Pick<RuntimeContext, 'retentionOf' | 'presenceOf' | 'channelOf' | 'enter'>,
): RuntimeContext {
  const clock = backend.clock ?? systemClock
  return {
    store: backend.store,
    erasure: backend.erasure,
    gateway: backend.gateway,
    invoker: backend.invoker,
    clock,
    restore: backend.restore ?? 0,
    telemetry: consoleRecorder,
    shardHints: shardHintsOf(backend.store),
    partitionCounts: partitionCountsOf(backend.store),
    knownParams: paramsMemoryOf(backend.store),
    appends: createAppendQueues(clock),
    retentionOf: line.retentionOf,
    presenceOf: line.presenceOf,
    channelOf: line.channelOf,
    enter: line.enter,
    parsed: createParsedEvents(),
    publishing: new Set(),
    settles: createSettleBudget(),
    server: undefined,
    deadline: undefined,
    keyed: undefined,
    caller: undefined,
  }
}

/**
 * The context of one invocation of `ms` milliseconds. Its ports end at its deadline ([LAW-DEADLINE]; posts have their
 * own in `post`). Dispose its deadline when the work is done.
 */
export function toInvocationContext(
  base: RuntimeContext,
  server: Server,
  { ms, telemetry = consoleRecorder }: { readonly ms: number; readonly telemetry?: Recorder },
): InvocationContext {
  const deadline = createDeadline(base.clock, ms)
  const context = copyContext(base)
  context.knownParams = { read: base.knownParams.read, reading: new Map() }
  context.parsed = createParsedEvents()
  context.publishing = new Set()
  context.settles = createSettleBudget()
  context.appends = createAppendQueues(base.clock)
  context.store = boundStore(base.store, deadline, base.clock)
  context.unboundStore = base.store
  context.invoker = base.invoker && boundInvoker(base.invoker, deadline)
  context.telemetry = telemetry
  return Object.assign(context, { server, deadline })
}

type Copy<C> = { -readonly [K in keyof Required<C>]: C[K] }

/** A copy, whose members may be set. They are listed here, since a spread of so many takes a multiple of the time. */
export function copyContext(context: InvocationContext): Copy<InvocationContext>
export function copyContext(context: RuntimeContext): Copy<RuntimeContext>
export function copyContext(context: RuntimeContext & Pick<InvocationContext, 'running'>) {
  const copy: Copy<RuntimeContext & Pick<InvocationContext, 'running'>> = {
    store: context.store,
    unboundStore: context.unboundStore,
    erasure: context.erasure,
    gateway: context.gateway,
    invoker: context.invoker,
    clock: context.clock,
    restore: context.restore,
    telemetry: context.telemetry,
    shardHints: context.shardHints,
    partitionCounts: context.partitionCounts,
    appends: context.appends,
    knownParams: context.knownParams,
    retentionOf: context.retentionOf,
    presenceOf: context.presenceOf,
    channelOf: context.channelOf,
    parsed: context.parsed,
    publishing: context.publishing,
    settles: context.settles,
    server: context.server,
    deadline: context.deadline,
    enter: context.enter,
    traceparent: context.traceparent,
    keyed: context.keyed,
    connecting: context.connecting,
    caller: context.caller,
    starter: context.starter,
    running: context.running,
  }
  return copy
}

/** A frame may name many streams, and each that is settled costs writes and an invocation. */
const mostSettles = 10

/** `take` returns false when no further stream may be settled. */
export interface SettleBudget {
  take(): boolean
}

function createSettleBudget(): SettleBudget {
  let left = mostSettles
  return { take: () => left-- > 0 }
}

/**
 * Runs `fn` under a deadline of `ms` milliseconds, or the invocation's if that is sooner. The store keeps the
 * invocation's deadline.
 */
export async function within<T>(
  context: InvocationContext,
  ms: number,
  fn: (context: InvocationContext) => Promise<T>,
): Promise<T> {
  using deadline = narrowDeadline(context.clock, context.deadline, ms)
  const narrowed = copyContext(context)
  narrowed.deadline = deadline
  return await fn(narrowed)
}

/** Whether this function delivers what it publishes. A script's events are delivered by the table's stream. */
export function canDeliver(context: RuntimeContext): context is InvocationContext {
  return context.gateway !== undefined && context.server !== undefined
}
