import type { TrackedEnvelope } from '@trpc/server'
import type * as core from 'zod/v4/core'
import type { EventSchema } from './topic.ts'

/** What `.output()` of a subscription takes: the resolver must return an `S`, or does not compile. */
export type OutputOf<S> = (returned: unknown) => S

/** What a subscription's `.output()` says of its events. */
export interface DeclaredEvents {
  readonly schema: EventSchema
  /** They come with ids, as those of a log do. */
  readonly tracked: boolean
}

const declaredKey: unique symbol = Symbol.for('trunkline.declared-events')

/**
 * For `.output()` of a subscription: its events are of this schema, and `trunkline asyncapi` describes them by it. The compiler holds the
 * resolver to it; nothing is parsed at run time, since what was published has been.
 */
export function eventsOf<E extends EventSchema>(
  event: E,
): OutputOf<AsyncIterable<TrackedEnvelope<core.output<E>>, void, void>> {
  return declare({ schema: event, tracked: true })
}

/** As `eventsOf`, for what comes without ids: an ephemeral channel, or a generator that tracks nothing. */
export function valuesOf<E extends EventSchema>(value: E): OutputOf<AsyncIterable<core.output<E>, void, void>> {
  return declare({ schema: value, tracked: false })
}

/** What a procedure's `.output()` was given, if it was made here. */
export function declaredEventsOf(output: unknown): DeclaredEvents | undefined {
  if (typeof output !== 'function') return undefined
  return (output as { readonly [declaredKey]?: DeclaredEvents })[declaredKey]
}

/** A parser by tRPC's measure that gives back the very subscription: its descriptor must not be lost. */
function declare<S>(declared: DeclaredEvents): OutputOf<S> {
  return Object.assign((returned: unknown) => returned as S, { [declaredKey]: declared })
}
