import { afterEach, expect, test, vi } from 'vitest'
import { auditOnConsole, logOnConsole } from './console-log.ts'

afterEach(() => vi.restoreAllMocks())

const line = (facts: Readonly<Record<string, unknown>>) => ({ level: 'ERROR', message: 'x', facts }) as const

test('writes one JSON line, with large numbers as text', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  logOnConsole(line({ path: 'a', n: 2n ** 60n, none: undefined }))
  expect(said.mock.calls).toEqual([['{"level":"ERROR","message":"x","path":"a","n":"1152921504606846976"}']])
})

test('leaves out facts that are not JSON, and writes the line', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  logOnConsole(line(cycle))
  expect(said.mock.calls).toEqual([['{"level":"ERROR","message":"x"}']])
})

test('does not throw when the console fails', () => {
  vi.spyOn(console, 'error').mockImplementation(() => {
    throw new Error('EPIPE')
  })
  expect(() => logOnConsole(line({}))).not.toThrow()
})

test('writes an audit event as one JSON line, and none for a connection that was opened', () => {
  const said = vi.spyOn(console, 'info').mockImplementation(() => {})
  auditOnConsole({ action: 'kick', principal: 'ann', reason: 'spam', facts: { connections: 2 } })
  auditOnConsole({ action: 'connect', principal: 'ann' })
  expect(said.mock.calls).toEqual([
    ['{"level":"INFO","message":"audit","action":"kick","principal":"ann","reason":"spam","connections":2}'],
  ])
})
