import type { Gateway, PostOutcome } from '../../ports/gateway.ts'
import { createDeadline, type Deadline, narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { postBudgetMs, type Traffic, trafficOf } from './gateway-traffic.ts'
import { measurePost } from './measure-post.ts'

/** How a post ended, including its retries. `undelivered`: given up within the budget. The log still has its events. */
export type Posted = 'posted' | 'gone' | 'too-large' | 'undelivered'

const firstPauseMs = 50
const maxPauseMs = 1_000
const deleteAttempts = 3
const deleteAttemptMs = 1_500
/**
 * Only a post that failed for at least this long counts against its connection: a shorter one was ended by the
 * function's own deadline. A post that the account's quota refused does not count either.
 */
const suspectMs = 1_000

/**
 * Posts one message. Retries 429, 5xx and lost connections with full jitter within a budget and before the deadline; a
 * post that hangs is given up when the budget is used up [LAW-DEADLINE]. Waits when this process posts too fast, and
 * fails at once while the connection's breaker is open. A post whose fate is unknown is sent again, since clients with
 * extensions drop duplicates. Never throws.
 */
export function post(context: RuntimeContext, connectionId: string, text: string): Promise<Posted> {
  const { gateway, clock } = context
  if (gateway === undefined) return Promise.resolve('undelivered')
  const traffic = trafficOf(gateway, context)
  // Before the breaker and the pacer, so that an ended function uses neither a trial nor a reservation.
  if (context.deadline?.isPassed || !traffic.breaker.admits(connectionId))
    return Promise.resolve(counted(traffic, 'undelivered'))
  const attempt = { gateway, traffic, connectionId, text }
  const delayMs = traffic.pacer.reserve()
  if (delayMs <= 0) return tryPost(context, attempt)
  // The wait is not part of the post's own budget.
  return clock.sleep(delayMs, context.deadline?.signal).then(() => tryPost(context, attempt))
}

interface Attempt {
  readonly gateway: Gateway
  readonly traffic: Traffic
  readonly connectionId: string
  readonly text: string
}

async function tryPost(context: RuntimeContext, { gateway, traffic, connectionId, text }: Attempt): Promise<Posted> {
  const { clock } = context
  const { breaker, pacer } = traffic
  using budget = traffic.beginBudget(context.deadline)
  const { deadline } = budget
  const startedAt = clock.now()
  let isSuspect = true
  for (let pause = firstPauseMs; !deadline.isPassed; pause = Math.min(pause * 2, maxPauseMs)) {
    const outcome = await postNow({ gateway, connectionId, text, deadline })
    measurePost(context, outcome)
    isSuspect = outcome.status !== 'throttled' || noteThrottled(traffic, connectionId) === 'connection'
    const settled = settle(outcome)
    if (settled === 'posted') breaker.close(connectionId)
    if (settled !== undefined) return counted(traffic, settled)
    const wait = Math.max(clock.random() * pause, outcome.status === 'throttled' ? pacer.reserve() : 0)
    if (clock.now() + wait >= deadline.at) break
    context.telemetry.measure('retried', 1)
    await clock.sleep(wait, deadline.signal)
  }
  if (isSuspect && clock.now() - startedAt >= suspectMs) breaker.fail(connectionId)
  return counted(traffic, 'undelivered')
}

interface SinglePost extends Pick<Attempt, 'gateway' | 'connectionId' | 'text'> {
  readonly deadline: Deadline
}

function postNow({ gateway, connectionId, text, deadline }: SinglePost): Promise<PostOutcome> {
  return withinDeadline(deadline, gateway.post(connectionId, text, { signal: deadline.signal })).catch(() => noAnswer)
}

function noteThrottled({ pacer, counts }: Traffic, connectionId: string): 'account' | 'connection' {
  counts.throttled += 1
  return pacer.noteThrottled(connectionId)
}

function counted({ counts }: Traffic, posted: Posted): Posted {
  if (posted === 'posted') counts.posts += 1
  if (posted === 'gone') counts.gone += 1
  if (posted === 'undelivered') counts.undelivered += 1
  return posted
}

/**
 * Closes a connection's socket. A deletion that fails or gets no answer within 1.5 s is sent again, at most three times
 * in all: when the fate of a post is unknown, only the closed socket makes a stock client resume. A second deletion
 * does no harm. `gone`: the gateway has no such connection. Never throws.
 */
export async function deleteConnection(
  context: RuntimeContext,
  connectionId: string,
): Promise<'closed' | 'gone' | 'failed'> {
  const { gateway, clock } = context
  if (gateway === undefined) return 'failed'
  using budget = budgetOf(context, postBudgetMs)
  for (let attempt = 1; attempt <= deleteAttempts && !budget.isPassed; attempt += 1) {
    using attemptDeadline = narrowDeadline(clock, budget, deleteAttemptMs)
    const { signal } = attemptDeadline
    const closing = withinDeadline(attemptDeadline, gateway.disconnect(connectionId, { signal }))
    const outcome = await closing.catch(() => 'failed' as const)
    if (outcome !== 'failed') return outcome
    if (attempt < deleteAttempts) await clock.sleep(clock.random() * maxPauseMs, budget.signal)
  }
  return 'failed'
}

function budgetOf({ clock, deadline }: RuntimeContext, ms: number) {
  return deadline === undefined ? createDeadline(clock, ms) : narrowDeadline(clock, deadline, ms)
}

const noAnswer: PostOutcome = { status: 'failed', unknown: true, reason: 'no answer' }

function settle(outcome: PostOutcome): Posted | undefined {
  switch (outcome.status) {
    case 'posted':
    case 'gone':
    case 'too-large':
      return outcome.status
    case 'throttled':
      return undefined
    case 'failed':
      return outcome.unknown || outcome.retry ? undefined : 'undelivered' // 400 and 403 are permanent
  }
}
