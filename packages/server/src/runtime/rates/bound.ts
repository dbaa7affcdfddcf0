import { connectionExpires } from '../connections/connect.ts'
import { closeConnection } from '../connections/http-connection.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { CallingSession, InvocationContext } from '../context/runtime-context.ts'
import type { RateBound } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { deleteConnection } from '../posting/post.ts'
import { principalOwner, type RatedCaller, windowOf } from './window.ts'

/** A caller that is above a bound. */
export interface Excess {
  readonly bound: RateBound
  /** Until the window ends, in milliseconds. */
  readonly retryAfterMs: number
  /** It is above twice the bound, so its connection is deleted. */
  readonly isFar: boolean
  /** It was not above twice the bound before. */
  readonly isNew: boolean
}

/** A connection is deleted above so many times its rate. */
const farFactor = 2
/** A frame waits no longer for the count that it adds to, in milliseconds. */
const countMs = 1_000

/**
 * Adds to what a caller has used of a bound, and returns the excess if it is above. One write. Never throws: while the
 * table does not count, nothing is refused.
 */
export async function addToBound(
  context: InvocationContext,
  { bound, caller }: { readonly bound: RateBound; readonly caller: RatedCaller },
  amount: number,
): Promise<Excess | undefined> {
  const { scope, kind, windowMs, budget } = bound
  const owner = scope === 'connection' ? caller.connectionId : principalOwner(caller)
  const { window, endsAt, expires } = windowOf(owner, windowMs, context.clock.now())
  using deadline = narrowDeadline(context.clock, context.deadline, countMs)
  const adding = context.store.addToRate({ owner, what: `${scope}.${kind}`, window, amount, expires })
  const total = await withinDeadline(deadline, adding).catch(() => 0)
  if (total <= budget) return undefined
  const retryAfterMs = Math.max(1, endsAt - context.clock.now())
  const far = farFactor * budget
  return { bound, retryAfterMs, isFar: total > far, isNew: total - amount <= far }
}

const kinds = { frames: 'frames', subscribes: 'subscribes', publishedBytes: 'published bytes' } as const
const scopes = { connection: 'one connection', principal: 'one caller' } as const

/** [TL-RATE-1] The error of a caller that is above a bound. */
export function rateExceeded({ bound: { kind, scope, text }, retryAfterMs }: Excess): TrunklineError {
  const message =
    `Expected at most ${text} of ${kinds[kind]} from ${scopes[scope]}, got more. ` +
    `Send less, and try again in ${retryAfterMs} ms.`
  return new TrunklineError('RATE_LIMITED', message, { retryAfterMs })
}

/**
 * Deletes a connection that is above twice its rate, and closes its row. A connection that cannot be deleted stays open:
 * its next sampled frame deletes it. Logs the first deletion of a window: messages that are under way come after it, and
 * a client must not fill the log. Never throws. [TL-RATE-2]
 */
export async function endFlood(
  context: InvocationContext,
  { connectionId, via }: Pick<CallingSession, 'connectionId' | 'via'>,
  excess: Excess,
): Promise<void> {
  if (via === 'request') return // it has no connection
  const { scope, kind, text } = excess.bound
  const message = `A connection was deleted, since it was above twice the rate of ${kinds[kind]} of ${scopes[scope]}.`
  if (excess.isNew) context.telemetry.log({ level: 'WARN', message, facts: { connectionId, rate: text } })
  const expires = connectionExpires(context.clock.now())
  if (via === 'http') return closeConnection(context, { connectionId, via, expires }, 'above its rate').catch(() => {})
  if ((await deleteConnection(context, connectionId)) !== 'closed') return
  await context.store.closeConnection(connectionId, expires).catch(() => {}) // `$disconnect` does it too, and may be late
}
