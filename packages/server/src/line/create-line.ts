import { AsyncLocalStorage } from 'node:async_hooks'
import { environmentBackend } from '../aws/environment.ts'
import { type ChannelDefinition, notServed } from '../define/definition.ts'
import { parseDuration } from '../define/duration.ts'
import { presenceTimes } from '../define/presence.ts'
import type { Backend } from '../ports/backend.ts'
import { systemClock } from '../ports/clock.ts'
import { consoleRecorder } from '../ports/console-log.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { type RuntimeContext, toRuntimeContext } from '../runtime/context/scope.ts'
import { toTextMerge } from '../runtime/presence/validate-member.ts'
import { createChannel } from './channel.ts'
import type { Reach } from './describe-subscription.ts'
import { createEphemeral } from './ephemeral.ts'
import { internalsKey, type LineInternals } from './internals.ts'
import type { Lazy, Line, LineOptions } from './line.ts'
import { createPresence } from './presence.ts'

const defaultRetention = '24h'
const everyLine = new AsyncLocalStorage<Backend>()
/** What the functions of any line run in. */
const served = new AsyncLocalStorage<RuntimeContext>()

/** Runs `fn` with a backend for every line that has none of its own there: for a script whose lines are not at hand. `line.run` comes before it. */
export function runWithBackend<T>(backend: Backend, fn: () => T): T {
  return everyLine.run(backend, fn)
}

/** Declares a line. No side effect: the environment is read on first use, and a missing variable is named in the error. */
export function createLine(options: LineOptions = {}): Line {
  const scopes = new AsyncLocalStorage<RuntimeContext>()
  const definitions = new Map<string, ChannelDefinition>()
  const held = new Set<string>()
  let ambient: Backend | undefined

  const own: Pick<RuntimeContext, 'retentionOf' | 'presenceOf' | 'channelOf' | 'enter'> = {
    retentionOf: (channel) => definitions.get(channel)?.retentionMs,
    presenceOf: (channel) => definitions.get(channel)?.presence,
    channelOf: (channel) => definitions.get(channel),
    enter: (entered, fn) => served.run(entered, () => scopes.run(entered, fn)),
  }
  const backendOfEnvironment = (): Backend => {
    const [reason] = held
    if (reason !== undefined) throw new Error(reason)
    ambient ??= resolve(options.backend) ?? environmentBackend(options.envPrefix ?? 'TRUNKLINE', log)
    return ambient
  }
  const entered = () => {
    const backend = everyLine.getStore()
    return scopes.getStore() ?? (backend && toRuntimeContext(backend, own))
  }
  const scope = (channel?: string) => entered() ?? toRuntimeContext(orNotServed(channel, backendOfEnvironment), own)
  const log = (entry: LogEntry) => (entered()?.telemetry ?? consoleRecorder).log(entry)
  const reachOf = (channel: string): Reach => ({ scope: () => scope(channel), entered })
  const define = (definition: ChannelDefinition): ChannelDefinition => {
    if (definitions.has(definition.name)) throw new Error(`This line has a channel ${definition.name} already.`)
    definitions.set(definition.name, definition)
    return definition
  }
  const internals: LineInternals = {
    envPrefix: options.envPrefix ?? 'TRUNKLINE',
    scope,
    entered,
    enter: own.enter,
    log,
    clock: () => entered()?.clock ?? systemClock,
    channels: () => [...definitions.values()],
    hold: (reason) => {
      held.add(reason)
      return () => held.delete(reason)
    },
  }
  const line: Line & { readonly [internalsKey]: LineInternals } = {
    channel: (name, { key, event, retention, upcast }) => {
      const retentionMs = parseDuration(retention ?? defaultRetention)
      return createChannel(define({ name, key, event, retentionMs, ...(upcast && { upcast }) }), reachOf(name)) as never // typed by the interface's overload
    },
    ephemeral: (name, { key, event }) => createEphemeral(define({ name, key, event }), reachOf(name)) as never,
    presence: (name, { key, data, merge, ...given }) => {
      const definition = { name, key, event: data, retentionMs: parseDuration(defaultRetention) }
      const times = presenceTimes(name, given)
      const presence = { ...times, ...(merge && { merge: toTextMerge(definition, merge as never) }) }
      return createPresence(define({ ...definition, presence }), times, reachOf(name)) as never
    },
    withBackend: (backend, fn) => scopes.run(toRuntimeContext(backend, own), fn),
    [internalsKey]: internals,
  }
  return line
}

/** Inside a function that another line serves, what is missing is that line's to be given, and no variable. */
function orNotServed<T>(channel: string | undefined, bind: () => T): T {
  try {
    return bind()
  } catch (cause) {
    if (channel === undefined || served.getStore()?.server === undefined) throw cause
    throw new Error(`Channel ${channel} ${notServed}, and its own line is not bound here.`, { cause })
  }
}

function resolve<T>(setting: Lazy<T> | undefined): T | undefined {
  return typeof setting === 'function' ? (setting as () => T)() : setting
}
