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
const serviceFailure = { type: 'ServiceException', message: 'The local Invoke API failed.' }

/** Serves `POST /2015-03-31/functions/{name}/invocations` on a free port of the loopback. */
export async function startInvokeApi(
  host: InvokeApiHost,
  intercept: Intercept = () => false,
): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (intercept(request, response)) return
    answer(host, request).then(
      (reply) => send(response, reply, host.newRequestId()),
      () => send(response, toErrorReply(500, serviceFailure), host.newRequestId()),
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
  if (originError !== undefined) return toErrorReply(403, { type: 'AccessDeniedException', message: originError })
  const body = await readBody(request)
  const name = functionName(request)
  if (name === undefined)
    return toErrorReply(404, {
      type: 'UnknownOperationException',
      message: 'The local line serves only the operation Invoke.',
    })
  if (!host.has(name))
    return toErrorReply(404, { type: 'ResourceNotFoundException', message: `Function not found: ${name}` })
  const type = invocationType(request)
  const limit = type === 'Event' ? maxAsyncBytes : maxSyncBytes
  if (body === undefined || Buffer.byteLength(body) > limit) return tooLarge(limit)
  if (!isJson(body))
    return toErrorReply(400, {
      type: 'InvalidRequestContentException',
      message: 'Could not parse request body into json.',
    })
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
    const more = { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' }
    return toErrorReply(429, { type: 'TooManyRequestsException', message: 'Rate Exceeded.', more })
  }
  const { errorType, errorMessage, trace } = result
  const body = JSON.stringify({ errorType, errorMessage, trace })
  return { status: 200, headers: { ...executed, 'x-amz-function-error': 'Unhandled' }, body }
}

interface ApiFailure {
  readonly type: string
  readonly message: string
  /** Further members of the body. @default none */
  readonly more?: Readonly<Record<string, string>>
}

function toErrorReply(status: number, { type, message, more }: ApiFailure): Reply {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ ...more, Type: status < 500 ? 'User' : 'Service', Message: message, message }),
  }
}

function tooLarge(limit: number): Reply {
  const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`
  return toErrorReply(413, { type: 'RequestTooLargeException', message })
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
  const nameOrArn = decode(encoded)
  const afterKind = nameOrArn.split(':function:').at(-1) ?? nameOrArn
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
  const type = request.headers['x-amz-invocation-type']
  return type === 'Event' || type === 'DryRun' ? type : 'RequestResponse'
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
