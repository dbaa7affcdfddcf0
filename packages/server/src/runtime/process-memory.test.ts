import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createFakeClock } from '../lambda/test-line.suite.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { Store } from '../ports/store.ts'
import type { RuntimeContext } from './context/runtime-context.ts'
import { firstShard, rememberShards, shardHintsOf } from './context/shard-hints.ts'
import { trafficOf } from './posting/gateway-traffic.ts'
import { joinTail, pollersOf } from './subscriptions/tail-poller.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function heap(): number {
  collect()
  return process.memoryUsage().heapUsed
}

test('the memory of a process levels off over 100,000 connections and topics', () => {
  const clock = createFakeClock()
  const gateway = {} as Gateway // only its identity counts
  const store = {} as Store
  const scope = { clock, store, restore: 0 } as unknown as RuntimeContext
  const use = (from: number, to: number) => {
    const { breaker, pacer } = trafficOf(gateway, { clock })
    const hints = shardHintsOf(store)
    for (let n = from; n < to; n++) {
      const [connectionId, topic] = [`connection-${n}`, `topic-${n}`]
      for (let failure = 0; failure < 3; failure++) breaker.fail(connectionId)
      breaker.noteRetry(connectionId, topic, clock.now() + 60_000)
      breaker.noteRetry('connection-0', topic, clock.now() + 60_000)
      breaker.admits(connectionId)
      pacer.reserve()
      pacer.noteThrottled(connectionId)
      rememberShards(hints, topic, 4)
      firstShard(hints, topic, connectionId)
      using tail = joinTail(scope, { topic, retentionMs: 60_000 })
      tail.after({ epoch: 'e', offset: 0 })
    }
  }
  use(0, 30_000)
  const before = heap()
  use(30_000, 100_000)
  expect(heap() - before).toBeLessThan(2_000_000) // were all kept, 70,000 more would hold some 20 MB
  expect(pollersOf(store)).toBe(0)
})

test('the memory of a process levels off over one slow connection with 100,000 topics', () => {
  const clock = createFakeClock()
  const { breaker } = trafficOf({} as Gateway, { clock })
  for (let failure = 0; failure < 3; failure++) breaker.fail('slow')
  const use = (from: number, to: number) => {
    for (let n = from; n < to; n++) breaker.noteRetry('slow', `topic-${n}`, clock.now() + 120_000)
  }
  use(0, 10_000)
  const before = heap()
  use(10_000, 100_000)
  expect(heap() - before).toBeLessThan(1_000_000)
  expect(breaker.awaitsRetry('slow', 'topic-99999')).toBe(true)
  expect(breaker.awaitsRetry('slow', 'topic-0')).toBe(false)
})
