import type { PrincipalConnection, PrincipalStore, Restriction } from '../ports/principals.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'

/** The port of principals in memory. */
export function createPrincipals() {
  const connections = new Map<string, Map<string, PrincipalConnection>>()
  const restrictions = new Map<string, Map<string, Restriction>>()

  const operations: Operations<keyof PrincipalStore> = {
    putPrincipalConnection: (row) => void child(connections, row.principal).set(row.connectionId, row),
    deletePrincipalConnection: ({ principal, connectionId }) => void connections.get(principal)?.delete(connectionId),
    readPrincipalConnections: (principal) => [...(connections.get(principal)?.values() ?? [])],
    putRestriction(restriction) {
      const { principal, session, kind, at } = restriction
      const rows = child(restrictions, principal)
      const name = JSON.stringify([kind, session])
      if (kind !== 'ban' && (rows.get(name)?.at ?? at) > at) return
      rows.set(name, restriction)
    },
    readRestrictions: (principal) => [...(restrictions.get(principal)?.values() ?? [])],
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpiredIn(connections, isDue)
    deleteExpiredIn(restrictions, isDue)
  }
  return { operations, deleteExpired: dropExpired }
}
