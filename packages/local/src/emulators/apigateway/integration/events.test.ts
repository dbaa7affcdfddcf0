import { expect, test } from 'vitest'
import { dial, ok, startTestGateway } from '../test-gateway.suite.ts'

const routes = ['$connect', '$default', '$disconnect'].map((key) => ({ key, functionName: key }))
const context = { userId: 'u1', n: 1, isAdmin: true }
const functions = {
  authorizer: (event: unknown) => ({
    principalId: 'u1',
    policyDocument: {
      Statement: { Action: '*', Effect: 'Allow', Resource: String(Reflect.get(Object(event), 'methodArn')) },
    },
    context,
  }),
  $connect: () => ({ ...ok, headers: { 'Sec-WebSocket-Protocol': 'v1.chat' } }),
  $default: () => ok,
}
const id = /^[0-9A-Za-z_-]{15}=$/

/** One connection from its handshake to its end, with the events that the functions received. */
async function runThrough(query = '', headers: Record<string, string> = {}) {
  await using line = await startTestGateway({
    routes,
    functions,
    authorizer: { functionName: 'authorizer', identitySource: [] },
  })
  const client = await dial(line.gateway.url + query, ['v1.chat', 'token.abc'], { headers })
  client.socket.send('{"id":1}')
  client.socket.send('{"id":2}')
  client.socket.close()
  await client.closed
  await line.gateway.idle()
  const of = (name: string) => Object(line.eventsOf(name)[0])
  return {
    host: `127.0.0.1:${line.gateway.port}`,
    authorizer: of('authorizer'),
    connect: of('$connect'),
    message: of('$default'),
    second: Object(line.eventsOf('$default')[1]),
    disconnect: of('$disconnect'),
  }
}

test('gives $connect its headers, its query and the context, with the keys in order', async () => {
  const { connect, host } = await runThrough('?token=a%20b&token=c&x=1', { 'user-agent': 'Test/1', 'X-Own': 'v' })
  expect(Object.keys(connect)).toEqual([
    'headers',
    'multiValueHeaders',
    'queryStringParameters',
    'multiValueQueryStringParameters',
    'requestContext',
    'isBase64Encoded',
  ])
  expect(Object.keys(connect.headers)).toEqual([
    'Host',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Version',
    'user-agent',
    'X-Amzn-Trace-Id',
    'X-Forwarded-For',
    'X-Forwarded-Port',
    'X-Forwarded-Proto',
    'X-Own',
  ])
  expect(connect.headers).toMatchObject({
    Host: host,
    'Sec-WebSocket-Protocol': 'v1.chat,token.abc',
    'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
    'X-Forwarded-For': '127.0.0.1',
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  })
  expect(connect.multiValueHeaders['X-Own']).toEqual(['v'])
  expect(connect.queryStringParameters).toEqual({ token: 'c', x: '1' })
  expect(connect.multiValueQueryStringParameters).toEqual({ token: ['a b', 'c'], x: ['1'] })
  expect(connect.isBase64Encoded).toBe(false)
  const { requestContext } = connect
  expect(Object.keys(requestContext)).toEqual([
    'routeKey',
    'authorizer',
    'eventType',
    'extendedRequestId',
    'requestTime',
    'messageDirection',
    'stage',
    'connectedAt',
    'requestTimeEpoch',
    'identity',
    'requestId',
    'domainName',
    'connectionId',
    'apiId',
  ])
  expect(requestContext).toMatchObject({
    routeKey: '$connect',
    eventType: 'CONNECT',
    messageDirection: 'IN',
    stage: 'dev',
    identity: { userAgent: 'Test/1', sourceIp: '127.0.0.1' },
    domainName: host,
  })
})

test('converts the authorizer’s context to strings, and passes its latency to $connect only', async () => {
  const { connect, message, disconnect } = await runThrough()
  const strings = { userId: 'u1', n: '1', isAdmin: 'true', principalId: 'u1' }
  expect(connect.requestContext.authorizer).toEqual({ ...strings, integrationLatency: expect.any(Number) })
  expect(message.requestContext.authorizer).toEqual(strings)
  expect(disconnect.requestContext.authorizer).toEqual(strings)
})

test('leaves the query out of $connect when there is none, and the user agent when none was sent', async () => {
  const { connect } = await runThrough()
  expect(Object.keys(connect)).toEqual(['headers', 'multiValueHeaders', 'requestContext', 'isBase64Encoded'])
  expect(connect.requestContext.identity).toEqual({ sourceIp: '127.0.0.1' })
})

test('gives a message no headers, and the route that was selected', async () => {
  const { message } = await runThrough()
  expect(Object.keys(message)).toEqual(['requestContext', 'body', 'isBase64Encoded'])
  expect(message.body).toBe('{"id":1}')
  expect(Object.keys(message.requestContext)).toEqual([
    'routeKey',
    'authorizer',
    'messageId',
    'eventType',
    'extendedRequestId',
    'requestTime',
    'messageDirection',
    'stage',
    'connectedAt',
    'requestTimeEpoch',
    'identity',
    'requestId',
    'domainName',
    'connectionId',
    'apiId',
  ])
  expect(message.requestContext).toMatchObject({ routeKey: '$default', eventType: 'MESSAGE', messageDirection: 'IN' })
})

test('passes $disconnect the close and nearly empty headers', async () => {
  const { disconnect, host } = await runThrough()
  expect(disconnect).toMatchObject({
    headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
    multiValueHeaders: { Host: [host], 'x-api-key': [''], 'X-Forwarded-For': [''], 'x-restapi': [''] },
  })
  expect(Object.keys(disconnect.headers)).toEqual(['Host', 'x-api-key', 'X-Forwarded-For', 'x-restapi'])
  expect(Object.keys(disconnect.requestContext)).toEqual([
    'routeKey',
    'authorizer',
    'disconnectStatusCode',
    'eventType',
    'extendedRequestId',
    'requestTime',
    'messageDirection',
    'disconnectReason',
    'stage',
    'connectedAt',
    'requestTimeEpoch',
    'identity',
    'requestId',
    'domainName',
    'connectionId',
    'apiId',
  ])
})

test('gives the authorizer the whole handshake', async () => {
  const { authorizer, connect } = await runThrough('?a=1')
  expect(Object.keys(authorizer)).toEqual([
    'type',
    'methodArn',
    'headers',
    'multiValueHeaders',
    'queryStringParameters',
    'multiValueQueryStringParameters',
    'stageVariables',
    'requestContext',
  ])
  expect(authorizer).toMatchObject({
    type: 'REQUEST',
    methodArn: 'arn:aws:execute-api:us-east-1:000000000000:local00000/dev/$connect',
    headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'content-length': '0' },
    stageVariables: {},
  })
  expect(authorizer.requestContext.connectionId).toBe(connect.requestContext.connectionId)
  expect(authorizer.requestContext).not.toHaveProperty('authorizer')
})

test.each([
  ['empty', { queryStringParameters: {}, multiValueQueryStringParameters: {} }],
  ['absent', {}],
] as const)('has the authorizer’s query fields %s when there is no query', async (authorizerQuery, fields) => {
  await using line = await startTestGateway({
    functions,
    authorizer: { functionName: 'authorizer', identitySource: [] },
    undocumented: { authorizerQuery },
  })
  await dial(line.gateway.url)
  const event = Object(line.eventsOf('authorizer')[0])
  expect(event).toMatchObject(fields)
  expect('queryStringParameters' in event).toBe(authorizerQuery === 'empty')
})

test('creates ids of 16 characters; a message’s id ends like its connection’s, a request’s does not', async () => {
  const { connect, message, second, disconnect } = await runThrough()
  const { connectionId } = connect.requestContext
  const messageIds = [message.requestContext.messageId, second.requestContext.messageId]
  const requestIds = [connect, message, second, disconnect].map((event) => event.requestContext.requestId)
  for (const one of [connectionId, ...messageIds, ...requestIds]) expect(one).toMatch(id)
  for (const messageId of messageIds) expect(messageId.slice(-6)).toBe(connectionId.slice(-6))
  for (const requestId of requestIds) expect(requestId.slice(-7)).not.toBe(connectionId.slice(-7))
  expect(new Set([connectionId, ...messageIds, ...requestIds]).size).toBe(7)
  for (const event of [connect, message, second, disconnect]) {
    expect(event.requestContext.extendedRequestId).toBe(event.requestContext.requestId)
    expect(event.requestContext.connectionId).toBe(connectionId)
  }
})

test('writes times as the log format and as milliseconds', async () => {
  const { connect, message } = await runThrough()
  const { requestTime, requestTimeEpoch, connectedAt } = message.requestContext
  expect(requestTime).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/)
  const [, day, month, year, time] = /^(\d\d)\/(\w+)\/(\d+):(\S+)/.exec(requestTime) ?? []
  expect(Date.parse(`${day} ${month} ${year} ${time} UTC`)).toBe(Math.floor(requestTimeEpoch / 1000) * 1000)
  expect(connectedAt).toBe(connect.requestContext.connectedAt)
  expect(connect.requestContext.requestTimeEpoch).toBeGreaterThanOrEqual(connectedAt)
})

test('treats a query field named __proto__ as a field', async () => {
  const { connect } = await runThrough('?__proto__=q')
  expect(Object.getOwnPropertyDescriptor(connect.queryStringParameters, '__proto__')?.value).toBe('q')
})
