import { ApiGatewayManagementApi } from '@aws-sdk/client-apigatewaymanagementapi'
import { expect, test } from 'vitest'
import type { GatewayHooks, HookEffect, HookResult } from './integration/hooks.ts'
import { defer, dial, rejectionOf, startTestGateway, type TestClient } from './test-gateway.suite.ts'

const routes = [
  { key: '$connect', functionName: 'connect' },
  { key: '$default', functionName: 'f', twoWay: true },
  { key: 'ping', mock: 'pong', twoWay: true },
] as const
const functions = {
  connect: () => ({ statusCode: 200 }),
  f: (event: { readonly body?: string }) => ({ statusCode: 200, body: event.body }),
}

/** A gateway whose hooks return each result once, for the frame `x` and the push `x`. */
async function startDisturbed(point: 'frame' | 'answer' | 'push', result: HookResult) {
  let left = 1
  const once = ({ text, frame = text }: { readonly text: string; readonly frame?: string }) =>
    frame === 'x' && left-- > 0 ? result : undefined
  const line = await startTestGateway({ routes, functions, hooks: { [point]: once } })
  const client = await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const endpoint = line.gateway.callbackUrl
  const sdk = new ApiGatewayManagementApi({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  return { line, client, id, sdk }
}

/** The messages before the response to a ping. */
async function untilPong(client: TestClient): Promise<string[]> {
  client.socket.send('{"method":"ping"}')
  const texts: string[] = []
  for (let text = await client.next(); text !== 'pong'; text = await client.next()) texts.push(text)
  return texts
}

function messageOf(text: string): unknown {
  return text.startsWith('{') ? JSON.parse(text).message : text
}

const timedOut = 'Endpoint request timed out'
const broken = 'Internal server error'
const throttled = 'Too Many Requests'

test.each([
  ['frame', 'pass', 1, ['x']],
  ['frame', 'drop', 0, []],
  ['frame', 'duplicate', 2, ['x', 'x']],
  ['frame', 'throttle', 0, [throttled]],
  ['frame', 'fail', 0, [broken]],
  ['frame', 'hang', 0, [timedOut]],
  ['answer', 'pass', 1, ['x']],
  ['answer', 'drop', 1, []],
  ['answer', 'duplicate', 1, ['x', 'x']],
  ['answer', 'throttle', 1, [throttled]],
  ['answer', 'fail', 1, [broken]],
  ['answer', 'hang', 1, [timedOut]],
] as const)('on a %s, %s runs the function %i times and sends %j', async (point, effect, runs, texts) => {
  const { line, client } = await startDisturbed(point, effect)
  await using _ = line
  client.socket.send('x')
  client.socket.send('y')
  const early = await client.next() // `x` was handled, since frames are handled in order
  await line.gateway.idle()
  await line.clock.advance(29_000)
  const all = [early, ...(await untilPong(client))].map(messageOf)
  expect(all.filter((text) => text !== 'y')).toEqual(texts)
  expect(line.eventsOf('f').filter((event) => event.body === 'x')).toHaveLength(runs)
})

test.each(['frame', 'answer'] as const)('on a %s, gone cuts the socket', async (point) => {
  const { line, client } = await startDisturbed(point, 'gone')
  await using _ = line
  client.socket.send('x')
  expect(await client.closed).toMatchObject({ code: 1006 })
  expect(line.eventsOf('f')).toHaveLength(point === 'frame' ? 0 : 1)
})

test.each(['frame', 'answer'] as const)('on a %s, a delay waits for the clock, and idle does not', async (point) => {
  const { line, client } = await startDisturbed(point, { delayMs: 60_000 })
  await using _ = line
  client.socket.send('x')
  client.socket.send('y')
  expect(await client.next()).toBe('y')
  await line.gateway.idle()
  expect(client.pending).toEqual([])
  await line.clock.advance(60_000)
  expect(await client.next()).toBe('x')
})

test.each(['frame', 'answer'] as const)('on a %s, waiting for a later message causes a reorder', async (point) => {
  const later = defer()
  const { line, client } = await startDisturbed(point, { until: later.promise })
  await using _ = line
  client.socket.send('x')
  client.socket.send('y')
  expect(await client.next()).toBe('y')
  later.resolve()
  expect(await client.next()).toBe('x')
})

test.each([
  ['pass', 200, ['x']],
  ['drop', 200, []],
  ['duplicate', 200, ['x', 'x']],
  ['gone', 410, []],
  ['throttle', 429, []],
  ['fail', 500, []],
] as const)('on a push, %s answers %i and sends %j', async (effect, status, texts) => {
  const { line, client, id, sdk } = await startDisturbed('push', effect)
  await using _ = line
  const answered = await sdk.postToConnection({ ConnectionId: id, Data: 'x' }).then(
    (answer) => answer.$metadata.httpStatusCode,
    (error) => error.$metadata.httpStatusCode,
  )
  sdk.destroy()
  expect(answered).toBe(status)
  expect(await untilPong(client)).toEqual(texts)
})

test('the AWS client retries a throttled push', async () => {
  const { line, client, id } = await startDisturbed('push', 'throttle')
  await using _ = line
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const sdk = new ApiGatewayManagementApi({ endpoint: line.gateway.callbackUrl, region: 'us-east-1', credentials })
  await sdk.postToConnection({ ConnectionId: id, Data: 'x' })
  sdk.destroy()
  expect(await client.next()).toBe('x')
})

test('on a push, hang neither sends nor answers, and idle does not wait for it', async () => {
  const invoked = defer()
  const hooks: GatewayHooks = {
    push: () => {
      invoked.resolve()
      return 'hang'
    },
  }
  await using line = await startTestGateway({ routes, functions, hooks })
  const client = await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const sdk = new ApiGatewayManagementApi({ endpoint: line.gateway.callbackUrl, region: 'us-east-1', credentials })
  const abort = new AbortController()
  const post = sdk.postToConnection({ ConnectionId: id, Data: 'x' }, { abortSignal: abort.signal })
  await invoked.promise
  await line.gateway.idle()
  abort.abort()
  await expect(post).rejects.toMatchObject({ name: 'AbortError' })
  sdk.destroy()
  expect(await untilPong(client)).toEqual([])
})

test.each([
  ['pass', 'opened', 1],
  ['duplicate', 'opened', 1],
  ['drop', 'socket hang up', 0],
  ['throttle', '429', 0],
  ['fail', '500', 0],
] as const)('on a connect, %s ends the handshake with %s', async (effect, outcome, runs) => {
  const seen: string[] = []
  const connect: GatewayHooks['connect'] = ({ headers, query }): HookEffect => {
    seen.push(`${headers['X-Own']} ${query.token}`)
    return effect
  }
  await using line = await startTestGateway({ routes, functions, hooks: { connect } })
  expect(await rejectionOf(`${line.gateway.url}?token=t`, [], { headers: { 'X-Own': 'o' } })).toBe(outcome)
  expect(line.eventsOf('connect')).toHaveLength(runs)
  expect(seen).toEqual(['o t'])
})

test('on a connect, gone cuts the socket as soon as it is open', async () => {
  await using line = await startTestGateway({ routes, functions, hooks: { connect: () => 'gone' } })
  await rejectionOf(line.gateway.url)
  expect(line.eventsOf('connect')).toHaveLength(1)
  expect(line.gateway.connections()).toMatchObject([{ state: 'lost' }])
})

test('on a connect, hang never answers', async () => {
  const invoked = defer()
  const connect = () => {
    invoked.resolve()
    return 'hang' as const
  }
  await using line = await startTestGateway({ routes, functions, hooks: { connect } })
  const rejection = rejectionOf(line.gateway.url)
  await invoked.promise
  await line.gateway.idle()
  expect(line.calls).toEqual([])
  await line.gateway.close()
  expect(await rejection).toMatch(/hang up|ECONNRESET/)
})

test('shows frames, responses, pushes and ends to hooks that only observe', async () => {
  const seen: unknown[] = []
  const ended = defer()
  const hooks: GatewayHooks = {
    opened: () => void seen.push('opened'),
    frame: ({ text, routeKey }) => void seen.push(`frame ${text} to ${routeKey}`),
    answer: ({ text, frame, from }) => void seen.push(`answer ${text} to ${frame} from ${from}`),
    push: ({ text }) => void seen.push(`push ${text}`),
    pushed: ({ status }) => void seen.push(status),
    ended: ({ code }) => {
      seen.push(`ended ${code}`)
      ended.resolve()
    },
  }
  await using line = await startTestGateway({ routes, functions, hooks, signed: false })
  const client = await dial(line.gateway.url)
  client.socket.send('x')
  await client.next()
  await untilPong(client)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  await fetch(`${line.gateway.callbackUrl}/@connections/${id}`, { method: 'POST', body: 'p' })
  client.socket.close(1000)
  await ended.promise
  expect(seen).toEqual([
    'opened',
    'frame x to $default',
    'answer x to x from function',
    'frame {"method":"ping"} to ping',
    'answer pong to {"method":"ping"} from mock',
    'push p',
    200,
    'ended 1000',
  ])
})
