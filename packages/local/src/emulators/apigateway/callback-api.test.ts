import { ApiGatewayManagementApi } from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, expect, test } from 'vitest'
import type { GatewayOptions } from './gateway.ts'
import { defer, dial, ok, startTestGateway } from './test-gateway.suite.ts'

const sdks: ApiGatewayManagementApi[] = []
afterEach(() => {
  for (const sdk of sdks.splice(0)) sdk.destroy()
})

function createSdk(endpoint: string, maxAttempts = 1) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const sdk = new ApiGatewayManagementApi({ endpoint, region: 'us-east-1', credentials, maxAttempts })
  sdks.push(sdk)
  return sdk
}

/** A connected client, and the unchanged AWS client for it. */
async function startPair(options: Partial<GatewayOptions> = {}) {
  const line = await startTestGateway(options)
  const client = await dial(line.gateway.url, [], { headers: { 'user-agent': 'test' } })
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  return { line, client, id, sdk: createSdk(line.gateway.callbackUrl) }
}

/** The name and status of an exception. */
function failureOf(work: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  return work.then(
    () => ({ name: 'none', status: 200 }),
    (error) => ({ name: error.name, status: error.$metadata?.httpStatusCode }),
  )
}

const unknownId = 'AAAAAAAAAAAAAAA='

test('POST sends one text message and answers 200 with an empty body', async () => {
  const { line, client, id, sdk } = await startPair()
  await using _ = line
  const answer = await sdk.postToConnection({ ConnectionId: id, Data: 'hello ✓' })
  expect(answer.$metadata.httpStatusCode).toBe(200)
  expect(await client.next()).toBe('hello ✓')
})

test('POST accepts 131,072 bytes and rejects one more with 413', async () => {
  const { line, client, id, sdk } = await startPair()
  await using _ = line
  await sdk.postToConnection({ ConnectionId: id, Data: 'é'.repeat(65_536) })
  expect(await client.next()).toBe('é'.repeat(65_536))
  expect(await failureOf(sdk.postToConnection({ ConnectionId: id, Data: 'x'.repeat(131_073) }))).toEqual({
    name: 'PayloadTooLargeException',
    status: 413,
  })
  expect(await failureOf(sdk.postToConnection({ ConnectionId: id, Data: 'x'.repeat(5_000_000) }))).toMatchObject({
    status: 413,
  })
})

test('GET describes a connection', async () => {
  const { line, id, sdk } = await startPair()
  await using _ = line
  await line.clock.advance(60_000)
  await sdk.postToConnection({ ConnectionId: id, Data: 'x' })
  const answer = await sdk.getConnection({ ConnectionId: id })
  const [connection] = line.gateway.connections()
  expect(answer).toMatchObject({
    ConnectedAt: new Date(connection?.connectedAt ?? 0),
    LastActiveAt: new Date(connection?.lastActiveAt ?? 0),
    Identity: { SourceIp: '127.0.0.1', UserAgent: 'test' },
  })
  expect(Number(answer.LastActiveAt) - Number(answer.ConnectedAt)).toBeGreaterThanOrEqual(60_000)
})

test('GET has a null for a user agent that was not sent, and its keys in order', async () => {
  await using line = await startTestGateway({ signed: false })
  await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  const answer = await fetch(`${line.gateway.callbackUrl}/@connections/${encodeURIComponent(id)}`)
  expect(await answer.text()).toMatch(
    /^\{"connectedAt":"[^"]+Z","identity":\{"sourceIp":"127\.0\.0\.1","userAgent":null\},"lastActiveAt":"[^"]+Z"\}$/,
  )
})

test('DELETE answers 204, closes with 1000 and runs $disconnect', async () => {
  const received = defer<unknown>()
  await using line = await startTestGateway({
    routes: [{ key: '$disconnect', functionName: 'disconnect' }],
    functions: { disconnect: (event) => received.resolve(event.requestContext) },
  })
  const client = await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  const sdk = createSdk(line.gateway.callbackUrl)
  const answer = await sdk.deleteConnection({ ConnectionId: id })
  expect(answer.$metadata.httpStatusCode).toBe(204)
  expect(await client.closed).toEqual({ code: 1000, reason: 'Connection Closed Normally' })
  expect(await received.promise).toMatchObject({
    disconnectStatusCode: 1000,
    disconnectReason: 'Connection Closed Normally',
  })
  expect(await failureOf(sdk.deleteConnection({ ConnectionId: id }))).toMatchObject({ status: 410 })
})

test('answers 410 GoneException for a connection that is closed or was never there', async () => {
  const { line, client, id, sdk } = await startPair()
  await using _ = line
  client.socket.close()
  await client.closed
  await line.gateway.idle()
  const gone = { name: 'GoneException', status: 410 }
  for (const ConnectionId of [id, unknownId]) {
    expect(await failureOf(sdk.postToConnection({ ConnectionId, Data: 'x' }))).toEqual(gone)
    expect(await failureOf(sdk.getConnection({ ConnectionId }))).toEqual(gone)
    expect(await failureOf(sdk.deleteConnection({ ConnectionId }))).toEqual(gone)
  }
})

test('answers 410 while $connect runs, and 410 to $disconnect', async () => {
  const outcomes: unknown[] = []
  const done = defer()
  const post = async (event: { requestContext: { connectionId: string } }) => {
    const sdk = createSdk(line.gateway.callbackUrl)
    const { connectionId } = event.requestContext
    outcomes.push((await failureOf(sdk.postToConnection({ ConnectionId: connectionId, Data: 'x' }))).status)
    if (outcomes.length === 2) done.resolve()
    return ok
  }
  await using line = await startTestGateway({
    routes: [
      { key: '$connect', functionName: 'post' },
      { key: '$disconnect', functionName: 'post' },
    ],
    functions: { post },
  })
  const client = await dial(line.gateway.url)
  client.socket.close()
  await done.promise
  expect(outcomes).toEqual([410, 410])
})

test.each(['short', 'not/an/id', 'AAAAAAAAAAAAAAAA', 'AAAAAAAA%AAAAAA='])(
  'answers 400 for the malformed id %s',
  async (id) => {
    const { line, sdk } = await startPair()
    await using _ = line
    expect(await failureOf(sdk.postToConnection({ ConnectionId: id, Data: 'x' }))).toEqual({
      name: 'BadRequestException',
      status: 400,
    })
  },
)

test('accepts the id with and without escapes', async () => {
  const { line, client, id } = await startPair({ signed: false })
  await using _ = line
  for (const path of [`@connections/${id}`, `%40connections/${encodeURIComponent(id)}`]) {
    await fetch(`${line.gateway.callbackUrl}/${path}`, { method: 'POST', body: path })
    expect(await client.next()).toBe(path)
  }
})

test('answers 403 without an Authorization header, on another stage, path or method', async () => {
  const { line, id } = await startPair()
  await using _ = line
  const { callbackUrl, origin } = line.gateway
  const address = `${callbackUrl}/@connections/${encodeURIComponent(id)}`
  const headers = { authorization: 'AWS4-HMAC-SHA256 x' }
  const unsigned = await fetch(address, { method: 'POST', body: 'x' })
  expect([unsigned.status, unsigned.headers.get('x-amzn-errortype')]).toEqual([403, 'ForbiddenException'])
  expect((await fetch(`${callbackUrl}/@connections`, { method: 'POST', body: 'x', headers })).status).toBe(403)
  expect((await fetch(address, { method: 'PUT', body: 'x', headers })).status).toBe(403)
  const elsewhere = createSdk(`${origin}/prod`)
  expect(await failureOf(elsewhere.postToConnection({ ConnectionId: id, Data: 'x' }))).toMatchObject({ status: 403 })
})

test('answers 429 LimitExceededException beyond the rate', async () => {
  const { line, id, sdk } = await startPair({ throttles: { posts: { perSecond: 0, burst: 0 } } })
  await using _ = line
  expect(await failureOf(sdk.postToConnection({ ConnectionId: id, Data: 'x' }))).toEqual({
    name: 'LimitExceededException',
    status: 429,
  })
})

test('answers 429 while a client reads too slowly, if the option is set', async () => {
  const { line, client, id, sdk } = await startPair({ undocumented: { clientBufferBytes: 1_000_000 } })
  await using _ = line
  client.socket.pause()
  const statuses = new Set<number | undefined>()
  for (let posts = 0; posts < 200 && !statuses.has(429); posts++) {
    statuses.add((await failureOf(sdk.postToConnection({ ConnectionId: id, Data: 'x'.repeat(131_072) }))).status)
  }
  expect([...statuses]).toEqual([200, 429])
})

test('splits a long post into frames of 32 KB that the client joins again', async () => {
  const { line, client, id, sdk } = await startPair()
  await using _ = line
  const text = '😀'.repeat(30_000)
  await sdk.postToConnection({ ConnectionId: id, Data: text })
  expect(await client.next()).toBe(text)
})

test('sends data that is not UTF-8 as binary, if the option is set', async () => {
  const { line, client, id, sdk } = await startPair({ undocumented: { binaryPost: 'binary' } })
  await using _ = line
  const received = new Promise((resolve) => client.socket.once('message', (data, binary) => resolve([data, binary])))
  await sdk.postToConnection({ ConnectionId: id, Data: new Uint8Array([0xff, 0x00]) })
  expect(await received).toEqual([Buffer.from([0xff, 0x00]), true])
})
