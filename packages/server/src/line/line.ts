import type * as core from 'zod/v4/core'
import type { Channel, ChannelOptions, Ephemeral, EphemeralOptions } from '../define/channel.ts'
import type { RequireJson } from '../define/json.ts'
import type { Ended, KickOptions, PrincipalConnectionInfo, RevokeOptions } from '../define/kick.ts'
import type { PartitionedChannel } from '../define/partitioned-channel.ts'
import type { PartitionOptions } from '../define/partitions.ts'
import type { Presence, PresenceOptions } from '../define/presence.ts'
import type { Stream, StreamOptions } from '../define/stream.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import type { Backend } from '../ports/backend.ts'

/** A setting, or a function that returns it and is called on first use. */
export type Lazy<T> = T | (() => T)

/** How a line finds its backend. */
export interface LineOptions {
  /**
   * The prefix of the environment variables that name the backend: `TRUNKLINE_TABLE`, `TRUNKLINE_CALLBACK_URL`, … A
   * second line in one process needs another prefix.
   * @default 'TRUNKLINE'
   */
  readonly envPrefix?: string
  /** @default the backend that the environment names */
  readonly backend?: Lazy<Backend>
}

/**
 * One deployment of Trunkline (its API, functions and table), as the application sees it. A line has declarations only:
 * it connects to its table when a channel is published to, read or subscribed to. `C` is the type of the claims that
 * `authorize` of the channels gets.
 */
export interface Line<C = unknown> {
  /**
   * Declares a channel: a family of event logs, one for each key. Throws an `Error` if the line has a channel of this
   * name, and a `TypeError` for a schema that is not of zod 4, or a wrong `authorize` or `recheck`.
   */
  channel<K extends KeySchema, E extends EventSchema>(
    name: string,
    options: ChannelOptions<K, E, C> & { readonly event: RequireJson<core.output<E>> } & {
      readonly [option in keyof PartitionOptions<K, E>]?: never
    },
  ): Channel<K, E>
  /**
   * Declares a channel whose topics have several logs each, for topics with more events a second than one log takes.
   * Events are in order within a partition key alone: docs/guide/partitions.md. Throws also a `TypeError` for
   * `partitions` outside of 1 to 16, and for a `partitionBy` that is no function.
   */
  channel<K extends KeySchema, E extends EventSchema>(
    name: string,
    options: ChannelOptions<K, E, C> & PartitionOptions<K, E> & { readonly event: RequireJson<core.output<E>> },
  ): PartitionedChannel<K, E>
  /**
   * Declares a channel without a log: for typing indicators, mouse positions and progress. Throws an `Error` if the
   * line has a channel of this name.
   */
  ephemeral<K extends KeySchema, E extends EventSchema>(
    name: string,
    options: EphemeralOptions<K, E, C> & { readonly event: RequireJson<core.output<E>> },
  ): Ephemeral<K, E>
  /**
   * Declares a presence. A member is present as long as a subscription that `join` made. Throws a `RangeError` if a
   * time is out of range, and an `Error` if the line has a channel of this name.
   */
  presence<K extends KeySchema, D extends EventSchema>(
    name: string,
    options: PresenceOptions<K, D, C> & { readonly data: RequireJson<core.output<D>> },
  ): Presence<K, D>
  /**
   * Declares a stream: a family of closable logs, one for each key, with the function that produces their chunks. A
   * stream outlives the readers that watch it. Throws a `RangeError` or a `TypeError` for an invalid setting, and an
   * `Error` if the line has a channel of this name.
   */
  stream<K extends KeySchema, I extends EventSchema, C extends EventSchema>(
    name: string,
    options: StreamOptions<K, I, C> & {
      readonly input: RequireJson<core.output<I>>
      readonly chunk: RequireJson<core.output<C>>
    },
  ): Stream<K, I, C>
  /**
   * Ends a connection, the connections of a principal, or those of one of its sessions, and bans them until a time if
   * `ban` is given: `line.kick({ principal, reason: 'spam', ban: new Date(…) })`. When it resolves, no call and no
   * subscribe of these connections begins any more, and nothing is posted to them later than 5 s after that. Calls that
   * run have their signal aborted, and are not answered. Throws a `TypeError` or a `RangeError` for invalid options, and
   * an `Error` if the backend has no gateway, or if a socket could not be closed. Then do it again: it is safe to repeat.
   * A kick of a connection that is just being opened may take 6 s.
   */
  kick(options: KickOptions): Promise<Ended>
  /**
   * Refuses the tokens of a principal that were issued before a time, at a handshake and at `auth`, and ends its
   * connections that have no later token. Resolves and throws like `kick`.
   */
  revoke(principal: string, options: RevokeOptions): Promise<Ended>
  /**
   * The open connections of a principal, oldest first. One whose disconnect API Gateway has lost is listed for up to
   * 2 h 10 min after it was opened. Throws a `TypeError` for an invalid principal.
   */
  connections(of: { readonly principal: string }): Promise<readonly PrincipalConnectionInfo[]>
  /**
   * Runs `fn` with another backend. Every publish, read and subscribe on this line inside of `fn`, also after an await,
   * uses that backend. Calls may be nested.
   */
  withBackend<T>(backend: Backend, fn: () => T): T
}
