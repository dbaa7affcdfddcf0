/** A response of payload format 2.0. */
export interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body is in base64. */
  readonly isBase64Encoded?: true
  /** What follows the body, as it comes. Only where the reader asked for events and the response is streamed. */
  readonly events?: AsyncGenerator<string, void, void>
}

/** A response with the frames of a request. */
export function framesResponse(body: string, headers: HttpResponse['headers'] = {}): HttpResponse {
  return { statusCode: 200, headers: { ...common, ...headers }, body }
}

/** The body of a response without frames. */
export interface Refusal {
  readonly reason: string
  readonly message?: string
  /** Of a connection that the server has ended with a ban: until when, in epoch milliseconds. */
  readonly until?: number
}

/**
 * A response without frames. `reason` is a word for programs; `message` says what was expected, what came and what to
 * do. Nothing of the request has run.
 */
export function refusal(
  statusCode: number,
  { headers = {}, ...body }: Refusal & { readonly headers?: HttpResponse['headers'] },
): HttpResponse {
  return { statusCode, headers: { ...common, ...headers }, body: JSON.stringify(body) }
}

/** A response without a body. */
export function emptyResponse(headers: HttpResponse['headers']): HttpResponse {
  return { statusCode: 204, headers, body: '' }
}

/** The headers of every response. No cache may keep one, and no browser may guess another type. */
const common = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}
