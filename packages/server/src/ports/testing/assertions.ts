import { deepStrictEqual, ok, rejects as rejectsWith } from 'node:assert/strict'

export { ok }

/** Asserts that two values are deeply equal. A member that is undefined counts as absent. */
export function equal(actual: unknown, expected: unknown): void {
  deepStrictEqual(toPlain(actual), toPlain(expected))
}

/** Asserts that `actual` has the members of `expected`, deeply. */
export function includes(actual: unknown, expected: object): void {
  equal(pick(actual, expected), expected)
}

/** Asserts that an operation rejects with a `StoreError`. */
export function rejects(operation: Promise<unknown>): Promise<void> {
  return rejectsWith(operation, { name: 'StoreError' })
}

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [name, toPlain(member)]))
}

/** The members of `value` that `shape` has, deeply. */
function pick(value: unknown, shape: unknown): unknown {
  if (typeof value !== 'object' || value === null || typeof shape !== 'object' || shape === null) return value
  const members = new Map(Object.entries(value))
  return Object.fromEntries(Object.entries(shape).map(([name, member]) => [name, pick(members.get(name), member)]))
}
