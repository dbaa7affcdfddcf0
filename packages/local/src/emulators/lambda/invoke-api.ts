import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Intercept } from '../idle-connections.ts'
import { findOriginError } from '../same-site.ts'
import type { InvokeResult } from './invocations/lambda-function.ts'

/** The functions that the API invokes. Payloads and results are JSON text. */
export interface InvokeApiHost {
  has(name: string): boolean
  newRequestId(): string
  invoke(name: string, text: string, requestId: string): Promise<InvokeResult>
  invokeAsync(name: string, text: string, requestId: string): void
}

const maxSyncBytes = 6 * 1_048_576 // 6 MB
const maxAsyncBytes = 1_048_576 // 1 MB

/** Serves `POST /2015-03-31/functions/{name}/invocations` on a free port of the loopback. */
export async function startInvokeApi(
  host: InvokeApiHost,
  intercept: Intercept = () => false,
): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (intercept(request, response)) return
    answer(host, request).then(
      (reply) => send(response, reply, host.newRequestId()),
      () => send(response, refusal(500, 'ServiceException', 'The local Invoke API failed.'), host.newRequestId()),
    )
  })
  server.keepAliveTimeout = 65_000 // longer than a test pauses: a client that reuses a closing socket gets ECONNRESET
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  server.unref()
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function answer(host: InvokeApiHost, request: IncomingMessage): Promise<Reply> {
  const originError = findOriginError(request)
  if (originError !== undefined) return refusal(403, 'AccessDeniedException', originError)
  const body = await readBody(request)
  const name = functionName(request)
  if (name === undefined)
    return refusal(404, 'UnknownOperationException', 'The local line serves only the operation Invoke.')
  if (!host.has(name)) return refusal(404, 'ResourceNotFoundException', `Function not found: ${name}`)
  const type = invocationType(request)
  const limit = type === 'Event' ? maxAsyncBytes : maxSyncBytes
  if (body === undefined || Buffer.byteLength(body) > limit) return tooLarge(limit)
  if (!isJson(body)) return refusal(400, 'InvalidRequestContentException', 'Could not parse request body into json.')
  const text = body === '' ? '{}' : body
  if (type === 'DryRun') return { status: 204 }
  const requestId = host.newRequestId()
  if (type === 'RequestResponse') return toReply(await host.invoke(name, text, requestId))
  host.invokeAsync(name, text, requestId)
  return { status: 202 }
}

function toReply(result: InvokeResult): Reply {
  const executed = { 'x-amz-executed-version': '$LATEST' }
  if (result.status === 'ok') return { status: 200, headers: executed, body: JSON.stringify(result.payload) }
  if (result.status === 'throttled') {
    const reason = { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' }
    return refusal(429, 'TooManyRequestsException', 'Rate Exceeded.', reason)
  }
  const { errorType, errorMessage, trace } = result
  const body = JSON.stringify({ errorType, errorMessage, trace })
  return { status: 200, headers: { ...executed, 'x-amz-function-error': 'Unhandled' }, body }
}

function refusal(status: number, type: string, message: string, more: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ ...more, Type: status < 500 ? 'User' : 'Service', Message: message, message }),
  }
}

function tooLarge(limit: number): Reply {
  const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`
  return refusal(413, 'RequestTooLargeException', message)
}

function send(response: ServerResponse, reply: Reply, requestId: string): void {
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    'x-amzn-requestid': requestId,
    ...reply.headers,
  })
  response.end(reply.body)
}

/** The function's name from a name, an ARN or a partial ARN, with or without a qualifier. */
function functionName(request: IncomingMessage): string | undefined {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  const [, encoded] = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/.exec(path) ?? []
  if (request.method !== 'POST' || encoded === undefined) return undefined
  const given = decode(encoded)
  const afterKind = given.split(':function:').at(-1) ?? given
  return afterKind.split(':')[0]
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

function invocationType(request: IncomingMessage): 'Event' | 'RequestResponse' | 'DryRun' {
  const asked = request.headers['x-amz-invocation-type']
  return asked === 'Event' || asked === 'DryRun' ? asked : 'RequestResponse'
}

/**
 * Reads a body. Undefined when it exceeds every limit. It is read to its end nevertheless, because a client that is
 * disconnected while sending never sees the response.
 */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length <= maxSyncBytes) chunks.push(bytes)
  }
  return length > maxSyncBytes ? undefined : Buffer.concat(chunks).toString('utf8')
}

function isJson(text: string): boolean {
  if (text === '') return true
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
