import {
  createTRPCClient,
  getUntypedClient,
  type TRPCClient,
  type TRPCLink,
  type TRPCProcedureOptions,
} from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { Unsubscribable } from '@trpc/server/observable'
import type { Connection } from '../connection/create-connection.ts'
import { type CallOptions, type MutationOptions, type SubscribeOptions, toContext } from './call-options.ts'
import { type TransformerOption, trunklineLink } from './link.ts'

type Callback = 'onStarted' | 'onData' | 'onError' | 'onStopped' | 'onComplete' | 'onConnectionStateChange'

/** One member of a client, with the line's options beside tRPC's. */
type WithOptions<T> = T extends { query: (input: infer I, opts?: TRPCProcedureOptions) => infer O }
  ? { query: (input: I, opts?: TRPCProcedureOptions & CallOptions) => O }
  : T extends { mutate: (input: infer I, opts?: TRPCProcedureOptions) => infer O }
    ? { mutate: (input: I, opts?: TRPCProcedureOptions & MutationOptions) => O }
    : T extends {
          subscribe: {
            (input: infer I, opts: infer S): Unsubscribable
            (input: infer _I, opts?: infer _O): infer A
          }
        }
      ? {
          subscribe: {
            /** Without callbacks, as `for await` (tRPC ≥ 11.25). This overload comes first: the other would take its calls. */
            <O extends TRPCProcedureOptions & SubscribeOptions>(
              input: I,
              opts?: O & { readonly [E in Callback]?: never },
            ): A
            (input: I, opts: S & SubscribeOptions): Unsubscribable
          }
        }
      : T extends object
        ? { [K in keyof T]: K extends symbol ? T[K] : WithOptions<T[K]> }
        : T

/** A `TRPCClient` (assignable to it) whose calls take the line's options by name. Mapped here and not by a helper, so that hovering over a client says `LineClient`. */
export type LineClient<R extends AnyTRPCRouter> = {
  [K in keyof TRPCClient<R>]: K extends symbol ? TRPCClient<R>[K] : WithOptions<TRPCClient<R>[K]>
}

export type ClientOptions<R extends AnyTRPCRouter> = {
  readonly connection: Connection
  /** Links before the line's own. */
  readonly links?: readonly TRPCLink<R>[]
} & TransformerOption<R>

/** Sugar for `createTRPCClient({ links: [trunklineLink({ connection })] })` with typed per-call options. Nothing but procedures is on it, so no name can clash. */
export function createClient<R extends AnyTRPCRouter>({ links = [], ...options }: ClientOptions<R>): LineClient<R> {
  const client = createTRPCClient<R>({ links: [...links, trunklineLink<R>(options as LinkOptions<R>)] })
  acceptNamedOptions(client)
  return client as LineClient<R> // the same object: its calls now take more than its type says
}

type LinkOptions<R extends AnyTRPCRouter> = Parameters<typeof trunklineLink<R>>[0]

/** tRPC hands `context` and `signal` to links and drops the rest, so the line's options move into `context` before it looks. TanStack calls the same three methods. */
function acceptNamedOptions<R extends AnyTRPCRouter>(client: TRPCClient<R>): void {
  const untyped = getUntypedClient(client)
  untyped.query = withContext(untyped.query)
  untyped.mutation = withContext(untyped.mutation)
  untyped.subscription = withContext(untyped.subscription)
}

/** The same method, overloads and all: only its third argument is put in order. */
function withContext<F extends (...call: never[]) => unknown>(method: F): F {
  return new Proxy(method, {
    apply: (target, self, [path, input, options]) => Reflect.apply(target, self, [path, input, toContext(options)]),
  })
}
