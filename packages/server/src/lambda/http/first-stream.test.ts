import { PassThrough } from 'node:stream'
import { initTRPC } from '@trpc/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous } from '../../define/identity.ts'
import { createLine } from '../../line/create-line.ts'
import { memoryBackend } from '../../memory/store.ts'
import { createLambdaHandlers } from '../handlers.ts'

const key = z.object({ room: z.string() })
const line = createLine({ backend: memoryBackend() })
const messages = line.channel('messages', { key, event: z.string() })
const t = initTRPC.create()
const router = t.router({ live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)) })

test('a reader may leave while the first event loads the code that answers it [TL-READ-9]', async () => {
  const { httpStream } = createLambdaHandlers({ router, line, authorize: () => anonymous })
  const stream = new PassThrough().resume()
  const event = {
    ...{ version: '2.0', rawPath: '/read/live', headers: {} },
    rawQueryString: `input=${encodeURIComponent('{"room":"x"}')}&offset=-1&live=sse`,
    requestContext: { requestId: 'r=', http: { method: 'GET', sourceIp: '192.0.2.1' } },
  }
  const ended = httpStream(event, stream, { getRemainingTimeInMillis: () => 600_000 })
  stream.destroy(new Error('ECONNRESET'))
  await ended // an error of a stream without a listener ends the process
  expect(stream.destroyed).toBe(true)
})
