import { initTRPC } from '@trpc/server'
import { anonymous, createLine } from '@trunkline/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ n: z.number() }) })
const t = initTRPC.create()
const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input).filter(({ n }) => n % 3 !== 0)),
})
const room = { room: 'x' }
const total = 60

test('A reader over HTTP and a subscriber over a socket see the same sequence while posts, requests and the table fail [TL-READ-4]', async () => {
  const local = await startLocalLine({ router, line, authorize: () => anonymous, anonymousMay: 'everything', seed: 7 })
  const { client, connection } = local.connect()
  const pushed: number[] = []
  const gaps: unknown[] = []
  await new Promise<void>((resolve) => {
    client.live.subscribe(room, {
      onStarted: () => resolve(),
      onData: ({ data }) => void pushed.push(data.n),
      onGap: (gap) => void gaps.push(gap),
    })
  })
  const first = await fetch(addressOf(local.httpUrl, 'now'))
  const reading = readUntil(local.httpUrl, first.headers.get('stream-next-offset') ?? '', total - 1)
  for (let n = 1; n < total; n++) {
    if (n % 7 === 0) local.faults.on('push', 'drop', { times: 1 })
    if (n % 11 === 0) local.faults.on('function', 'fail', { path: 'http', times: 1 })
    if (n % 20 === 0) local.faults.cut(connection)
    await local.run(() => messages.publish(room, { n }))
  }
  const read = await reading
  const expected = Array.from({ length: total }, (_, n) => n).filter((n) => n % 3 !== 0)
  expect(read).toEqual(expected)
  await expect.poll(() => pushed, { timeout: 60_000 }).toEqual(expected)
  expect(gaps).toEqual([])
  await local.close()
})

function addressOf(httpUrl: string, offset: string): string {
  return `${httpUrl}/read/live?input=${encodeURIComponent(JSON.stringify(room))}&offset=${offset}`
}

/** Reads page by page, and asks again where a request fails. */
async function readUntil(httpUrl: string, from: string, last: number): Promise<readonly number[]> {
  const numbers: number[] = []
  for (let offset = from; numbers.at(-1) !== last; ) {
    const response = await fetch(`${addressOf(httpUrl, offset)}&live=long-poll`)
    if (response.status === 200) numbers.push(...((await response.json()) as { n: number }[]).map(({ n }) => n))
    offset = response.headers.get('stream-next-offset') ?? offset
  }
  return numbers
}
