import { defined } from '@trunkline/protocol'
import type { ConnectionRow, ConnectionStore, Renewal } from '../ports/connections.ts'
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
    renewConnection(connectionId, { follows, claimsPending, ...authority }) {
      const row = rows.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      if (row.renewedAt !== follows) return isOwnRenewal(row, authority) ? 'renewed' : 'changed'
      const { claimsPending: _, ...rest } = row
      rows.set(connectionId, { ...rest, ...authority, ...(claimsPending && { claimsPending }) })
      return 'renewed'
    },
    settleClaims(connectionId, renewedAt) {
      const row = rows.get(connectionId)
      if (row?.renewedAt !== renewedAt) return
      const { claimsPending: _, ...settled } = row
      rows.set(connectionId, settled)
    },
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpired([rows], isDue)
  return { operations, deleteExpired: dropExpired }
}

function isOwnRenewal(row: ConnectionRow, own: Pick<Renewal, 'authExp' | 'claims' | 'renewedAt'>): boolean {
  return row.renewedAt === own.renewedAt && row.authExp === own.authExp && row.claims === own.claims
}
