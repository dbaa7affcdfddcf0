import type { PostOutcome } from '../../ports/gateway.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import { measurePost } from './measure-post.ts'

/**
 * How a post that must not be repeated ended.
 * - `broken`: nobody knows whether it arrived, or the gateway went on refusing it for longer than its budget.
 * - `late`: it was not sent, since too little of the function's own time was left.
 * - `refused`: it was not sent and will not be.
 */
export type PostedOnce = 'posted' | 'gone' | 'broken' | 'late' | 'refused'

const budgetMs = 6_000
const firstPauseMs = 50
const longestPauseMs = 1_000
/** No post is begun with less than this left: one that the deadline cuts off has an unknown fate. */
const shortestMs = 500

/** Posts one message at most once: what the gateway surely did not take (429) is tried again inside a budget, and nothing else [LAW-STOCK-ORDER]. Never throws. */
// [TL-CHAIN-3]
export async function postOnce(scope: InvocationContext, connectionId: string, text: string): Promise<PostedOnce> {
  const { gateway, clock, deadline } = scope
  if (gateway === undefined) return 'refused'
  using budget = narrowDeadline(clock, deadline, budgetMs)
  const { signal } = budget
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    if (deadline.at - clock.now() < shortestMs) return 'late'
    const outcome = await withinDeadline(signal, gateway.post(connectionId, text, { signal })).catch(() => hung)
    measurePost(scope, outcome)
    if (outcome.status !== 'throttled') return settle(outcome)
    const wait = clock.random() * pause
    if (clock.now() + wait >= budget.at) return budget.at < deadline.at ? 'broken' : 'late'
    scope.telemetry.measure('retried', 1)
    await clock.sleep(wait, signal)
  }
}

const hung: PostOutcome = { status: 'failed', unknown: true, reason: 'no answer' }

function settle(outcome: PostOutcome): PostedOnce {
  if (outcome.status === 'posted' || outcome.status === 'gone') return outcome.status
  return outcome.status === 'failed' && outcome.unknown ? 'broken' : 'refused'
}
