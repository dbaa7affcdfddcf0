import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Intercept } from '../idle-connections.ts'
import { findOriginError } from '../same-site.ts'
import { SqsError, sqsActions } from './actions.ts'
import type { MessageQueue } from './message-queue.ts'

/** SQS over HTTP, in its JSON protocol, for the unchanged `@aws-sdk/client-sqs`. */
export interface SqsApi {
  readonly endpoint: string
  /** A queue's URL, whether the queue exists or not. */
  urlOf(name: string): string
  close(): Promise<void>
}

/** Serves these queues on a free port of the loopback interface. */
export async function startSqs(
  queues: ReadonlyMap<string, MessageQueue>,
  intercept: Intercept = () => false,
): Promise<SqsApi> {
  const server = createServer((request, response) => {
    if (!intercept(request, response)) void answer(queues, request, response)
  })
  server.keepAliveTimeout = 65_000 // longer than a test pauses: a client that reuses a closing socket gets ECONNRESET
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  server.unref()
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return {
    endpoint,
    urlOf: (name) => `${endpoint}/000000000000/${name}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  queues: ReadonlyMap<string, MessageQueue>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const originError = findOriginError(request)
  if (originError !== undefined) return respondError(response, 403, new SqsError('AccessDenied', originError))
  try {
    const input = parse(await readText(request))
    respond(response, 200, { body: runAction(queues, String(request.headers['x-amz-target']), input) })
  } catch (thrown) {
    const error = thrown instanceof SqsError ? thrown : new SqsError('InternalError', 'The queue failed.')
    respondError(response, error.type === 'InternalError' ? 500 : 400, error)
  }
}

function respondError(response: ServerResponse, status: number, { type, message }: SqsError): void {
  respond(response, status, {
    body: { __type: `com.amazonaws.sqs#${type}`, message },
    headers: { 'x-amzn-query-error': `${type};Sender` },
  })
}

function runAction(
  queues: ReadonlyMap<string, MessageQueue>,
  target: string,
  input: Readonly<Record<string, unknown>>,
): object {
  const name = target.replace(/^AmazonSQS\./, '')
  const action = Object.hasOwn(sqsActions, name) ? sqsActions[name] : undefined
  if (action === undefined)
    throw new SqsError('UnsupportedOperation', `The local line does not implement the SQS action ${name}.`)
  const { QueueUrl: url } = input
  const queue = typeof url === 'string' ? queues.get(url.split('/').at(-1) ?? '') : undefined
  if (queue === undefined) throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
  return action(queue, input)
}

function respond(
  response: ServerResponse,
  status: number,
  { body, headers }: { readonly body: object; readonly headers?: Readonly<Record<string, string>> },
): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers })
  response.end(JSON.stringify(body))
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // rejected below, like any body that is not an object
  }
  throw new SqsError('SerializationException', 'Expected the body to be a JSON object.')
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}
