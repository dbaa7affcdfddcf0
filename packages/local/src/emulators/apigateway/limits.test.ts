import { expect, test } from 'vitest'
import { defer, dial, ok, startTestGateway, type TestEvent } from './test-gateway.suite.ts'

const minute = 60_000
const kb = 1_024

/** A gateway that echoes, and records the events of `$disconnect`. */
async function startWatched(undocumented: Parameters<typeof startTestGateway>[0] = {}) {
  const received = defer<TestEvent['requestContext']>()
  const line = await startTestGateway({
    routes: [
      { key: '$default', functionName: 'f', twoWay: true },
      { key: '$disconnect', functionName: 'disconnect' },
    ],
    functions: {
      f: (event) => ({ ...ok, body: event.body ?? '' }),
      disconnect: (event) => received.resolve(event.requestContext),
    },
    ...undocumented,
  })
  return { line, received: received.promise }
}

function closeFacts(code: number, reason: string) {
  return { disconnectStatusCode: code, disconnectReason: reason }
}

test('accepts one frame of 32 KB and closes with 1009 at one byte more; the function is not called [TL-LIM-2]', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.send('x'.repeat(32 * kb))
  expect(await client.next()).toHaveLength(32 * kb)
  client.socket.send('x'.repeat(32 * kb + 1))
  expect(await client.closed).toMatchObject({ code: 1009 })
  expect(await received).toMatchObject(closeFacts(1009, ''))
  expect(line.eventsOf('f')).toHaveLength(1)
})

test('accepts a message of 128 KB in four frames and closes with 1009 above [TL-LIM-2]', async () => {
  const { line } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  const part = 'x'.repeat(32 * kb)
  for (const fin of [false, false, false, true]) client.socket.send(part, { fin })
  expect(await client.next()).toHaveLength(128 * kb)
  for (const fin of [false, false, false, false]) client.socket.send(part, { fin })
  client.socket.send('x', { fin: true })
  expect(await client.closed).toMatchObject({ code: 1009 })
})

test('measures frames in bytes, not in characters', async () => {
  const { line } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.send('é'.repeat(16 * kb + 1))
  expect(await client.closed).toMatchObject({ code: 1009 })
})

test('closes with 1003 on a binary frame; the function is not called [TL-BAD-3]', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.send(Buffer.from('{"method":"ping"}'))
  client.socket.send('after')
  expect(await client.closed).toMatchObject({ code: 1003 })
  expect(await received).toMatchObject(closeFacts(1003, ''))
  expect(line.eventsOf('f')).toEqual([])
})

test('closes with 1007 on text that is not UTF-8', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
  expect(await client.closed).toMatchObject({ code: 1007 })
  expect(await received).toMatchObject(closeFacts(1007, ''))
})

test('answers pings, never shows them to a function and never pings itself', async () => {
  const { line } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  let pinged = false
  client.socket.on('ping', () => {
    pinged = true
  })
  const pong = new Promise((resolve) => client.socket.once('pong', (data) => resolve(String(data))))
  client.socket.ping('hi')
  expect(await pong).toBe('hi')
  await line.clock.advance(9 * minute)
  expect(line.calls).toEqual([])
  expect(pinged).toBe(false)
})

test('closes with 1001 "Going away" after ten silent minutes [TL-LIM-6]', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  await line.clock.advance(10 * minute)
  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  expect(await received).toMatchObject(closeFacts(1001, 'Going away'))
})

test('counts idle time from the last message in either direction, but not from a ping', async () => {
  const { line } = await startWatched({ signed: false })
  await using _ = line
  const client = await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  await line.clock.advance(9 * minute)
  client.socket.send('from the client')
  await client.next()
  await line.clock.advance(9 * minute)
  await fetch(`${line.gateway.callbackUrl}/@connections/${encodeURIComponent(id)}`, { method: 'POST', body: 'push' })
  expect(await client.next()).toBe('push')
  await line.clock.advance(9 * minute)
  const pong = new Promise((resolve) => client.socket.once('pong', resolve))
  client.socket.ping()
  await pong
  expect(line.gateway.connections()).toHaveLength(1)
  await line.clock.advance(minute)
  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
})

test('resets the idle limit on a ping, if the option is set', async () => {
  const { line } = await startWatched({ undocumented: { pingResetsIdle: true } })
  await using _ = line
  const client = await dial(line.gateway.url)
  await line.clock.advance(9 * minute)
  const pong = new Promise((resolve) => client.socket.once('pong', resolve))
  client.socket.ping()
  await pong
  await line.clock.advance(9 * minute)
  expect(line.gateway.connections()).toHaveLength(1)
})

test('closes with 1001 "Going away" after two hours, busy or not [TL-LIM-6]', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  for (let round = 0; round < 17; round++) {
    await line.clock.advance(7 * minute)
    client.socket.send('still here')
    expect(await client.next()).toBe('still here')
  }
  await line.clock.advance(minute)
  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  expect(await received).toMatchObject(closeFacts(1001, 'Going away'))
})

test('applies the limits of its options', async () => {
  const { line } = await startWatched({ limits: { frameBytes: 10, idleMs: 1_000 } })
  await using _ = line
  const large = await dial(line.gateway.url)
  large.socket.send('x'.repeat(11))
  expect(await large.closed).toMatchObject({ code: 1009 })
  const idle = await dial(line.gateway.url)
  await line.clock.advance(1_000)
  expect(await idle.closed).toMatchObject({ code: 1001 })
})

test.each([
  ['without a status', undefined, undefined, closeFacts(1005, 'Client-side close frame status not set')],
  ['with a code', 4001, undefined, closeFacts(4001, '')],
  ['with a code and a reason', 1000, 'done', closeFacts(1000, 'done')],
])('passes $disconnect a close %s', async (_, code, reason, info) => {
  const { line, received } = await startWatched()
  await using __ = line
  const client = await dial(line.gateway.url)
  client.socket.close(code, reason)
  expect(await received).toMatchObject(info)
  expect(line.gateway.connections()).toEqual([])
})

test('runs $disconnect for a socket that ended without a close frame', async () => {
  const { line, received } = await startWatched()
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.terminate()
  expect(await received).toMatchObject({ disconnectStatusCode: 1006 })
})

test('detects a lost network only when the idle limit passes', async () => {
  const { line, received } = await startWatched({ signed: false })
  await using _ = line
  const client = await dial(line.gateway.url)
  const id = line.gateway.connections()[0]?.connectionId ?? ''
  line.gateway.cut(id)
  expect(await client.closed).toMatchObject({ code: 1006 })
  expect(line.gateway.connections()).toMatchObject([{ connectionId: id, state: 'lost' }])
  const address = `${line.gateway.callbackUrl}/@connections/${encodeURIComponent(id)}`
  expect((await fetch(address, { method: 'POST', body: 'lost' })).status).toBe(200)
  expect(line.eventsOf('disconnect')).toEqual([])
  await line.clock.advance(10 * minute)
  expect(await received).toMatchObject({ disconnectStatusCode: 1006 })
  expect((await fetch(address, { method: 'POST', body: 'lost' })).status).toBe(410)
})

test.each([
  ['at once', { cutNotice: 'at-once' }, 1],
  ['never', { cutNotice: 'never' }, 0],
  ['not at all, since $disconnect is best effort', { cutNotice: 'at-once', disconnect: false }, 0],
] as const)('reports a lost network %s if the options say so', async (_, undocumented, times) => {
  const { line } = await startWatched({ undocumented })
  await using __ = line
  const client = await dial(line.gateway.url)
  line.gateway.cut(line.gateway.connections()[0]?.connectionId ?? '')
  await client.closed
  await line.clock.advance(10 * minute)
  await line.gateway.idle()
  expect(line.eventsOf('disconnect')).toHaveLength(times)
  expect(line.gateway.connections()).toEqual([])
})

test('delays $disconnect by the option', async () => {
  const { line, received } = await startWatched({ undocumented: { disconnectDelayMs: 5_000 } })
  await using _ = line
  const client = await dial(line.gateway.url)
  client.socket.close()
  await client.closed
  await line.gateway.idle()
  expect(line.eventsOf('disconnect')).toEqual([])
  await line.clock.advance(5_000)
  expect(await received).toMatchObject({ eventType: 'DISCONNECT' })
})
