import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, request as tlsRequest } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createSend } from '../dynamodb/requests/client.ts'
import { createLambdaInvoker } from '../invoker/invoker.ts'
import { createQueueInvoker } from '../invoker/queue-invoker.ts'
import { createAgents, resendUnsent, wasNotSent } from './keep-alive.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Answers the first request on each socket. Every other one meets a dead socket. */
function answeringOnce(die: 'reset' | 'silent'): { readonly listener: RequestListener; readonly answered: string[] } {
  const used = new WeakSet<Socket>()
  const answered: string[] = []
  const listener: RequestListener = async (request, response) => {
    const { socket } = request
    const isDead = used.has(socket)
    used.add(socket)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (isDead) return void (die === 'reset' && socket.resetAndDestroy())
    const body = Buffer.concat(chunks).toString()
    answered.push(body)
    const isInvocation = request.url?.includes('/functions/') === true
    response.writeHead(isInvocation ? 202 : 200, { 'content-type': 'application/x-amz-json-1.0' })
    const { MessageBody = '' }: { readonly MessageBody?: string } = JSON.parse(body)
    const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex') // the client of SQS checks it
    response.end(isInvocation ? '' : JSON.stringify({ MD5OfMessageBody }))
  }
  return { listener, answered }
}

type Call = (n: number) => Promise<unknown>
const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const clients: readonly [string, (endpoint: string, clock: { now(): number }) => Call][] = [
  [
    'DynamoDB',
    (endpoint, clock) => {
      const send = createSend({ ...access, table: 't', endpoint, clock })
      return (n) =>
        send((client, sdk, abortSignal) =>
          client.send(new sdk.PutCommand({ TableName: 't', Item: { pk: String(n) } }), { abortSignal }),
        )
    },
  ],
  [
    'Lambda',
    (endpoint, clock) => {
      const invoker = createLambdaInvoker({ ...access, endpoint, clock, functions: { deliver: 'd' } })
      return (n) => invoker.invoke('deliver', { n })
    },
  ],
  [
    'SQS',
    (endpoint, clock) => {
      const later = createQueueInvoker({ ...access, endpoint, clock, queueUrl: `${endpoint}/0/later` })
      return (n) => later({ n }, { delayMs: 0 })
    },
  ],
]

describe.each(clients)('The client of %s', (_, create) => {
  const many = Array.from({ length: 12 }, (_each, n) => n)

  it('sends a request again after resets of reused sockets, also of more than it has attempts', async () => {
    const { listener, answered } = answeringOnce('reset')
    const port = await listen(createServer(listener))
    const call = create(`http://127.0.0.1:${port}`, { now: () => 5 })
    await Promise.all(many.map(call))
    for (const n of many) await call(n)
    await Promise.all(many.map(call))
    expect(answered).toHaveLength(3 * many.length)
  })

  it('does not reuse sockets that were idle for more than 2 s', async () => {
    let now = 1_000_000
    const { listener, answered } = answeringOnce('silent')
    const port = await listen(createServer(listener))
    const call = create(`http://127.0.0.1:${port}`, { now: () => now })
    await Promise.all(many.map(call))
    now += 2_001
    await Promise.all(many.map(call))
    expect(answered).toHaveLength(2 * many.length)
  })
})

describe('An agent for TLS', () => {
  const certificates = join(dirname(createRequire(import.meta.url).resolve('dynalite')), 'ssl')
  const read = (name: string) => readFileSync(join(certificates, name))
  /** A handler like the SDK's that fails. */
  function handlerOf(port: number, now: () => number) {
    const { httpsAgent } = createAgents({ sockets: 5, clock: { now } })
    const handler = {
      handle: (path: string) =>
        new Promise<string>((resolve, reject) => {
          const options = { host: '127.0.0.1', port, path, agent: httpsAgent, rejectUnauthorized: false }
          const request = tlsRequest(options, (response) => {
            response.resume().on('end', () => setImmediate(resolve, path))
          })
          request.on('error', reject)
          request.end()
        }),
    }
    return { handler, close: () => httpsAgent.destroy() }
  }

  it.each(['reset', 'ended'])('sends a request again when the reused socket was %s', async (how) => {
    const uses = new Map<object, number>()
    const paths: string[] = []
    const server = createTlsServer(
      { key: read('server-key.pem'), cert: read('server-crt.pem') },
      (request, response) => {
        const before = uses.get(request.socket) ?? 0
        uses.set(request.socket, before + 1)
        if (before > 0) return void (how === 'reset' ? request.socket.destroy() : request.socket.end())
        paths.push(request.url ?? '')
        response.end()
      },
    )
    const { handler, close } = handlerOf(await listen(server), () => 5)
    await handler.handle('/1')
    await expect(handler.handle('/lost')).rejects.toSatisfy(wasNotSent)
    resendUnsent(handler)
    for (const path of ['/2', '/3', '/4']) await handler.handle(path)
    expect(paths).toEqual(['/1', '/2', '/3', '/4'])
    close()
  })

  it('does not reuse a socket that was idle for more than 2 s', async () => {
    let now = 0
    const sockets = new Set<object>()
    const server = createTlsServer(
      { key: read('server-key.pem'), cert: read('server-crt.pem') },
      (request, response) => {
        sockets.add(request.socket)
        response.end()
      },
    )
    const { handler, close } = handlerOf(await listen(server), () => now)
    await handler.handle('/1')
    await handler.handle('/2')
    expect(sockets.size).toBe(1)
    now += 2_001
    await handler.handle('/3')
    expect(sockets.size).toBe(2)
    close()
  })
})

describe('An error', () => {
  it('of another kind is not marked as not sent', () => {
    for (const error of [undefined, null, 'ECONNRESET', Object.assign(new Error(), { code: 'ECONNRESET' })])
      expect(wasNotSent(error)).toBe(false)
  })
})
