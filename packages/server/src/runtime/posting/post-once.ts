import type { PostOutcome } from '../../ports/gateway.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { measurePost } from './measure-post.ts'

/**
 * How a post that must not be repeated ended.
 * - `uncertain`: it is unknown whether the message arrived, or the gateway refused it for longer than the budget.
 * - `timed-out`: it was not sent, because the function has too little time left.
 * - `refused`: it was not sent and cannot be.
 */
export type PostedOnce = 'posted' | 'gone' | 'uncertain' | 'timed-out' | 'refused'

const budgetMs = 6_000
const firstPauseMs = 50
const maxPauseMs = 1_000
/** No post begins with less time left: if the deadline aborts it, it is unknown whether it arrived. */
const minPostMs = 500

/**
 * Posts one message at most once. Only a message that the gateway certainly did not take (429) is sent again, within a
 * budget [LAW-STOCK-ORDER]. Never throws.
 */
// [TL-CHAIN-3]
export async function postOnce(context: InvocationContext, connectionId: string, text: string): Promise<PostedOnce> {
  const { gateway, clock, deadline } = context
  if (gateway === undefined) return 'refused'
  using budget = narrowDeadline(clock, deadline, budgetMs)
  const { signal } = budget
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, maxPauseMs)) {
    if (deadline.at - clock.now() < minPostMs) return 'timed-out'
    const outcome = await withinDeadline(budget, gateway.post(connectionId, text, { signal })).catch(() => noAnswer)
    measurePost(context, outcome)
    if (outcome.status !== 'throttled') return settle(outcome)
    const wait = clock.random() * pause
    if (clock.now() + wait >= budget.at) return budget.at < deadline.at ? 'uncertain' : 'timed-out'
    context.telemetry.measure('retried', 1)
    await clock.sleep(wait, signal)
  }
}

const noAnswer: PostOutcome = { status: 'failed', unknown: true, reason: 'no answer' }

function settle(outcome: PostOutcome): PostedOnce {
  if (outcome.status === 'posted' || outcome.status === 'gone') return outcome.status
  return outcome.status === 'failed' && outcome.unknown ? 'uncertain' : 'refused'
}
