/**
 * Copies a value of plain objects and arrays as `JSON.parse(JSON.stringify(value))` does, without its texts: members
 * that are undefined are left out.
 */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyElement) as T
  const copy: Record<string, unknown> = {}
  for (const name in value) {
    const member: unknown = value[name]
    if (member !== undefined) copy[name] = copyJson(member)
  }
  return copy as T
}

const copyElement = (element: unknown) => (element === undefined ? null : copyJson(element))
