import type { WebSocket } from 'ws'

/** Sends one message in fragments of at most `fragmentBytes`. A Buffer is sent as binary. */
export function sendText(socket: WebSocket, data: string | Buffer, fragmentBytes: number): void {
  const binary = typeof data !== 'string'
  const bytes = binary ? data : Buffer.from(data)
  let start = 0
  do {
    const end = start + fragmentBytes
    socket.send(bytes.subarray(start, end), { binary, fin: end >= bytes.length }, ignoreBroken)
    start = end
  } while (start < bytes.length)
}

function ignoreBroken(): void {
  // the socket's `close` event follows and reports it
}
