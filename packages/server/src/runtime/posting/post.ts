import type { Gateway, PostOutcome } from '../../ports/gateway.ts'
import { createDeadline, narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { type Traffic, trafficOf } from './gateway-traffic.ts'
import { measurePost } from './measure-post.ts'

/**
 * How a post ended, its retries included. `undelivered`: given up within the budget; the log still has what it carried.
 */
export type Posted = 'posted' | 'gone' | 'too-large' | 'undelivered'

const budgetMs = 6_000
const firstPauseMs = 50
const longestPauseMs = 1_000
const cutAttempts = 3
const cutAttemptMs = 1_500
/**
 * A post that was cut short sooner, by its function's own deadline, says nothing against the connection; nor does one
 * that the account's quota refused.
 */
const suspectMs = 1_000

/**
 * Posts one message, retrying 429 and 5xx with full jitter inside a budget and before the deadline; one that hangs is
 * given up with the budget [LAW-DEADLINE]. Waits for this process's turn when the gateway throttles it; fails at once
 * while the connection's breaker is open. A post whose fate is unknown is sent again: every client of ours drops what
 * it had. Never throws.
 */
export async function post(scope: RuntimeContext, connectionId: string, text: string): Promise<Posted> {
  const { gateway, clock } = scope
  if (gateway === undefined) return 'undelivered'
  const traffic = trafficOf(gateway, clock)
  // Takes nobody's turn, nor a breaker's trial.
  if (scope.deadline?.signal.aborted) return counted(traffic, 'undelivered')
  if (!traffic.breaker.admits(connectionId)) return counted(traffic, 'undelivered')
  const ms = traffic.pace.take()
  if (ms > 0) await clock.sleep(ms, scope.deadline?.signal) // not out of the post's own budget
  return counted(traffic, await tryPost(scope, { gateway, traffic, connectionId, text }))
}

interface Attempt {
  readonly gateway: Gateway
  readonly traffic: Traffic
  readonly connectionId: string
  readonly text: string
}

async function tryPost(scope: RuntimeContext, { gateway, traffic, connectionId, text }: Attempt): Promise<Posted> {
  const { clock } = scope
  const { breaker, pace } = traffic
  using budget = budgetOf(scope, budgetMs)
  const { signal } = budget
  const began = clock.now()
  let isSuspect = true
  for (let pause = firstPauseMs; !signal.aborted; pause = Math.min(pause * 2, longestPauseMs)) {
    const outcome = await withinDeadline(signal, gateway.post(connectionId, text, { signal })).catch(() => hung)
    measurePost(scope, outcome)
    isSuspect = outcome.status !== 'throttled' || noteThrottled(traffic, connectionId) === 'connection'
    const settled = settle(outcome)
    if (settled === 'posted') breaker.close(connectionId)
    if (settled !== undefined) return settled
    const wait = Math.max(clock.random() * pause, outcome.status === 'throttled' ? pace.take() : 0)
    if (clock.now() + wait >= budget.at) break
    scope.telemetry.measure('retried', 1)
    await clock.sleep(wait, signal)
  }
  if (isSuspect && clock.now() - began >= suspectMs) breaker.fail(connectionId)
  return 'undelivered'
}

function noteThrottled({ pace, counts }: Traffic, connectionId: string): 'account' | 'connection' {
  counts.throttled += 1
  return pace.refuse(connectionId)
}

function counted({ counts }: Traffic, posted: Posted): Posted {
  if (posted === 'posted') counts.posts += 1
  if (posted === 'gone') counts.gone += 1
  if (posted === 'undelivered') counts.undelivered += 1
  return posted
}

/**
 * Closes a socket. A deletion that fails or gets no answer within 1.5 s is sent again, three times in all: where a
 * post's fate is unknown, a stock client learns of it by nothing else. To delete twice does no harm. Never throws.
 */
export async function deleteConnection(scope: RuntimeContext, connectionId: string): Promise<'closed' | 'failed'> {
  const { gateway, clock } = scope
  if (gateway === undefined) return 'failed'
  using budget = budgetOf(scope, budgetMs)
  for (let attempt = 1; attempt <= cutAttempts && !budget.signal.aborted; attempt += 1) {
    using tried = narrowDeadline(clock, budget, cutAttemptMs)
    const { signal } = tried
    const closing = withinDeadline(signal, gateway.disconnect(connectionId, { signal }))
    if ((await closing.catch(() => 'failed')) === 'closed') return 'closed'
    if (attempt < cutAttempts) await clock.sleep(clock.random() * longestPauseMs, budget.signal)
  }
  return 'failed'
}

function budgetOf({ clock, deadline }: RuntimeContext, ms: number) {
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
