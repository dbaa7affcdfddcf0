import type { ConnectionRow, ConnectionSubscription } from '../ports/store.ts'
import { child } from './log.ts'
import type { Operations } from './operations.ts'

/** Connections and their own rows of subscriptions. */
export function createConnections() {
  const connections = new Map<string, ConnectionRow>()
  const subscriptions = new Map<string, Map<string, ConnectionSubscription>>()

  const operations: Operations<
    | 'putConnection'
    | 'readConnection'
    | 'closeConnection'
    | 'putConnectionParams'
    | 'renewConnection'
    | 'claimSubscription'
    | 'stopSubscription'
    | 'claimRun'
    | 'passRun'
    | 'readSubscription'
    | 'readSubscriptions'
  > = {
    putConnection(row) {
      const standing = connections.get(row.connectionId)
      // A connection id is never used twice, so an open row of the same session is the writer's own.
      if (standing !== undefined)
        return standing.state === 'OPEN' && standing.session === row.session ? 'put' : 'exists'
      connections.set(row.connectionId, row)
      return 'put'
    },
    readConnection: (connectionId) => connections.get(connectionId),
    closeConnection(connectionId, expires) {
      const row = connections.get(connectionId) ?? { connectionId, session: '', principal: null, extensions: false }
      connections.set(connectionId, { ...row, state: 'CLOSED', expires })
    },
    putConnectionParams(connectionId, connectionParams) {
      const row = connections.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      if (row.connectionParams !== undefined) return row.connectionParams === connectionParams ? 'stored' : 'exists'
      connections.set(connectionId, { ...row, connectionParams })
      return 'stored'
    },
    renewConnection(connectionId, { authExp, claims }) {
      const row = connections.get(connectionId)
      if (row?.state !== 'OPEN') return 'absent'
      connections.set(connectionId, { ...row, authExp, claims })
      return 'renewed'
    },

    claimSubscription(claim) {
      const rows = child(subscriptions, claim.connectionId)
      const row = rows.get(claim.id)
      if (row === undefined || (row.ref < claim.ref && (row.topic ?? claim.topic) === claim.topic)) {
        const shard = row?.shard ?? claim.shard
        const { seat: _, ...kept } = row ?? {}
        rows.set(claim.id, { ...kept, ...claim, on: true, shard })
        return { status: 'claimed', shard, repeated: false }
      }
      return isOwnClaim(row, claim)
        ? { status: 'claimed', shard: row.shard, repeated: true }
        : { status: 'refused', row }
    },
    stopSubscription({ connectionId, id, ref, expires }) {
      const rows = child(subscriptions, connectionId)
      const standing = rows.get(id)
      if (standing !== undefined && standing.ref > ref) return { status: 'newer', row: standing }
      const row = { ...standing, connectionId, id, ref, on: false, expires }
      rows.set(id, row)
      return { status: 'stopped', row }
    },
    claimRun(claim) {
      const rows = child(subscriptions, claim.connectionId)
      const standing = rows.get(claim.id)
      const free = standing === undefined || (standing.ref < claim.ref && standing.topic === undefined)
      const row = free ? { ...claim, on: true } : standing
      rows.set(claim.id, row)
      return { status: isUnderRun(row, claim) ? 'claimed' : 'refused', row }
    },
    passRun({ connectionId, id, ref, from, run, lease }) {
      const standing = subscriptions.get(connectionId)?.get(id)
      const passes = standing !== undefined && isUnderRun(standing, { ref, run: from })
      const row = passes ? { ...standing, run, lease } : standing
      if (row !== undefined) child(subscriptions, connectionId).set(id, row)
      return { status: row !== undefined && isUnderRun(row, { ref, run }) ? 'passed' : 'refused', row }
    },
    readSubscription: (connectionId, id) => subscriptions.get(connectionId)?.get(id),
    readSubscriptions: (connectionId) => [...(subscriptions.get(connectionId)?.values() ?? [])],
  }
  return { operations, tables: () => [connections, ...subscriptions.values()] }
}

function isOwnClaim(
  row: ConnectionSubscription,
  claim: Pick<ConnectionSubscription, 'ref' | 'topic'>,
): row is ConnectionSubscription & { shard: number } {
  return row.on && row.ref === claim.ref && row.topic === claim.topic && row.shard !== undefined
}

function isUnderRun(row: ConnectionSubscription, { ref, run }: Pick<ConnectionSubscription, 'ref' | 'run'>): boolean {
  return row.on && row.ref === ref && row.run === run
}
