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

/** A member of a client whose calls accept Trunkline's options in addition to tRPC's. */
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
            /**
             * Without callbacks, for `for await` (tRPC ≥ 11.25). It comes first, since the other overload would match
             * too.
             */
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

/**
 * A `TRPCClient` whose calls also accept Trunkline's options by name. It is assignable to `TRPCClient`. The type is
 * mapped here instead of by a helper, so that editors show `LineClient`.
 */
export type LineClient<R extends AnyTRPCRouter> = {
  [K in keyof TRPCClient<R>]: K extends symbol ? TRPCClient<R>[K] : WithOptions<TRPCClient<R>[K]>
}

/** Options of a client. `transformer` is required when the router has one. */
export type ClientOptions<R extends AnyTRPCRouter> = {
  readonly connection: Connection
  /** Links before Trunkline's terminating link. @default none */
  readonly links?: readonly TRPCLink<R>[]
} & TransformerOption<R>

/**
 * Creates a tRPC client on a connection, as `createTRPCClient({ links: [trunklineLink({ connection })] })` does, with
 * typed options for each call. It has only procedures as members, so no name can clash.
 */
export function createClient<R extends AnyTRPCRouter>({ links = [], ...options }: ClientOptions<R>): LineClient<R> {
  const client = createTRPCClient<R>({ links: [...links, trunklineLink<R>(options as LinkOptions<R>)] })
  acceptNamedOptions(client)
  return client as LineClient<R> // the same object, whose calls now accept more options
}

type LinkOptions<R extends AnyTRPCRouter> = Parameters<typeof trunklineLink<R>>[0]

/**
 * Makes the client's calls accept Trunkline's options. tRPC passes only `context` and `signal` to links, so the options
 * are moved into `context` before tRPC reads them. TanStack Query calls the same three methods.
 */
function acceptNamedOptions<R extends AnyTRPCRouter>(client: TRPCClient<R>): void {
  const untyped = getUntypedClient(client)
  untyped.query = withContext(untyped.query)
  untyped.mutation = withContext(untyped.mutation)
  untyped.subscription = withContext(untyped.subscription)
}

/** The same method with all its overloads. Only its third argument is converted. */
function withContext<F extends (...call: never[]) => unknown>(method: F): F {
  return new Proxy(method, {
    apply: (target, self, [path, input, options]) => Reflect.apply(target, self, [path, input, toContext(options)]),
  })
}
