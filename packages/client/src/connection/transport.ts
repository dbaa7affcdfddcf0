import type { DataResult } from '@trunkline/protocol'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { GapHandler } from '../session/machine/gap.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'

/** What a link asks of a connection. Inputs are serialised already, outputs are not yet deserialised. */
export interface Transport {
  /** Whether the router has a data transformer; undefined until the server said so. */
  transforms(): boolean | undefined
  /** Returns the way to give up: the answer is then ignored. That returns the key of a mutation that may have run and was not settled. */
  call(request: CallRequest, sink: CallObserver): () => string | undefined
  /** Returns the way to stop. */
  subscribe(request: SubscribeRequest, sink: SubscriptionObserver): () => void
}
export interface CallRequest {
  readonly method: 'query' | 'mutation'
  readonly path: string
  readonly input: unknown
  readonly timeoutMs: number | undefined
  readonly idempotencyKey?: string | false | undefined
  /** An attempt under this key was made before. @default false */
  readonly mayHaveRun?: boolean
  readonly orderingKey?: string | undefined
}
export interface CallObserver {
  answer(data: unknown): void
  fail(failure: Failure): void
}
export interface SubscribeRequest {
  readonly path: string
  /** As the wire carries it. */
  readonly input: unknown
  /** As the application gave it, for `Gap`. */
  readonly givenInput: unknown
  readonly onGap: GapHandler | undefined
}
export interface SubscriptionObserver {
  started(): void
  data(result: DataResult): void
  state(state: ConnectionState): void
  fail(failure: Failure): void
  complete(): void
}

/** Where a connection keeps its transport: out of the application's sight, and the same for two copies of this package. */
export const transportKey: unique symbol = Symbol.for('trunkline.transport')

/** The transport of a connection that `createConnection` made. */
export function transportOf(connection: object): Transport {
  const transport = (connection as { readonly [transportKey]?: Transport })[transportKey]
  if (transport === undefined) throw new TypeError('expected a connection made by createConnection')
  return transport
}
