import type { HttpResponse } from './http-response.ts'

/** The members of the stream that Lambda gives to a function with response streaming that are used. */
export interface ResponseStream {
  readonly destroyed?: boolean
  /** Sets the header `content-type`, before the first `write`. */
  setContentType?(type: string): void
  /** Sends bytes. False: wait for `drain` before the next ones. */
  write(chunk: string | Uint8Array): boolean
  /** Ends the response. */
  end(): unknown
  /** Calls `listener` at the next event of this name. */
  once(event: 'drain' | 'close' | 'error', listener: () => void): unknown
}

/** A handler with response streaming. */
export type StreamingHandler = (event: unknown, stream: ResponseStream, context: unknown) => Promise<void>

interface Prelude {
  readonly statusCode: number
  readonly headers: HttpResponse['headers']
}

/** Lambda's global of Node functions. Elsewhere, a package of AWS may have made one without these members. */
interface Awslambda {
  streamifyResponse?(handler: StreamingHandler): StreamingHandler
  readonly HttpResponseStream?: { from(stream: ResponseStream, prelude: Prelude): ResponseStream }
}

const awslambda = (): Awslambda | undefined => (globalThis as { readonly awslambda?: Awslambda }).awslambda

/** How Lambda's Node runtime recognises such a handler. */
const streamingKey = Symbol.for('aws.lambda.runtime.handler.streaming')

/** Marks a handler whose response is streamed. */
export function streamify(handler: StreamingHandler): StreamingHandler {
  return awslambda()?.streamifyResponse?.(handler) ?? Object.assign(handler, { [streamingKey]: 'response' })
}

/** Writes a response, and its events as they come. Resolves when all is written, or when the reader has left. */
export async function writeResponse(
  stream: ResponseStream,
  { statusCode, headers, body, isBase64Encoded, events }: HttpResponse,
): Promise<void> {
  const out = begin(stream, { statusCode, headers })
  out.write(isBase64Encoded === true ? Buffer.from(body, 'base64') : body) // also if empty: it sends the status
  if (events !== undefined) await writeEvents(out, events)
  out.end()
}

async function writeEvents(out: ResponseStream, events: NonNullable<HttpResponse['events']>): Promise<void> {
  for await (const text of events) {
    if (out.destroyed === true) return
    if (!out.write(text)) await drained(out)
  }
}

function drained(out: ResponseStream): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['drain', 'close', 'error'] as const) out.once(name, resolve)
  })
}

const httpContentType = 'application/vnd.awslambda.http-integration-response'
const preludeEnd = new Uint8Array(8)

/** The stream of a response's body. Its status and headers come first, as JSON that eight zeros end. */
function begin(stream: ResponseStream, prelude: Prelude): ResponseStream {
  const from = awslambda()?.HttpResponseStream
  if (from !== undefined) return from.from(stream, prelude)
  stream.setContentType?.(httpContentType)
  stream.write(JSON.stringify(prelude))
  stream.write(preludeEnd)
  return stream
}
