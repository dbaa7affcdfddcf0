import type { Item } from '../../emulators/dynamodb/dynamo.ts'

type Attribute = Item[string]

/** An attribute of a table's row as a plain value. Undefined for a type that no row of Trunkline has. */
function toPlain(attribute: Attribute | undefined): unknown {
  if (attribute === undefined) return undefined
  if (attribute.S !== undefined) return attribute.S
  if (attribute.N !== undefined) return Number(attribute.N)
  if (attribute.BOOL !== undefined) return attribute.BOOL
  return attribute.M === undefined ? undefined : toPlainItem(attribute.M)
}

/** A table's row as a plain object. */
export function toPlainItem(item: Item): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, toPlain(attribute)]))
}

/** JSON text as a value. Undefined for a text that is no JSON. */
export function parseJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

/** Puts an entry as the newest of a map, and drops the oldest ones beyond `most`. */
export function putNewest<K, V>(map: Map<K, V>, [key, value]: readonly [K, V], most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
