import { defined } from '@trunkline/protocol'
import { publicSessionId } from '@trunkline/server/internal'
import type { GatewayConnection } from '../../emulators/apigateway/gateway.ts'
import type { StreamRecord } from '../../emulators/dynamodb/dynamo.ts'
import type { ConnectionItem, ConnectionRow, SubscriptionView } from '../data-source.ts'
import { parseJson, putNewest, toPlainItem } from './plain-item.ts'
import { redact } from './redact.ts'

/** What the table knows of an open connection: see docs/design/table.md. */
interface StoredConnection {
  readonly via?: unknown
  readonly session?: unknown
  readonly principal?: unknown
  readonly claims?: unknown
  readonly authExp?: unknown
  readonly renewedAt?: unknown
  readonly issuedAt?: unknown
  readonly openedAt?: unknown
  readonly extensions?: unknown
}

const most = 10_000 // connections kept

/** The rows of the connections that are open, from the table's stream. */
export class ConnectionRows {
  readonly #rows = new Map<string, StoredConnection>()

  read({ dynamodb }: Pick<StreamRecord, 'dynamodb'>): void {
    const pk = dynamodb.Keys['pk']?.S ?? ''
    if (!pk.startsWith('CONN#') || dynamodb.Keys['sk']?.S !== '#') return
    const id = pk.slice('CONN#'.length)
    const row = dynamodb.NewImage && toPlainItem(dynamodb.NewImage)
    if (row?.['state'] === 'OPEN') putNewest(this.#rows, [id, row], most)
    else this.#rows.delete(id)
  }

  remove(connectionId: string): void {
    this.#rows.delete(connectionId)
  }

  get(connectionId: string): StoredConnection | undefined {
    return this.#rows.get(connectionId)
  }

  /** The connections over HTTP: the gateway has no socket of them. */
  overHttp(): readonly string[] {
    return [...this.#rows].flatMap(([id, { via }]) => (via === 'http' ? [id] : []))
  }
}

/** What is known of one connection. */
export interface ConnectionParts {
  readonly id: string
  /** Absent for a connection over HTTP. */
  readonly socket?: GatewayConnection | undefined
  readonly stored?: StoredConnection | undefined
  readonly subscriptions: readonly SubscriptionView[]
}

/** A connection, described by its row, else by its authorizer's context. */
export function toConnectionRow({ id, socket, stored, subscriptions }: ConnectionParts): ConnectionRow {
  const { principal, extensions, openedAt } = callerOf({ socket, stored })
  return {
    id,
    principal: typeof principal === 'string' ? principal : null,
    client: extensions === true ? 'Trunkline' : 'tRPC',
    via: socket === undefined ? 'http' : 'socket',
    state: socket?.state ?? 'open',
    connectedAt: socket?.connectedAt ?? Number(openedAt ?? 0),
    paths: [...new Set(subscriptions.map(({ path }) => path))],
  }
}

/** Everything that may be shown of a connection. The secret session id is replaced by the public one. */
export function toConnectionItem(parts: ConnectionParts): ConnectionItem {
  const { socket, stored, subscriptions } = parts
  const { session, claims, authExp, issuedAt, renewedAt } = callerOf({ socket, stored })
  return {
    ...toConnectionRow(parts),
    subscriptions: subscriptions.map(({ topic, path, connectionId }) => ({ topic, path, connectionId })),
    ...defined({
      session: typeof session === 'string' && session !== '' ? publicSessionId(session) : undefined,
      claims: typeof claims === 'string' ? parseJson(redact(claims)) : undefined,
      authExpires: toNumber(authExp),
      issuedAt: toNumber(issuedAt),
      renewedAt: toNumber(renewedAt),
      lastActiveAt: socket?.lastActiveAt,
      sourceIp: socket?.identity.sourceIp,
      userAgent: socket?.identity.userAgent,
    }),
  }
}

/**
 * The row, or the context that the server's `authorizeConnect` writes. Another authorizer of the application may write
 * other fields or none.
 */
function callerOf({ socket, stored }: Pick<ConnectionParts, 'socket' | 'stored'>): StoredConnection {
  if (stored !== undefined) return stored
  const caller = parseJson(socket?.authorizer?.['trunkline'])
  return typeof caller === 'object' && caller !== null ? caller : {}
}

const toNumber = (value: unknown) => (typeof value === 'number' ? value : undefined)
