import { request } from 'node:http'
import { formatOffer, limits } from '@trunkline/protocol'
import { expect, test } from 'vitest'
import { defer, dial, ok, rejectionOf, startTestGateway } from '../test-gateway.suite.ts'

const connectRoutes = [
  { key: '$connect', functionName: 'connect' },
  { key: '$disconnect', functionName: 'disconnect' },
]
const allow = (event: unknown) => ({
  principalId: 'ann',
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: Reflect.get(Object(event), 'methodArn') }],
  },
})
const authorizer = { functionName: 'authorizer', identitySource: ['route.request.header.Sec-WebSocket-Protocol'] }

test('opens without any function when the API has no $connect', async () => {
  await using line = await startTestGateway()
  await dial(line.gateway.url)
  expect(line.calls).toEqual([])
  expect(line.gateway.connections()).toHaveLength(1)
})

test('keeps the handshake pending until $connect has answered', async () => {
  const invoked = defer()
  const answer = defer<typeof ok>()
  await using line = await startTestGateway({
    routes: connectRoutes,
    functions: {
      connect: () => {
        invoked.resolve()
        return answer.promise
      },
    },
  })
  const opening = dial(line.gateway.url)
  await invoked.promise
  expect(line.gateway.connections()).toEqual([])
  answer.resolve(ok)
  await opening
  expect(line.gateway.connections()).toHaveLength(1)
})

test.each([200, 204, 299])('opens when $connect answers %i', async (statusCode) => {
  await using line = await startTestGateway({ routes: connectRoutes, functions: { connect: () => ({ statusCode }) } })
  expect(await rejectionOf(line.gateway.url)).toBe('opened')
})

test('returns the subprotocol of $connect to the client, and no other header', async () => {
  const headers = { 'sec-websocket-protocol': 'trunkline.1', 'X-Other': 'no' }
  await using line = await startTestGateway({
    routes: connectRoutes,
    functions: { connect: () => ({ statusCode: 200, headers, body: 'no' }) },
  })
  const seen = defer<Record<string, unknown>>()
  const client = dial(line.gateway.url, ['trunkline.1', 'session.x'], {
    finishRequest: (handshake) => {
      handshake.once('upgrade', (response) => seen.resolve(response.headers))
      handshake.end()
    },
  })
  expect((await client).socket.protocol).toBe('trunkline.1')
  expect(await seen.promise).not.toHaveProperty('x-other')
})

test('never chooses a subprotocol by itself', async () => {
  await using line = await startTestGateway()
  expect(await rejectionOf(line.gateway.url, ['trunkline.1'])).toBe('Server sent no subprotocol')
})

test.each([301, 401, 403, 418, 500, 502, 599])('rejects with the %i that $connect answers', async (statusCode) => {
  const connect = () => ({ statusCode, headers: { location: 'no' }, body: 'no' })
  await using line = await startTestGateway({ routes: connectRoutes, functions: { connect } })
  expect(await rejectionOf(line.gateway.url)).toBe(String(statusCode))
  await line.gateway.idle()
  expect(line.eventsOf('disconnect')).toEqual([])
})

test.each([
  ['nothing', undefined],
  ['a text', 'ok'],
  ['no status', {}],
  ['a status that is not a number', { statusCode: '200' }],
  ['a status out of range', { statusCode: 101 }],
  ['a key that is not allowed', { statusCode: 200, connectionId: 'x' }],
  ['a subprotocol that would split the response', { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'a\r\nb' } }],
])('rejects with 502 when $connect answers %s', async (_, payload) => {
  await using line = await startTestGateway({ routes: connectRoutes, functions: { connect: () => payload } })
  expect(await rejectionOf(line.gateway.url)).toBe('502')
})

test('rejects with 502 when $connect throws', async () => {
  const connect = () => Promise.reject(new Error('no'))
  await using line = await startTestGateway({ routes: connectRoutes, functions: { connect } })
  expect(await rejectionOf(line.gateway.url)).toBe('502')
})

test('rejects with 502 when $connect is not done within the integration limit', async () => {
  const invoked = defer()
  await using line = await startTestGateway({
    routes: connectRoutes,
    functions: {
      connect: () => {
        invoked.resolve()
        return new Promise(() => {})
      },
    },
  })
  const rejection = rejectionOf(line.gateway.url)
  await invoked.promise
  await line.clock.advance(29_000)
  expect(await rejection).toBe('502')
})

test('rejects with the option’s status when the function of $connect is throttled', async () => {
  const invoke = async () => ({ status: 'throttled' }) as const
  await using line = await startTestGateway({
    routes: connectRoutes,
    invoke,
    undocumented: { connectThrottledStatus: 429 },
  })
  expect(await rejectionOf(line.gateway.url)).toBe('429')
})

test('rejects with 401 and runs nothing when an identity source is missing or empty', async () => {
  const both = ['route.request.querystring.token', 'route.request.header.X-Key']
  await using line = await startTestGateway({
    routes: connectRoutes,
    authorizer: { functionName: 'authorizer', identitySource: both },
    functions: { authorizer: allow, connect: () => ok },
  })
  const { url } = line.gateway
  expect(await rejectionOf(url)).toBe('401')
  expect(await rejectionOf(`${url}?token=a`)).toBe('401')
  expect(await rejectionOf(`${url}?token=`, [], { headers: { 'x-key': 'k' } })).toBe('401')
  expect(line.calls).toEqual([])
  expect(await rejectionOf(`${url}?token=a`, [], { headers: { 'x-key': 'k' } })).toBe('opened')
})

test.each([
  ['401', 'throws exactly Unauthorized', () => Promise.reject(new Error('Unauthorized'))],
  ['500', 'throws anything else', () => Promise.reject(new Error('unauthorized'))],
  ['500', 'answers a value that is not a policy', () => ({ statusCode: 401 })],
  ['500', 'names no principal', (event: unknown) => ({ ...allow(event), principalId: undefined })],
  ['500', 'puts an object into its context', (event: unknown) => ({ ...allow(event), context: { roles: ['a'] } })],
  ['500', 'answers more than 8 KB', (event: unknown) => ({ ...allow(event), context: { big: 'x'.repeat(8_200) } })],
  ['403', 'denies', (event: unknown) => withStatement(event, { Effect: 'Deny' })],
  ['403', 'allows another address', (event: unknown) => withStatement(event, { Resource: `${stageArn(event)}/*/*` })],
  ['403', 'allows another action', (event: unknown) => withStatement(event, { Action: 's3:GetObject' })],
  ['opened', 'allows by a wildcard', (event: unknown) => withStatement(event, { Resource: `${stageArn(event)}/*` })],
])('ends with %s when the authorizer %s', async (outcome, _, run) => {
  await using line = await startTestGateway({
    routes: connectRoutes,
    authorizer,
    functions: { authorizer: run, connect: () => ({ ...ok, headers: { 'Sec-WebSocket-Protocol': 'a' } }) },
  })
  expect(await rejectionOf(line.gateway.url, ['a'])).toBe(outcome)
  expect(line.eventsOf('connect')).toHaveLength(outcome === 'opened' ? 1 : 0)
})

test('lets a Deny win over an Allow', async () => {
  const run = (event: unknown) => {
    const [statement] = allow(event).policyDocument.Statement
    return { principalId: 'ann', policyDocument: { Statement: [statement, { ...statement, Effect: 'Deny' }] } }
  }
  await using line = await startTestGateway({ authorizer, functions: { authorizer: run } })
  expect(await rejectionOf(line.gateway.url, ['a'])).toBe('403')
})

test('runs the authorizer once for every connection: its result is never cached', async () => {
  await using line = await startTestGateway({
    authorizer: { functionName: 'authorizer', identitySource: [] },
    functions: { authorizer: allow },
  })
  await dial(line.gateway.url)
  await dial(line.gateway.url)
  expect(line.eventsOf('authorizer')).toHaveLength(2)
  expect(line.eventsOf('disconnect')).toEqual([])
})

test('answers a plain GET with 426 and another stage with 403', async () => {
  await using line = await startTestGateway()
  expect((await fetch(line.gateway.callbackUrl)).status).toBe(426)
  expect((await fetch(`${line.gateway.origin}/prod`)).status).toBe(403)
  expect(await rejectionOf(`ws://127.0.0.1:${line.gateway.port}/prod`)).toBe('403')
})

test('lets the http option handle other paths', async () => {
  await using line = await startTestGateway({
    http(incoming, response) {
      if (incoming.url !== '/page') return false
      response.end('hello')
      return true
    },
  })
  expect(await (await fetch(`${line.gateway.origin}/page`)).text()).toBe('hello')
  expect((await fetch(`${line.gateway.origin}/other`)).status).toBe(403)
})

test('rejects an address of more than 4,096 characters with 414', async () => {
  await using line = await startTestGateway()
  expect(await rejectionOf(`${line.gateway.url}?a=${'x'.repeat(4_096)}`)).toBe('414')
})

test('rejects headers of more than 10,240 bytes in total, and accepts the longest token', async () => {
  await using line = await startTestGateway()
  const session = 'session.of-22-characters-xxx'
  const longest = formatOffer({ session, token: 't'.repeat(limits.tokenBytes.value) }).join(', ')
  expect(await rejectionOf(line.gateway.url, [], { headers: { 'x-offered-protocols': longest } })).toBe('opened')
  expect(await rejectionOf(line.gateway.url, ['trunkline.1', `token.${'t'.repeat(10_240)}`])).toBe('431')
})

test('applies the header limit and the status of its options', async () => {
  const options = { limits: { headerBytes: 500 }, undocumented: { headersTooLargeStatus: 400 } }
  await using line = await startTestGateway(options)
  expect(await rejectionOf(line.gateway.url)).toBe('opened')
  expect(await rejectionOf(line.gateway.url, ['trunkline.1', `token.${'t'.repeat(500)}`])).toBe('400')
})

test('rejects handshakes above the rate with 429', async () => {
  await using line = await startTestGateway({ throttles: { connects: { perSecond: 1, burst: 2 } } })
  const { url } = line.gateway
  expect([await rejectionOf(url), await rejectionOf(url), await rejectionOf(url)]).toEqual(['opened', 'opened', '429'])
  await line.clock.advance(1_000)
  expect(await rejectionOf(url)).toBe('opened')
})

test('runs $disconnect when the client left while $connect ran', async () => {
  const invoked = defer()
  const left = defer()
  const received = defer<unknown>()
  await using line = await startTestGateway({
    routes: connectRoutes,
    functions: {
      async connect() {
        invoked.resolve()
        await left.promise
        return ok
      },
      disconnect: (event) => received.resolve(event.requestContext.disconnectStatusCode),
    },
  })
  const handshake = request(line.gateway.callbackUrl, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  handshake.on('error', () => {})
  handshake.end()
  await invoked.promise
  handshake.destroy()
  handshake.once('close', () => left.resolve())
  expect(await received.promise).toBe(1006)
  expect(line.gateway.connections()).toEqual([])
})

function stageArn(event: unknown): string {
  return String(Reflect.get(Object(event), 'methodArn')).replace('/$connect', '')
}

function withStatement(event: unknown, change: Record<string, string>) {
  const [statement] = allow(event).policyDocument.Statement
  return { principalId: 'ann', policyDocument: { Statement: [{ ...statement, ...change }] } }
}
