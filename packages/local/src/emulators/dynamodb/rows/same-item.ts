import type { Attribute, Item } from './dynalite.ts'

/** Whether two items have the same attributes. The order of names and of set members is irrelevant. */
export function isSameItem(a: Item, b: Item): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => isSameAttribute(a[name], b[name]))
}

function isSameAttribute(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.M !== undefined) return b.M !== undefined && isSameItem(a.M, b.M)
  if (a.L !== undefined) return b.L !== undefined && isSameList(a.L, b.L)
  return isSameSet(a.SS, b.SS) && isSameSet(a.NS, b.NS) && isSameSet(a.BS, b.BS) && isSameScalar(a, b)
}

function isSameList(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  return a.length === b.length && a.every((member, i) => isSameAttribute(member, b[i]))
}

function isSameSet(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const members = new Set(b)
  return a.length === b.length && a.every((member) => members.has(member))
}

function isSameScalar(a: Attribute, b: Attribute): boolean {
  return a.S === b.S && a.N === b.N && a.B === b.B && a.BOOL === b.BOOL && a.NULL === b.NULL
}
