import type { PostOutcome } from '../ports/gateway.ts'
import { createDeadline, narrowDeadline, withinDeadline } from './deadline.ts'
import type { Scope } from './scope.ts'

/** How a post ended, its retries included. `undelivered`: given up within the budget; the log still has what it carried. */
export type Posted = 'posted' | 'gone' | 'too-large' | 'undelivered'

const budgetMs = 6_000
const firstPauseMs = 50
const longestPauseMs = 1_000

/**
 * Posts one message, retrying 429 and 5xx with full jitter inside a budget and before the deadline; one that hangs is given up with the budget (law 10).
 * A post whose fate is unknown is sent again: every client of ours drops what it had. Never throws.
 */
export async function post(scope: Scope, connectionId: string, text: string): Promise<Posted> {
  const { gateway, clock } = scope
  if (gateway === undefined) return 'undelivered'
  using budget = budgetOf(scope, budgetMs)
  const { signal } = budget
  for (let pause = firstPauseMs; !signal.aborted; pause = Math.min(pause * 2, longestPauseMs)) {
    const outcome = await withinDeadline(signal, gateway.post(connectionId, text, { signal })).catch(() => hung)
    const settled = settle(outcome)
    if (settled !== undefined) return settled
    const wait = clock.random() * pause
    if (clock.now() + wait >= budget.at) return 'undelivered'
    await clock.sleep(wait, signal)
  }
  return 'undelivered'
}

/** Closes a socket; what hangs is left to the gateway. Never throws. */
export async function cut(scope: Scope, connectionId: string): Promise<'closed' | 'failed'> {
  const { gateway } = scope
  if (gateway === undefined) return 'failed'
  using budget = budgetOf(scope, budgetMs)
  const { signal } = budget
  return withinDeadline(signal, gateway.disconnect(connectionId, { signal })).catch(() => 'failed') // as good as a socket that closes later
}

function budgetOf({ clock, deadline }: Scope, ms: number) {
  return deadline === undefined ? createDeadline(clock, ms) : narrowDeadline(clock, deadline, ms)
}

const hung: PostOutcome = { status: 'failed', unknown: true, reason: 'no answer' }

function settle(outcome: PostOutcome): Posted | undefined {
  switch (outcome.status) {
    case 'posted':
    case 'gone':
    case 'too-large':
      return outcome.status
    case 'throttled':
      return undefined
    case 'failed':
      return outcome.unknown ? undefined : 'undelivered' // 400 and 403 do not get better
  }
}
