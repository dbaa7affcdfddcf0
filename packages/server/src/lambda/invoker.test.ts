import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createLambdaInvoker } from '../invoker/invoker.ts'

const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const functions = { deliver: 'line-deliver', worker: undefined }
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A Lambda API that answers with `handle`. */
async function lambdaApi(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('the lambda invoker', () => {
  it('starts the named function asynchronously with the payload as JSON', async () => {
    const seen: unknown[] = []
    const endpoint = await lambdaApi(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const type = request.headers['x-amz-invocation-type']
      seen.push([request.url, type, JSON.parse(Buffer.concat(parts).toString('utf8'))])
      response.writeHead(202).end()
    })
    await createLambdaInvoker({ functions, endpoint, ...access }).invoke('deliver', { topic: 'ü', offset: 3 })
    expect(seen).toEqual([['/2015-03-31/functions/line-deliver/invocations', 'Event', { topic: 'ü', offset: 3 }]])
  })
  it('names the environment variable of a function that it does not know', async () => {
    const invoker = createLambdaInvoker({ functions: {}, ...access })
    await expect(invoker.invoke('deliver', {})).rejects.toThrow(
      'No function name for `deliver`: set TRUNKLINE_DELIVER to the name of the deployed function.',
    )
    await expect(invoker.invoke('worker', {})).rejects.toThrow('set TRUNKLINE_WORKER')
  })
  it('throws when the invocation was not accepted', async () => {
    const endpoint = await lambdaApi((_, response) =>
      response.writeHead(404, { 'x-amzn-errortype': 'ResourceNotFoundException' }).end('{}'),
    )
    const invoker = createLambdaInvoker({ functions, endpoint, ...access })
    await expect(invoker.invoke('deliver', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
  it('retries when it is throttled', async () => {
    let requests = 0
    const endpoint = await lambdaApi((_, response) => {
      requests += 1
      const throttled = requests === 1
      response
        .writeHead(throttled ? 429 : 202, throttled ? { 'x-amzn-errortype': 'TooManyRequestsException' } : {})
        .end('{}')
    })
    await createLambdaInvoker({ functions, endpoint, ...access }).invoke('deliver', {})
    expect(requests).toBe(2)
  })
  it('reuses its socket', async () => {
    const endpoint = await lambdaApi((_, response) => response.writeHead(202).end())
    let sockets = 0
    servers.at(-1)?.on('connection', () => {
      sockets += 1
    })
    const invoker = createLambdaInvoker({ functions, endpoint, ...access })
    await invoker.invoke('deliver', {})
    await invoker.invoke('deliver', {})
    expect(sockets).toBe(1)
  })
  it('aborts with its signal', async () => {
    const controller = new AbortController()
    const endpoint = await lambdaApi(() => controller.abort(new Error('no more time')))
    const invoker = createLambdaInvoker({ functions, endpoint, ...access })
    await expect(invoker.invoke('deliver', {}, { signal: controller.signal })).rejects.toThrow('no more time')
  })
  it('names AWS_REGION when no region is known', async () => {
    const kept = { ...process.env }
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
    process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
    const { credentials } = access
    const failed = createLambdaInvoker({ functions, credentials }).invoke('deliver', {})
    await expect(failed).rejects.toThrow('set AWS_REGION')
    process.env = kept
  })
})
