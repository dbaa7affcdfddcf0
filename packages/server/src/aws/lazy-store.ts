import { lazyPart } from '../ports/lazy-part.ts'
import { StoreError } from '../ports/store.ts'

type Operation = (...args: readonly unknown[]) => Promise<unknown>

const dynamodb = lazyPart(['tableStream', 'deliver'], () => import('../dynamodb/store.ts'))

type Adapter = Awaited<ReturnType<typeof dynamodb.load>>

/** The name of each operation of a port. */
export type OperationNames<Port> = Readonly<Record<Exclude<keyof Port, 'kind'>, true>>

/**
 * Operations of the table whose code is read by the first one: a call that uses no table does not need it. They reject
 * with a `StoreError`, as those of the adapter do. All of them use one port, which `create` creates.
 */
export function lazyOperations<Port extends object>(
  names: OperationNames<Port>,
  create: (adapter: Adapter) => Port,
): Omit<Port, 'kind'> {
  let created: Port | undefined
  const toOperation =
    (name: string): Operation =>
    async (...args) => {
      const adapter = dynamodb.loaded ?? (await loadFor(name))
      created ??= create(adapter)
      return (Reflect.get(created, name) as Operation)(...args)
    }
  const operations = Object.keys(names).map((name) => [name, toOperation(name)])
  return Object.fromEntries(operations) as Omit<Port, 'kind'> // one for each of the names
}

async function loadFor(operation: string): Promise<Adapter> {
  try {
    return await dynamodb.load()
  } catch (cause) {
    throw new StoreError(operation as StoreError['operation'], false, { cause })
  }
}
