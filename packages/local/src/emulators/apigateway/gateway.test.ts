import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startGateway } from './gateway.ts'
import { defer, dial, freePort, rejectionOf, startTestGateway } from './test-gateway.suite.ts'

const routes = [
  { key: '$default', functionName: 'f', twoWay: true },
  { key: '$disconnect', functionName: 'disconnect' },
] as const
const functions = { f: (event: { readonly body?: string }) => ({ statusCode: 200, body: event.body }) }

test('names its addresses', async () => {
  const port = await freePort()
  await using line = await startTestGateway({ port, stage: 'prod' })
  const { url, callbackUrl, origin } = line.gateway
  expect([url, callbackUrl, origin]).toEqual([
    `ws://127.0.0.1:${port}/prod`,
    `http://127.0.0.1:${port}/prod`,
    `http://127.0.0.1:${port}`,
  ])
})

test('rejects when the port is in use', async () => {
  await using line = await startTestGateway()
  const { clock } = line
  const second = startGateway({ clock, port: line.gateway.port, routes: [], invoke: async () => ({ status: 'error' }) })
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('opens 500 sockets at once, and each gets its own response', async () => {
  await using line = await startTestGateway({ routes, functions })
  const clients = await Promise.all(Array.from({ length: 500 }, () => dial(line.gateway.url)))
  expect(line.gateway.connections()).toHaveLength(500)
  expect(new Set(line.gateway.connections().map((one) => one.connectionId)).size).toBe(500)
  for (const [index, client] of clients.entries()) client.socket.send(`${index}`)
  const texts = await Promise.all(clients.map((client) => client.next()))
  expect(texts).toEqual(clients.map((_, index) => `${index}`))
})

test('idle waits for invocations', async () => {
  const invoked = defer()
  const answer = defer<unknown>()
  await using line = await startTestGateway({
    routes,
    functions: {
      f: () => {
        invoked.resolve()
        return answer.promise
      },
    },
  })
  const client = await dial(line.gateway.url)
  await line.gateway.idle()
  client.socket.send('x')
  await invoked.promise
  let idle = false
  const waited = line.gateway.idle().then(() => {
    idle = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(idle).toBe(false)
  answer.resolve({ statusCode: 200, body: 'done' })
  await waited
  expect(await client.next()).toBe('done')
})

test('close ends every socket, including those during a handshake or a request, and runs no function', async () => {
  const invoked = defer()
  const answer = defer<unknown>()
  await using line = await startTestGateway({
    routes: [...routes, { key: '$connect', functionName: 'connect' }],
    functions: {
      connect(event) {
        if (event.headers?.['X-Wait'] === undefined) return { statusCode: 200 }
        invoked.resolve()
        return answer.promise
      },
    },
  })
  const client = await dial(line.gateway.url)
  const waiting = rejectionOf(line.gateway.url, [], { headers: { 'X-Wait': '1' } })
  const half = await openRaw(line.gateway.port, 'POST /dev/@connections/x HTTP/1.1\r\n')
  await invoked.promise
  await line.gateway.close()
  answer.resolve({ statusCode: 200 })
  expect(await client.closed).toMatchObject({ code: 1006 })
  expect(await waiting).not.toBe('opened')
  await half.closed
  await line.gateway.idle()
  expect(line.eventsOf('disconnect')).toEqual([])
  expect(line.gateway.connections()).toEqual([])
  await expect(fetch(line.gateway.origin)).rejects.toThrow()
})

test('reopen listens on the same address without the old connections', async () => {
  await using line = await startTestGateway({ routes, functions, signed: false })
  await dial(line.gateway.url)
  const old = line.gateway.connections()[0]?.connectionId ?? ''
  await line.gateway.close()
  await line.gateway.reopen()
  const client = await dial(line.gateway.url)
  client.socket.send('again')
  expect(await client.next()).toBe('again')
  const gone = await fetch(`${line.gateway.callbackUrl}/@connections/${old}`, { method: 'POST', body: 'x' })
  expect(gone.status).toBe(410)
})

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const target = 'GET /dev HTTP/1.1'
const host = 'Host: 127.0.0.1'
const without = (start: string) => upgrade.filter((line) => !line.startsWith(start))

test.each([
  ['2,000 small headers', [target, host, ...upgrade, ...Array.from({ length: 2_000 }, (_, n) => `a${n}: b`)], /101/],
  [
    '2,000 headers of 100 bytes',
    [target, host, ...upgrade, ...Array.from({ length: 2_000 }, (_, n) => `a${n}: ${'b'.repeat(100)}`)],
    /431/,
  ],
  ['a header of 100 KB', [target, host, ...upgrade, `a: ${'b'.repeat(100_000)}`], /431/],
  ['no key', [target, host, ...without('Sec-WebSocket-Key')], /400/],
  ['an invalid key', [target, host, ...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: x'], /400/],
  ['no version', [target, host, ...without('Sec-WebSocket-Version')], /400/],
  ['another protocol to upgrade to', [target, host, ...without('Upgrade'), 'Upgrade: h2c'], /400|426/],
  ['another method', ['POST /dev HTTP/1.1', host, ...upgrade], /400/],
  ['invalid subprotocols', [target, host, ...upgrade, 'Sec-WebSocket-Protocol: a,,b'], /400/],
  ['a subprotocol twice', [target, host, ...upgrade, 'Sec-WebSocket-Protocol: a, a'], /400/],
  ['an invalid address', ['GET //%%%?%%% HTTP/1.1', host, ...upgrade], /403/],
  ['no HTTP at all', ['\u0016\u0003\u0001 hello'], /400/],
  ['no host', [target, ...upgrade], /101|400/],
])('a handshake with %s gets its response and does not affect other sockets', async (_, lines, status) => {
  await using line = await startTestGateway({ routes, functions })
  const neighbour = await dial(line.gateway.url)
  const raw = await openRaw(line.gateway.port, `${lines.join('\r\n')}\r\n\r\n`)
  expect(await raw.statusLine).toMatch(status)
  raw.socket.destroy()
  neighbour.socket.send('still here')
  expect(await neighbour.next()).toBe('still here')
})

test('sockets that are half open, silent or cut within a frame do not affect other sockets', async () => {
  await using line = await startTestGateway({ routes, functions })
  const neighbour = await dial(line.gateway.url)
  const silent = await openRaw(line.gateway.port, '')
  const halfRequest = await openRaw(line.gateway.port, `${target}\r\nUpgrade: websock`)
  const halfFrame = await openRaw(line.gateway.port, `${[target, host, ...upgrade].join('\r\n')}\r\n\r\n`)
  expect(await halfFrame.statusLine).toMatch(/101/)
  halfFrame.socket.write(Buffer.from([0x81, 0xfe, 0x10]))
  const unmasked = await openRaw(line.gateway.port, `${[target, host, ...upgrade].join('\r\n')}\r\n\r\n`)
  expect(await unmasked.statusLine).toMatch(/101/)
  unmasked.socket.write(Buffer.from([0x81, 0x01, 0x78]))
  await unmasked.closed
  for (const raw of [silent, halfRequest, halfFrame]) raw.socket.destroy()
  neighbour.socket.send('still here')
  expect(await neighbour.next()).toBe('still here')
})

test('accepts frames that arrive in one packet with the handshake', async () => {
  await using line = await startTestGateway({ routes, functions })
  const frame = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78])
  const raw = await openRaw(line.gateway.port, '')
  raw.socket.write(Buffer.concat([Buffer.from(`${[target, host, ...upgrade].join('\r\n')}\r\n\r\n`), frame]))
  expect(await raw.statusLine).toMatch(/101/)
  await line.gateway.idle()
  expect(line.eventsOf('f')).toMatchObject([{ body: 'x' }])
})

/** A plain TCP connection, as a hostile client uses it. */
async function openRaw(port: number, text: string) {
  const socket: Socket = connect(port, '127.0.0.1')
  const statusLine = defer<string>()
  const closed = defer()
  socket.on('data', (data) => statusLine.resolve(String(data).split('\r\n')[0] ?? ''))
  socket.on('error', () => {})
  socket.on('close', () => {
    statusLine.resolve('closed')
    closed.resolve()
  })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  if (text !== '') socket.write(text)
  return { socket, statusLine: statusLine.promise, closed: closed.promise }
}
