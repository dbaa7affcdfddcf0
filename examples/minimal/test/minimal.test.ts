import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startLocalLine } from '@trunkline/local'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { authorize, createContext } from '../auth.ts'
import { line } from '../line.ts'
import { appRouter } from '../router.ts'

const example = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(example, path), 'utf8')
const server = ['line.ts', 'router.ts', 'auth.ts', 'lambda.ts']

afterEach(() => vi.unstubAllGlobals())

it.each(server)('has %s as the README of the repository shows it', (file) => {
  const [, block] = new RegExp(`^\`\`\`ts\\n// ${file}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(read('../../README.md')) ?? []
  expect(read(file)).toBe(block)
})

it('has at most 40 lines of code', () => {
  const lines = [...server, 'client.ts'].flatMap((file) => read(file).split('\n'))
  expect(lines.filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/\*)/.test(line)).length).toBeLessThanOrEqual(40)
})

it('shows on a page what the page itself and another one post', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const shown: string[] = []
  vi.stubGlobal('fetch', async () => Response.json({ url: local.url }))
  vi.stubGlobal('document', { body: { append: (text: string) => shown.push(text) } })
  vi.stubGlobal('location', { hash: '#good%20morning' })
  vi.stubGlobal('WebSocket', WebSocket) // as browsers have it
  await import('../client.ts')
  const { client } = local.connect({ token: () => 'bob' })
  await client.post.mutate({ room: '7', text: 'hello' })
  await expect.poll(() => shown, { timeout: 15_000 }).toEqual(['good morning\n', 'hello\n'])
})
