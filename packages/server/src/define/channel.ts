import type * as core from 'zod/v4/core'
import type { Duration } from './duration.ts'
import type { Entry } from './entry.ts'
import type { EphemeralSubscription, SubscribeOptions, Subscription } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'
import type { TopicRights } from './topic-rights.ts'

/** The schemas of an ephemeral channel, and who may subscribe. */
export interface EphemeralOptions<K, E, C = unknown> extends TopicRights<core.output<K>, C> {
  /** A flat object of strings and finite numbers. Each key is a topic of its own. */
  readonly key: K
  /** Any schema whose output survives JSON. */
  readonly event: E
}

/** The schemas and the retention of a channel, and who may subscribe. */
export interface ChannelOptions<K, E, C = unknown> extends EphemeralOptions<K, E, C> {
  /** How long an event can be replayed, read and resumed from, in milliseconds or as `'7d'`. @default '24h' */
  readonly retention?: Duration
  /**
   * Converts an event of an older schema; `event` parses the result. Called with the stored JSON, once in an invocation
   * for each event whose schema is not the current one. Events that a script or an older version of Trunkline wrote
   * name no schema, and are converted too, whatever their shape. If it throws, the event is reported as one that cannot
   * be parsed.
   */
  readonly upcast?: (old: unknown) => unknown
}

export interface PublishOptions {
  /**
   * Publishing again with the same key, within the retention, appends nothing. Inside a keyed mutation it is derived
   * from the mutation's key and the order of the publishes. A cron job or a queue consumer should pass the id of its
   * message.
   */
  readonly idempotencyKey?: string
}

/** A published event. `id` is the id that subscribers get with it. Plain JSON, so that a mutation may return it. */
export interface Published {
  readonly id: string
}

/** The result of an erase. `absent`: the log has no event there, or the id is of another history. */
export type Erased = 'erased' | 'absent'

/** An event with its id. */
export interface Tracked<T> {
  readonly id: string
  readonly data: T
}

export interface ReadOptions {
  /** Only events older than this cursor. */
  readonly before?: string
  /** Only events newer than this cursor. */
  readonly after?: string
  /** The highest number of events, from 1 to 1,000. @default 50 */
  readonly limit?: number
  /**
   * The largest JSON text of `events`, in UTF-8 bytes. A page has fewer events than `limit` if they would exceed it,
   * and at least one.
   * @default 98_304, which fits a response and the state of a `startWith`, for every client
   */
  readonly maxBytes?: number
}

/**
 * Events in the order of the log. `older` and `newer` are the cursors to pass as `before` and `after`; null if the log
 * has nothing there.
 */
export interface Page<T> {
  readonly events: readonly Tracked<T>[]
  readonly older: string | null
  readonly newer: string | null
}

/** A family of event logs, one for each key. */
export interface Channel<K extends KeySchema, E extends EventSchema> {
  readonly name: string
  /** The schema as declared, to extend: `t.procedure.input(messages.key.extend({ text: z.string() }))`. */
  readonly key: K
  readonly event: E
  /**
   * Validates an event, appends it to the log and delivers it. Resolves when the event is durable and its delivery was
   * started. Defaults and transforms of the schema apply. Throws a `TRPCError` BAD_REQUEST if the key or the event is
   * invalid.
   */
  publish(key: core.input<K>, event: core.input<E>, options?: PublishOptions): Promise<Published>
  /**
   * The events of one topic, to return from a tRPC subscription. It starts with the next event, and resumes from the
   * client's cursor. Throws a `TRPCError` BAD_REQUEST if the key or `replay` is invalid.
   */
  subscribe(key: core.input<K>, options?: SubscribeOptions): Subscription<core.output<E>>
  /**
   * A page of the log, newest event last: to load older events, to fetch again after a gap, or to assert in a test.
   * Throws a `TRPCError` BAD_REQUEST if an option is out of range or a cursor is invalid.
   */
  read(key: core.input<K>, options?: ReadOptions): Promise<Page<core.output<E>>>
  /**
   * Erases the data of one event, named by its offset or its `id`. Later replays, pages, resumes and filters skip it
   * without a gap. Clients that have the event are not notified. Repeating it changes nothing. Backups and the table's
   * stream keep the event for longer: docs/guide/erasing-data.md. Throws a `TRPCError` BAD_REQUEST if the key or the
   * offset is invalid.
   */
  erase(key: core.input<K>, event: number | string): Promise<Erased>
  /** An event to publish, as a value for `publishBatch`. It is validated when it is published. */
  entry(key: core.input<K>, event: core.input<E>): Entry
}

/** A channel without a log: it has no replay, no resume and no gap. */
export interface Ephemeral<K extends KeySchema, E extends EventSchema> {
  readonly name: string
  readonly key: K
  readonly event: E
  /**
   * Posts an event to the current subscribers, at most once and in no order. Throws a `TRPCError` BAD_REQUEST if the
   * key or the event is invalid.
   */
  publish(key: core.input<K>, event: core.input<E>): Promise<void>
  /**
   * The events of one topic, to return from a tRPC subscription. They have no ids, because there is nothing to resume.
   * Throws a `TRPCError` BAD_REQUEST if the key is invalid.
   */
  subscribe(key: core.input<K>): EphemeralSubscription<core.output<E>>
  /** An event to publish, as a value for `publishBatch`. It is validated when it is published. */
  entry(key: core.input<K>, event: core.input<E>): Entry
}
