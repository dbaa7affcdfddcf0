import type { TrackedEnvelope } from '@trpc/server'
import type * as core from 'zod/v4/core'
import type { EventSchema } from './topic.ts'

/** What `.output()` of a subscription accepts. A resolver that does not return an `S` does not compile. */
export type OutputOf<S> = (returned: unknown) => S

/** The events that a subscription declares by `.output()`. */
export interface DeclaredEvents {
  readonly schema: EventSchema
  /** Whether events have ids, as those of a log have. */
  readonly tracked: boolean
}

const declaredKey: unique symbol = Symbol.for('trunkline.declared-events')

/**
 * Declares the schema of a subscription's events, for `.output()`: `trunkline asyncapi` describes them by it. The
 * compiler checks the resolver. Nothing is parsed at run time, because events were parsed when they were published.
 */
export function eventsOf<E extends EventSchema>(
  event: E,
): OutputOf<AsyncIterable<TrackedEnvelope<core.output<E>>, void, void>> {
  return declare({ schema: event, tracked: true })
}

/** As `eventsOf`, for events without ids: those of an ephemeral channel, or of a generator that does not track. */
export function valuesOf<E extends EventSchema>(value: E): OutputOf<AsyncIterable<core.output<E>, void, void>> {
  return declare({ schema: value, tracked: false })
}

/** The events that a procedure's `.output()` declares, if `eventsOf` or `valuesOf` made it. */
export function declaredEventsOf(output: unknown): DeclaredEvents | undefined {
  if (typeof output !== 'function') return undefined
  return (output as { readonly [declaredKey]?: DeclaredEvents })[declaredKey]
}

/** A parser for tRPC that returns the subscription itself, because a copy would lose its descriptor. */
function declare<S>(declared: DeclaredEvents): OutputOf<S> {
  return Object.assign((returned: unknown) => returned as S, { [declaredKey]: declared })
}
