import { useSyncExternalStore } from 'react'
import type { Connection } from './connection/create-connection.ts'
import type { ConnectionState } from './session/machine/connection-state.ts'

const idle: ConnectionState = { status: 'idle' } // the state during server rendering

/** Returns the state of a connection, and renders the component again after each change. */
export function useConnection(connection: Connection): ConnectionState {
  return useSyncExternalStore(
    connection.subscribe,
    () => connection.state,
    () => idle,
  )
}
