import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answers, line } from './chats.ts'
import { type AppRouter, appRouter } from './router.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0

let local: LocalLine<AppRouter>
beforeAll(async () => {
  local = await startLocalLine({ router: appRouter, line })
})
afterAll(() => local.close())

/** One run of curl: the headers by their names in lower case, and the body. */
async function curl(url: string) {
  const { stdout } = await promisify(execFile)('curl', ['-s', '-i', url])
  const [head = '', body = ''] = stdout.split('\r\n\r\n')
  const headers = new Map(head.split('\r\n').map((row) => [row.split(': ')[0]?.toLowerCase(), row.split(': ')[1]]))
  return { headers, body }
}

it.skipIf(!hasCurl)('lets curl follow an answer from its first chunk to its end', async () => {
  const { client } = local.connect()
  const key = await client.ask.mutate({ chat: 'curl', id: '1', text: 'What is the weather in Paris?' })
  const subscribed: unknown[] = []
  const ended = new Promise<void>((resolve) => {
    client.watch.subscribe(key, { onData: ({ data }) => subscribed.push(data), onComplete: resolve })
  })
  const read: unknown[] = []
  let pages = 0
  for (let offset = '-1', isClosed = false; !isClosed; pages++) {
    const query = new URLSearchParams({ input: JSON.stringify(key), offset, live: 'long-poll' })
    const { headers, body } = await curl(`${local.httpUrl}/read/watch?${query}`)
    if (body !== '') read.push(...JSON.parse(body))
    offset = headers.get('stream-next-offset') ?? ''
    isClosed = headers.get('stream-closed') === 'true'
    if (isClosed) expect(headers.get('stream-outcome')).toBe('done')
  }
  await ended
  expect(pages).toBeGreaterThan(1)
  expect(read).toEqual(subscribed)
  expect(read.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
})

it('refuses a question while another answer is being written, and repeats the same one', async () => {
  const { client } = local.connect()
  const first = { chat: 'busy', id: '1', text: 'Why?' }
  const key = await client.ask.mutate(first)
  await expect(client.ask.mutate({ chat: 'busy', id: '2', text: 'How?' })).rejects.toThrow(
    'Another answer is being written in this chat. Wait or stop it.',
  )
  expect(await client.ask.mutate(first)).toEqual(key)
  expect(await client.stop.mutate(key)).toEqual({ type: 'stopped' })
  await client.ask.mutate({ chat: 'busy', id: '2', text: 'How?' })
  expect(await local.run(() => answers.stop({ chat: 'busy', turn: '2' }))).toEqual({ type: 'stopped' })
})
