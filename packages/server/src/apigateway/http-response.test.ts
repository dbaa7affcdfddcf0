import { describe, expect, it } from 'vitest'
import { type HttpResponse, headerOf, parseResponse } from './http-response.ts'

const lines = (...all: readonly string[]) => all.join('\r\n')

const responses: readonly [string, string, Partial<HttpResponse>][] = [
  ['no content', lines('HTTP/1.1 200 OK', 'Content-Length: 0', '', ''), { status: 200, body: '', isReusable: true }],
  [
    'a length',
    lines('HTTP/1.1 400 Bad Request', 'content-length:5', '', 'a\r\n\r\n'),
    { status: 400, body: 'a\r\n\r\n', isReusable: true },
  ],
  ['no reason', lines('HTTP/1.1 200', 'Content-Length: 1', '', 'x'), { status: 200, body: 'x', isReusable: true }],
  [
    'the same length twice',
    lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 1', '', 'x'),
    { body: 'x', isReusable: true },
  ],
  [
    'chunks, one with an extension',
    lines('HTTP/1.1 500 Oops', 'Transfer-Encoding: chunked', '', '3;a=b', '{"a', '9', '":"\r\n0\r\n"', '0', '', ''),
    { status: 500, body: '{"a":"\r\n0\r\n"', isReusable: true },
  ],
  [
    'chunks and a trailer',
    lines('HTTP/1.1 200 OK', 'transfer-encoding: CHUNKED', '', '1', 'x', '0', 'Date: today', '', ''),
    { body: 'x', isReusable: true },
  ],
  ['a status without content', lines('HTTP/1.1 204 No Content', '', ''), { status: 204, body: '', isReusable: true }],
  [
    'a hint before it',
    lines('HTTP/1.1 103 Early Hints', 'Link: x', '', 'HTTP/1.1 200 OK', 'Content-Length: 1', '', 'x'),
    { status: 200, body: 'x', isReusable: true },
  ],
  [
    'the last response of its socket',
    lines('HTTP/1.1 200 OK', 'Content-Length: 0', 'Connection: Close', '', ''),
    { status: 200, isReusable: false },
  ],
  ['HTTP/1.0', lines('HTTP/1.0 200 OK', 'Content-Length: 0', '', ''), { status: 200, isReusable: false }],
]

describe('a response', () => {
  it.each(responses)('with %s is complete with its last byte and not before', (_, bytes, expected) => {
    for (let length = 0; length < bytes.length; length++) expect(parseResponse(bytes.slice(0, length))).toBeUndefined()
    expect(parseResponse(bytes)).toMatchObject(expected)
  })

  it('leaves no socket to reuse when more bytes follow it', () => {
    for (const [, bytes, { body }] of responses) {
      const parsed = parseResponse(`${bytes}H`)
      expect(parsed?.isReusable).toBe(false)
      if (body !== undefined) expect(parsed?.body).toBe(body)
    }
  })

  it('without a length ends with its connection', () => {
    const bytes = lines('HTTP/1.1 502 Bad Gateway', 'Content-Type: text/html', '', '<h1>no</h1>')
    expect(parseResponse(bytes)).toBeUndefined()
    expect(parseResponse(bytes, true)).toMatchObject({ status: 502, body: '<h1>no</h1>', isReusable: false })
  })

  it('that is cut by the end of its connection is incomplete', () => {
    for (const bytes of [
      'HTTP/1.1 200 OK\r\nContent-Le',
      lines('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'x'),
      lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '1', 'x', ''),
    ])
      expect(parseResponse(bytes, true)).toBeUndefined()
  })

  it('of more than 64 KB is cut', () => {
    const head = ['HTTP/1.1 500 Oops', 'Content-Length: 1000000']
    expect(parseResponse(lines(...head, '', 'x'.repeat(70_000)))).toMatchObject({ status: 500, isReusable: false })
  })

  it.each([
    ['a status line of HTTP/1.1', lines('HTTP/2 200', '', '')],
    ['a status line of HTTP/1.1', lines('SSH-2.0-OpenSSH', '', '')],
    ['one length of the content', lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2', '', 'xx')],
    ['one length of the content', lines('HTTP/1.1 200 OK', 'Content-Length: -1', '', '')],
    ['one length of the content', lines('HTTP/1.1 200 OK', 'Content-Length: 0x1', '', 'x')],
    ['only chunks', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip', '', 'x')],
    ['chunks or a length', lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked', '', 'x')],
    ['the size of a chunk', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', 'x', '')],
    ['the end of a chunk', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '1', 'xyz', '')],
    ['an end of the headers within 65536 bytes', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`],
  ])('that lacks %s is refused', (expected, bytes) => {
    expect(() => parseResponse(bytes)).toThrow(`Expected ${expected}`)
  })

  it('has its headers by any case of their names', () => {
    const response = parseResponse(
      lines('HTTP/1.1 410 Gone', 'X-Amzn-ErrorType:GoneException \t', 'Date: x', '', ''),
      true,
    )
    expect(response && headerOf(response, 'x-amzn-errortype')).toBe('GoneException')
    expect(response && headerOf(response, 'errortype')).toBeUndefined()
  })
})
