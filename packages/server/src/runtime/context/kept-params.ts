import type { Store } from '../../ports/store.ts'
import type { ConnectionParams } from './caller.ts'
import type { Server } from './served-application.ts'

/** Connections whose parameters a process remembers. They never change, and have at most 32 KB each. */
const connectionsKept = 500
const known = new WeakMap<Store, Map<string, string>>()

/**
 * The parameters of connections as JSON text, by connection id: those that this process has read, and the reads of this
 * invocation, so that its deliveries to one connection share one read.
 */
export interface ParamsMemory {
  readonly read: Map<string, string>
  readonly reading: Map<string, Promise<string | undefined>>
}

/** The part of an invocation's context that reads parameters. */
interface Reading {
  readonly store: Store
  readonly server: Pick<Server, 'keptParams'>
  readonly knownParams: ParamsMemory
}

/** The memory of an invocation. `store` is that of the process, without the invocation's deadline. */
export function paramsMemoryOf(store: Store): ParamsMemory {
  const read = known.get(store) ?? new Map<string, string>()
  known.set(store, read)
  return { read, reading: new Map() }
}

/** The part of the parameters that `createContext` gets. Null when it gets none. */
export function keepParams({ keptParams }: Pick<Server, 'keptParams'>, params: ConnectionParams): ConnectionParams {
  if (params === null || keptParams === 'all') return params
  if (keptParams.length === 0) return null
  return Object.fromEntries(
    keptParams.flatMap((name) => (Object.hasOwn(params, name) ? [[name, params[name] ?? '']] : [])),
  )
}

/**
 * The same for a connection whose parameters only its row has: for a delivery and the worker. Reads the row once for
 * each connection, and nothing when `createContext` gets none.
 */
export async function readKeptParams(context: Reading, connectionId: string): Promise<ConnectionParams> {
  const { server, knownParams } = context
  if (server.keptParams.length === 0) return null
  const text = knownParams.read.get(connectionId) ?? (await readOnce(context, connectionId))
  return text === undefined ? null : keepParams(server, JSON.parse(text) as ConnectionParams)
}

function readOnce(
  { store, knownParams: { read, reading } }: Pick<Reading, 'store' | 'knownParams'>,
  connectionId: string,
) {
  const running = reading.get(connectionId) ?? readText(store, connectionId)
  reading.set(connectionId, running)
  const settled = () => void reading.delete(connectionId)
  return running.finally(settled).then((text) => {
    if (text === undefined) return undefined
    const [oldest] = read.size >= connectionsKept ? read.keys() : []
    if (oldest !== undefined) read.delete(oldest)
    read.set(connectionId, text)
    return text
  })
}

async function readText(store: Store, connectionId: string): Promise<string | undefined> {
  return (await store.readConnection(connectionId))?.connectionParams
}
