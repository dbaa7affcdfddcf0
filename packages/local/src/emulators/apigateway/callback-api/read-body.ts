import type { IncomingMessage } from 'node:http'

const abortBytes = 16 * 1024 * 1024 // a larger body is aborted instead of read to its end

/**
 * Reads a request's body. A body over `limitBytes` is read to its end and discarded, so that the caller receives the
 * response. Never rejects.
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too-large' | 'broken'> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limitBytes) chunks.push(chunk)
      else chunks = []
      if (bytes > abortBytes) request.destroy()
    })
    request.once('end', () => resolve(bytes > limitBytes ? 'too-large' : Buffer.concat(chunks)))
    request.once('close', () => resolve('broken'))
    request.once('error', () => resolve('broken'))
  })
}
