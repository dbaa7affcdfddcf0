import { expect, test } from 'vitest'
import { alignColumns, alignTables } from './align.ts'

test('columns begin below each other, also where a row has fewer', () => {
  expect(
    alignColumns([
      ['a', '1', 'x'],
      ['long name', '22'],
    ]),
  ).toEqual(['a          1   x', 'long name  22'])
  expect(alignColumns([])).toEqual([])
})

test('tables of Markdown have numbers to the right, and other text stays', () => {
  const text = '## Units\n| what | usd |\n|---|--:|\n| a call \\| b | $1 |\n| an event | $12.50 |\n\nEnd | here'
  expect(alignTables(text)).toBe('## Units\nwhat           usd\na call | b      $1\nan event    $12.50\n\nEnd | here')
})
