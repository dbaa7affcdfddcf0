import { expect, test } from 'vitest'
import { createRecent, type Recent } from './recent.ts'

const namesOf = (recent: Recent<{ readonly name: string }>) => {
  const names: (string | undefined)[] = []
  for (let number = recent.oldest(); number <= recent.newest(); number++) names.push(recent.get(number)?.name)
  return names.join(' ')
}

test('keeps the newest entries by number', () => {
  const recent = createRecent<{ readonly name: string }>({ most: 3 })
  expect([recent.oldest(), recent.newest()]).toEqual([1, 0])
  for (const name of ['a', 'b', 'c', 'd', 'e']) recent.add({ name })
  expect(namesOf(recent)).toBe('c d e')
  expect(recent.get(5)).toEqual({ name: 'e', number: 5 })
  expect([recent.get(2), recent.get(6)]).toEqual([undefined, undefined])
})

test('keeps no more weight than allowed, but always the newest entry', () => {
  const recent = createRecent<{ readonly name: string }>({
    most: 9,
    mostWeight: 5,
    weightOf: ({ name }) => name.length,
  })
  for (const name of ['aa', 'bb', 'cc', 'd']) recent.add({ name })
  expect(namesOf(recent)).toBe('bb cc d')
  recent.add({ name: 'longer than allowed' })
  expect(namesOf(recent)).toBe('longer than allowed')
})

test('keeps the entries of a long run', () => {
  const recent = createRecent<{ readonly name: string }>({ most: 1_500 })
  for (let number = 1; number <= 10_000; number++) {
    recent.add({ name: String(number) })
    expect(recent.get(recent.oldest())?.name).toBe(String(Math.max(1, number - 1_499)))
  }
})
