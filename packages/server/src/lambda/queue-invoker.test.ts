import { expect, test } from 'vitest'
import { createQueueInvoker } from '../invoker/queue-invoker.ts'

test('without a queue names the variable to set', async () => {
  const later = createQueueInvoker({})
  await expect(later({}, { delayMs: 1_000 })).rejects.toThrow(
    'set TRUNKLINE_DELAY_QUEUE_URL to the URL of an SQS queue',
  )
})

test('refuses a delay that is out of range, and names it', async () => {
  const later = createQueueInvoker({ queueUrl: 'http://127.0.0.1:1/0/later' })
  await expect(later({}, { delayMs: 900_001 })).rejects.toThrow('Expected a delay from 0 to 900000 ms, got 900001.')
})
