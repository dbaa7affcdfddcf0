import { expect, test, vi } from 'vitest'
import { delayedSettings, delayQueueSettings } from '../../../line/deployment.ts'
import { createLocalClock } from '../../clock.ts'
import { createActivity } from '../invocations/in-flight.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'
import { MappedQueue } from './queue-mapping.ts'

const throttled: InvokeResult = { status: 'throttled' }

/** The delay queue of a line, whose consumer returns `results` in order and then succeeds. */
function delayQueue(results: readonly InvokeResult[]) {
  const clock = createLocalClock()
  const received: number[] = []
  const deadLetters: string[] = []
  let ids = 0
  const queue = new MappedQueue(delayQueueSettings, {
    clock,
    activity: createActivity(),
    newRequestId: () => `m${++ids}`,
    invoke: async () => results[received.push(clock.now()) - 1] ?? { status: 'ok', payload: { batchItemFailures: [] } },
    onSend: () => 'pass',
    deadLetter: (body) => void deadLetters.push(body),
  })
  return { clock, queue, received, deadLetters }
}

test('A message whose first four receives are throttled is delivered again within three minutes each time', async () => {
  const { clock, queue, received, deadLetters } = delayQueue(Array(4).fill(throttled))
  queue.send('work')
  for (let receives = 1; receives <= 5; receives++) {
    await clock.advance(receives === 1 ? 1 : 180_000)
    await vi.waitFor(() => expect(received).toHaveLength(receives))
  }
  await clock.advance(3_600_000)
  expect(received).toHaveLength(5)
  expect(deadLetters).toEqual([])
  queue.close()
})

test('A message that failed five times goes to the dead-letter queue and is not delivered again', async () => {
  const { clock, queue, received, deadLetters } = delayQueue(Array(9).fill(throttled))
  queue.send('work')
  for (let receives = 1; receives <= 5; receives++) {
    await clock.advance(receives === 1 ? 1 : 180_000)
    await vi.waitFor(() => expect(received).toHaveLength(receives))
  }
  await vi.waitFor(() => expect(deadLetters).toEqual(['work']))
  await clock.advance(3_600_000)
  expect(received).toHaveLength(5)
  queue.close()
})

test('A message stays hidden for six times its consumer’s timeout', () => {
  expect(delayQueueSettings.functionName).toBe(delayedSettings.name)
  expect(delayQueueSettings.visibilityMs).toBe(6 * delayedSettings.timeoutMs)
})
