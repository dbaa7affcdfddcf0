/**
 * Counts the messages in one direction of a TCP connection: WebSocket messages after the upgrade, HTTP messages before
 * it.
 */
export interface WireMeter {
  add(bytes: Buffer): void
  readonly messages: () => number
}

/** The expected next part of the bytes. */
type Expected = 'http-head' | 'http-body' | 'frame-head' | 'frame-body'

/**
 * Counts HTTP/1.1 messages with `content-length`, then RFC 6455 messages. The upgrade counts as one; control frames do
 * not count.
 */
export function createWireMeter(): WireMeter {
  let expected: Expected = 'http-head'
  let held: Buffer = Buffer.alloc(0)
  let bodyLeft = 0
  let messages = 0

  /** Parses the next part. Returns false when it has not arrived. */
  function step(): boolean {
    if (expected === 'http-body' || expected === 'frame-body') return skipBody()
    return expected === 'http-head' ? parseHttp() : parseFrame()
  }
  function skipBody(): boolean {
    const here = Math.min(bodyLeft, held.length)
    held = held.subarray(here)
    bodyLeft -= here
    if (bodyLeft > 0) return false
    expected = expected === 'http-body' ? 'http-head' : 'frame-head'
    return true
  }
  function parseHttp(): boolean {
    const end = held.indexOf('\r\n\r\n')
    if (end < 0) return false
    const head = held.toString('latin1', 0, end)
    held = held.subarray(end + 4)
    messages += 1
    bodyLeft = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    expected = /^upgrade: *websocket/im.test(head) ? 'frame-body' : 'http-body' // an upgrade has no body, so a frame follows
    return true
  }
  function parseFrame(): boolean {
    const head = parseFrameHead(held)
    if (head === undefined) return false
    held = held.subarray(head.headBytes)
    bodyLeft = head.bodyBytes
    if (head.opcode === 1 || head.opcode === 2) messages += 1 // opcode 0 continues a message that was counted
    expected = 'frame-body'
    return true
  }
  return {
    add(bytes) {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
      while (held.length > 0 && step());
    },
    messages: () => messages,
  }
}

function parseFrameHead(bytes: Buffer) {
  if (bytes.length < 2) return undefined
  const short = bytes.readUInt8(1) & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const maskBytes = bytes.readUInt8(1) & 0x80 ? 4 : 0
  const headBytes = 2 + lengthBytes + maskBytes
  if (bytes.length < headBytes) return undefined
  const bodyBytes =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  return { headBytes, bodyBytes, opcode: bytes.readUInt8(0) & 0x0f }
}
