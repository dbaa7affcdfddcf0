import { isRecord } from '../events/events.ts'

/** The members of an event of payload format 2.0 that are used: of an HTTP API, or of a function URL. */
export interface HttpEvent {
  readonly version: '2.0'
  readonly rawPath: string
  readonly rawQueryString?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly requestContext: {
    readonly requestId?: string
    readonly http: { readonly method: string; readonly sourceIp?: string }
  }
}

/** An HTTP request, whichever door it came through. */
export interface HttpRequest {
  readonly id: string
  /** In upper case. */
  readonly method: string
  /** Without the query. A stage or a base path may be in front. */
  readonly path: string
  readonly query: URLSearchParams
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As `Cookie` has them: `name=value; name=value`. */
  readonly cookies: string | undefined
  readonly sourceIp: string
  readonly body: string | undefined
  readonly isBase64: boolean
}

/** Whether an event is an HTTP request of payload format 2.0. */
export function isHttpEvent(event: unknown): event is HttpEvent {
  if (!isRecord(event) || event['version'] !== '2.0' || typeof event['rawPath'] !== 'string') return false
  const { requestContext } = event
  return isRecord(requestContext) && isRecord(requestContext['http'])
}

/** Whether a request asks for events that go on. */
export function asksForEvents({ rawQueryString }: HttpEvent): boolean {
  return new URLSearchParams(rawQueryString ?? '').get('live') === 'sse'
}

/** The request of an event. Headers are read whatever the case of their names. */
export function toHttpRequest(event: HttpEvent): HttpRequest {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(event.headers ?? {})) headers[name.toLowerCase()] = value
  const { requestId, http } = event.requestContext
  return {
    id: requestId ?? '',
    method: http.method.toUpperCase(),
    path: event.rawPath,
    query: new URLSearchParams(event.rawQueryString ?? ''),
    headers,
    cookies: event.cookies === undefined ? headers['cookie'] : event.cookies.join('; '),
    sourceIp: http.sourceIp ?? '',
    body: event.body,
    isBase64: event.isBase64Encoded === true,
  }
}

/** The text of a body; undefined for bytes that are not UTF-8. `bytes` is its size. */
export function readBody({ body = '', isBase64 }: HttpRequest): { readonly bytes: number; readonly text?: string } {
  if (!isBase64) return { bytes: Buffer.byteLength(body), text: body }
  const buffer = Buffer.from(body, 'base64')
  try {
    return { bytes: buffer.length, text: new TextDecoder('utf-8', { fatal: true }).decode(buffer) }
  } catch {
    return { bytes: buffer.length }
  }
}
