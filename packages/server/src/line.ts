import { AsyncLocalStorage } from 'node:async_hooks'
import { TRPCError } from '@trpc/server'
import type * as core from 'zod/v4/core'
import type { Channel, ChannelOptions, Ephemeral, EphemeralOptions, Published } from './define/channel.ts'
import type { ChannelDefinition } from './define/definition.ts'
import { notServed } from './define/definition.ts'
import { parseDuration } from './define/duration.ts'
import { contentOf, createEntry, type Entry } from './define/entry.ts'
import type { RequireJson } from './define/json.ts'
import { ofNothing } from './define/of-nothing.ts'
import {
  type Presence,
  type PresenceInterest,
  type PresenceOptions,
  type PresenceTimes,
  presenceTimes,
} from './define/presence.ts'
import { createSubscription, type SubscribeOptions, type SubscriptionDescriptor } from './define/subscription.ts'
import type { EventSchema, KeySchema } from './define/topic.ts'
import { environmentBinding } from './environment.ts'
import type { LineBinding } from './ports/binding.ts'
import { type Clock, systemClock } from './ports/clock.ts'
import { consoleRecorder } from './ports/console-log.ts'
import type { LogEntry } from './ports/telemetry.ts'
import { eraseEvent } from './run/erase.ts'
import { fittingNow, topicNameOf } from './run/fits-channel.ts'
import { iterate } from './run/iterate.ts'
import { checkData, checkMember, toTextMerge } from './run/presence-data.ts'
import { readMembersNow } from './run/presence-snapshot.ts'
import { updatePresence } from './run/presence-update.ts'
import { viewPipes } from './run/presence-view.ts'
import { publish, publishEphemeral, topicOf } from './run/publish.ts'
import { readPage } from './run/read.ts'
import { type Scope, toScope } from './run/scope.ts'

/** A setting that is read on first use, so that importing a module that declares a line reads nothing and opens nothing. */
export type Lazy<T> = T | (() => T)

export interface LineOptions {
  /** Prefix of the environment variables read on first use: `TRUNKLINE` reads `TRUNKLINE_TABLE`, `TRUNKLINE_CALLBACK_URL`, … A second line in one process needs its own. @default 'TRUNKLINE' */
  readonly envPrefix?: string
  /** Bind explicitly instead of by the environment. */
  readonly binding?: Lazy<LineBinding>
}

/** The application's one handle to its channels. Holds declarations only; it reaches a table when something is published, read or subscribed. */
export interface Line {
  /** Declares a channel: a family of event logs, one for each key. Throws when the name is taken on this line. */
  channel<K extends KeySchema, E extends EventSchema>(
    name: string,
    options: ChannelOptions<K, E> & { readonly event: RequireJson<core.output<E>> },
  ): Channel<K, E>
  /** Declares a channel that keeps nothing: no replay, no resume, no gap. For typing, cursors, progress. */
  ephemeral<K extends KeySchema, E extends EventSchema>(
    name: string,
    options: EphemeralOptions<K, E> & { readonly event: RequireJson<core.output<E>> },
  ): Ephemeral<K, E>
  /** Declares who is here. Being here lasts as long as a subscription made by `join`. Throws a `RangeError` for times that no line can keep. */
  presence<K extends KeySchema, D extends EventSchema>(
    name: string,
    options: PresenceOptions<K, D> & { readonly data: RequireJson<core.output<D>> },
  ): Presence<K, D>
  /** Runs `fn` with another binding: every publish, read and subscribe on this line inside it, awaits included, uses that one. Nests; nothing outside `fn` changes. */
  run<T>(binding: LineBinding, fn: () => T): T
}

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

/** Publishes several; one failure does not stop the others. Entries of the same channel keep their order. */
export async function publishAll(
  line: Line,
  entries: readonly Entry[],
): Promise<readonly PromiseSettledResult<Published | undefined>[]> {
  const { scope } = internalsOf(line)
  const chains = new Map<string, Promise<unknown>>()
  const all = entries.map((entry) => {
    const before = chains.get(entry.channel) ?? Promise.resolve()
    const done = before.then(() => publishEntry(scope(entry.channel), entry))
    chains.set(
      entry.channel,
      done.catch(() => {}), // told by allSettled below
    )
    return done
  })
  return Promise.allSettled(all)
}

async function publishEntry(scope: Scope, entry: Entry): Promise<Published | undefined> {
  const { definition, key, event } = contentOf(entry)
  if (definition.retentionMs !== undefined) return publish(scope, definition, key, event)
  await publishEphemeral(scope, definition, key, event)
  return undefined
}

const internalsKey: unique symbol = Symbol.for('trunkline.line')

/** What the handlers and the local line may do with a line that an application may not. */
export interface LineInternals {
  readonly envPrefix: string
  /** Throws where nothing is bound; `channel` is what is to be reached, for the words of that. */
  readonly scope: (channel?: string) => Scope
  /** What was entered here, if anything was. */
  readonly entered: () => Scope | undefined
  readonly enter: <T>(scope: Scope, fn: () => T) => T
  /** The one door of log lines: to whoever listens to what is entered here, else to the console. */
  readonly log: (entry: LogEntry) => void
  /** The clock of what is entered here; the machine's own where nothing is. Needs no binding. */
  readonly clock: () => Clock
  /** Every channel that was declared so far. */
  readonly channels: () => readonly ChannelDefinition[]
  /** Refuses unbound uses with `reason` until undone: while a local line is open, nothing may reach the table that a shell points at. */
  readonly hold: (reason: string) => () => void
}

/** Throws a `TypeError` for what `createLine` did not make. */
export function internalsOf(line: Line): LineInternals {
  const internals = (line as { readonly [internalsKey]?: LineInternals } | null | undefined)?.[internalsKey]
  if (internals === undefined) throw new TypeError(`Expected a line made by createLine(), got ${ofNothing(line)}`)
  return internals
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

/** How a channel reaches what its line is bound to. */
interface Reach {
  /** Throws where nothing is bound and the environment names nothing. */
  readonly scope: () => Scope
  /** What was entered here, by `run` or by one of the line's functions. */
  readonly entered: () => Scope | undefined
}

function createChannel(definition: ChannelDefinition, reach: Reach): Channel<KeySchema, EventSchema> {
  const { scope } = reach
  const { name, key, event, retentionMs = 0 } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published, options) => publish(scope(), definition, topicKey, published, options),
    read: async (topicKey, options = {}) => {
      const topic = await topicOf(definition, topicKey)
      return readPage(scope(), { topic, retentionMs }, options)
    },
    erase: async (topicKey, erased) => eraseEvent(scope(), await topicOf(definition, topicKey), erased),
    subscribe: (topicKey, options) => createSubscription(describe(reach, definition, topicKey, options)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}

function createEphemeral(definition: ChannelDefinition, reach: Reach): Ephemeral<KeySchema, EventSchema> {
  const { scope } = reach
  const { name, key, event } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published) => publishEphemeral(scope(), definition, topicKey, published),
    subscribe: (topicKey) => createSubscription(describe(reach, definition, topicKey)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}

function createPresence(
  definition: ChannelDefinition,
  times: PresenceTimes,
  reach: Reach,
): Presence<KeySchema, EventSchema> {
  const { scope } = reach
  const { name, key, event: data, retentionMs = 0 } = definition
  const observe = (topicKey: unknown, interest: Pick<PresenceInterest, 'view' | 'me'>) =>
    createSubscription<never>({
      ...describe(reach, definition, topicKey),
      pipe: viewPipes[interest.view],
      presence: { ...times, ...interest },
    })
  return {
    name,
    key,
    data,
    join: (topicKey, me) => observe(topicKey, { view: 'members', me: checkMember(definition, me) }),
    watch: (topicKey) => observe(topicKey, { view: 'members' }),
    count: (topicKey) => observe(topicKey, { view: 'count' }),
    update: async (topicKey, given) => {
      const topic = await topicOf(definition, topicKey)
      return updatePresence(scope(), { topic, retentionMs }, await checkData(definition, given))
    },
    read: async (topicKey) => (await readMembersNow(scope(), await topicOf(definition, topicKey))) as never,
  }
}

function describe(
  { scope, entered }: Reach,
  channel: ChannelDefinition,
  key: unknown,
  options: SubscribeOptions = {},
): SubscriptionDescriptor {
  const captured = entered() // iteration happens outside of it
  return {
    channel,
    topic: topicNameOf(channel, fittingNow(channel, 'key', key)),
    replay: checkedReplay(options.replay ?? 0),
    lastEventId: options.lastEventId ?? lastEventIdIn(key),
    pipe: [],
    ...(options.signal && { signal: options.signal }),
    iterate: (descriptor) => {
      if ((captured?.server ?? entered()?.server) !== undefined) refuseIteration(channel)
      return iterate(captured ?? scope(), descriptor)
    },
  }
}

function checkedReplay(replay: number): number {
  if (Number.isSafeInteger(replay) && replay >= 0) return replay
  const got = typeof replay === 'number' ? replay : typeof replay
  const message = `Expected replay to be a whole number of events from 0, got ${got}.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

/** tRPC hands the cursor over in the procedure's input, which is often given as the key whole. */
function lastEventIdIn(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || !('lastEventId' in key)) return undefined
  return typeof key.lastEventId === 'string' ? key.lastEventId : undefined
}

function refuseIteration(channel: ChannelDefinition): never {
  throw new Error(
    `Return the subscription of ${channel.name} from the procedure instead of iterating it: iterating would hold a function for each subscriber. (For its .output() there is eventsOf, which does not iterate.)`,
  )
}

function resolve<T>(setting: Lazy<T> | undefined): T | undefined {
  return typeof setting === 'function' ? (setting as () => T)() : setting
}
