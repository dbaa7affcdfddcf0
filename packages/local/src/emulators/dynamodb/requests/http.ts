import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { findOriginError } from '../../same-site.ts'
import type { DynaliteError } from '../rows/dynalite.ts'
import type { TableRegistry } from '../rows/tables.ts'
import { ApiError, isStruct, type Operation } from './api-error.ts'
import { runCall } from './call.ts'
import { meter, tableNameOf } from './metering.ts'
import { internalError } from './patch.ts'

/** The operations that dynalite implements. */
const dynaliteOperations: readonly string[] = [
  ...['BatchGetItem', 'BatchWriteItem', 'CreateTable', 'DeleteItem', 'DeleteTable', 'DescribeTable', 'GetItem'],
  ...['ListTables', 'ListTagsOfResource', 'PutItem', 'Query', 'Scan', 'TagResource', 'UntagResource', 'UpdateItem'],
  'UpdateTable',
]

export interface DynamoServerOptions {
  /** Operations by `X-Amz-Target`. dynalite handles all others. */
  readonly operations: ReadonlyMap<string, Operation>
  readonly dynalite: EventEmitter
  readonly tables: TableRegistry
}

/** Listens on a free port of 127.0.0.1 and serves DynamoDB and DynamoDB Streams. */
export async function listen(options: DynamoServerOptions): Promise<{ server: Server; endpoint: string }> {
  const server = createServer(createListener(options))
  server.keepAliveTimeout = 0 // never close: a client's next request could cross the close and fail with ECONNRESET
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('Expected the server to listen on a port, got no address.')
  return { server, endpoint: `http://127.0.0.1:${address.port}` }
}

function createListener({ operations, dynalite, tables }: DynamoServerOptions): RequestListener {
  return async (request, response) => {
    const originError = findOriginError(request)
    if (originError !== undefined)
      return respondError(response, new ApiError('AccessDeniedException', originError, { status: 403 }))
    const body = await readBody(request)
    if (body === undefined) return
    const tenant = tables.tenantOf(tables.get(tableNameOf(body)))
    if (tenant?.intercept?.(request, response) === true) return
    const target = String(request.headers['x-amz-target'])
    const operation = operations.get(target)
    if (operation !== undefined) return run(response, operation, meter(tables, { request, response, body }))
    if (isUnimplemented(target)) return respondError(response, unknownOperation(target, operations))
    const fail = (error: unknown) => respond(response, 500, internalError(error))
    runCall({ tables, fail }, () => {
      try {
        replay(dynalite, { request, response, body: meter(tables, { request, response, body }) })
      } catch (error) {
        fail(error)
      }
    })
  }
}

/** Reads a body. Undefined when the client disconnected; dynalite would throw for that and end the process. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch {
    return undefined // the client disconnected, so no response is possible
  }
}

/**
 * Passes dynalite a request whose body was already read. `Origin` is removed, because dynalite answers it with CORS
 * headers for any page.
 */
function replay(
  dynalite: EventEmitter,
  { request, response, body }: { request: IncomingMessage; response: ServerResponse; body: Buffer },
): void {
  const { method, url } = request
  const { origin: _, ...headers } = request.headers
  const whole = Object.assign(new EventEmitter(), { headers, method, url })
  dynalite.emit('request', whole, response)
  if (body.length > 0) whole.emit('data', body)
  whole.emit('end')
}

async function run(response: ServerResponse, operation: Operation, body: Buffer): Promise<void> {
  try {
    respond(response, 200, await operation(parseInput(body)))
  } catch (error) {
    if (error instanceof ApiError) return respondError(response, error)
    const { statusCode, body: errorBody } = error instanceof Error ? (error as DynaliteError) : {}
    if (statusCode !== undefined && errorBody !== undefined) return respond(response, statusCode, errorBody)
    respond(response, 500, internalError(error))
  }
}

function respondError(response: ServerResponse, { status, type, message, more }: ApiError): void {
  respond(response, status, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...more })
}

/** Whether neither this server nor dynalite implements the operation. */
function isUnimplemented(target: string): boolean {
  const [api, name = ''] = target.split('.')
  return (api === 'DynamoDB_20120810' && !dynaliteOperations.includes(name)) || api === 'DynamoDBStreams_20120810'
}

function unknownOperation(target: string, operations: DynamoServerOptions['operations']): ApiError {
  const [api, name = ''] = target.split('.')
  const own = [...operations.keys()].flatMap((known) => (known.startsWith(`${api}.`) ? [known.split('.')[1]] : []))
  const served = [...own, ...(api === 'DynamoDB_20120810' ? dynaliteOperations : [])].sort().join(', ')
  return new ApiError(
    'UnknownOperationException',
    `The local DynamoDB does not implement ${name}. It implements ${served}. ` +
      'DynamoDB Local implements more: trunkline dev --dynamodb http://localhost:8000.',
  )
}

function parseInput(body: Buffer): Parameters<Operation>[0] {
  try {
    const input: unknown = JSON.parse(body.toString())
    if (isStruct(input)) return input
  } catch {
    // rejected below, like any body that is not a structure
  }
  throw new ApiError('SerializationException', 'Expected the body to be a JSON object.')
}

function respond(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/x-amz-json-1.0',
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(text)
}
