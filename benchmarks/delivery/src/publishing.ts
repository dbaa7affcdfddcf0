import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Publisher } from './contestant.ts'
import type { Attempt } from './history.ts'
import type { Options } from './options.ts'
import { createRandom, randomText } from './random.ts'

const answerMs = 10_000 // 10 s: a publisher without an answer continues with its next event

/**
 * Publishes event n at its time, or at once when that has passed, each after the answer to the previous one. The
 * publisher thus sets the order of its events, not the library. Ends when all are published or, after slow answers,
 * when the time is up.
 */
export async function publishSteadily(publisher: Publisher, number: number, options: Options): Promise<Attempt[]> {
  const random = createRandom(options.seed * 1_000 + number)
  const attempts: Attempt[] = []
  const startedAt = performance.now()
  const intervalMs = 1_000 / options.rate
  for (let n = 1; n <= options.seconds * options.rate; n += 1) {
    await sleep(Math.max(0, startedAt + n * intervalMs - performance.now()))
    if (performance.now() > startedAt + (options.seconds + 1) * 1_000) break
    const event = { publisher: number, n, text: randomText(random, options.bytes) }
    const attempt: Attempt = { event, sentAt: performance.now(), outcome: 'pending' }
    attempts.push(attempt)
    attempt.outcome = await settle(publisher.publish(event))
  }
  return attempts
}

async function settle(answer: Promise<unknown>): Promise<'acknowledged' | 'unknown'> {
  const answered = new AbortController()
  const acknowledged = answer.then(
    () => 'acknowledged' as const,
    () => 'unknown' as const,
  )
  const late = sleep(answerMs, 'unknown' as const, { signal: answered.signal }).catch(() => 'unknown' as const)
  const outcome = await Promise.race([acknowledged, late])
  answered.abort()
  return outcome
}
