import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createApiGateway } from './gateway.ts'

const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A callback API that answers with `handle`. */
async function callbackApi(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { callbackUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dev`, server }
}

async function gatewayAnswering(status: number, headers: Record<string, string> = {}, body = '') {
  let requests = 0
  const { callbackUrl } = await callbackApi((_, response) => {
    requests += 1
    response.writeHead(status, headers).end(body)
  })
  return { gateway: createApiGateway({ callbackUrl, ...access }), requests: () => requests }
}

describe('a post', () => {
  it('sends the text to the connection, signed for the API', async () => {
    const seen: unknown[] = []
    const { callbackUrl } = await callbackApi(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      seen.push([request.method, request.url, Buffer.concat(parts).toString('utf8')])
      expect(request.headers.authorization).toContain('/us-east-1/execute-api/aws4_request')
      response.end()
    })
    const gateway = createApiGateway({ callbackUrl, ...access })
    expect(await gateway.post('PJqB0fHsqRcCHlw=', '{"text":"ü 🎉"}')).toEqual({ status: 'posted' })
    expect(seen).toEqual([['POST', '/dev/@connections/PJqB0fHsqRcCHlw%3D', '{"text":"ü 🎉"}']])
  })

  it.each([
    { status: 410, type: 'GoneException', outcome: { status: 'gone' } },
    { status: 413, type: 'PayloadTooLargeException', outcome: { status: 'too-large' } },
    { status: 429, type: 'LimitExceededException', outcome: { status: 'throttled' } },
    { status: 400, type: 'BadRequestException', outcome: { status: 'failed', unknown: false } },
    { status: 403, type: 'ForbiddenException', outcome: { status: 'failed', unknown: false } },
    { status: 500, type: 'InternalServerErrorException', outcome: { status: 'failed', unknown: true } },
    { status: 503, type: 'ServiceUnavailableException', outcome: { status: 'failed', unknown: true } },
  ])('recognises a $status with and without its name, and does not retry', async ({ status, type, outcome }) => {
    const answers: [Record<string, string>, string][] = [
      [{ 'x-amzn-errortype': type }, ''],
      [{ 'content-type': 'application/json' }, '{"message":"no"}'],
      [{}, ''],
      [{ 'content-type': 'text/html' }, '<h1>no</h1>'], // a real 410 is not always JSON
    ]
    for (const [headers, body] of answers) {
      const { gateway, requests } = await gatewayAnswering(status, headers, body)
      expect(await gateway.post('c1', 'x')).toMatchObject(outcome)
      expect(requests()).toBe(1)
    }
  })

  it('has succeeded with each 2xx, since emulators answer without a body: 204', async () => {
    for (const status of [200, 202, 204]) {
      const { gateway, requests } = await gatewayAnswering(status)
      expect(await gateway.post('c1', 'x')).toEqual({ status: 'posted' })
      expect(await gateway.post('c1', 'x')).toEqual({ status: 'posted' })
      expect(requests()).toBe(2)
    }
  })

  it('reports the reason of a refusal', async () => {
    const { gateway } = await gatewayAnswering(403, { 'x-amzn-errortype': 'ForbiddenException' }, '{"message":"no"}')
    expect(await gateway.post('c1', 'x')).toEqual({
      status: 'failed',
      unknown: false,
      reason: 'ForbiddenException (403): no',
    })
  })
  it('fails as unknown at its own deadline, before a response and within one', async () => {
    for (const begins of [false, true]) {
      const { callbackUrl } = await callbackApi((_, response) => {
        if (begins) response.writeHead(500, { 'content-length': 10 }).write('{')
      })
      const gateway = createApiGateway({ callbackUrl, ...access, requestTimeoutMs: 50 })
      expect(await gateway.post('c1', 'x')).toMatchObject({ status: 'failed', unknown: true })
      expect(await gateway.disconnect('c1')).toBe('failed')
    }
  })
  it('fails as unknown when its signal aborts, also before the start', async () => {
    const controller = new AbortController()
    const { callbackUrl } = await callbackApi(() => controller.abort(new Error('no more time')))
    const gateway = createApiGateway({ callbackUrl, ...access })
    const failed = { status: 'failed', unknown: true, reason: 'Error: no more time' }
    expect(await gateway.post('c1', 'x', { signal: controller.signal })).toEqual(failed)
    expect(await gateway.post('c1', 'x', { signal: controller.signal })).toEqual(failed)
  })
  it('fails as unknown when the socket breaks', async () => {
    const { callbackUrl } = await callbackApi((request) => request.socket.destroy())
    const outcome = await createApiGateway({ callbackUrl, ...access }).post('c1', 'x')
    expect(outcome).toMatchObject({ status: 'failed', unknown: true })
  })
  it('is known not to be sent when the server does not listen', async () => {
    const { callbackUrl, server } = await callbackApi(() => {})
    await new Promise((resolve) => server.close(resolve))
    const outcome = await createApiGateway({ callbackUrl, ...access }).post('c1', 'x')
    const reason = expect.stringContaining('ECONNREFUSED')
    expect(outcome).toEqual({ status: 'failed', unknown: false, retry: true, reason })
  })
  it('is known not to be sent without a region, and names AWS_REGION', async () => {
    const kept = { ...process.env }
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
    process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
    const { callbackUrl } = await callbackApi((_, response) => response.end())
    const gateway = createApiGateway({ callbackUrl, credentials: access.credentials })
    const outcome = await gateway.post('c1', 'x').finally(() => {
      process.env = kept
    })
    const reason = 'RegionMissingError: No AWS region is known: set AWS_REGION or pass `region`.'
    expect(outcome).toEqual({ status: 'failed', unknown: false, reason })
  })
  it('reuses sockets, and many at once', async () => {
    const sockets = new Set<unknown>()
    const { callbackUrl } = await callbackApi((request, response) => {
      sockets.add(request.socket)
      response.end()
    })
    const gateway = createApiGateway({ callbackUrl, ...access, requestTimeoutMs: 10_000 })
    await gateway.post('c1', 'x')
    await gateway.post('c1', 'x')
    expect(sockets.size).toBe(1)
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => gateway.post('c1', 'x')))
    expect(outcomes).toEqual(Array(300).fill({ status: 'posted' }))
    expect(sockets.size).toBeLessThanOrEqual(200)
  })
})

describe('a disconnect', () => {
  it('closes the connection', async () => {
    let seen = ''
    const { callbackUrl } = await callbackApi((request, response) => {
      seen = `${request.method} ${request.url}`
      response.writeHead(204).end()
    })
    expect(await createApiGateway({ callbackUrl, ...access }).disconnect('c1')).toBe('closed')
    expect(seen).toBe('DELETE /dev/@connections/c1')
  })
  it('reports a connection that is closed, or not open yet, as gone', async () => {
    const { gateway } = await gatewayAnswering(410)
    expect(await gateway.disconnect('c1')).toBe('gone')
  })
  it.each([403, 429, 500])('fails on %i', async (status) => {
    const { gateway } = await gatewayAnswering(status)
    expect(await gateway.disconnect('c1')).toBe('failed')
  })
})
