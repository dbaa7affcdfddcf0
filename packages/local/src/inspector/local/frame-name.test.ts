import { describe, expect, test } from 'vitest'
import { createFrameNames } from './frame-name.ts'

describe('the name of a frame', () => {
  test('is its method and path, and its responses have the path of the call', () => {
    const { name } = createFrameNames()
    const call = { type: 'query', path: 'list', ids: ['1'] }
    expect(name('in', 'a', '{"id":1,"method":"query","params":{"path":"list"}}')).toEqual(call)
    expect(name('out', 'a', '{"id":1,"result":{"type":"data","data":1}}')).toEqual({ ...call, type: 'data' })
    const other = { type: 'started', path: '', ids: ['1'] }
    expect(name('out', 'b', '{"id":1,"result":{"type":"started"}}')).toEqual(other)
  })

  test.each([
    ['tRPC', { code: -32_004, data: { code: 'NOT_FOUND' } }, undefined, 'NOT_FOUND'],
    ['Trunkline', { code: -32_603, data: { code: 'TIMEOUT' } }, { code: 'GENERATOR_LOST' }, 'GENERATOR_LOST'],
    ['tRPC, by a transformer', { json: { data: { code: 'CONFLICT' } } }, undefined, 'CONFLICT'],
    ['a number, of an own error shape', { code: -32_000 }, undefined, '-32000'],
    ['unknown, of an own error shape', 'no', undefined, 'error'],
  ])('has the code of an error of %s', (_, error, line, code) => {
    const named = createFrameNames().name('out', 'a', JSON.stringify({ id: 1, error, line }))
    expect(named).toMatchObject({ type: 'error', code })
  })

  test.each([
    ['[{"id":1,"method":"query","params":{"path":"a"}},{"id":2,"method":"query"}]', 'query × 2', 'a', ['1', '2']],
    ['{"pong":true}', 'pong', '', []],
    ['{"message": "Forbidden", "connectionId":"x", "requestId":"y"}', 'error', '', []],
    ['no json', '?', '', []],
    ['null', '?', '', []],
  ])('of %s is %s', (text, type, path, ids) =>
    expect(createFrameNames().name('in', 'a', text)).toEqual({ type, path, ids }),
  )
})
