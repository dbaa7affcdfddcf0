// More than 200 lines: each check, on one local line that is healthy or broken on purpose.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { deny } from '@trunkline/server'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import type { LocalLine } from '../line/local-line.ts'
import { checks, factChecks } from './checks/checks.ts'
import type { DoctorSettings } from './context/check.ts'
import { examine, patient, startLine, targetOf } from './line-target.suite.ts'

type Line = Awaited<ReturnType<typeof startLine>>

let local: Line
beforeAll(async () => {
  local = await startLine()
})
afterAll(() => local.close())
beforeEach(() => {
  for (const method of ['info', 'warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => {})
  return () => vi.restoreAllMocks()
})

/** All rows of the table of a line, as text. */
async function rowsOf({ environment }: Pick<LocalLine<never>, 'environment'>): Promise<readonly string[]> {
  const client = new DynamoDBClient({
    region: 'local-1',
    endpoint: environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const { Items = [] } = await client.send(new ScanCommand({ TableName: environment['TRUNKLINE_TABLE'] }))
  client.destroy()
  return Items.map((item) => JSON.stringify(item))
}

describe('the doctor on a healthy local line', () => {
  it('passes each check, and skips by name what only AWS has', async () => {
    const results = [...(await examine(targetOf(local), { settings: { ...patient, token: 'good' } })).values()]
    expect(results.map(({ id }) => id)).toEqual(checks.map(({ id }) => id))
    expect(results.filter(({ status }) => status !== 'passed' && status !== 'skipped')).toEqual([])
    const skipped = results.filter(({ status }) => status === 'skipped').map(({ id }) => id)
    expect(skipped).toEqual(checks.filter(({ target }) => target === 'aws').map(({ id }) => id))
  })

  it('leaves no row of its own topic behind', async () => {
    const results = await examine(targetOf(local), { only: ['table', 'stream', 'filter'] })
    expect(results.get('filter')?.status).toBe('passed')
    expect((await rowsOf(local)).filter((row) => row.includes('doctor'))).toEqual([])
  })

  it('sees each fact that AWS does not document as the local line has it', async () => {
    const settings = { ...patient, token: 'good', principal: 'ann' }
    const results = [...(await examine(targetOf(local), { of: factChecks, settings })).values()]
    expect(results.filter(({ status }) => status !== 'passed' && status !== 'skipped')).toEqual([])
    expect(results.filter(({ status }) => status === 'passed')).toHaveLength(14)
  })

  it('posts to a connection of its own only where it knows the principal', async () => {
    const of = factChecks.filter(({ id }) => id === 'fact-delete-close')
    const statusOf = async (settings: DoctorSettings) => {
      const found = (await examine(targetOf(local), { of, settings })).get('fact-delete-close')
      return `${found?.status} ${found?.detail}`
    }
    expect(await statusOf({})).toContain('skipped Seeing it needs --token, and --principal')
    expect(await statusOf({ token: 'good' })).toContain('skipped')
    expect(await statusOf({ token: 'good', principal: 'eve' })).toContain(
      'failed Error: The principal eve has no connection',
    )
    const jwt = `e30.${Buffer.from('{"sub":"ann"}').toString('base64url')}.x`
    expect(await statusOf({ token: jwt })).toContain('failed Error: The principal ann has no connection')
  })

  it('passes a line that refuses callers without a token, with and without one', async () => {
    const authorize = ({ token }: { readonly token: string | undefined }) =>
      token === 'good'
        ? { principal: 'ann', claims: null, expiresAt: new Date(Date.now() + 3_600_000) }
        : deny('Sign in first.')
    await using closed = await startLine({ authorize })
    for (const settings of [patient, { ...patient, token: 'good' }]) {
      const results = await examine(targetOf(closed), { settings })
      expect([...results.values()].filter(({ status }) => status === 'failed' || status === 'warning')).toEqual([])
      expect(results.get('authorizer-without-token')?.detail).toBe(
        'A caller without a token is refused: Sign in first.',
      )
    }
  })
})

describe('the doctor on a local line that is broken', () => {
  const hurried = { deliveryMs: 300 }
  const lessHurried = { deliveryMs: 2_000 } // a call is answered in this time, also on a busy machine

  it('sees that the stream does not reach its function, and leaves nothing behind', async () => {
    const fault = local.faults.on('stream', 'drop')
    const { status, detail, remedy } =
      (await examine(targetOf(local), { settings: hurried, only: ['filter'] })).get('filter') ?? {}
    await local.idle()
    local.faults.clear()
    expect(fault.hits).toBeGreaterThan(0)
    expect([status, detail]).toEqual(['failed', expect.stringContaining('was not delivered within 0.3 s')])
    expect(remedy).toContain('event-source-mapping, callback and iam-tableStream')
    expect((await rowsOf(local)).filter((row) => row.includes('doctor'))).toEqual([])
  })

  it('sees that a call is not answered', async () => {
    local.faults.on('answer', 'drop')
    const found = (await examine(targetOf(local), { settings: hurried, only: ['route-responses'] })).get(
      'route-responses',
    )
    local.faults.clear()
    expect(found).toMatchObject({ status: 'failed', detail: expect.stringContaining('answer to a call, got nothing') })
    expect(found?.remedy).toContain('$default needs a route response')
  })

  it('sees that a post does not arrive', async () => {
    local.faults.on('push', 'drop')
    const found = (await examine(targetOf(local), { settings: lessHurried, only: ['route-responses'] })).get(
      'route-responses',
    )
    local.faults.clear()
    expect(found).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('answer to a subscription, got nothing'),
    })
    expect(found?.remedy).toContain('callback and iam-websocket')
  })

  it('sees an authorizer that throws, with the function whose logs say why', async () => {
    await using broken = await startLine({
      authorize: () => {
        throw new Error('The issuer is unreachable.')
      },
    })
    const results = await examine(targetOf(broken), { only: ['handshake', 'ping', 'authorizer-without-token'] })
    expect(results.get('authorizer-without-token')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('answered 500'),
      remedy: expect.stringContaining('logs of the function authorizer'),
    })
    expect(results.get('ping')).toMatchObject({ status: 'skipped', detail: 'Not run, because handshake failed.' })
  })

  it('sees a token that authorize refuses', async () => {
    const results = await examine(targetOf(local), {
      settings: { ...patient, token: 'bad' },
      only: ['handshake', 'authorizer-with-token'],
    })
    expect(results.get('authorizer-with-token')).toMatchObject({
      status: 'failed',
      detail: 'authorize refused the token: The token is unknown.',
    })
    expect(results.get('handshake')?.status).toBe('failed')
  })

  it('warns of a line that any page may use', async () => {
    await using open = await startLine({ origins: () => true })
    expect((await examine(targetOf(open), { only: ['origins'] })).get('origins')).toMatchObject({
      status: 'warning',
      remedy: expect.stringContaining('the parameter Origins of the stack'),
    })
  })
})

describe('the doctor with wrong settings', () => {
  it.each([
    ['table', { table: 'absent' }, 'ResourceNotFoundException', 'name another stage'],
    [
      'handshake',
      { webSocketUrl: undefined },
      'Expected the address of the WebSocket API, got none',
      'output WebSocketUrl',
    ],
    ['handshake', { webSocketUrl: 'ws://127.0.0.1:1/dev' }, 'ECONNREFUSED', 'output WebSocketUrl'],
    ['callback', { callbackUrl: 'http://127.0.0.1:1/dev' }, 'ECONNREFUSED', 'TRUNKLINE_CALLBACK_URL'],
    ['http', { httpUrl: 'http://127.0.0.1:1' }, 'fetch failed', 'HttpDoor'],
  ] as const)('%s says what is wrong with %j', async (id, changes, detail, remedy) => {
    const { [id]: found } = Object.fromEntries(await examine(targetOf(local, changes as object), { only: [id] }))
    expect(found?.status).toBe('failed')
    expect(found?.detail).toContain(detail)
    expect(found?.remedy).toContain(remedy)
  })

  it('sees another stage in the address of the sockets, of the callback API and of HTTP', async () => {
    const wrong = { webSocketUrl: `${local.url}x`, callbackUrl: `${local.httpUrl}x`, httpUrl: `${local.httpUrl}x` }
    const results = await examine(targetOf(local, wrong), { only: ['handshake', 'callback', 'http'] })
    expect([...results.values()].map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
    expect(results.get('handshake')?.detail).toContain('answered 403')
    expect(results.get('callback')?.detail).toContain('Expected 410')
    expect(results.get('http')?.detail).toContain('Expected 200')
  })

  it('sees a table that is no table of a line', async () => {
    const cards = await local.table({ name: 'cards', keys: { board: 'S', id: 'S' } })
    const results = await examine(targetOf(local, { table: cards }), { only: ['table', 'stream'] })
    expect(results.get('table')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('Expected the keys pk and sk, got board HASH, id RANGE.'),
    })
  })

  it('sees a queue that does not exist', async () => {
    const { queues } = targetOf(local)
    const delay = `${queues.delay}-absent`
    const results = await examine(targetOf(local, { queues: { delay, failures: `${queues.failures}-absent` } }))
    expect(results.get('delay-queue')).toMatchObject({ status: 'failed', detail: expect.stringContaining(delay) })
    expect(results.get('failures-queue')).toMatchObject({ status: 'failed' })
  })

  it('skips what it does not know, and says how it would', async () => {
    const results = await examine(
      targetOf(local, { queues: {}, callbackUrl: undefined, httpUrl: undefined } as object),
      {
        only: ['delay-queue', 'failures-queue', 'callback', 'http'],
      },
    )
    expect([...results.values()].map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped', 'skipped'])
  })
})

describe('the doctor on a gateway that behaves otherwise', () => {
  const helloAnswer = '{"id":"hello","result":{"type":"hello","limits":{"frameBytes":16384}}}'

  /** A gateway with one answer to each message, which selects no subprotocol. */
  async function startGateway(pong: string, selects: string | false = 'trunkline.1') {
    const server = createServer()
    const sockets = new WebSocketServer({ server, handleProtocols: () => selects })
    sockets.on('connection', (socket) =>
      socket.on('message', (data) => socket.send(String(data).includes('hello') ? helloAnswer : pong)),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      webSocketUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        for (const client of sockets.clients) client.terminate()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }

  it.each(['{"pong": true}', '{}', '{"message": "Forbidden"}'])(
    'sees that a ping is answered with %s',
    async (pong) => {
      await using gateway = await startGateway(pong)
      const target = targetOf(local, { webSocketUrl: gateway.webSocketUrl })
      const results = await examine(target, { only: ['handshake', 'ping'] })
      expect(results.get('ping')).toMatchObject({
        status: 'failed',
        detail: `Expected {"pong":true} as the answer to ping, got ${pong}.`,
        remedy: expect.stringContaining('MOCK integration'),
      })
    },
  )

  it('sees that no subprotocol is selected, which browsers do not accept', async () => {
    await using gateway = await startGateway('{}', false)
    const target = targetOf(local, { webSocketUrl: gateway.webSocketUrl })
    const results = await examine(target, { only: ['subprotocol'] })
    expect(results.get('subprotocol')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('Server sent no subprotocol. Browsers close such a socket.'),
      remedy: expect.stringContaining('Sec-WebSocket-Protocol'),
    })
    await using selecting = await startGateway('{}')
    const other = targetOf(local, { webSocketUrl: selecting.webSocketUrl })
    expect((await examine(other, { only: ['versions'] })).get('versions')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('take frames of 16384 bytes; this version expects 32768'),
    })
  })

  it('sees that a fact is not as assumed', async () => {
    await using gateway = await startGateway('{"message": "Forbidden", "connectionId":"x", "requestId":"y"}')
    const target = targetOf(local, { webSocketUrl: gateway.webSocketUrl })
    const of = factChecks.filter(({ id }) => id === 'fact-reserved-route' || id === 'fact-large-frame')
    const results = await examine(target, { of })
    expect(results.get('fact-reserved-route')).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('Assumed: answered. Seen: {"message": "Forbidden"'),
      remedy: expect.stringContaining('gateway.undocumented.reservedKey'),
    })
    expect(results.get('fact-large-frame')?.status).toBe('warning')
  })
})
