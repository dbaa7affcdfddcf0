import type { WebSocket } from 'ws'

/** The members of the `ws` receiver that the limit uses. They are internal to `ws`; a test checks that they exist. */
interface ReceiverLike {
  readonly _opcode: number
  readonly _payloadLength: number
  haveLength(done: (error: Error) => void): void
  createError(type: RangeErrorConstructor, text: string, prefix: boolean, code: number, name: string): Error
}

const firstControlOpcode = 8

/**
 * [TL-LIM-2] Closes a socket with 1009 when one frame is larger than `frameBytes`, as soon as its length is read. The
 * `maxPayload` of `ws` limits whole messages only.
 */
export function limitFrames(socket: WebSocket, frameBytes: number): void {
  const receiver: unknown = Reflect.get(socket, '_receiver')
  if (!isReceiver(receiver))
    throw new Error(
      'Expected the receiver of ws to have haveLength. This version of ws is not supported by frame-limit.ts.',
    )
  const haveLength = receiver.haveLength.bind(receiver)
  receiver.haveLength = (done) => {
    if (receiver._opcode >= firstControlOpcode || receiver._payloadLength <= frameBytes) return haveLength(done)
    const name = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    done(receiver.createError(RangeError, `Frame larger than ${frameBytes} bytes`, false, 1009, name))
  }
}

function isReceiver(value: unknown): value is ReceiverLike {
  return (
    typeof value === 'object' && value !== null && 'haveLength' in value && 'createError' in value && '_opcode' in value
  )
}

const closeCodes = new Map([
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1009],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008],
  ['WS_ERR_INVALID_UTF8', 1007],
])

/**
 * The code with which `ws` closed a socket after an error; its own `close` event reports 1006. Undefined when the
 * socket itself broke.
 */
export function closeCodeOf(error: Error): number | undefined {
  const name = 'code' in error ? String(error.code) : ''
  return closeCodes.get(name) ?? (name.startsWith('WS_ERR_') ? 1002 : undefined)
}
