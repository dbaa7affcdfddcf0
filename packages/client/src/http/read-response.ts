/** What one HTTP request came to. */
export type HttpAnswer =
  /** The server's frames, and the name of the connection if the request opened one. */
  | {
      readonly kind: 'frames'
      readonly text: string
      readonly frames: readonly unknown[]
      readonly connection: string | null
    }
  /** The server has ended the connection [TL-HTTP-4]. `until` is the end of a ban, in epoch milliseconds. */
  | {
      readonly kind: 'gone'
      readonly reason: 'expired' | 'unknown' | 'kicked'
      readonly message: string
      readonly until?: number
    }
  /** The gateway or the server takes no more requests for now, and nothing of this one ran. */
  | { readonly kind: 'throttled'; readonly waitMs: number }
  /** The server refused the request as it is; a repeat would be refused too. */
  | { readonly kind: 'refused'; readonly code: 'MALFORMED' | 'TOO_LARGE'; readonly message: string }
  /** There is no answer of the server: the request was lost, or something between answered instead of it. */
  | { readonly kind: 'lost'; readonly message: string; readonly waitMs: number }

/** The body of a status other than 200. */
interface Refusal {
  readonly reason?: unknown
  readonly message?: unknown
  readonly until?: unknown
}

const longestWaitMs = 60_000 // a longer Retry-After is not believed

/**
 * Reads a response. Only a 200 with a JSON array under our content type is an answer: a captive portal answers 200 with
 * a page of its own, and a proxy may cut a body. [TL-MOVE-1]
 */
export async function readResponse(response: Response, maxBytes: number): Promise<HttpAnswer> {
  const { status, headers } = response
  const waitMs = retryAfterMs(headers.get('retry-after'))
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  const text = await response.text()
  if (status === 429) return { kind: 'throttled', waitMs }
  const lost = (why: string): HttpAnswer => ({ kind: 'lost', message: `Expected JSON with 200, got ${why}.`, waitMs })
  if (type !== 'application/json') return lost(`status ${status} with the content type ${type || 'none'}`)
  if (text.length > maxBytes) return lost(`more than ${maxBytes} bytes`)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return lost(`status ${status} with a body that is cut or no JSON`)
  }
  if (status === 200 && Array.isArray(body))
    return { kind: 'frames', text, frames: body, connection: headers.get('trunkline-connection') }
  return readRefusal(status, body) ?? lost(`status ${status}`)
}

function readRefusal(status: number, body: unknown): HttpAnswer | undefined {
  const { reason, message: given, until }: Refusal = Object(body)
  const message = typeof given === 'string' ? given : `The server answered ${status} with the reason ${reason}.`
  if (status === 410 && (reason === 'expired' || reason === 'unknown' || reason === 'kicked'))
    return { kind: 'gone', reason, message, ...(typeof until === 'number' && { until }) }
  if (status === 413 && reason === 'too-large') return { kind: 'refused', code: 'TOO_LARGE', message }
  const isMalformed = (status === 400 && reason === 'malformed') || (status === 415 && reason === 'content-type')
  return isMalformed ? { kind: 'refused', code: 'MALFORMED', message } : undefined
}

/** `Retry-After` in milliseconds; 0 when it is absent or a date. */
function retryAfterMs(header: string | null): number {
  const seconds = Number(header ?? 0)
  return seconds > 0 ? Math.min(seconds * 1_000, longestWaitMs) : 0
}
