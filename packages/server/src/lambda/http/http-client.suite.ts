import { defined } from '@trunkline/protocol'
import type { TestLine } from '../test-line.suite.ts'
import type { HttpEvent } from './http-event.ts'
import type { HttpResponse } from './http-response.ts'

/** A frame of an answer, as far as tests read it. */
export interface AnswerOf {
  readonly id?: unknown
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string; readonly data: Readonly<Record<string, unknown>> }
  readonly line?: Readonly<Record<string, unknown>>
}

export interface HttpRequestOptions {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly cookies?: readonly string[]
  readonly body?: unknown
  readonly base64?: boolean
  readonly query?: string
}

export const httpSession = 'Vq3mPz0cT1eXo8YsQw2LkR'
let requests = 0

/** Sends one HTTP request as an HTTP API or a function URL would. */
export async function request(made: TestLine, options: HttpRequestOptions = {}): Promise<HttpResponse> {
  const { method = 'POST', path = '/frames', headers = {}, cookies, body = [], base64 = false, query } = options
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const event: HttpEvent = {
    version: '2.0',
    rawPath: path,
    rawQueryString: query ?? '',
    headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
    ...defined({ cookies }),
    body: base64 ? Buffer.from(text).toString('base64') : text,
    isBase64Encoded: base64,
    requestContext: { requestId: `r${++requests}=`, http: { method, sourceIp: '192.0.2.1' } },
  }
  return made.line.withBackend(made.backend, () =>
    made.handlers.http(JSON.parse(JSON.stringify(event)), { getRemainingTimeInMillis: () => 29_000 }),
  ) as Promise<HttpResponse>
}

/** The frames of a response. Throws for a response that has none. */
export function framesOf({ statusCode, body }: HttpResponse): readonly AnswerOf[] {
  if (statusCode !== 200) throw new Error(`Expected 200, got ${statusCode}: ${body}`)
  return JSON.parse(body) as AnswerOf[]
}

/** A client with a connection over HTTP. */
export interface HttpClient {
  readonly connectionId: string
  readonly hello: AnswerOf
  /** Sends frames under the connection, and returns the response as it is. */
  post(frames: unknown): Promise<HttpResponse>
  /** The same, and returns the frames that answer. */
  send(...frames: readonly unknown[]): Promise<readonly AnswerOf[]>
}

/** Opens a connection by `hello`. */
export async function openHttp(
  made: TestLine,
  { session = httpSession, token }: { readonly session?: string; readonly token?: string } = {},
): Promise<HttpClient> {
  const headers = { 'trunkline-session': session, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  const response = await request(made, { headers, body: [{ id: 'h1', method: 'hello' }] })
  const [hello = {}] = framesOf(response)
  const connectionId = response.headers['trunkline-connection'] ?? ''
  const own = { 'trunkline-session': session, 'trunkline-connection': connectionId }
  const post = (body: unknown) => request(made, { headers: own, body })
  return { connectionId, hello, post, send: async (...frames) => framesOf(await post(frames)) }
}

export const queryFrame = (id: string | number, path: string, input?: unknown) => ({
  id,
  method: 'query',
  params: { path, ...defined({ input }) },
})
export const mutationFrame = (id: string | number, path: string, params: object = {}) => ({
  id,
  method: 'mutation',
  params: { path, ...params },
})
