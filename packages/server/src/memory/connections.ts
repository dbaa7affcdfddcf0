import { defined } from '@trunkline/protocol'
import type { ConnectionRow, ConnectionStore, CountName, Renewal, SettledParams } from '../ports/connections.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

type CountsRow = { readonly [Name in CountName]?: number } & { readonly mark: string; readonly expires: number }

/** The port of connections in memory. */
export function createConnections(shardsOf: (topic: string) => number) {
  const rows = new Map<string, ConnectionRow>()
  const counts = new Map<string, CountsRow>()

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
    closeConnection(connectionId, expires, kicked) {
      const before = rows.get(connectionId)
      const row = before ?? { connectionId, session: '', principal: null, extensions: false }
      rows.set(connectionId, { ...row, state: 'CLOSED', expires, ...defined({ kicked }) })
      return before
    },
    putConnectionParams(connectionId, settled) {
      const row = rows.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      if (isSettled(row, settled)) return showsSettled(row, settled) ? 'stored' : 'exists'
      rows.set(connectionId, { ...row, ...settled })
      return 'stored'
    },
    renewConnection(connectionId, { follows, claimsPending, issuedAt, ...authority }) {
      const row = rows.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      if (row.renewedAt !== follows) return isOwnRenewal(row, authority) ? 'renewed' : 'changed'
      const { claimsPending: _, ...rest } = row
      rows.set(connectionId, {
        ...rest,
        ...authority,
        ...defined({ issuedAt }),
        ...(claimsPending && { claimsPending }),
      })
      return 'renewed'
    },
    settleClaims(connectionId, renewedAt) {
      const row = rows.get(connectionId)
      if (row?.renewedAt !== renewedAt) return
      const { claimsPending: _, ...settled } = row
      rows.set(connectionId, settled)
    },
    addToCount(connectionId, { name, add, max, mark, expires }) {
      const row: Partial<CountsRow> = counts.get(connectionId) ?? {}
      const count = row[name] ?? 0
      if (row.mark === mark) return { status: 'added', count }
      if (add > 0 && count + add > max) return { status: 'full', count }
      counts.set(connectionId, { ...row, [name]: count + add, mark, expires })
      return { status: 'added', count: count + add }
    },
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpired([rows], isDue)
    deleteExpired([counts], isDue)
  }
  return { operations, rows, deleteExpired: dropExpired }
}

function isSettled(row: ConnectionRow, settled: SettledParams): boolean {
  const hasPrincipal = 'principal' in settled && row.principal !== null
  return hasPrincipal || row.connectionParams !== undefined || row.refused !== undefined
}

function showsSettled(row: ConnectionRow, settled: SettledParams): boolean {
  return Object.entries(settled).every(([name, value]) => row[name as keyof ConnectionRow] === value)
}

function isOwnRenewal(row: ConnectionRow, own: Pick<Renewal, 'authExp' | 'claims' | 'renewedAt'>): boolean {
  return row.renewedAt === own.renewedAt && row.authExp === own.authExp && row.claims === own.claims
}
