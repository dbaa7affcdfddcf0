import { once } from 'node:events'
import { initTRPC } from '@trpc/server'
import { trunklineError } from '@trunkline/client'
import { createLine, type LineMeta } from '@trunkline/server'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startLocalLine } from './start-local-line.ts'

const t = initTRPC.meta<LineMeta>().create()
const router = t.router({
  hello: t.procedure.query(() => 'hello'),
  seldom: t.procedure.meta({ rate: '2/h' }).mutation(() => 'done'),
})

test('a client of a procedure with a rate gets the typed error, and its next calls of others run [TL-RATE-4]', async () => {
  await using local = await startLocalLine({ router, line: createLine(), onError: () => {} })
  const { client } = local.connect()
  let thrown: unknown
  let done = 0
  // a new window may begin meanwhile, and lets two more calls pass
  for (; thrown === undefined && done < 5; done += 1) await client.seldom.mutate().catch((error) => (thrown = error))
  const error = trunklineError(thrown)
  expect(done).toBeGreaterThan(2)
  expect(error).toMatchObject({ code: 'RATE_LIMITED', retry: 'later', mayHaveRun: false })
  expect(error?.retryAfterMs).toBeGreaterThan(0)
  expect(await client.hello.query()).toBe('hello')
})

test('a socket that floods is closed by the gateway after it was refused, and a neighbour is not [TL-RATE-2]', async () => {
  const rates = { connection: { frames: '50/s' } } as const
  await using local = await startLocalLine({ router, line: createLine(), rates, onError: () => {} })
  const neighbour = local.connect().client
  const socket = new WebSocket(local.url)
  await once(socket, 'open')
  const texts: string[] = []
  socket.on('message', (data) => void texts.push(String(data)))
  const closed = once(socket, 'close')
  let isClosed = false
  void closed.then(() => (isClosed = true))
  for (let n = 0; n < 60 && !isClosed; n++) {
    socket.send(
      JSON.stringify(Array.from({ length: 100 }, (_, id) => ({ id, method: 'query', params: { path: 'hello' } }))),
    )
    await local.idle()
  }
  await closed
  expect(texts.join()).toContain('TOO_MANY_REQUESTS')
  expect(await neighbour.hello.query()).toBe('hello')
})
