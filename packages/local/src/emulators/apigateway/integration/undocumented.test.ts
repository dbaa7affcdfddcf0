import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { defer, dial, startTestGateway } from '../test-gateway.suite.ts'

const routes = [{ key: '$default', functionName: 'f', twoWay: true }]
const functions = { f: (event: { readonly body?: string }) => ({ statusCode: 200, body: event.body }) }

function post(line: { readonly gateway: { readonly callbackUrl: string } }, id: string, body: string | Buffer) {
  return fetch(`${line.gateway.callbackUrl}/@connections/${encodeURIComponent(id)}`, { method: 'POST', body })
}

test('answers Forbidden to a reserved route key', async () => {
  await using line = await startTestGateway({ routes, functions, undocumented: { reservedKey: 'forbidden' } })
  const client = await dial(line.gateway.url)
  client.socket.send('{"method":"$connect"}')
  expect(JSON.parse(await client.next())).toMatchObject({ message: 'Forbidden' })
})

test('sends the set message for a throttled message', async () => {
  await using line = await startTestGateway({
    routes,
    throttles: { messages: { perSecond: 0, burst: 0 } },
    undocumented: { throttledMessage: 'Limit Exceeded' },
  })
  const client = await dial(line.gateway.url)
  client.socket.send('x')
  expect(await client.next()).toMatch(/^\{"message": "Limit Exceeded", "connectionId":"/)
})

test('sends the set body for a rejected handshake, and the set status for an unknown path', async () => {
  const undocumented = { rejectionBody: '{"message":"no"}', wrongPathStatus: 404 }
  await using line = await startTestGateway({ undocumented })
  expect((await fetch(`${line.gateway.origin}/prod`)).status).toBe(404)
  const answer = defer<string>()
  const socket = connect(line.gateway.port, '127.0.0.1')
  socket.write('GET /prod HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  socket.once('data', (data) => answer.resolve(String(data)))
  expect(await answer.promise).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*\r\n\r\n\{"message":"no"\}$/)
  socket.destroy()
})

test('answers 410 to a post into a lost connection', async () => {
  await using line = await startTestGateway({ signed: false, undocumented: { lostPost: 'gone' } })
  await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  line.gateway.cut(id)
  expect((await post(line, id, 'x')).status).toBe(410)
})

test('sends a post that is not UTF-8 as text by default', async () => {
  await using line = await startTestGateway({ signed: false })
  const client = await dial(line.gateway.url)
  await post(line, line.gateway.connections()[0]?.connectionId ?? '', Buffer.from([0x61, 0xff]))
  expect(await client.next()).toBe('a\ufffd')
})

test('lets messages overtake one another by a random time of the clock', async () => {
  await using line = await startTestGateway({ routes, functions, undocumented: { orderJitterMs: 60_000 } })
  const client = await dial(line.gateway.url)
  const sent = Array.from({ length: 30 }, (_, n) => `${n}`)
  for (const text of sent) client.socket.send(text)
  const pong = new Promise((resolve) => client.socket.once('pong', resolve))
  client.socket.ping()
  await pong // all of them have arrived
  await line.clock.advance(60_000, line.gateway.idle)
  const texts: string[] = []
  while (texts.length < sent.length) texts.push(await client.next())
  expect(texts).not.toEqual(sent)
  expect(texts.toSorted()).toEqual(sent.toSorted())
})

test.each([true, false])('negotiates compression: %s', async (permessageDeflate) => {
  await using line = await startTestGateway({ routes, functions, undocumented: { permessageDeflate } })
  const client = await dial(line.gateway.url)
  expect(client.socket.extensions).toBe(permessageDeflate ? 'permessage-deflate' : '')
  client.socket.send('x'.repeat(2_000))
  expect(await client.next()).toHaveLength(2_000)
})

test.each([
  [32_768, [32_768, 32_768, 1]],
  [131_072, [65_537]],
])('sends a post in frames of at most %i bytes', async (fragmentBytes, sizes) => {
  await using line = await startTestGateway({ signed: false, undocumented: { fragmentBytes } })
  const socket = connect(line.gateway.port, '127.0.0.1')
  const opened = defer()
  const ended = defer()
  const chunks: Buffer[] = []
  socket.on('data', (data) => {
    if (String(data).startsWith('HTTP/1.1 101')) opened.resolve()
    else chunks.push(data)
  })
  socket.on('close', () => ended.resolve())
  socket.write('GET /dev HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  await opened.promise
  await post(line, line.gateway.connections()[0]?.connectionId ?? '', 'x'.repeat(65_537))
  socket.end()
  await ended.promise
  expect(frameSizesOf(Buffer.concat(chunks))).toEqual(sizes)
})

/** The payload sizes of a server's data frames. */
function frameSizesOf(bytes: Buffer): number[] {
  const sizes: number[] = []
  let at = 0
  while (at + 2 <= bytes.length) {
    const opcode = bytes.readUInt8(at) & 0x0f
    const short = bytes.readUInt8(at + 1)
    const size =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    if (opcode < 8) sizes.push(size)
    at += 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + size
  }
  return sizes
}
