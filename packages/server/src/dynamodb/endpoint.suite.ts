import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import type { DynamoStoreOptions } from './store.ts'
import { lineTable } from './table.ts'

const require = createRequire(import.meta.url)

/** dynalite in this process. */
function createDynalite(): Server {
  repairBig()
  const dynalite: (options: { readonly createTableMs: number }) => Server = require('dynalite')
  return dynalite({ createTableMs: 0 })
}

/**
 * Under the `import` condition, which Vitest's workers run with, dynalite's `require('big.js')` gives an ES module, and
 * every number is refused.
 */
function repairBig(): void {
  const path = createRequire(require.resolve('dynalite')).resolve('big.js')
  const big: unknown = require(path)
  const cached = require.cache[path]
  if (typeof big !== 'function' && cached !== undefined) cached.exports = cached.exports.default
}

/** Any will do: an emulator checks none. */
export const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Closes a server with the connections that clients keep alive. */
export async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** An endpoint with one empty line table: dynalite in this process, or `TRUNKLINE_DYNAMODB_ENDPOINT`. */
export async function openTable(): Promise<{
  options: DynamoStoreOptions & { endpoint: string }
  end(): Promise<void>
}> {
  const given = process.env.TRUNKLINE_DYNAMODB_ENDPOINT
  const server = given === undefined ? createDynalite() : undefined
  const endpoint = server === undefined ? (given ?? '') : await listen(server)
  const table = `line-${process.pid}-${Date.now().toString(36)}`
  const client = new DynamoDBClient({ ...access, endpoint })
  await client.send(new CreateTableCommand(lineTable(table)))
  await waitUntilTableExists({ client, minDelay: 0.02, maxDelay: 0.1, maxWaitTime: 10 }, { TableName: table })
  client.destroy()
  return {
    options: { table, endpoint, ...access, requestTimeoutMs: 15_000 },
    async end() {
      if (server !== undefined) await close(server)
    },
  }
}

/** One exchange with the endpoint, as a proxy sees it. */
export interface Exchange {
  /** `PutItem`, `Query`, … */
  readonly operation: string
  readonly body: string
  /** Sends the request on, once more at each call. */
  forward(body?: string, operation?: string): Promise<{ readonly status: number; readonly body: string }>
  answer(status: number, body: string): void
  /**
   * Breaks the connection instead of answering. On a socket that was used before, the client takes the request for one
   * that was not sent.
   */
  cut(): void
  /** Breaks the connection within the answer. */
  cutAnswer(): void
}

/** A proxy before an endpoint: it sees every request, and may lose or change what it likes. */
export async function proxy(endpoint: string, handle: (exchange: Exchange) => Promise<void>) {
  const server = createServer(async (incoming, response) => {
    await handle(await toExchange(endpoint, incoming, response))
  })
  return { endpoint: await listen(server), end: () => close(server) }
}

async function toExchange(endpoint: string, incoming: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const target = String(incoming.headers['x-amz-target'])
  const version = target.split('.')[0]
  const operation = target.split('.')[1] ?? ''
  const body = await textOf(incoming)
  return {
    operation,
    body,
    forward: (text = body, as = operation) =>
      post(endpoint, text, { ...incoming.headers, 'x-amz-target': `${version}.${as}` }),
    answer(status, text) {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(text)
    },
    cut: () => incoming.socket.destroy(),
    cutAnswer() {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{', () => incoming.socket.destroy())
    },
  }
}

async function post(endpoint: string, body: string, headers: IncomingMessage['headers']) {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = headers
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(endpoint, { method: 'POST', headers: kept }, resolve).on('error', reject).end(body)
  })
  return { status: answer.statusCode ?? 0, body: await textOf(answer) }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}
