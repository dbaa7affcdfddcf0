import type { Store } from '../ports/store.ts'

type OperationName = Exclude<keyof Store, 'kind'>

/** Some of a store's operations as synchronous functions, so that each is atomic in this process. */
export type Operations<Names extends OperationName = OperationName> = {
  [Name in Names]: (...args: Parameters<Store[Name]>) => Awaited<ReturnType<Store[Name]>>
}

/**
 * The same operations as a store has them. Each happens at one instant after its call: one microtask later, so that
 * concurrent callers interleave. `onOperation` runs before each.
 */
export function toStore(kind: string, operations: Operations, onOperation: () => void): Store {
  const later = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...args: never[]) => {
      await undefined
      onOperation()
      return (operation as (...args: never[]) => unknown)(...args)
    },
  ])
  return { kind, ...(Object.fromEntries(later) as Omit<Store, 'kind'>) } // one for each of the operations above
}

/** The map under `key`, created if there is none. */
export function child<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const map = maps.get(key) ?? new Map<K, V>()
  maps.set(key, map)
  return map
}

/** Deletes the rows whose `expires` (epoch seconds) is due. */
export type DeleteExpired = (isDue: (expires: number) => boolean) => void

/** Deletes the rows in these maps whose `expires` is due, and each map that is then empty. */
export function deleteExpiredIn<K>(
  maps: Map<string, Map<K, { readonly expires: number }>>,
  isDue: (expires: number) => boolean,
): void {
  deleteExpired([...maps.values()], isDue)
  for (const [name, rows] of maps) if (rows.size === 0) maps.delete(name)
}

/** Deletes the rows of these tables whose `expires` is due. */
export function deleteExpired<K>(
  tables: readonly Map<K, { readonly expires: number }>[],
  isDue: (expires: number) => boolean,
): void {
  for (const rows of tables) for (const [key, { expires }] of rows) if (isDue(expires)) rows.delete(key)
}
