import type { PostOutcome } from '../ports/gateway.ts'
import { createDeadline, narrowDeadline, withinDeadline } from './deadline.ts'
import { cut } from './post.ts'
import type { Scope } from './scope.ts'

const budgetMs = 6_000
const pauseMs = 200

/**
 * Posts one message of a row of them to a stock client, which neither orders nor tells doubles: one whose fate is unknown is neither repeated nor skipped, but
 * the socket is cut (law 17), and the client's own resume repairs. Never throws.
 */
// [TL-GEN-8]
export async function postInOrder(scope: Scope, connectionId: string, text: string): Promise<'posted' | 'gone'> {
  const { gateway, clock, deadline } = scope
  using budget = deadline === undefined ? createDeadline(clock, budgetMs) : narrowDeadline(clock, deadline, budgetMs)
  const { signal } = budget
  while (gateway !== undefined && !signal.aborted) {
    const outcome = await withinDeadline(signal, gateway.post(connectionId, text, { signal })).catch(() => unknown)
    if (outcome.status === 'posted' || outcome.status === 'gone') return outcome.status
    if (outcome.status !== 'throttled') break // only what was surely not taken may be said again
    await clock.sleep(clock.random() * pauseMs, signal)
  }
  await cut(scope, connectionId)
  return 'gone'
}

const unknown: PostOutcome = { status: 'failed', unknown: true, reason: 'no answer' }
