import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { startOfflineQueue } from './offline-queue.ts'

it('runs the function once with each message, when its delay is over', async () => {
  const runs: unknown[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    runs.push([request.url, JSON.parse(body)])
    response.writeHead(500).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = await startOfflineQueue(`http://127.0.0.1:${(server.address() as AddressInfo).port}/delayed`)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/000000000000\/later$/)
  const message = { QueueUrl: url, MessageBody: '{"a":1}', DelaySeconds: 1 }
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(message) })
  expect(await response.json()).toMatchObject({ MD5OfMessageBody: 'bb6cb5c68df4652941caf652a366f2d8' })
  expect(runs).toEqual([])
  await expect.poll(() => runs, { timeout: 60_000 }).toHaveLength(1)
  expect(runs).toMatchObject([['/delayed', { Records: [{ eventSource: 'aws:sqs', body: '{"a":1}' }] }]])
  server.close()
})
