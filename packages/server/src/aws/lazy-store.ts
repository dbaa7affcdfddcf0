import { lazyPart } from '../ports/lazy-part.ts'
import { StoreError } from '../ports/store.ts'

type Operation = (...args: readonly unknown[]) => Promise<unknown>

const dynamodb = lazyPart(['tableStream', 'deliver', 'worker'], () => import('../dynamodb/store.ts'))

type Adapter = Awaited<ReturnType<typeof dynamodb.load>>

/**
 * A port of the table whose code is read by its first operation: a call that uses no table does not need it. Operations
 * reject with a `StoreError`, as those of the adapter do.
 */
export function lazyStore<Port extends object>(create: (adapter: Adapter) => Port, kind?: string): Port {
  let created: Port | undefined
  const operations = new Map<PropertyKey, Operation>()
  const operationOf = (name: string): Operation => {
    return async (...args) => {
      created ??= create(dynamodb.loaded ?? (await loaded(name)))
      return (Reflect.get(created, name) as Operation)(...args)
    }
  }
  return new Proxy((kind === undefined ? {} : { kind }) as Port, {
    get(target, name) {
      if (typeof name === 'symbol' || name in target || name === 'then') return Reflect.get(target, name) // a port is no promise
      const operation = operations.get(name) ?? operationOf(name)
      operations.set(name, operation)
      return operation
    },
  })
}

async function loaded(operation: string): Promise<Adapter> {
  try {
    return await dynamodb.load()
  } catch (cause) {
    throw new StoreError(operation as StoreError['operation'], false, { cause })
  }
}
