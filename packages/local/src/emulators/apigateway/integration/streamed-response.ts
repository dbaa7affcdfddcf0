import type { ServerResponse } from 'node:http'
import type { StreamOptions } from './invoke.ts'

const preludeEnd = Buffer.alloc(8)

interface Prelude {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Passes the response of a function with response streaming on to its client: JSON with the status and the headers,
 * eight zeros, and then the body as it comes.
 */
export class StreamedResponse implements NonNullable<StreamOptions['reader']> {
  readonly left: AbortSignal
  readonly #response: ServerResponse
  #head = Buffer.alloc(0)
  #hasBegun = false

  constructor(response: ServerResponse) {
    const left = new AbortController()
    this.left = left.signal
    this.#response = response
    response.once('close', () => left.abort())
  }

  /** Whether the status was sent. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#response.destroyed) return
    if (this.#hasBegun) return void (chunk.length > 0 && this.#response.write(chunk))
    this.#head = Buffer.concat([this.#head, chunk])
    const end = this.#head.indexOf(preludeEnd)
    if (end < 0) return
    const { statusCode, headers = {} } = JSON.parse(this.#head.subarray(0, end).toString()) as Prelude
    this.#hasBegun = true
    this.#response.writeHead(statusCode, headers)
    this.#response.flushHeaders()
    const rest = this.#head.subarray(end + preludeEnd.length)
    if (rest.length > 0) this.#response.write(rest)
  }
}
