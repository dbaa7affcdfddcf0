import { AsyncLocalStorage } from 'node:async_hooks'
import { environmentBinding } from '../aws/environment.ts'
import { type ChannelDefinition, notServed } from '../define/definition.ts'
import { parseDuration } from '../define/duration.ts'
import { presenceTimes } from '../define/presence.ts'
import type { LineBinding } from '../ports/binding.ts'
import { systemClock } from '../ports/clock.ts'
import { consoleRecorder } from '../ports/console-log.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { type Scope, toScope } from '../runtime/context/scope.ts'
import { toTextMerge } from '../runtime/presence/validate-member.ts'
import { createChannel } from './channel.ts'
import type { Reach } from './describe-subscription.ts'
import { createEphemeral } from './ephemeral.ts'
import { internalsKey, type LineInternals } from './internals.ts'
import type { Lazy, Line, LineOptions } from './line.ts'
import { createPresence } from './presence.ts'

const defaultRetention = '24h'
const everyLine = new AsyncLocalStorage<LineBinding>()
/** What the functions of any line run in. */
const served = new AsyncLocalStorage<Scope>()

/** Runs `fn` with a binding for every line that has none of its own there: for a script whose lines are not at hand. `line.run` comes before it. */
export function runBound<T>(binding: LineBinding, fn: () => T): T {
  return everyLine.run(binding, fn)
}

/** Declares a line. No side effect: the environment is read on first use, and a missing variable is named in the error. */
export function createLine(options: LineOptions = {}): Line {
  const scopes = new AsyncLocalStorage<Scope>()
  const definitions = new Map<string, ChannelDefinition>()
  const held = new Set<string>()
  let ambient: LineBinding | undefined

  const own: Pick<Scope, 'retentionOf' | 'presenceOf' | 'channelOf' | 'enter'> = {
    retentionOf: (channel) => definitions.get(channel)?.retentionMs,
    presenceOf: (channel) => definitions.get(channel)?.presence,
    channelOf: (channel) => definitions.get(channel),
    enter: (entered, fn) => served.run(entered, () => scopes.run(entered, fn)),
  }
  const bindingOfEnvironment = (): LineBinding => {
    const [reason] = held
    if (reason !== undefined) throw new Error(reason)
    ambient ??= resolve(options.binding) ?? environmentBinding(options.envPrefix ?? 'TRUNKLINE', log)
    return ambient
  }
  const entered = () => {
    const binding = everyLine.getStore()
    return scopes.getStore() ?? (binding && toScope(binding, own))
  }
  const scope = (channel?: string) => entered() ?? toScope(orNotServed(channel, bindingOfEnvironment), own)
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
    run: (binding, fn) => scopes.run(toScope(binding, own), fn),
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
