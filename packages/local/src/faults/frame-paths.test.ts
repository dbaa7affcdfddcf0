import { expect, test } from 'vitest'
import { createFramePaths } from './frame-paths.ts'

const call = (id: number, path = `path-${id}`) => JSON.stringify({ id, method: 'query', params: { path } })
const subscription = (id: number) => JSON.stringify({ id, method: 'subscription', params: { path: 'live' } })
const push = (id: number) => JSON.stringify({ id, result: {} })

test('remembers a subscription after any number of calls, and the last thousand calls', () => {
  const paths = createFramePaths()
  paths.ofFrame('a', subscription(1))
  for (let id = 2; id <= 3_000; id++) paths.ofFrame('a', call(id))
  expect(paths.ofPush('a', push(1))).toEqual(['live'])
  expect(paths.ofPush('a', push(3_000))).toEqual(['path-3000'])
  expect(paths.ofPush('a', push(2_001))).toEqual(['path-2001'])
  expect(paths.ofPush('a', push(2))).toEqual([undefined])
})

test('remembers a stopped subscription for a while', () => {
  const paths = createFramePaths()
  paths.ofFrame('a', subscription(1))
  expect(paths.ofFrame('a', '{"id":1,"method":"subscription.stop"}')).toEqual(['live'])
  expect(paths.ofPush('a', push(1))).toEqual(['live'])
  for (let id = 2; id <= 1_001; id++) paths.ofFrame('a', call(id))
  expect(paths.ofPush('a', push(1))).toEqual([undefined])
})

test('keeps no state of a connection that named no path or has ended', () => {
  const paths = createFramePaths()
  paths.ofFrame('a', call(1))
  paths.remove('a')
  paths.ofFrame('a', '{"id":1,"method":"cancel"}')
  expect(paths.ofPush('a', push(1))).toEqual([undefined])
})

test('drops the oldest of more than 10,000 connections', () => {
  const paths = createFramePaths()
  for (let n = 0; n <= 10_000; n++) paths.ofFrame(`connection-${n}`, call(1))
  expect(paths.ofPush('connection-0', push(1))).toEqual([undefined])
  expect(paths.ofPush('connection-10000', push(1))).toEqual(['path-1'])
})
