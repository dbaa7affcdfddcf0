import type * as core from 'zod/v4/core'
import type { Channel, ChannelOptions, Ephemeral, EphemeralOptions } from '../define/channel.ts'
import type { RequireJson } from '../define/json.ts'
import type { Presence, PresenceOptions } from '../define/presence.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import type { Backend } from '../ports/backend.ts'

/** A setting that is read on first use, so that importing a module that declares a line reads nothing and opens nothing. */
export type Lazy<T> = T | (() => T)

export interface LineOptions {
  /** Prefix of the environment variables read on first use: `TRUNKLINE` reads `TRUNKLINE_TABLE`, `TRUNKLINE_CALLBACK_URL`, … A second line in one process needs its own. @default 'TRUNKLINE' */
  readonly envPrefix?: string
  /** Bind explicitly instead of by the environment. */
  readonly backend?: Lazy<Backend>
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
  /** Runs `fn` with another backend: every publish, read and subscribe on this line inside it, awaits included, uses that one. Nests; nothing outside `fn` changes. */
  withBackend<T>(backend: Backend, fn: () => T): T
}
