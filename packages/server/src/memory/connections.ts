import { defined } from '@trunkline/protocol'
import type { ConnectionRow, ConnectionStore } from '../ports/connections.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

/** The port of connections in memory. */
export function createConnections(shardsOf: (topic: string) => number) {
  const rows = new Map<string, ConnectionRow>()

  const operations: Operations<keyof ConnectionStore> = {
    putConnection(row) {
      const existing = rows.get(row.connectionId)
      // A connection id is never used twice, so an open row of the same session is the writer's own.
      if (existing !== undefined)
        return existing.state === 'OPEN' && existing.session === row.session ? 'put' : 'exists'
      rows.set(row.connectionId, row)
      return 'put'
    },
    readConnection: (connectionId) => rows.get(connectionId),
    readConnectionAndShards(connectionId, topic) {
      const connection = rows.get(connectionId)
      return defined({ connection, shards: shardsOf(topic) })
    },
    closeConnection(connectionId, expires) {
      const row = rows.get(connectionId) ?? { connectionId, session: '', principal: null, extensions: false }
      rows.set(connectionId, { ...row, state: 'CLOSED', expires })
    },
    putConnectionParams(connectionId, connectionParams) {
      const row = rows.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      if (row.connectionParams !== undefined) return row.connectionParams === connectionParams ? 'stored' : 'exists'
      rows.set(connectionId, { ...row, connectionParams })
      return 'stored'
    },
    renewConnection(connectionId, { authExp, claims }) {
      const row = rows.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      rows.set(connectionId, { ...row, authExp, claims })
      return 'renewed'
    },
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpired([rows], isDue)
  return { operations, deleteExpired: dropExpired }
}
