import { AsyncLocalStorage } from 'node:async_hooks'
import { checkOptionNames, defined, withDocs } from '@trunkline/protocol'
import { environmentBackend } from '../aws/environment.ts'
import type { ChannelOptions, EphemeralOptions } from '../define/channel.ts'
import { type ChannelDefinition, notServed } from '../define/definition.ts'
import { parseDuration } from '../define/duration.ts'
import { type DeclarationKind, declarationNames } from '../define/option-names.ts'
import { type PartitionOptions, partitionRules, refusePartitions } from '../define/partitions.ts'
import { type PresenceOptions, presenceTimes } from '../define/presence.ts'
import type { StreamOptions } from '../define/stream.ts'
import { streamRules } from '../define/stream-rules.ts'
import { checkDeclaration, checkName, type EventSchema, type KeySchema } from '../define/topic.ts'
import { toDeclaredRights } from '../define/topic-rights.ts'
import type { Backend } from '../ports/backend.ts'
import { systemClock } from '../ports/clock.ts'
import { consoleRecorder } from '../ports/console-log.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { type RuntimeContext, toRuntimeContext } from '../runtime/context/runtime-context.ts'
import { toTextMerge } from '../runtime/presence/validate-member.ts'
import { createChannel, createEphemeral, createPartitionedChannel } from './channel.ts'
import type { ContextAccess } from './describe-subscription.ts'
import { internalsKey, type LineInternals } from './internals.ts'
import type { Lazy, Line, LineOptions } from './line.ts'
import { operations } from './operations.ts'
import { createPresence } from './presence.ts'
import { createStream } from './stream.ts'

const defaultRetention = '24h'

const lineNames: Readonly<Record<keyof LineOptions, true>> = { envPrefix: true, backend: true }
/** The backend of `runWithBackend`, for every line. */
const everyLine = new AsyncLocalStorage<Backend>()
/** The context of the function invocation that runs, whichever line it is of. */
const served = new AsyncLocalStorage<RuntimeContext>()

/**
 * Runs `fn` with a backend for every line, for a script that cannot access its lines. Inside `line.withBackend`, that
 * line uses the backend given there.
 */
export function runWithBackend<T>(backend: Backend, fn: () => T): T {
  return everyLine.run(backend, fn)
}

/**
 * Creates a line, which declares channels. It has no side effects: the environment is read on first use, which throws
 * an `Error` that names the variable if one is missing. `createLine<Claims>()` gives `authorize` of the channels the
 * type of the claims that `authorize` of the handlers returns.
 */
export function createLine<C = unknown>(options: LineOptions = {}): Line<C> {
  checkOptionNames('createLine', options, lineNames)
  const contexts = new AsyncLocalStorage<RuntimeContext>()
  const definitions = new Map<string, ChannelDefinition>()
  const held = new Set<{ readonly reason: string }>() // several holders may give one reason
  let ambient: Backend | undefined

  const own: Pick<RuntimeContext, 'retentionOf' | 'presenceOf' | 'channelOf' | 'enter'> = {
    retentionOf: (channel) => definitions.get(channel)?.retentionMs,
    presenceOf: (channel) => definitions.get(channel)?.presence,
    channelOf: (channel) => definitions.get(channel),
    enter: (entered, fn) => served.run(entered, () => contexts.run(entered, fn)),
  }
  const backendOfEnvironment = (): Backend => {
    const [first] = held
    if (first !== undefined) throw new Error(withDocs('lines', first.reason))
    ambient ??= resolve(options.backend) ?? environmentBackend(options.envPrefix ?? 'TRUNKLINE', log)
    return ambient
  }
  const entered = () => {
    const backend = everyLine.getStore()
    return contexts.getStore() ?? (backend && toRuntimeContext(backend, own))
  }
  const context = (channel?: string) => entered() ?? toRuntimeContext(orNotServed(channel, backendOfEnvironment), own)
  const log = (entry: LogEntry) => (entered()?.telemetry ?? consoleRecorder).log(entry)
  const accessOf = (channel: string): ContextAccess => ({ context: () => context(channel), entered })
  const define = <K extends KeySchema, E extends EventSchema>(definition: ChannelDefinition<K, E>) => {
    if (definitions.has(definition.name))
      throw new Error(
        withDocs(
          'lines',
          `Channel ${definition.name} is declared twice on this line. Give each channel a name of its own.`,
        ),
      )
    definitions.set(definition.name, definition)
    return definition
  }
  const internals: LineInternals = {
    envPrefix: options.envPrefix ?? 'TRUNKLINE',
    context,
    entered,
    enter: own.enter,
    log,
    clock: () => entered()?.clock ?? systemClock,
    channels: () => [...definitions.values()],
    hold: (reason) => {
      const holder = { reason }
      held.add(holder)
      return () => held.delete(holder)
    },
  }
  const line: Line<C> & { readonly [internalsKey]: LineInternals } = {
    channel: <K extends KeySchema, E extends EventSchema>(
      name: string,
      options: ChannelOptions<K, E, C> & Partial<PartitionOptions<K, E>>,
    ) => {
      const { key, event, retention, upcast } = declared('channel', name, options)
      const retentionMs = parseDuration(retention ?? defaultRetention, `retention of channel ${name}`)
      const rules = { ...defined({ upcast }), ...toDeclaredRights(name, options) }
      const definition = { name, key, event, retentionMs, ...rules }
      const { partitions } = partitionRules(name, options)
      // The overloads of `Line` say which of the two a caller gets.
      if (partitions === undefined) return createChannel<K, E>(define(definition), accessOf(name)) as never
      define({ ...definition, partitions })
      return createPartitionedChannel<K, E>(definitions.get(name) as never, accessOf(name)) as never
    },
    ephemeral<K extends KeySchema, E extends EventSchema>(name: string, options: EphemeralOptions<K, E, C>) {
      const { key, event } = declared('ephemeral channel', name, options)
      return createEphemeral<K, E>(define({ name, key, event, ...toDeclaredRights(name, options) }), accessOf(name))
    },
    presence<K extends KeySchema, D extends EventSchema>(name: string, options: PresenceOptions<K, D, C>) {
      const { key, data, merge, ...given } = declared('presence', name, options)
      const rights = toDeclaredRights(name, options)
      const definition = { name, key, event: data, retentionMs: parseDuration(defaultRetention), ...rights }
      const times = presenceTimes(name, given)
      const toMerged = merge && toTextMerge(definition, merge as Merge) // it gets data that `definition` parsed
      const presence = { ...times, ...defined({ merge: toMerged }) }
      return createPresence<K, D>(define({ ...definition, presence }), times, accessOf(name))
    },
    stream<K extends KeySchema, I extends EventSchema, C extends EventSchema>(
      name: string,
      options: StreamOptions<K, I, C>,
    ) {
      const { key, input, chunk, retention, ...rest } = declared('stream', name, options)
      const retentionMs = parseDuration(retention ?? defaultRetention, `retention of stream ${name}`)
      const definition = { name, key, event: chunk, retentionMs, stream: streamRules(name, { input, ...rest }) }
      return createStream<K, I, C>(define(definition), input, accessOf(name))
    },
    kick: async (kicking) => (operations.loaded ?? (await operations.load())).kick(context(), kicking),
    revoke: async (principal, revoking) =>
      (operations.loaded ?? (await operations.load())).revoke(context(), principal, revoking),
    connections: async (of) => {
      const { listConnections } = operations.loaded ?? (await operations.load())
      return listConnections(context(), (Object(of) as Partial<typeof of>).principal as string)
    },
    withBackend: (backend, fn) => contexts.run(toRuntimeContext(backend, own), fn),
    [internalsKey]: internals,
  }
  return line
}

type Merge = Parameters<typeof toTextMerge>[1]

/** The options of a declaration, with their names and schemas checked. */
function declared<O>(kind: DeclarationKind, name: string, options: O): O {
  checkName(name)
  if (kind !== 'channel') refusePartitions(kind, name, Object(options))
  checkOptionNames(`${kind} ${name}`, options, declarationNames[kind])
  const given = options as Readonly<Record<string, unknown>>
  const uses = ['key', 'event', 'data', 'input', 'chunk'].filter((use) => use in declarationNames[kind])
  checkDeclaration(name, Object.fromEntries(uses.map((use) => [use, given[use]])))
  return options
}

/**
 * Calls `bind`. In a function that serves another line, the error of a missing backend names the channel's line
 * instead.
 */
function orNotServed<T>(channel: string | undefined, bind: () => T): T {
  try {
    return bind()
  } catch (cause) {
    if (channel === undefined || served.getStore()?.server === undefined) throw cause
    throw new Error(
      withDocs(
        'lines',
        `Channel ${channel} ${notServed}, and its own line has no backend here. Serve it by its own line, or give that line a backend.`,
      ),
      { cause },
    )
  }
}

function resolve<T>(setting: Lazy<T> | undefined): T | undefined {
  return typeof setting === 'function' ? (setting as () => T)() : setting
}
