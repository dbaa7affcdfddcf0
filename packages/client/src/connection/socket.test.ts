import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ConnectionCause } from '../session/machine/connection-state.ts'
import { startWireServer } from '../testing/wire-server.suite.ts'
import { machineEnvironment } from './environment.ts'
import { createSocket, type Endpoint, type Socket, type SocketOptions } from './socket.ts'

const open: { [Symbol.asyncDispose](): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

/** A socket whose openings and losses can be awaited one by one. */
function start(endpoint: () => Promise<Endpoint>, options: Partial<SocketOptions> = {}) {
  const events: ('open' | ConnectionCause)[] = []
  let wake = () => {}
  const say = (what: 'open' | ConnectionCause) => {
    events.push(what)
    wake()
  }
  const socket: Socket = createSocket({
    WebSocket,
    endpoint,
    after: machineEnvironment.after,
    onOpen: () => say('open'),
    onLost: say,
    onMessage: () => {},
    ...options,
  })
  open.push({ [Symbol.asyncDispose]: async () => socket.close() })
  return {
    socket,
    events,
    async nthEvent(count: number) {
      while (events.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return events[count - 1]
    },
  }
}
const to = (url: string) => async () => ({ url, protocols: ['trunkline.1'] })

test('each attempt waits for admit', async () => {
  const server = await startWireServer()
  open.push(server)
  let asked = 0
  const { socket, nthEvent, events } = start(() => {
    asked += 1
    return to(server.url)()
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(0)
  socket.admit()
  expect(await nthEvent(1)).toBe('open')
  server.cut()
  expect(await nthEvent(2)).toMatchObject({ code: 'network' })
  expect(asked).toBe(1)
  socket.admit()
  expect(await nthEvent(3)).toBe('open')
  expect(events).toHaveLength(3)
})

test('a refused handshake is reported once, with its reason, and not as a clean close', async () => {
  const refusing = createServer().on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  await new Promise<void>((resolve) => refusing.listen(0, resolve))
  const { socket, nthEvent, events } = start(to(`ws://127.0.0.1:${(refusing.address() as AddressInfo).port}`))
  socket.admit()
  expect(await nthEvent(1)).toEqual({
    code: 'network',
    message:
      "The socket could not be opened: Unexpected server response: 403. Likely reasons: the server is unreachable, the URL or its stage is wrong, this page's origin is not allowed, or authorize threw.",
  })
  socket.admit()
  await nthEvent(2)
  expect(events).toHaveLength(2)
  refusing.close()
})

test('a server that is down is reported as a failed attempt, and later as a lost socket', async () => {
  const down = start(to('ws://127.0.0.1:1'))
  down.socket.admit()
  const message = expect.stringMatching(/^The socket could not be opened: .*ECONNREFUSED.* Likely reasons: /)
  expect(await down.nthEvent(1)).toMatchObject({ code: 'network', message })
  const server = await startWireServer()
  open.push(server)
  const lost = start(to(server.url))
  lost.socket.admit()
  await lost.nthEvent(1)
  server.cut()
  expect(await lost.nthEvent(2)).toMatchObject({
    code: 'network',
    message: expect.stringContaining('The socket was lost'),
  })
})

test('a failed `url` or `token` function is named, without unrelated likely reasons', async () => {
  const { socket, nthEvent } = start(() => Promise.reject(new Error('token() failed: login server down')))
  socket.admit()
  const message = 'The socket could not be opened: token() failed: login server down'
  expect(await nthEvent(1)).toEqual({ code: 'network', message })
})

test('a close by the server is reported with its code', async () => {
  const server = await startWireServer()
  open.push(server)
  const { socket, nthEvent } = start(to(server.url))
  socket.admit()
  await nthEvent(1)
  server.peer().socket.close(1001, 'Going away')
  expect(await nthEvent(2)).toEqual({ code: 'server', message: 'The socket was closed with 1001: Going away' })
})

test('a `url` or `token` that never resolves fails the attempt, and is called again for the next one', async () => {
  const server = await startWireServer()
  open.push(server)
  let asked = 0
  const { socket, nthEvent } = start(
    () => {
      asked += 1
      return asked === 1 ? new Promise(() => {}) : to(server.url)()
    },
    { after: (_, fn) => machineEnvironment.after(1, fn) },
  )
  socket.admit()
  expect(await nthEvent(1)).toMatchObject({ message: expect.stringContaining('longer than 15000 ms') })
  socket.admit()
  expect(await nthEvent(2)).toBe('open')
})

test('a function that rejects with undefined fails the attempt', async () => {
  const { socket, nthEvent } = start(() => Promise.reject())
  socket.admit()
  expect(await nthEvent(1)).toMatchObject({ code: 'network' })
  socket.admit()
  expect(await nthEvent(2)).toMatchObject({ code: 'network' })
})

test('replace reports no loss and leaves one socket', async () => {
  const server = await startWireServer()
  open.push(server)
  const { socket, nthEvent, events } = start(to(server.url))
  socket.admit()
  await nthEvent(1)
  const first = server.peer()
  const gone = new Promise((resolve) => first.socket.once('close', resolve))
  socket.replace()
  socket.admit()
  expect(await nthEvent(2)).toBe('open')
  await gone
  expect(events).toEqual(['open', 'open'])
})

test('after close nothing is requested, sent or reported', async () => {
  let asked = 0
  const { socket, events } = start(() => {
    asked += 1
    return to('ws://127.0.0.1:1')()
  })
  socket.close()
  socket.admit()
  expect(socket.send('x')).toBe(false)
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(asked).toBe(0)
  expect(events).toEqual([])
})
