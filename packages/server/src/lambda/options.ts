import type { AnyTRPCRouter, inferRouterContext, TRPCError } from '@trpc/server'
import type { AuthorizeResult, CallDetails, CallerOf, ConnectRequest } from '../define/identity.ts'
import type { Line } from '../line/line.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Origins } from './authorize/origins.ts'
import type { AwsHandler } from './events/events.ts'

type MaybePromise<T> = T | Promise<T>

/** `createContext` may be left out when `{}` fits the router's context. */
export type LambdaOptions<R extends AnyTRPCRouter, V extends AuthorizeResult> = ServeOptions<R, V> &
  // biome-ignore lint/complexity/noBannedTypes: asks whether the empty object fits the context
  ({} extends inferRouterContext<R> ? unknown : { readonly createContext: unknown })

export interface ServeOptions<R extends AnyTRPCRouter, V extends AuthorizeResult> {
  readonly router: R
  /** Only where the router publishes or subscribes. */
  readonly line?: Line
  /** Frames of a batch above this are refused. @default 100 */
  readonly maxBatchSize?: number
  /** Largest message that clients of ours may send or be sent, in UTF-8 bytes; beyond 32 KB in and 128 KB out it travels in chunks. From 131,072 to 4,194,304. @default 1_048_576 */
  readonly maxMessageBytes?: number
  /** Largest input of a subscription with `filter` or `map`, in UTF-8 bytes of JSON: it is stored in the topic's row, which each delivery reads, and a larger one is refused with TOO_LARGE. The input of every other subscription is not stored. From 0 to 65,536. @default 4_096 */
  readonly maxStoredInputBytes?: number
  /** Without it everyone is let in as `principal: null`. */
  readonly authorize?: (request: ConnectRequest) => MaybePromise<V>
  /** Called once for each call, deliveries with `filter`/`map` included. */
  readonly createContext?: (call: CallDetails & CallerOf<V>) => MaybePromise<inferRouterContext<R>>
  /**
   * Pages that may connect, by the `Origin` header of the handshake: exact origins of web pages, web views and extensions (`https://app.example`,
   * `capacitor://localhost`), patterns in which one `*` is one label (`https://*.example.com`), or a function. `<prefix>_ORIGINS` in the environment adds
   * more, separated by commas. An origin that no browser sends is refused with a `TypeError` when the handlers are made. A handshake without the header
   * (Node, curl) is no browser's and passes. @default none
   */
  readonly origins?: Origins
  /** Who is told what the functions do. @default log lines as JSON on the console, and no metrics */
  readonly telemetry?: Telemetry
  /** In place of the log line of a failure. */
  readonly onError?: (failure: {
    readonly error: TRPCError
    readonly path: string | undefined
    readonly cause: CallDetails['cause']
    readonly traceparent?: string
  }) => void
}

export interface LambdaHandlers {
  /** All of the below in one function, chosen by the shape of the event: the simplest deployment. */
  readonly handler: AwsHandler
  /** The REQUEST authorizer of `$connect`. */
  readonly authorizer: AwsHandler
  /** `$connect`, `$disconnect`, `$default` and the one-way routes. */
  readonly websocket: AwsHandler
  /** Consumes the line's own table stream. */
  readonly tableStream: AwsHandler
  /** Posts one event to a shard of its audience. */
  readonly deliver: AwsHandler
  /** Long calls and generator subscriptions. */
  readonly worker: AwsHandler
}
