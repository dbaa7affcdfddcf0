import { defined } from '@trunkline/protocol'
import type { Stage } from '../../stage/stage.ts'
import { type Scanned, type ScanRequest, scanTable } from './scan-table.ts'

/** An open connection, as JSON shows it. Times are ISO 8601. */
export interface ListedConnection {
  readonly connectionId: string
  /** The public id of the session; absent in a scan, which reads no row that has it. */
  readonly sessionId?: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** Absent in the list of a principal, whose rows do not have it. */
  readonly via?: 'socket' | 'http'
  readonly openedAt?: string
}

/** The open connections of a principal, by the rows that lead from it to them. */
export async function connectionsOf(stage: Stage, principal: string): Promise<readonly ListedConnection[]> {
  const { createLine } = await import('@trunkline/server')
  const found = await createLine({ backend: await stage.backend() }).connections({ principal })
  return found.map(({ openedAt, ...each }) => ({
    ...each,
    principal,
    openedAt: openedAt.toISOString(),
  }))
}

/** All open connections, by a scan of the table. */
export async function allConnections(
  request: Pick<ScanRequest, 'stage' | 'io' | 'max' | 'yes'>,
): Promise<{ readonly connections: readonly ListedConnection[]; readonly scanned: Scanned }> {
  const connections: ListedConnection[] = []
  const now = Date.now()
  const scanned = await scanTable({
    ...request,
    what: 'the open connections',
    instead: 'With --principal it reads only the rows of one principal.',
    filter: 'begins_with(#pk, :connection) AND #sk = :only AND #state = :open',
    values: { ':connection': { S: 'CONN#' }, ':only': { S: '#' }, ':open': { S: 'OPEN' } },
    attributes: ['pk', 'sk', 'state', 'principal', 'via', 'openedAt', 'expires'],
    onRow({ pk, principal, via, openedAt, expires }) {
      if (Number(expires?.N) * 1_000 <= now) return // TTL deletes late
      connections.push({
        connectionId: (pk?.S ?? '').slice('CONN#'.length),
        principal: principal?.S ?? null,
        via: via?.S === 'http' ? 'http' : 'socket',
        ...defined({ openedAt: openedAt?.N === undefined ? undefined : toIso(Number(openedAt.N)) }),
      })
    },
  })
  connections.sort((a, b) => ((a.openedAt ?? '') < (b.openedAt ?? '') ? -1 : 1))
  return { connections, scanned }
}

/** What a line knows about one connection. Secrets, such as the session's own id, are not among it. */
export async function describeConnection(stage: Stage, connectionId: string) {
  const { store } = await stage.backend()
  const row = await store.readConnection(connectionId)
  if (row === undefined) return undefined
  const rows = (await store.readSubscriptions(connectionId)).filter(({ on, topic }) => on && topic !== undefined)
  const subscriptions = await Promise.all(
    rows.map(async ({ id, topic = '', shard = 0, polled }) => {
      const subscribers = await store.readSubscribersOf({ topic, shard, connectionId })
      const path = subscribers.find((each) => each.id === id)?.path ?? polled?.path
      return { id: JSON.parse(id) as unknown, topic, ...defined({ path }) }
    }),
  )
  const leading = row.principal === null ? [] : await store.readPrincipalConnections(row.principal)
  const { state, principal, via = 'socket', claims, authExp, openedAt, issuedAt, renewedAt, kicked, refused } = row
  return {
    connectionId,
    state: state === 'OPEN' && row.expires * 1_000 > Date.now() ? ('open' as const) : ('closed' as const),
    principal,
    via,
    client: row.extensions ? 'Trunkline' : 'tRPC',
    ...defined({
      sessionId: leading.find((each) => each.connectionId === connectionId)?.session,
      openedAt: toIso(openedAt),
      authorizedUntil: toIso(authExp),
      tokenIssuedAt: toIso(issuedAt),
      renewedAt: toIso(renewedAt),
      claims: claims === undefined ? undefined : (JSON.parse(claims) as unknown),
      refused,
      kicked: kicked && { reason: kicked.reason, ...defined({ bannedUntil: toIso(kicked.until) }) },
    }),
    subscriptions,
  }
}

function toIso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}
