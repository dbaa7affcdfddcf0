import type { TrackedEnvelope } from '@trpc/server'
import type * as core from 'zod/v4/core'
import type { Tracked } from './channel.ts'
import type { Duration } from './duration.ts'
import type { OnLost, Outcome, StreamRun } from './stream-rules.ts'
import type { EventSchema, KeySchema } from './topic.ts'

/**
 * The state of a stream, and how many chunks of its run the log has. Plain JSON, so that a procedure may return it.
 * `idle`: it was not started, or no longer exists. `waiting`: no function produces it at the moment.
 */
export type StreamStatus =
  | { readonly state: 'idle' | 'waiting' | 'running'; readonly chunks: number }
  | { readonly state: 'closed'; readonly chunks: number; readonly outcome: Outcome }

/** The schemas of a stream, its producer and its settings. */
export interface StreamOptions<K extends KeySchema, I extends EventSchema, C extends EventSchema> {
  /** A flat object of strings and finite numbers. Each key is a stream of its own. */
  readonly key: K
  /**
   * What `produce` needs. It must be JSON of at most 256 KB, and the schema must return the same for the same value: a
   * start with another input is refused.
   */
  readonly input: I
  /** Any schema whose output survives JSON. */
  readonly chunk: C
  /** How long a stream can be read after its end, in milliseconds or as `'7d'`. @default '24h' */
  readonly retention?: Duration
  /** @default 'close' */
  readonly onLost?: OnLost
  /** Chunks that are yielded within `ms` are stored and sent together, up to `bytes` of JSON. */
  readonly batch?: {
    /** From 0 to 10,000. @default 100 */
    readonly ms?: number
    /** From 1 to 98,304. @default 32_768 */
    readonly bytes?: number
  }
  /**
   * The bytes that one producer may add to the log within a minute. One that exceeds them waits for the rest of the
   * minute: its `yield` does not return.
   * @default 10_485_760
   */
  readonly bytesPerMinute?: number
  /** Produces the chunks in the `worker` function. Each chunk is parsed by the schema `chunk`. */
  produce(run: StreamRun<core.output<K>, core.output<I>>): AsyncIterable<core.input<C>>
}

/** Where a reader of a stream begins. */
export interface StreamReadOptions {
  /** The id of the last chunk that the reader has. @default the beginning of the run */
  readonly after?: string
  /** The highest number of chunks, from 1 to 1,000. @default 1,000 */
  readonly limit?: number
  /**
   * The largest JSON text of `chunks`, in UTF-8 bytes. A page has fewer chunks than `limit` if they would exceed it, and
   * at least one.
   * @default 98_304
   */
  readonly maxBytes?: number
}

/** Chunks of a stream in their order. */
export interface StreamPage<T> {
  readonly chunks: readonly Tracked<T>[]
  /** The id to pass as `after` for the chunks that follow; null if the log has no more at the moment. */
  readonly next: string | null
  readonly status: StreamStatus
  /** Why chunks after `after` are left out: the page then begins with the chunks that follow. */
  readonly gap?: 'expired' | 'new-epoch' | 'restarted' | 'erased'
}

/** Where a subscription to a stream begins. */
export interface StreamSubscribeOptions {
  /** The id to resume after. Only for tRPC's own adapters, which pass it in the input; a line's handlers know it. */
  readonly lastEventId?: string | null | undefined
  /** Ends the iteration, outside of a line's functions. */
  readonly signal?: AbortSignal | undefined
}

/** A subscription to a stream, to return from a resolver. It ends with the stream. */
export interface StreamSubscription<T> extends AsyncIterable<TrackedEnvelope<T>, void, void> {
  /** Keeps the chunks for which it returns true. It costs what the `filter` of a channel's subscription costs. */
  filter<S extends T>(guard: (chunk: T) => chunk is S): StreamSubscription<S>
  /** Keeps the chunks for which it returns true. It costs what the `filter` of a channel's subscription costs. */
  filter(keep: (chunk: T) => boolean): StreamSubscription<T>
  /** Converts each chunk. */
  map<U>(fn: (chunk: T) => U): StreamSubscription<U>
}

/** A family of closable logs with one producer each: a stream outlives the readers that watch it. */
export interface Stream<K extends KeySchema, I extends EventSchema, C extends EventSchema> {
  readonly name: string
  readonly key: K
  readonly input: I
  readonly chunk: C
  /**
   * Starts a stream, unless it was started before: the same key and input return the stream that exists. Works in a
   * procedure, a schedule and a script. Throws a `TRPCError` CONFLICT for another input, BAD_REQUEST for a key or an
   * input that does not match, and `TrunklineError` FUNCTION_FAILED if the worker cannot be invoked; the stream may
   * have started then. A key whose stream is past its retention starts a new run.
   */
  start(key: core.input<K>, input: core.input<I>): Promise<StreamStatus>
  /**
   * Stops a stream, and returns how it has ended: `stopped`, or another outcome if it ended before. No chunk follows
   * once it has resolved. A stream that was not started is closed: a start that comes later does not run.
   */
  stop(key: core.input<K>): Promise<Outcome>
  /** The chunks from the first one, then those that follow, until the stream ends. */
  subscribe(key: core.input<K>, options?: StreamSubscribeOptions): StreamSubscription<core.output<C>>
  /** A page of the chunks. Throws a `TRPCError` BAD_REQUEST for an invalid option. */
  read(key: core.input<K>, options?: StreamReadOptions): Promise<StreamPage<core.output<C>>>
  /** The state, by a strongly consistent read. */
  status(key: core.input<K>): Promise<StreamStatus>
  /**
   * Stops the stream and erases its chunks and its input. Readers get a gap with reason `erased`, then the outcome.
   * Backups keep them for longer: docs/guide/erasing-data.md.
   */
  erase(key: core.input<K>): Promise<Outcome>
}
