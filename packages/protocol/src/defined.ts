type Required<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> }

/** `T` without its `undefined`: a member that may be undefined becomes a member that may be missing. */
export type Defined<T> = Required<T> & Optional<T>

const own = { configurable: true, enumerable: true, writable: true }

/** A copy of `members` in their order, without those that are undefined. */
export function defined<T extends object>(members: T): Defined<T> {
  const copy: Record<string, unknown> = {}
  for (const name in members) {
    const value: unknown = members[name]
    if (value === undefined) continue
    if (name === '__proto__') Object.defineProperty(copy, name, { ...own, value })
    else copy[name] = value
  }
  return copy as Defined<T>
}
