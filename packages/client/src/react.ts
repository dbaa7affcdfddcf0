import { useSyncExternalStore } from 'react'
import type { Connection } from './connection/create-connection.ts'
import type { ConnectionState } from './session/machine/connection-state.ts'

const idle: ConnectionState = { status: 'idle' } // a server renders before anything is opened

/** Tear-free connection state. */
export function useConnection(connection: Connection): ConnectionState {
  return useSyncExternalStore(
    connection.subscribe,
    () => connection.state,
    () => idle,
  )
}
