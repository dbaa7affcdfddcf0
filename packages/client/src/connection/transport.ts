import type { DataResult } from '@trunkline/protocol'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { GapHandler } from '../session/machine/gap.ts'
import type { Failure, TrunklineError } from '../session/machine/trunkline-error.ts'

/** The interface between a link and a connection. The link serialises inputs and deserialises outputs. */
export interface Transport {
  /** Whether the router has a data transformer; undefined before the server's first `hello`. */
  transforms(): boolean | undefined
  /**
   * Returns a function that aborts the call, so that its answer is ignored. The function returns the idempotency key of
   * a mutation that may have run and is not settled.
   */
  call(request: CallRequest, observer: CallObserver): () => string | undefined
  /** Returns a function that ends the subscription. */
  subscribe(request: SubscribeRequest, observer: SubscriptionObserver): () => void
}
export interface CallRequest {
  readonly method: 'query' | 'mutation'
  readonly path: string
  readonly input: unknown
  /** @default the connection's `timeoutMs` */
  readonly timeoutMs: number | undefined
  readonly idempotencyKey?: string | false | undefined
  /** Whether an earlier call with this key may have run. @default false */
  readonly mayHaveRun?: boolean
  readonly orderingKey?: string | undefined
}
export interface CallObserver {
  answer(data: unknown): void
  fail(failure: Failure): void
}
export interface SubscribeRequest {
  readonly path: string
  /** The serialised input. */
  readonly input: unknown
  /** The application's input, for `Gap`. */
  readonly givenInput: unknown
  readonly onGap: GapHandler | undefined
  /** Goes around the handler of gaps, whether it is the subscription's own or the connection's. */
  readonly aroundGap?: ((onGap: GapHandler) => GapHandler) | undefined
}
export interface SubscriptionObserver {
  /** `from`: the position that it begins after, of a subscription to a log. */
  started(from: string | undefined): void
  /** The subscription waits for a socket. */
  pending(reason: TrunklineError): void
  data(result: DataResult): void
  state(state: ConnectionState): void
  fail(failure: Failure): void
  /** `outcome` is that of a stream which has ended well. */
  complete(outcome: 'done' | 'stopped' | undefined): void
}

/** The hidden property of a connection that has its transport. It is the same in two copies of this package. */
export const transportKey: unique symbol = Symbol.for('trunkline.transport')

/** The transport of a connection that `createConnection` made. */
export function transportOf(connection: object): Transport {
  const transport = (connection as { readonly [transportKey]?: Transport } | undefined)?.[transportKey]
  if (transport === undefined)
    throw new TypeError(`Expected a connection from createConnection, got ${typeof connection}. Pass { connection }.`)
  return transport
}
