import { expect, test } from 'vitest'
import { createRecent } from './recent.ts'

test('returns the newest entries by number', () => {
  const recent = createRecent<{ readonly name: string }>(3)
  for (const name of ['a', 'b', 'c', 'd', 'e']) recent.add({ name })
  const names = (after: number) => recent.after(after).map(({ name, number }) => `${name}${number}`)
  expect(names(0)).toEqual(['c3', 'd4', 'e5'])
  expect(names(4)).toEqual(['e5'])
  expect(names(5)).toEqual([])
})
