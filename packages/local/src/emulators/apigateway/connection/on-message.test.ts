import { expect, test } from 'vitest'
import { defer, dial, ok, startTestGateway } from '../test-gateway.suite.ts'

const twoWay = [{ key: '$default', functionName: 'f', twoWay: true }]
const oneWay = [{ key: '$default', functionName: 'f' }]
const echo = (event: { readonly body?: string }) => ({ statusCode: 200, body: event.body })
const ping = { key: 'ping', mock: '{"pong":true}', twoWay: true } as const

test('sends the body of a two-way route as one raw message', async () => {
  await using line = await startTestGateway({ routes: twoWay, functions: { f: echo } })
  const client = await dial(line.gateway.url)
  client.socket.send('not JSON, and "raw" ✓')
  expect(await client.next()).toBe('not JSON, and "raw" ✓')
})

test('discards the result of a one-way route', async () => {
  await using line = await startTestGateway({
    routes: [...oneWay, ping],
    functions: { f: () => ({ statusCode: 500, body: 'no' }) },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('x')
  client.socket.send('{"method":"ping"}')
  expect(await client.next()).toBe('{"pong":true}')
  await line.gateway.idle()
  expect(client.pending).toEqual([])
  expect(line.eventsOf('f')).toHaveLength(1)
})

test('answers a mock route without a function [TL-PING-1]', async () => {
  await using line = await startTestGateway({ routes: [ping] })
  const client = await dial(line.gateway.url)
  client.socket.send('{"method":"ping"}')
  expect(await client.next()).toBe('{"pong":true}')
  expect(line.calls).toEqual([])
})

test('answers Forbidden, byte for byte, when no route matches and there is no $default; the socket stays open [TL-GW-1]', async () => {
  await using line = await startTestGateway({ routes: [ping] })
  const client = await dial(line.gateway.url)
  const [connection] = line.gateway.connections()
  client.socket.send('{"method":"other"}')
  const frame = await client.next()
  const { requestId } = JSON.parse(frame)
  expect(frame).toBe(
    `{"message": "Forbidden", "connectionId":"${connection?.connectionId}", "requestId":"${requestId}"}`,
  )
  client.socket.send('{"method":"ping"}')
  expect(await client.next()).toBe('{"pong":true}')
})

test.each([
  ['throws', () => Promise.reject(new Error('no'))],
  ['returns nothing', () => undefined],
  ['returns a text', () => 'x'],
  ['returns no status', () => ({ body: 'x' })],
  ['returns a key that is not allowed', () => ({ statusCode: 200, Data: 'x' })],
  ['returns a body that is not a string', () => ({ statusCode: 200, body: { a: 1 } })],
])(
  'answers Internal server error, byte for byte, when a function %s, on one-way routes too [TL-GW-1]',
  async (_, f) => {
    for (const routes of [twoWay, oneWay]) {
      await using line = await startTestGateway({ routes: [...routes, ping], functions: { f } })
      const client = await dial(line.gateway.url)
      client.socket.send('x')
      const frame = await client.next()
      const { connectionId, requestId } = line.eventsOf('f')[0]?.requestContext ?? {}
      expect(frame).toBe(
        `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
      )
      client.socket.send('{"method":"ping"}')
      expect(await client.next()).toBe('{"pong":true}')
    }
  },
)

test('answers Endpoint request timed out after 29 s, lets the function continue and discards its result [TL-GW-1]', async () => {
  const invoked = defer()
  const answer = defer<unknown>()
  await using line = await startTestGateway({
    routes: [...twoWay, ping],
    functions: {
      f: () => {
        invoked.resolve()
        return answer.promise
      },
    },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('x')
  await invoked.promise
  await line.clock.advance(28_900)
  expect(client.pending).toEqual([])
  await line.clock.advance(100)
  const frame = await client.next()
  const { connectionId, requestId } = line.eventsOf('f')[0]?.requestContext ?? {}
  expect(frame).toBe(
    `{"message": "Endpoint request timed out", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
  )
  answer.resolve({ statusCode: 200, body: 'late' })
  client.socket.send('{"method":"ping"}')
  expect(await client.next()).toBe('{"pong":true}')
})

test('runs the frames of one connection at the same time and answers as they finish', async () => {
  const first = defer()
  await using line = await startTestGateway({
    routes: twoWay,
    functions: {
      async f(event) {
        if (event.body === '1') await first.promise
        return echo(event)
      },
    },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('1')
  client.socket.send('2')
  expect(await client.next()).toBe('2')
  first.resolve()
  expect(await client.next()).toBe('1')
})

test.each([
  ['a route of its own', '{"method":"subscription"}', 'subscription'],
  ['a key that no route has', '{"method":"other"}', '$default'],
  ['no key', '{"id":1}', '$default'],
  ['a key that is null', '{"method":null}', '$default'],
  ['a list', '[{"method":"subscription"}]', '$default'],
  ['no JSON', 'PING', '$default'],
  ['$connect', '{"method":"$connect"}', '$default'],
  ['$disconnect', '{"method":"$disconnect"}', '$default'],
  ['a name of Object.prototype', '{"method":"constructor"}', '$default'],
  ['a number', '{"method":5}', '5'],
])('routes a message that names %s', async (_, text, routeKey) => {
  const keys = ['$connect', '$disconnect', '$default', 'subscription', '5']
  const functions = { f: (event: { requestContext: object }) => ({ ...ok, body: keyOf(event) }) }
  await using line = await startTestGateway({
    routes: keys.map((key) => ({ key, functionName: 'f', twoWay: true })),
    functions,
  })
  const client = await dial(line.gateway.url)
  client.socket.send(text)
  expect(await client.next()).toBe(routeKey)
})

test('reads deeper paths and templates of the route selection expression', async () => {
  const functions = { f: (event: { requestContext: object }) => ({ ...ok, body: keyOf(event) }) }
  const routes = ['$default', 'chat/post'].map((key) => ({ key, functionName: 'f', twoWay: true }))
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the gateway's own syntax
  const routeSelection = '${request.body.service}/${request.body.call.name}'
  await using line = await startTestGateway({ routes, functions, routeSelection })
  const client = await dial(line.gateway.url)
  client.socket.send('{"service":"chat","call":{"name":"post"}}')
  expect(await client.next()).toBe('chat/post')
  client.socket.send('{"service":"chat"}')
  expect(await client.next()).toBe('$default')
})

test('rejects messages above the rate with a frame', async () => {
  await using line = await startTestGateway({
    routes: twoWay,
    functions: { f: echo },
    throttles: { messages: { perSecond: 1, burst: 1 } },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('1')
  expect(await client.next()).toBe('1')
  client.socket.send('2')
  expect(JSON.parse(await client.next())).toMatchObject({ message: 'Too Many Requests' })
  expect(line.eventsOf('f')).toHaveLength(1)
})

test.each([
  [{ emptyBody: 'empty-message' }, { statusCode: 200 }, ['']],
  [{ emptyBody: 'nothing' }, { statusCode: 200 }, []],
  [{ failedBody: 'body' }, { statusCode: 500, body: 'x' }, ['x']],
] as const)('with %j answers %j with %j', async (undocumented, answer, texts) => {
  await using line = await startTestGateway({ routes: [...twoWay, ping], functions: { f: () => answer }, undocumented })
  const client = await dial(line.gateway.url)
  client.socket.send('x')
  for (const text of texts) expect(await client.next()).toBe(text)
  await line.gateway.idle()
  client.socket.send('{"method":"ping"}')
  expect(await client.next()).toBe('{"pong":true}')
})

test('answers a failed two-way route, and a response above 128 KB, with an error if the option is set', async () => {
  await using line = await startTestGateway({
    routes: twoWay,
    functions: {
      f: (event) => (event.body === 'big' ? { ...ok, body: 'x'.repeat(131_073) } : { statusCode: 400, body: 'x' }),
    },
    undocumented: { failedBody: 'internal-server-error' },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('failed')
  expect(JSON.parse(await client.next())).toMatchObject({ message: 'Internal server error' })
  client.socket.send('big')
  expect(JSON.parse(await client.next())).toMatchObject({ message: 'Internal server error' })
})

function keyOf(event: { readonly requestContext: object }): unknown {
  return Reflect.get(event.requestContext, 'routeKey')
}
