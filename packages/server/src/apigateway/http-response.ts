/** A response of an HTTP/1.1 server. */
export interface HttpResponse {
  readonly status: number
  /** The status line and the headers, each with its line break. */
  readonly head: string
  /** The body, one character for each byte. Cut after 64 KB. */
  readonly body: string
  /** Whether the socket can take another request. */
  readonly isReusable: boolean
}

/** The bytes of a response that are read at most. A longer one is cut, and its socket is closed. */
const maxBytes = 65_536

/** A response that is not HTTP/1.1. */
class ResponseFormatError extends Error {
  override readonly name = 'ResponseFormatError'
  constructor(expected: string, got: string) {
    super(`Expected ${expected} in a response of the callback API, got ${JSON.stringify(got.slice(0, 100))}.`)
  }
}

/**
 * Parses the response in `bytes`, one character for each byte. `isEnded`: the server has closed its side, so no more
 * bytes follow. Returns undefined while the response is incomplete. Throws a `ResponseFormatError`.
 */
export function parseResponse(bytes: string, isEnded = false): HttpResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) {
    if (bytes.length > maxBytes) throw new ResponseFormatError(`an end of the headers within ${maxBytes} bytes`, bytes)
    return undefined
  }
  const head = bytes.slice(0, end + 2)
  const rest = bytes.slice(end + 4)
  const [, version, code] = /^HTTP\/1\.([01]) (\d{3})[ \r]/.exec(head) ?? []
  if (code === undefined) throw new ResponseFormatError('a status line of HTTP/1.1', head)
  const status = Number(code)
  if (status < 200) return parseResponse(rest, isEnded) // 100 and 103 precede the response
  const { length, isChunked, isLast } = readFraming(head)
  const content = hasNoBody(status) ? wholeBody(rest, 0) : isChunked ? joinChunks(rest) : wholeBody(rest, length)
  if (content !== undefined)
    return { status, head, body: content.body, isReusable: version === '1' && !isLast && content.end === rest.length }
  const isUntilEnd = isEnded && length === undefined && !isChunked
  return isUntilEnd || rest.length > maxBytes ? { status, head, body: rest, isReusable: false } : undefined
}

/** The value of a header, without regard to the case of its name. Undefined when the response has none. */
export function headerOf({ head }: HttpResponse, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}:[ \\t]*([^\\r\\n]*)`, 'i').exec(head)?.[1]?.trimEnd()
}

interface Framing {
  /** The bytes of the body. Undefined: the body ends with its chunks, or with the connection. */
  readonly length: number | undefined
  readonly isChunked: boolean
  /** Whether the server closes the connection after the response. */
  readonly isLast: boolean
}

const framingHeaders = /\r\n(content-length|transfer-encoding|connection):[ \t]*([^\r\n]*)/gi

function readFraming(head: string): Framing {
  let length: number | undefined
  let isChunked = false
  let isLast = false
  framingHeaders.lastIndex = 0
  for (let found = framingHeaders.exec(head); found !== null; found = framingHeaders.exec(head)) {
    const [, name = '', value = ''] = found
    const text = value.trimEnd().toLowerCase()
    const kind = name.toLowerCase()
    if (kind === 'connection') isLast ||= text.includes('close')
    else if (kind === 'transfer-encoding') {
      if (text !== 'chunked' || isChunked) throw new ResponseFormatError('only chunks as transfer encoding', value)
      isChunked = true
    } else {
      if (!/^\d{1,15}$/.test(text) || (length !== undefined && length !== Number(text)))
        throw new ResponseFormatError('one length of the content', value)
      length = Number(text)
    }
  }
  if (isChunked && length !== undefined) throw new ResponseFormatError('chunks or a length, not both', head)
  return { length, isChunked, isLast }
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 304
}

interface Content {
  readonly body: string
  /** Where the response ends in the bytes after its headers. */
  readonly end: number
}

function wholeBody(rest: string, length: number | undefined): Content | undefined {
  if (length === undefined || rest.length < length) return undefined
  return { body: rest.slice(0, length), end: length }
}

function joinChunks(rest: string): Content | undefined {
  let body = ''
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const line = rest.slice(at, lineEnd)
    const [, size] = /^([\da-f]{1,8})[ \t]*(?:;|$)/i.exec(line) ?? []
    if (size === undefined) throw new ResponseFormatError('the size of a chunk', line)
    const begin = lineEnd + 2
    const end = begin + Number.parseInt(size, 16)
    if (end === begin) {
      const trailerEnd = rest.indexOf('\r\n\r\n', lineEnd) // the line break of the last chunk may be its first half
      return trailerEnd < 0 ? undefined : { body, end: trailerEnd + 4 }
    }
    if (rest.length < end + 2) return undefined
    if (rest.slice(end, end + 2) !== '\r\n') throw new ResponseFormatError('the end of a chunk', rest.slice(end))
    body += rest.slice(begin, end)
    at = end + 2
  }
}
