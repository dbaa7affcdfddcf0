import type { GapHandler } from '../session/machine/gap.ts'
import type { TrunklineError } from '../session/machine/trunkline-error.ts'

/** Options of a query or a mutation. */
export interface CallOptions {
  /**
   * The deadline of the call in milliseconds, counted from the call and including the time in which it waits for a
   * socket. The call then fails with TIMEOUT.
   *
   * @default the connection's `timeoutMs`
   */
  readonly timeoutMs?: number
}

/** Options of a mutation. */
export interface MutationOptions extends CallOptions {
  /**
   * Two mutations with the same key are one mutation: the second returns the result of the first. Pass a key of your
   * own, or `trunklineError(error).idempotencyKey` of a failed mutation to repeat it. With a key, the client sends the
   * mutation again when its socket is lost. With `false` it never does, and the mutation may fail with CONNECTION_LOST.
   *
   * @default a new key for each call
   */
  readonly idempotencyKey?: string | false | undefined
  /**
   * Mutations with the same ordering key run one after another, in the order of the calls. Other mutations run
   * concurrently.
   *
   * @default none
   */
  readonly orderingKey?: string
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /**
   * Called when events were missed and cannot be replayed. Without any `onGap`, the subscription ends with the error
   * GAP.
   *
   * @default the connection's `onGap`
   */
  readonly onGap?: GapHandler
  /**
   * Called when a stream has ended well, before `onComplete`: `done`, or `stopped` by somebody. A stream that failed or
   * was lost is an error: `trunklineError(error)?.code` is `STREAM_LOST` for one that was lost.
   */
  readonly onOutcome?: (outcome: 'done' | 'stopped') => void
  /**
   * Called when the subscription waits for something, with the reason: `NEEDS_SOCKET` while the connection is over HTTP
   * and the subscription is to an ephemeral channel or a generator. It starts when a socket is back. tRPC's
   * `onConnectionStateChange` gets the same as `connecting` with this error.
   *
   * @default nothing is called; the subscription waits
   */
  readonly onPending?: (reason: TrunklineError) => void
}

/** All of Trunkline's options for one call. */
export type AllCallOptions = MutationOptions & SubscribeOptions

/** What a link of Trunkline adds to the options of a call. */
interface LinkOptions {
  /** Goes around the handler of gaps, whether it is the subscription's own or the connection's. */
  readonly aroundGap?: (onGap: GapHandler) => GapHandler
}

/** The key of Trunkline's options in tRPC's `context` of a call. */
const contextKey = 'trunkline'

/**
 * Wraps Trunkline's options for callers that can only pass tRPC's `context` (TanStack Query, stock `createTRPCClient`).
 */
export function callContext(options: AllCallOptions): Record<string, unknown> {
  return { [contextKey]: options }
}

/** Reads Trunkline's options from the context of an operation. Returns an empty object when there are none. */
export function optionsOf(context: Readonly<Record<string, unknown>>): AllCallOptions & LinkOptions {
  return (context[contextKey] ?? {}) as AllCallOptions & LinkOptions // only `callContext` writes it
}

/** Moves Trunkline's options of one call into tRPC's `context`. */
export function toContext<O extends { readonly context?: Record<string, unknown> }>(
  options: (O & AllCallOptions) | undefined,
): O | undefined {
  if (options === undefined) return undefined
  const { timeoutMs, idempotencyKey, orderingKey, onGap, onOutcome, onPending } = options
  const given = { timeoutMs, idempotencyKey, orderingKey, onGap, onOutcome, onPending }
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  if (named.length === 0) return options
  const merged = { ...optionsOf(options.context ?? {}), ...Object.fromEntries(named) }
  return { ...options, context: { ...options.context, ...callContext(merged) } }
}
