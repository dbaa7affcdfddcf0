import { expect, test } from 'vitest'
import { Frames } from './frames.ts'

function setUp() {
  const frames = new Frames()
  const add = (connectionId: string, direction: 'in' | 'out', frame: object, at = 0) => {
    frames.add({ at, direction, connectionId, bytes: 10 }, JSON.stringify(frame))
  }
  const numbersOf = (connectionId: string, id: string) =>
    frames.of({ connectionId, ids: [id] }).map(({ number }) => number)
  return { frames, add, numbersOf }
}
const call = (id: number) => ({ id, method: 'query', params: { path: 'hello' } })
const answer = (id: number) => ({ id, result: { type: 'data', data: 'hi' } })

test('finds the frames of a call of one connection, oldest first', () => {
  const { add, numbersOf } = setUp()
  add('a', 'in', call(1))
  add('b', 'in', call(1))
  add('a', 'in', call(2))
  add('b', 'out', answer(1))
  add('a', 'out', answer(1))
  expect(numbersOf('a', '1')).toEqual([1, 5])
  expect(numbersOf('b', '1')).toEqual([2, 4])
  expect(numbersOf('c', '1')).toEqual([])
})

test('keeps the frames of an ended connection, until they are dropped', () => {
  const { frames, add, numbersOf } = setUp()
  add('ended', 'in', call(1))
  add('ended', 'out', answer(1))
  frames.remove('ended')
  expect(numbersOf('ended', '1')).toEqual([1, 2])
  for (let sent = 0; sent < 99_999; sent++) add('open', 'in', { method: 'ping' })
  expect(numbersOf('ended', '1')).toEqual([2])
  for (let sent = 0; sent < 10_000; sent++) add('open', 'in', { method: 'ping' })
  expect(numbersOf('ended', '1')).toEqual([])
  add('ended', 'out', answer(1))
  expect(numbersOf('ended', '1')).toEqual([110_002])
})

test('finds the newest error of a call since a time', () => {
  const { frames, add } = setUp()
  const error = { id: 1, error: { code: -32_004, data: { code: 'NOT_FOUND' } } }
  const calls = { connectionId: 'a', ids: ['1'] }
  add('a', 'out', error, 10)
  add('b', 'out', answer(1), 20)
  expect(frames.errorOf(calls, 10)).toBe('NOT_FOUND')
  expect(frames.errorOf(calls, 11)).toBeUndefined()
  expect(frames.errorOf({ ...calls, ids: ['2'] }, 0)).toBeUndefined()
})
