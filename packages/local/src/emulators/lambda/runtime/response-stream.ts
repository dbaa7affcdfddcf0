import { Writable } from 'node:stream'
import type { LambdaContext } from './lambda-context.ts'

/** Who gets a response while it is written. */
export interface ResponseReader {
  onChunk(chunk: Uint8Array): void
  /** Aborts when the reader has left. The function sees its stream closed. */
  readonly left?: AbortSignal
}

/** The stream that a function with response streaming writes to, as Lambda's Node runtime gives it. */
class ResponseStream extends Writable {
  readonly #reader: ResponseReader

  constructor(reader: ResponseReader) {
    super()
    this.#reader = reader
    this.on('error', () => {}) // a write after the reader has left
    const { left } = reader
    if (left?.aborted) this.destroy()
    else left?.addEventListener('abort', () => this.destroy(), { once: true })
  }

  setContentType(_type: string): void {}

  override _write(chunk: Uint8Array, _encoding: unknown, done: () => void): void {
    this.#reader.onChunk(chunk)
    done()
  }
}

/** A handler of a function. One with response streaming is marked, and gets its stream before the context. */
export type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>

type StreamingHandler = (event: unknown, stream: ResponseStream, context: LambdaContext) => Promise<unknown>

const streamingKey = Symbol.for('aws.lambda.runtime.handler.streaming')

/**
 * Calls a handler. One with response streaming writes to the reader; without a reader, what it writes is its result, as
 * text.
 */
export async function runHandler(
  handler: Handler,
  event: unknown,
  { context, reader }: { readonly context: LambdaContext; readonly reader: ResponseReader | undefined },
): Promise<unknown> {
  if (Reflect.get(handler, streamingKey) !== 'response') return handler(event, context)
  const chunks: Uint8Array[] = []
  const stream = new ResponseStream(reader ?? { onChunk: (chunk) => void chunks.push(chunk) })
  await (handler as unknown as StreamingHandler)(event, stream, context)
  return reader === undefined ? Buffer.concat(chunks).toString() : null
}
