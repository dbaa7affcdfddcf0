import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { initTRPC } from '@trpc/server'
import { deny } from '@trunkline/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { openHandles } from '../testing/open-handles.suite.ts'
import { startLocalEntry } from './start-local-entry.ts'
import { startLocalLine } from './start-local-line.ts'

const t = initTRPC.create()
const router = t.router({ hello: t.procedure.query(() => 'hello') })
const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))

afterEach(() => vi.restoreAllMocks())

describe('a line that fails to start', () => {
  test.each([
    ['an invalid origin', { origins: ['not an origin'] }],
    ['a bound that is too large', { maxMessageBytes: 1e9 }],
  ])('leaves no handle open: %s', async (_, wrong) => {
    const before = openHandles()
    await expect(startLocalLine({ router, ...wrong })).rejects.toThrow()
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
  })

  test('leaves no handle open when its port is in use', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => busy.once('listening', resolve))
    const { port } = busy.address() as AddressInfo
    const before = openHandles()
    await expect(startLocalLine({ router, port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `Expected port ${port} of 127.0.0.1 to be free, and it is in use. Stop what listens on it, or leave \`port\` out.`,
    })
    await expect(startLocalEntry({ entry, port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
    busy.close()
  })

  test('leaves no handle open when its data folder is a file', async () => {
    const before = openHandles()
    await expect(startLocalLine({ router, dataDir: fileURLToPath(import.meta.url) })).rejects.toThrow()
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
  })

  test.each([
    ['exports no functions', { entry: fileURLToPath(new URL('../emulators/clock.ts', import.meta.url)) }],
    ['is not there', { entry: './nowhere.ts' }],
    ['lacks the handler of a table', { entry, tables: [{ name: 't-none', keys: { id: 'S' }, handler: 'nobody' }] }],
    ['has a table without keys', { entry, tables: [{ name: 't-keys', keys: {}, handler: 'websocket' }] }],
  ] as const)('leaves no handle open when its entry %s', async (_, options) => {
    const before = openHandles()
    await expect(startLocalEntry(options)).rejects.toThrow()
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
  })
})

const nonsense: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('The key store is down.')
    },
  ],
  ['rejects', () => Promise.reject(new Error('The key store is down.'))],
  ['returns nothing', () => undefined],
  ['returns null', () => null],
  ['returns a text', () => 'ann'],
  ['returns a time that is not a Date', () => ({ principal: 'ann', claims: {}, expiresAt: Date.now() + 60_000 })],
  ['returns no principal', () => ({ claims: {}, expiresAt: new Date(Date.now() + 60_000) })],
]

describe('an `authorize`', () => {
  test.each(nonsense)('that %s is printed with its function and a trace', async (_, authorize) => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    const options = { router, authorize } as unknown as Parameters<typeof startLocalLine<typeof router>>[0]
    await using local = await startLocalLine(options)
    const socket = new WebSocket(local.url)
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
      socket.on('error', () => {})
    })
    expect(status).toBe(500)
    expect(printed.mock.calls.flat().join('\n')).toMatch(/The function authorizer failed: .*Error: .+\n\s+at /)
  })

  test('that denies prints nothing, and an injected fault prints nothing', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using local = await startLocalLine({ router, authorize: () => deny('no') })
    await new Promise((resolve) => new WebSocket(local.url).on('open', resolve).on('error', resolve))
    local.faults.on('function', 'fail')
    await new Promise((resolve) => new WebSocket(local.url).on('open', resolve).on('error', resolve))
    expect(printed).not.toHaveBeenCalled()
  })
})
