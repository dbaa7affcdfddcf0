import { parseRate } from '../../define/rate.ts'
import type { Caller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { procedureOf } from '../procedures/run-procedure.ts'
import { principalOwner, toRatedCaller, windowOf } from './window.ts'

/**
 * Counts a call of a procedure with a `rate` for its caller: one write, and none for any other procedure. Throws
 * RATE_LIMITED for a call beyond the rate, a `StoreError` if the call could not be counted, and a `TypeError` for a rate
 * that cannot be parsed. [TL-RATE-4]
 */
export async function countCall(
  { server, store, clock }: InvocationContext,
  caller: Caller,
  path: string,
): Promise<void> {
  const text = procedureOf(server, path)?._def.meta?.rate
  if (text === undefined) return
  const { limit, periodMs } = parseRate(rateOption(path), text)
  const owner = principalOwner(toRatedCaller(caller))
  const { window, endsAt, expires } = windowOf(owner, periodMs, clock.now())
  const calls = await store.addToRate({ owner, what: `call ${path}`, window, amount: 1, expires })
  if (calls <= limit) return
  const retryAfterMs = Math.max(1, endsAt - clock.now())
  const message = `Expected at most ${text} of calls of "${path}" from one caller, got more. Try again in ${retryAfterMs} ms.`
  throw new TrunklineError('RATE_LIMITED', message, { retryAfterMs })
}

/** Whether the procedure at a path has a `rate`. Otherwise `countCall` does nothing. */
export function isRated(server: Server, path: string): boolean {
  return procedureOf(server, path)?._def.meta?.rate !== undefined
}

/** Names the rate of a procedure in an error. */
export function rateOption(path: string): string {
  return `meta.rate of procedure "${path}"`
}
