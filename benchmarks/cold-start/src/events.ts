const connectedAt = Date.now()
const caller = { session: 'cold', principal: null, extensions: true, expectsParams: false }

/** A frame of Trunkline's client, on a route that answers with the function's return value. */
function frameEvent(frame: unknown, routeKey = '$default'): unknown {
  return {
    requestContext: {
      connectionId: 'PJqB0fHsqRcCHlw=',
      eventType: 'MESSAGE',
      routeKey,
      connectedAt,
      authorizer: { trunkline: JSON.stringify(caller) },
    },
    body: JSON.stringify(frame),
  }
}

/** A call without a publish and without a key. */
export const plainCall = frameEvent({ id: 1, method: 'query', params: { path: 'greet', input: { name: 'ann' } } })

/** A subscribe, which writes two rows and reads the log. */
export const subscribe = frameEvent({
  id: 2,
  method: 'subscription',
  params: { path: 'live', input: { room: '7' }, ref: 1 },
})

/** A handshake, as the authorizer gets it. */
export const handshake = {
  type: 'REQUEST',
  methodArn: 'arn:aws:execute-api:local-1:000000000000:line/dev/$connect',
  requestContext: { connectionId: 'PJqB0fHsqRcCHlw=', eventType: 'CONNECT', routeKey: '$connect', connectedAt },
  headers: { 'Sec-WebSocket-Protocol': 'trunkline.1, session.cold' },
}

/** `$connect` after the authorizer. It writes the connection's row. */
export const connect = {
  requestContext: { ...handshake.requestContext, authorizer: { trunkline: JSON.stringify(caller) } },
  headers: handshake.headers,
}

const topic = 'cold.messages#room=7'

/** A new slot in the table's stream, of a topic without subscribers. */
export const streamed = {
  Records: [
    {
      eventName: 'INSERT',
      dynamodb: {
        SequenceNumber: '1405400000000002063282832',
        NewImage: {
          pk: { S: `LOG#${topic}` },
          sk: { S: '0000000000000001' },
          epoch: { S: 'k3v9' },
          publishId: { S: 'p1' },
          time: { N: String(connectedAt) },
          expires: { N: String(Math.ceil(connectedAt / 1_000) + 3 * 86_400) },
          data: { S: '{"author":"ann","text":"hi"}' },
        },
      },
    },
  ],
}

/** A job for one shard of an ephemeral topic. */
export const deliverJob = { topic, data: '{"author":"ann"}', shard: 0 }

/** The call as API Gateway's HTTP API passes it to tRPC's adapter. */
export const httpCall = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/greet',
  rawQueryString: `input=${encodeURIComponent('{"name":"ann"}')}`,
  headers: { host: 'line.example' },
  queryStringParameters: { input: '{"name":"ann"}' },
  requestContext: {
    accountId: '000000000000',
    apiId: 'line',
    domainName: 'line.example',
    domainPrefix: 'line',
    http: { method: 'GET', path: '/greet', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'benchmark' },
    requestId: 'r1',
    routeKey: '$default',
    stage: '$default',
    time: '',
    timeEpoch: connectedAt,
  },
  isBase64Encoded: false,
}
