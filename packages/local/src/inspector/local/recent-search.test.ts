import { expect, test } from 'vitest'
import { createRecent } from './recent.ts'
import { RecentSearch } from './recent-search.ts'

function setUp(most = 100) {
  const recent = createRecent<{ readonly text: string }>({ most })
  const examined: string[] = []
  const search = new RecentSearch(recent, ({ text }) => {
    examined.push(text)
    return text
  })
  const add = (...texts: readonly string[]) => {
    for (const text of texts) recent.add({ text })
  }
  const page = (query: Partial<Parameters<typeof search.page>[0]> = {}) => {
    const { entries, total, through } = search.page({ search: '', offset: 0, limit: 10, ...query })
    return { texts: entries.map(({ text }) => text).join(' '), total, through }
  }
  return { add, page, examined }
}

test('returns the newest entries first, by offset and limit', () => {
  const { add, page } = setUp()
  add('a', 'b', 'c', 'd')
  expect(page()).toEqual({ texts: 'd c b a', total: 4, through: 4 })
  expect(page({ offset: 1, limit: 2 }).texts).toBe('c b')
  expect(page({ offset: 9 }).texts).toBe('')
})

test('finds the entries that have all words, in upper or lower case', () => {
  const { add, page } = setUp()
  add('Post room', 'room', 'post ROOM two', 'post')
  expect(page({ search: '  room POST ' })).toEqual({ texts: 'post ROOM two Post room', total: 2, through: 4 })
})

test('finds characters that mean something in a pattern as they are', () => {
  const { add, page } = setUp()
  add('a.b', 'axb', '(a|b)*', 'ÄÖ [^x]\\d')
  expect(page({ search: 'A.B' }).texts).toBe('a.b')
  expect(page({ search: '(a|b)*' }).texts).toBe('(a|b)*')
  expect(page({ search: 'äö [^X]\\D' }).texts).toBe('ÄÖ [^x]\\d')
})

test('keeps the offsets of a view while entries arrive', () => {
  const { add, page } = setUp()
  add('a1', 'b', 'a2')
  const { through } = page({ search: 'a' })
  add('a3', 'a4')
  expect(page({ search: 'a', through })).toEqual({ texts: 'a2 a1', total: 2, through: 3 })
  expect(page({ through, offset: 1 }).texts).toBe('b a1')
  expect(page({ search: 'a' }).texts).toBe('a4 a3 a2 a1')
})

test('loses the entries that are no longer kept', () => {
  const { add, page } = setUp(3)
  add('a1', 'a2', 'b')
  expect(page({ search: 'a' }).total).toBe(2)
  add('a3', 'a4')
  expect(page({ search: 'a' })).toEqual({ texts: 'a4 a3', total: 2, through: 5 })
})

test('examines each entry once, and only the matches when the search grows', () => {
  const { add, page, examined } = setUp()
  add('ab', 'b', 'a')
  page({ search: 'a' })
  expect(examined).toHaveLength(3)
  page({ search: 'a' })
  add('abc')
  page({ search: 'a' })
  expect(examined).toHaveLength(4)
  expect(page({ search: 'ab' }).texts).toBe('abc ab')
  expect(examined).toHaveLength(7)
})
