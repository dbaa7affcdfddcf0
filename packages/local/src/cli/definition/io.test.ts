import { expect, test } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { formatJson, printable } from './io.ts'

test('control characters of a name do not reach the terminal, and JSON with them keeps its meaning', () => {
  expect(printable('ann\u001b]52;c;ZXZpbA==\u0007\r\u009b2J\n\tbob')).toBe(
    `${String.raw`ann\u001b]52;c;ZXZpbA==\u0007\u000d\u009b2J`}\n\tbob`,
  )
  expect(JSON.parse(printable(JSON.stringify({ name: 'ann\u009b2J\u007f' })))).toEqual({ name: 'ann\u009b2J\u007f' })
  expect(printable('\u001b[31mred\u001b[0m')).toBe('\u001b[31mred\u001b[0m')
})

test('an error message has no control characters of what it quotes', async () => {
  const { code, err } = await runTrunkline(['topics', 'read', '--topic', 'x\u001b]0;title\u0007'])
  expect([code, err]).toEqual([2, expect.stringContaining(String.raw`got x\u001b]0;title\u0007.`)])
})

test('values that only a transformer can make are printed as JSON', () => {
  const value = { big: 9_007_199_254_740_993n, map: new Map([['a', 1]]), set: new Set(['b']), at: new Date(0) }
  expect(JSON.parse(formatJson(value))).toEqual({
    big: '9007199254740993',
    map: [['a', 1]],
    set: ['b'],
    at: '1970-01-01T00:00:00.000Z',
  })
  expect(formatJson(undefined)).toBe('null')
})
