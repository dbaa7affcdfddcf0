import type { Store } from '../ports/store.ts'

type OperationName = Exclude<keyof Store, 'kind'>

/** Some of a store's operations as plain functions: nothing can come between the first and the last line of one. */
export type Operations<Names extends OperationName = OperationName> = {
  [Name in Names]: (...args: Parameters<Store[Name]>) => Awaited<ReturnType<Store[Name]>>
}

/** The same operations as a store has them: each happens at one instant, somewhat after its call and somewhat before its answer. */
export function toStore(kind: string, operations: Operations, onOperation: () => void): Store {
  const later = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...args: never[]) => {
      await undefined
      onOperation()
      return (operation as (...args: never[]) => unknown)(...args)
    },
  ])
  return { kind, ...(Object.fromEntries(later) as Omit<Store, 'kind'>) }
}
