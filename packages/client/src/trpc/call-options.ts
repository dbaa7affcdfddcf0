import type { GapHandler } from '../session/machine/gap.ts'

/** Options of every call. */
export interface CallOptions {
  /** @default the connection's `timeoutMs` */
  readonly timeoutMs?: number
}
/** Options of a mutation. */
export interface MutationOptions extends CallOptions {
  /** @default a fresh key for each call. Pass one to make two calls the same mutation: a key of your own, or `trunklineError(error).idempotencyKey` of a call that failed. `false` never resends and may fail with CONNECTION_LOST. */
  readonly idempotencyKey?: string | false | undefined
  /** Mutations of one orderingKey run one after another in the order sent. Others may overtake each other. */
  readonly orderingKey?: string
}
/** Options of a subscription. */
export interface SubscribeOptions {
  /** Told of events that were lost and cannot be replayed. Without it, the connection's `onGap` is. */
  readonly onGap?: GapHandler
}
/** Every option of the line's that one call can have. */
export type AllCallOptions = MutationOptions & SubscribeOptions

/** Under this key the options travel in tRPC's per-call `context`. */
const contextKey = 'trunkline'

/** The line's options where only tRPC's `context` can be passed (TanStack, stock `createTRPCClient`). */
export function callContext(options: AllCallOptions): Record<string, unknown> {
  return { [contextKey]: options }
}

/** The line's options in an operation's context; none when there are none. */
export function optionsOf(context: Readonly<Record<string, unknown>>): AllCallOptions {
  return (context[contextKey] ?? {}) as AllCallOptions // written by `callContext` alone
}

/** tRPC's options of one call, with the line's moved into `context`. */
export function toContext<O extends { readonly context?: Record<string, unknown> }>(
  options: (O & AllCallOptions) | undefined,
): O | undefined {
  if (options === undefined) return undefined
  const { timeoutMs, idempotencyKey, orderingKey, onGap } = options
  const named = Object.entries({ timeoutMs, idempotencyKey, orderingKey, onGap }).filter(
    ([, value]) => value !== undefined,
  )
  if (named.length === 0) return options
  const line = { ...optionsOf(options.context ?? {}), ...Object.fromEntries(named) }
  return { ...options, context: { ...options.context, ...callContext(line) } }
}
