import type * as core from 'zod/v4/core'
import type { Duration } from './duration.ts'
import type { Entry } from './entry.ts'
import type { EphemeralSubscription, SubscribeOptions, Subscription } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'

export interface EphemeralOptions<K, E> {
  readonly key: K
  readonly event: E
}
export interface ChannelOptions<K, E> extends EphemeralOptions<K, E> {
  /** How long an event can be replayed, read and resumed from. @default '24h' */
  readonly retention?: Duration
  /**
   * Makes an event of an older schema fit this one; `event` parses what it returns. Called once for each such event and
   * invocation, with the stored JSON, also for events that a
   * script or a version of Trunkline without fingerprints has put, whatever their shape. What it throws is reported as
   * an event that cannot be parsed.
   */
  readonly upcast?: (old: unknown) => unknown
}

export interface PublishOptions {
  /** Publishing twice under one key within the retention appends once. Inside a keyed mutation it is derived from the mutation's key and the order of the publish; a cron or a queue consumer should pass its message's id. */
  readonly idempotencyKey?: string
}
/** Where an event went: `id` is the `id` that subscribers see beside it. Plain JSON, so a mutation may return it. */
export interface Published {
  readonly id: string
}
/** What an erase found. `absent`: the log holds no event there, or the id names another history. */
export type Erased = 'erased' | 'absent'
export interface Tracked<T> {
  readonly id: string
  readonly data: T
}

export interface ReadOptions {
  /** Events older than this cursor. */
  readonly before?: string
  /** Events newer than this cursor. */
  readonly after?: string
  /** @default 50, at most 1,000 */
  readonly limit?: number
  /**
   * Largest JSON text of `events`, in UTF-8 bytes. A page has fewer events than `limit` where they exceed it, and at
   * least one.
   * @default 98,304 (`limits.pageBytes`): such a page fits the state of a `startWith`, and an answer, for every client
   */
  readonly maxBytes?: number
}
/** Events in the order of the log; `older` and `newer` are the cursors to pass as `before` and `after`, null when nothing lies there. */
export interface Page<T> {
  readonly events: readonly Tracked<T>[]
  readonly older: string | null
  readonly newer: string | null
}

/** A family of event logs, one for each key. */
export interface Channel<K extends KeySchema, E extends EventSchema> {
  readonly name: string
  /** The schemas as declared: `t.procedure.input(messages.key.extend({ text: … }))`. */
  readonly key: K
  readonly event: E
  /** Validates, appends and delivers. Resolves when the event is durable and the push was handed on. Defaults and transforms of the schema apply. Throws a `TRPCError` BAD_REQUEST for a key or an event that does not fit. */
  publish(key: core.input<K>, event: core.input<E>, options?: PublishOptions): Promise<Published>
  /**
   * The events of one topic as a tRPC subscription returns them. Starts now; resumes from the client's cursor. Throws a
   * `TRPCError` BAD_REQUEST for a key or a `replay` that does not fit.
   */
  subscribe(key: core.input<K>, options?: SubscribeOptions): Subscription<core.output<E>>
  /**
   * A page of the log, newest last: "load older", a refetch after a gap, an assertion in a test. Throws a `TRPCError`
   * BAD_REQUEST for options that are out of range or a cursor that is none.
   */
  read(key: core.input<K>, options?: ReadOptions): Promise<Page<core.output<E>>>
  /**
   * Erases the data of one event, by its offset or by the `id` that it came with. Later replays, pages, resumes and
   * filters pass over it without a gap; a client that has it
   * is not told. Repeating it changes nothing. Backups and the table's stream hold the event for longer:
   * docs/guide/erasing-data.md.
   * Throws a `TRPCError` BAD_REQUEST for a key that does not fit, or an offset that is none.
   */
  erase(key: core.input<K>, event: number | string): Promise<Erased>
  /** A publication as a value, for `publishBatch`. Validated when it is published. */
  entry(key: core.input<K>, event: core.input<E>): Entry
}

/** A channel that keeps nothing: no replay, no resume, no gap. */
export interface Ephemeral<K extends KeySchema, E extends EventSchema> {
  readonly name: string
  readonly key: K
  readonly event: E
  /** Posts at once to whoever listens: at most once, in no order. */
  publish(key: core.input<K>, event: core.input<E>): Promise<void>
  /**
   * Events without ids: tRPC clients see `data` bare, since nothing can be resumed. Throws a `TRPCError` BAD_REQUEST
   * for a key that does not fit.
   */
  subscribe(key: core.input<K>): EphemeralSubscription<core.output<E>>
  entry(key: core.input<K>, event: core.input<E>): Entry
}
