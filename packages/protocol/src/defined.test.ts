import { expect, expectTypeOf, test } from 'vitest'
import { defined } from './defined.ts'

test('defined leaves out the members that are undefined and keeps the order of the rest', () => {
  const name: string | undefined = undefined
  expect(Object.keys(defined({ z: 1, name, a: null, f: false, n: 0, e: '' }))).toEqual(['z', 'a', 'f', 'n', 'e'])
})

test('a member that may be undefined becomes optional', () => {
  const given = defined({ id: 'a', ms: 5 as number | undefined })
  expectTypeOf(given).toExtend<{ id: string; ms?: number }>()
  expectTypeOf(given.id).toEqualTypeOf<string>()
})

test('a member named __proto__ changes no prototype of the copy', () => {
  const given = defined(JSON.parse('{"__proto__":{"admin":true},"a":1}'))
  expect(Object.getPrototypeOf(given)).toBe(Object.prototype)
  expect((given as { admin?: unknown }).admin).toBeUndefined()
})
