import { describe, expect, test } from 'vitest'
import { redact } from './redact.ts'

const long = 'x'.repeat(50)

describe('a displayed frame', () => {
  test.each([
    ['the token of an auth', '{"id":"a1","method":"auth","params":{"token":"hush"}}'],
    ['all of connectionParams', '{"method":"connectionParams","data":{"user":"hush"}}'],
    ['connectionParams in an array', '[{"method":"connectionParams","data":{"user":"hush"}}]'],
    ['connectionParams that were cut', '{"method":"connectionParams","data":{"user":"hush'],
    ['the session id of a hello', '{"id":"h1","result":{"type":"hello","session":"hush","time":1}}'],
    ['a password in an input', '{"id":1,"method":"mutation","params":{"path":"in","input":{"password":"hush"}}}'],
    ['a token that is not a string', '{"id":1,"params":{"input":{"accessToken":{"value":"hush"}}}}'],
    ['a token inside a chunk', JSON.stringify({ id: 1, params: { text: '{"params":{"token":"hush","x":"1"}}' } })],
    ['a token in a text that was cut', `{"id":1,"params":{"apiKey":"hush","text":"${long}`],
    ['a token that was cut itself', '{"id":1,"params":{"token":"hush'],
    ['a token with a quote in it', '{"id":1,"params":{"token":"a\\"hush","text":"'],
  ])('is without %s', (_, text) => {
    expect(text).toContain('hush')
    expect(redact(text)).not.toContain('hush')
    expect(redact(text)).toContain('•••')
  })

  const many = 2_000_000 // a redaction in quadratic time would not end
  test.each([
    ['backslashes', '\\'.repeat(many)],
    ['backslashes in a text', JSON.stringify({ text: '\\'.repeat(many) })],
    ['quotes', '"'.repeat(many)],
    ['escaped quotes', '\\"'.repeat(many)],
    ['names without an end', '"token'.repeat(many)],
    ['names without a value', '"token":'.repeat(many)],
    ['names before spaces', `"token"${' '.repeat(many)}`],
    ['colons before backslashes', `"token":${'\\'.repeat(many)}`],
    ['words that are secret', `"${'token'.repeat(many)}`],
    ['spaces', ' '.repeat(many)],
    ['methods', '{"method"'.repeat(many)],
  ])('runs in linear time when it is full of %s', (_, text) => {
    expect(redact(text)).toBeDefined()
    expect(redact(text.slice(0, -1))).toBeDefined()
  })

  test.each(['{"id":1,"result":{"type":"data","data":{"text":"hello"}}}', 'no json', '{"pong":true}', '[]'])(
    'is whole where there is nothing to hide: %s',
    (text) => expect(redact(text)).toBe(text),
  )
})
