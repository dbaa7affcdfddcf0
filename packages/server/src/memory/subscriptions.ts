import { defined } from '@trunkline/protocol'
import type { ConnectionSubscription, SubscriptionStore } from '../ports/subscriptions.ts'
import type { createLog } from './log.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'
import type { createSubscribers } from './subscribers.ts'

/** The port of the connections' rows of subscriptions in memory. A sync also reads the log and the topics' rows. */
export function createSubscriptions({
  log,
  subscribers,
}: {
  readonly log: ReturnType<typeof createLog>
  readonly subscribers: ReturnType<typeof createSubscribers>
}) {
  const connections = new Map<string, Map<string, ConnectionSubscription>>()
  const rowOf = ({ connectionId, id }: Pick<ConnectionSubscription, 'connectionId' | 'id'>) =>
    connections.get(connectionId)?.get(id)
  const set = <Row extends ConnectionSubscription>(row: Row): Row => {
    child(connections, row.connectionId).set(row.id, row)
    return row
  }

  const operations: Operations<keyof SubscriptionStore> = {
    claimSubscription(claim) {
      const row = rowOf(claim)
      if (row === undefined || (row.ref < claim.ref && (row.topic ?? claim.topic) === claim.topic)) {
        const { seat: _, claims: __, polled: ___, ...kept } = row ?? {}
        const { shard } = set({ ...kept, ...claim, on: true, shard: row?.shard ?? claim.shard })
        return { status: 'claimed', shard, repeated: false, wasLive: isLive(row) }
      }
      return isOwnClaim(row, claim)
        ? { status: 'claimed', shard: row.shard, repeated: true, wasLive: true }
        : { status: 'refused', row }
    },
    stopSubscription(stop) {
      const row = rowOf(stop)
      if (row === undefined && stop.ifExists === true) return { status: 'absent' }
      if (row !== undefined && row.ref > stop.ref) return { status: 'newer', row }
      const { connectionId, id, ref, expires } = stop
      const { polled: _, ...kept } = row ?? {}
      const stopped = set({ ...kept, connectionId, id, ref, on: false, expires })
      return { status: 'stopped', row: stopped, wasLive: isLive(row) }
    },
    readSubscription: (connectionId, id) => rowOf({ connectionId, id }),
    readSubscriptions: (connectionId) => [...(connections.get(connectionId)?.values() ?? [])],
    claimRun(claim) {
      const existing = rowOf(claim)
      const isFree = existing === undefined || (existing.ref < claim.ref && existing.topic === undefined)
      const row = isFree ? set({ ...claim, on: true }) : existing
      return { status: isUnderRun(row, claim) ? 'claimed' : 'refused', row }
    },
    passRun({ from, run, lease, ...name }) {
      const existing = rowOf(name)
      const passes = existing !== undefined && isUnderRun(existing, { ref: name.ref, run: from })
      const row = passes ? set({ ...existing, run, lease }) : existing
      const isOwn = row !== undefined && isUnderRun(row, { ref: name.ref, run })
      return { status: isOwn ? 'passed' : 'refused', row }
    },
    readSyncStates: (asked) =>
      asked.map(({ topic, shard, connectionId, id, offset, needs = 'all' }) => {
        const place = { topic, shard, connectionId, id }
        const subscriber = needs === 'all' ? subscribers.operations.readSubscriber(place) : undefined
        const at = needs === 'after' ? undefined : log.slotAt(topic, offset)
        const after = log.slotAt(topic, offset + 1)
        return defined({ subscriber, at, after })
      }),
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpiredIn(connections, isDue)
  return { operations, connections, deleteExpired: dropExpired }
}

function isLive(row: ConnectionSubscription | undefined): boolean {
  return row?.on === true && row.topic !== undefined
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
