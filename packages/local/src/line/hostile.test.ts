import { once } from 'node:events'
import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { hostileMessages } from '../../../protocol/src/fixtures/hostile-messages.suite.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const withTags = initTRPC.create({ transformer: superjson })
const router = t.router({
  hello: t.procedure.query(() => 'hello'),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})

interface Exchange {
  readonly texts: string[]
  readonly closed: number | undefined
}

/** Sends one message over a raw socket, then a valid call, and returns all received messages. */
function sendTo(url: string, message: string | Buffer, protocols: string[] = []): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols)
    const texts: string[] = []
    socket.on('error', reject)
    socket.on('close', (code) => resolve({ texts, closed: code }))
    socket.on('message', (data) => {
      const text = String(data)
      texts.push(text)
      if (!text.includes('"id":"after"')) return
      resolve({ texts: [...texts], closed: undefined }) // the answer to the first message may follow
      socket.terminate()
    })
    socket.on('open', () => {
      socket.send(message)
      socket.send('{"id":"after","method":"query","params":{"path":"hello"}}')
    })
  })
}

describe('over real sockets', () => {
  let local: LocalLine<typeof router>
  let neighbour: AsyncIterableIterator<{ readonly data: { readonly text: string } }>
  let said = 0
  beforeAll(async () => {
    local = await startLocalLine({ router, line, onError: () => {} })
    const { client } = local.connect()
    neighbour = iterate(client.live, { room: 'x' })
    const first = neighbour.next()
    await client.hello.query()
    await local.idle()
    await local.run(() => messages.publish({ room: 'x' }, { text: '0' }))
    await first
  })
  afterAll(() => local.close())

  /** The neighbour receives the next event as usual. */
  async function neighbourHears() {
    const text = `${++said}`
    const next = neighbour.next()
    await local.run(() => messages.publish({ room: 'x' }, { text }))
    expect((await next).value?.data).toEqual({ text })
  }

  test.each(Object.entries(hostileMessages))(
    '%s is answered or closed as PROTOCOL.md says, and the neighbour notices nothing [TL-BAD-1] [TL-BAD-2] [TL-LIM-2]',
    async (_, message) => {
      const { texts, closed } = await sendTo(local.url, message)
      if (Buffer.byteLength(message) > 32_768) expect(closed).toBe(1009)
      else {
        expect(closed).toBeUndefined()
        // a stock client receives only objects
        for (const text of texts) expect(text.startsWith('{'), text.slice(0, 80)).toBe(true)
        expect(texts.at(-1)).toBe('{"id":"after","result":{"type":"data","data":"hello"}}')
      }
      await neighbourHears()
    },
  )

  test('a binary frame closes its own socket with 1003 [TL-BAD-3]', async () => {
    expect((await sendTo(local.url, Buffer.from('{"id":1}'))).closed).toBe(1003)
    await neighbourHears()
  })

  test('a message in a hundred thousand frames of one byte closes its own socket', async () => {
    const socket = new WebSocket(local.url)
    await once(socket, 'open')
    const closed = once(socket, 'close')
    for (let frame = 0; frame < 100_000; frame++) socket.send('x', { fin: false })
    expect([1008, 1009]).toContain((await closed)[0])
    await neighbourHears()
  })

  test('a handshake of 2,000 headers with 20 KB of values is refused', async () => {
    const headers = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`x-${at}`, 'y'.repeat(10)]))
    const [refused] = await once(
      new WebSocket(local.url, { headers }).on('error', () => {}),
      'error',
    )
    expect(String(refused)).toMatch(/response: 4\d\d/)
    await neighbourHears()
  })
})

describe('the input of a data transformer', () => {
  const echoed = withTags.router({ echo: withTags.procedure.input(z.unknown()).query(({ input }) => input ?? null) })
  test.each([
    '{"json":{},"meta":{"values":{"__proto__.polluted":["Date"]}}}',
    '{"json":{"a":"x"},"meta":{"values":{"a":["Date"]}}}',
    '{"json":{"a":"x"},"meta":{"values":{"a":["map"]}}}',
    '{"json":{"a":"x"},"meta":{"values":{"a":[["custom","then"]]}}}',
    '{"json":{"a":"["},"meta":{"values":{"a":["regexp"]}}}',
    '{"json":{"a":1},"meta":{"referentialEqualities":{"a":["constructor.prototype.polluted"]}}}',
    '{"json":1,"meta":5}',
    '5',
  ])('%s pollutes no prototype, and the connection stays usable [TL-BAD-2]', async (input) => {
    await using local = await startLocalLine({ router: echoed, onError: () => {} })
    const socket = new WebSocket(local.url)
    await once(socket, 'open')
    const ask = async (id: string, given: string) => {
      socket.send(`{"id":"${id}","method":"query","params":{"path":"echo","input":${given}}}`)
      return String((await once(socket, 'message'))[0])
    }
    const answer = JSON.parse(await ask('hostile', input))
    expect([null, 'hostile']).toContain(answer.id) // null if it cannot be read, as in tRPC
    expect(JSON.stringify(answer)).not.toContain('at ') // [LAW-ERRORS]: no stack
    expect(await ask('after', '{"json":7}')).toBe('{"id":"after","result":{"type":"data","data":{"json":7}}}')
    expect(Object.prototype).not.toHaveProperty('polluted')
    socket.terminate()
  })
})
