import { initTRPC } from '@trpc/server'
import { anonymous, createLine } from '@trunkline/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({ live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)) })

let local: LocalLine<typeof router>
beforeAll(async () => {
  local = await startLocalLine({ router, line, authorize: () => anonymous, anonymousMay: 'everything' })
})
afterAll(() => local.close())

let rooms = 0
const newRoom = () => `r${++rooms}`
const publish = (room: string, text: string) => local.run(() => messages.publish({ room }, { text }))
const addressOf = (room: string, query = '') =>
  `${local.httpUrl}/read/live?input=${encodeURIComponent(JSON.stringify({ room }))}${query}`

/** Reads events until one contains `text`, and leaves. */
async function eventsUntil(response: Response, text: string): Promise<string> {
  let received = ''
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  while (reader !== undefined && !received.includes(text)) {
    const { done, value } = await reader.read()
    if (done) break
    received += decoder.decode(value, { stream: true })
  }
  await reader?.cancel()
  return received
}

describe('A local line', () => {
  test('serves the log of a subscription to curl, and 304 for what it has [TL-READ-1] [TL-READ-7]', async () => {
    const room = newRoom()
    await publish(room, 'grüße')
    const response = await fetch(addressOf(room))
    expect([response.status, await response.json()]).toEqual([200, [{ text: 'grüße' }]])
    const match = { 'if-none-match': response.headers.get('etag') ?? '' }
    expect((await fetch(addressOf(room), { headers: match })).status).toBe(304)
    const head = await fetch(addressOf(room), { method: 'HEAD' })
    expect(head.headers.get('stream-next-offset')).toBe(response.headers.get('stream-next-offset'))
  })

  test('answers a long-poll when an event comes [TL-READ-8]', async () => {
    const room = newRoom()
    const asked = fetch(addressOf(room, '&offset=now&live=long-poll'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await publish(room, 'a')
    expect(await (await asked).json()).toEqual([{ text: 'a' }])
  })

  test('streams events while they come, without a length, and `idle` does not wait for their reader [TL-READ-9]', async () => {
    const room = newRoom()
    await publish(room, 'one')
    const response = await fetch(addressOf(room, '&offset=-1&live=sse'))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('content-length')).toBeNull()
    await local.idle()
    const received = eventsUntil(response, 'two')
    await publish(room, 'two')
    const events = (await received).split('\n\n').filter((text) => text.startsWith('event: data'))
    expect(events).toEqual(['event: data\ndata:[{"text":"one"}]', 'event: data\ndata:[{"text":"two"}]'])
  })

  test('closes while readers wait', async () => {
    const other = await startLocalLine({
      router,
      line,
      authorize: () => anonymous,
      anonymousMay: 'everything',
    })
    const waiting = fetch(`${other.httpUrl}/read/live?input={"room":"x"}&offset=now&live=sse`).catch(() => undefined)
    await waiting
    await other.close()
  })
})
