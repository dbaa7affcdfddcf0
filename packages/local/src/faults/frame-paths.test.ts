import { expect, test } from 'vitest'
import { createFramePaths } from './frame-paths.ts'

const call = (id: number, path = `path-${id}`) => JSON.stringify({ id, method: 'query', params: { path } })
const subscription = (id: number) => JSON.stringify({ id, method: 'subscription', params: { path: 'live' } })
const push = (id: number) => JSON.stringify({ id, result: {} })

test('remembers a subscription after any number of calls, and the last thousand calls', () => {
  const ledger = createFramePaths()
  ledger.ofFrame('a', subscription(1))
  for (let id = 2; id <= 3_000; id++) ledger.ofFrame('a', call(id))
  expect(ledger.ofPush('a', push(1))).toEqual(['live'])
  expect(ledger.ofPush('a', push(3_000))).toEqual(['path-3000'])
  expect(ledger.ofPush('a', push(2_001))).toEqual(['path-2001'])
  expect(ledger.ofPush('a', push(2))).toEqual([undefined])
})

test('remembers a stopped subscription for a while', () => {
  const ledger = createFramePaths()
  ledger.ofFrame('a', subscription(1))
  expect(ledger.ofFrame('a', '{"id":1,"method":"subscription.stop"}')).toEqual(['live'])
  expect(ledger.ofPush('a', push(1))).toEqual(['live'])
  for (let id = 2; id <= 1_001; id++) ledger.ofFrame('a', call(id))
  expect(ledger.ofPush('a', push(1))).toEqual([undefined])
})

test('keeps no state of a connection that named no path or has ended', () => {
  const ledger = createFramePaths()
  ledger.ofFrame('a', call(1))
  ledger.forget('a')
  ledger.ofFrame('a', '{"id":1,"method":"cancel"}')
  expect(ledger.ofPush('a', push(1))).toEqual([undefined])
})

test('forgets the oldest of more than 10,000 connections', () => {
  const ledger = createFramePaths()
  for (let n = 0; n <= 10_000; n++) ledger.ofFrame(`connection-${n}`, call(1))
  expect(ledger.ofPush('connection-0', push(1))).toEqual([undefined])
  expect(ledger.ofPush('connection-10000', push(1))).toEqual(['path-1'])
})
