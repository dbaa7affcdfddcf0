import { describe, expect, test } from 'vitest'
import { createFrameNames } from './page/frame-name.ts'

describe('the name of a frame', () => {
  test('is its method and path, and its responses have the path of the call', () => {
    const nameOf = createFrameNames()
    expect(nameOf('a', '{"id":1,"method":"query","params":{"path":"list"}}')).toEqual({ type: 'query', path: 'list' })
    expect(nameOf('a', '{"id":1,"result":{"type":"data","data":1}}')).toEqual({ type: 'data', path: 'list' })
    expect(nameOf('a', '{"id":1,"error":{"code":-32001}}')).toEqual({ type: 'error', path: 'list' })
    expect(nameOf('b', '{"id":1,"result":{"type":"started"}}')).toEqual({ type: 'started', path: '' })
  })

  test.each([
    ['[{"id":1,"method":"query","params":{"path":"a"}},{"id":2,"method":"query"}]', 'query × 2', 'a'],
    ['{"pong":true}', 'pong', ''],
    ['{"message": "Forbidden", "connectionId":"x", "requestId":"y"}', 'error', ''],
    ['{"id":3,"method":"mutation","params":{"path":"post","input":"cut he', 'mutation', 'post'],
    ['no json', '?', ''],
    ['null', '?', ''],
  ])('of %s is %s', (text, type, path) => expect(createFrameNames()('a', text)).toEqual({ type, path }))
})
