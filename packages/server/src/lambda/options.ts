import type { AnyTRPCRouter, inferRouterContext, TRPCError } from '@trpc/server'
import type {
  AuthorizeResult,
  CallDetails,
  CallerOf,
  ConnectionInfo,
  ConnectRequest,
  DisconnectInfo,
} from '../define/identity.ts'
import type { RateText } from '../define/rate.ts'
import type { Line } from '../line/line.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Origins } from './authorize/origins.ts'
import type { AwsHandler } from './events/events.ts'
import type { StreamingHandler } from './http/response-stream.ts'

type MaybePromise<T> = T | Promise<T>

/** The options of `createLambdaHandlers`. `createContext` is optional if `{}` is assignable to the router's context. */
export type LambdaOptions<R extends AnyTRPCRouter, V extends AuthorizeResult> = ServeOptions<R, V> &
  // biome-ignore lint/complexity/noBannedTypes: asks whether the empty object fits the context
  ({} extends inferRouterContext<R> ? unknown : { readonly createContext: unknown })

/** Rates of callers. An anonymous caller counts by its session in place of a principal. */
export interface Rates {
  readonly connection?: RateBounds
  readonly principal?: RateBounds
}

/**
 * What one caller may send, such as `'50/s'`. A rate is counted in windows that hold at least 1,000 frames or subscribes,
 * or 1,024,000 bytes, and at least a second: `'50/s'` is 1,000 in 20 s. A window has at most two hours, so 500 in an hour
 * is the lowest rate of frames, and 512,000 bytes in an hour that of bytes.
 */
export interface RateBounds {
  /** Each element of an array is a frame, and so is each chunk of a large message. @default no rate */
  readonly frames?: RateText
  /** A client that reconnects subscribes to all its subscriptions again. @default no rate */
  readonly subscribes?: RateText
  /** Bytes of the events that calls publish and of the inputs of streams that they start, as JSON. @default no rate */
  readonly publishedBytes?: RateText
}

/** What to serve, and how. */
export interface ServeOptions<R extends AnyTRPCRouter, V extends AuthorizeResult> {
  /** The tRPC router with the procedures. */
  readonly router: R
  /** The line whose channels the router uses. @default a line without channels */
  readonly line?: Line
  /** The highest number of frames in a batch. Of a larger batch nothing runs: each call gets BAD_REQUEST. @default 100 */
  readonly maxBatchSize?: number
  /**
   * The largest message to and from Trunkline's clients, in UTF-8 bytes, from 131,072 to 4,194,304. A message of more
   * than 32 KB from a client, or 128 KB to one, is sent in chunks. Another value throws a `RangeError`.
   * @default 1_048_576
   */
  readonly maxMessageBytes?: number
  /**
   * The largest input of a subscription with `filter` or `map`, in UTF-8 bytes of JSON, from 0 to 65,536. It is stored
   * in a row that each delivery reads. A larger one is refused with TOO_LARGE. Other inputs are not stored. Another
   * value throws a `RangeError`.
   * @default 4_096
   */
  readonly maxStoredInputBytes?: number
  /**
   * The largest audience of an event that one function posts to itself, in subscribers, from 0 to 1,000. The function
   * `deliver` posts to a larger one, in one invocation for each shard of the audience. A publisher posts for at most 2 s
   * before it leaves the rest to retries. Another value throws a `RangeError`.
   * @default 100
   */
  readonly maxDirectAudience?: number
  /**
   * The number of connections that one delivery posts to at the same time, from 1 to 200. Raise it where posts are slow
   * and the function has memory left. Another value throws a `RangeError`.
   * @default 50
   */
  readonly maxConcurrentPosts?: number
  /**
   * The account's quota of WebSocket messages, in posts per second, from 20 to 1,000,000. A process posts at most this
   * fast, and each of `n` shards of an audience at most a `n`th of it. After API Gateway throttled it, a process halves
   * its rate, and then regains a tenth of this value each second. Raise it with the quota, which is of an account in a
   * region and counts the messages from clients too. Another value throws a `RangeError`.
   * @default 10_000
   */
  readonly accountPostsPerSecond?: number
  /**
   * The number of long calls and generators that one principal, or one session of anonymous callers, may run at the same
   * time, from 1 to 1,000. One more is refused with RATE_LIMITED and `retryAfterMs`, and starts nothing. A start costs
   * one write, and its end another, each of one unit for about 30 runs. Another value throws a `RangeError`.
   * @default 20
   */
  readonly maxRuns?: number
  /**
   * How much one connection, and one principal on all its connections, may send. Nothing is limited unless it is set.
   * One frame in ten is sampled and counted as ten in the table, so a rate costs 0.1 writes a frame. Above a rate the
   * sampled frame is refused with RATE_LIMITED and `retryAfterMs`. Above twice a rate the connection is deleted. A rate
   * that is invalid, or so low that a sample says nothing of it, throws a `TypeError`.
   * @default none
   */
  readonly rates?: Rates
  /**
   * The number of live subscriptions that one connection may have, from 1 to 10,000; generators count as runs instead.
   * One more is refused with RATE_LIMITED and `retryAfterMs`, and writes no row of a subscription. The count costs one
   * write for the subscribes that one message starts at the same time, and one for those that it stops. Another value
   * throws a `RangeError`.
   * @default 2_000
   */
  readonly maxSubscriptions?: number
  /**
   * When a connection is deleted that `authorize` denied, or that announced `connectionParams` and has not sent them, in
   * milliseconds from 1,000 to 900,000. Frames and pings do not keep it. Another value throws a `RangeError`.
   * @default 10_000
   */
  readonly unconfirmedMs?: number
  /** Decides who connects. @default every caller is accepted as anonymous, with `principal: null` */
  readonly authorize?: (request: ConnectRequest) => MaybePromise<V>
  /**
   * The procedures that a caller may use for whom `authorize` returned `anonymous`. `declared`: those with
   * `meta({ anonymous: true })`; any other is refused with UNAUTHORIZED before its middlewares run. `everything`: all.
   * Without `authorize`, every caller may use all procedures. Another value throws a `TypeError`.
   * @default 'declared'
   */
  readonly anonymousMay?: 'declared' | 'everything'
  /**
   * Which connection parameters `createContext` gets in `info.connectionParams`: those named by `keep`, or `all`. With
   * none it is null. They are stored in the connection's row alone. A delivery with `filter` or `map`, a long call and a
   * generator read that row when something is kept. Another value throws a `TypeError`.
   * @default all without `authorize`, none with it
   */
  readonly connectionParams?: { readonly keep: 'all' | readonly string[] }
  /** Makes the context of each call, including the calls of a delivery with `filter` or `map`. @default `{}` */
  readonly createContext?: (call: CallDetails & CallerOf<V>) => MaybePromise<inferRouterContext<R>>
  /**
   * Called when a connection is accepted, before the client knows it, at least once. The handshake waits for it for at
   * most 2 s. What it throws is logged, and the connection is accepted nevertheless.
   */
  readonly onConnect?: (connection: ConnectionInfo) => MaybePromise<void>
  /**
   * Called when a connection has ended, at least once. It is waited for like `onConnect`. API Gateway may lose the event
   * of a disconnect, so count connections by `line.connections` and not by the calls of the hooks.
   */
  readonly onDisconnect?: (connection: DisconnectInfo) => MaybePromise<void>
  /**
   * The pages that may connect, by the `Origin` header of the handshake: exact origins (`https://app.example`,
   * `capacitor://localhost`), patterns in which one `*` is one label (`https://*.example.com`), or a function. The
   * environment variable `<prefix>_ORIGINS` adds more, separated by commas. A handshake without the header is not a
   * browser's (Node, curl) and is accepted. An origin that no browser sends throws a `TypeError`.
   * @default none
   */
  readonly origins?: Origins
  /**
   * Receives metrics, log lines and audit events. @default log lines and audit events as JSON on the console, and no
   * metrics
   */
  readonly telemetry?: Telemetry
  /**
   * Called with the error of each call. It replaces the log line.
   * @default logs INTERNAL_SERVER_ERROR and TIMEOUT
   */
  readonly onError?: (failure: {
    readonly error: TRPCError
    readonly path: string | undefined
    readonly cause: CallDetails['cause']
    /** The connection of the call or of the subscriber. Absent where a failure concerns none or several. */
    readonly connectionId?: string | undefined
    /** The session's public id, as `createContext` gets it. */
    readonly sessionId?: string
    /** Null for an anonymous caller. */
    readonly principal?: string | null
    readonly traceparent?: string
    /** How many errors this one is for: all `sync` frames of a message report one. Absent for one error. */
    readonly count?: number
  }) => void
}

/** The Lambda handlers of a line. */
export interface LambdaHandlers {
  /** All handlers below in one function, chosen by the shape of the event: the simplest deployment. */
  readonly handler: AwsHandler
  /** The REQUEST authorizer of `$connect`. */
  readonly authorizer: AwsHandler
  /** The routes of the WebSocket API: `$connect`, `$disconnect`, `$default` and the one-way routes. */
  readonly websocket: AwsHandler
  /** Consumes the stream of the line's table. */
  readonly tableStream: AwsHandler
  /** Posts events to a shard of their subscribers, and retries. */
  readonly deliver: AwsHandler
  /** Runs long calls and generator subscriptions. */
  readonly worker: AwsHandler
  /**
   * `POST /frames`: the frames of clients that cannot open a WebSocket. `GET /read/<path>`: what a subscription follows.
   * Serves an HTTP API and a function URL, both in payload format 2.0. Origins are checked here: leave CORS of the
   * gateway unset.
   */
  readonly http: AwsHandler
  /**
   * The same with response streaming (`awslambda.streamifyResponse`), so that `live=sse` goes on for up to 55 s. For a
   * function URL with the invoke mode `RESPONSE_STREAM`, and a timeout of 60 s. An HTTP API does not stream: use `http`.
   */
  readonly httpStream: StreamingHandler
}
