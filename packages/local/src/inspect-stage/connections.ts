import { defined } from '@trunkline/protocol'
import { publicSessionId } from '@trunkline/server/internal'
import type { ConnectionItem, ConnectionRow, ListPage, ListQuery, SubscriptionView } from '../inspector/data-source.ts'
import { redact } from '../inspector/local/redact.ts'
import { request, type StageReader } from './read-only.ts'

type StoredConnection = NonNullable<Awaited<ReturnType<StageReader['store']['readConnection']>>>
type StoredSubscription = Awaited<ReturnType<StageReader['store']['readSubscriptions']>>[number]

const shownSubscriptions = 100
const isConnectionId = /^(?:[0-9A-Za-z_-]{15}=|http-.+)$/

/** The open connections of a principal, or the connection with this id. Nothing without a search: it would be a scan. */
export async function findConnections(
  { store }: StageReader,
  { search, offset, limit }: ListQuery,
): Promise<ListPage<ConnectionRow>> {
  const term = search.trim()
  if (term === '') return { rows: [], total: 0 }
  const ids = isConnectionId.test(term) ? [term] : await idsOf(store, term)
  const read = ids.slice(offset, offset + limit).map((id) => store.readConnection(id))
  const found = await request('dynamodb:GetItem', () => Promise.all(read))
  const rows = found.flatMap((row) => (row?.state === 'OPEN' ? [toRow(row)] : []))
  return { rows, total: rows.length === 0 && offset === 0 ? 0 : ids.length }
}

/** The newest first. */
async function idsOf(store: StageReader['store'], principal: string): Promise<readonly string[]> {
  const rows = await request('dynamodb:Query', () => store.readPrincipalConnections(principal))
  return [...rows].sort((a, b) => b.openedAt - a.openedAt).map(({ connectionId }) => connectionId)
}

function toRow({ connectionId, principal, extensions, via, openedAt }: StoredConnection): ConnectionRow {
  return {
    id: connectionId,
    principal,
    client: extensions ? 'Trunkline' : 'tRPC',
    via: via === 'http' ? 'http' : 'socket',
    state: 'open',
    connectedAt: openedAt ?? 0,
    paths: [],
  }
}

/** All that may be shown of an open connection. Its secret session id is replaced by the public one. */
export async function openConnection(reader: StageReader, id: string): Promise<ConnectionItem | undefined> {
  const { store } = reader
  const row = await request('dynamodb:GetItem', () => store.readConnection(id))
  if (row?.state !== 'OPEN') return undefined
  const stored = await request('dynamodb:Query', () => store.readSubscriptions(id))
  const live = stored.filter(({ on, topic }) => on && topic !== undefined).slice(0, shownSubscriptions)
  const subscriptions = await request('dynamodb:GetItem', () => Promise.all(live.map((each) => toView(store, each))))
  const { state, ...seen } = row.via === 'http' ? { state: 'open' as const } : await describeSocket(reader, id)
  const { session, claims, authExp, issuedAt, renewedAt } = row
  return {
    ...{ ...toRow(row), state, ...seen },
    paths: [...new Set(subscriptions.map(({ path }) => path))],
    subscriptions,
    ...defined({
      session: session === '' ? undefined : publicSessionId(session),
      claims: claims === undefined ? undefined : (JSON.parse(redact(claims)) as unknown),
      authExpires: authExp,
      issuedAt,
      renewedAt,
    }),
  }
}

/** The topic's row has the procedure; a subscription over HTTP has none. */
async function toView(store: StageReader['store'], subscription: StoredSubscription): Promise<SubscriptionView> {
  const { connectionId, id, topic = '', shard = 0, polled } = subscription
  const path = polled?.path ?? (await store.readSubscriber({ topic, shard, connectionId, id }))?.path ?? ''
  return { topic, path, connectionId }
}

type Socket = Pick<ConnectionItem, 'state' | 'lastActiveAt' | 'sourceIp' | 'userAgent'>

/** What the gateway knows of a socket. Nothing where it may not be asked: the table says enough. */
async function describeSocket({ stage }: StageReader, ConnectionId: string): Promise<Socket> {
  if (stage.callbackUrl === undefined) return { state: 'open' }
  const sdk = await import('./sdk.ts')
  const config = { ...stage.clientConfig('API_GATEWAY'), endpoint: stage.callbackUrl, maxAttempts: 1 }
  const client = new sdk.ApiGatewayManagementApiClient(config)
  try {
    const { LastActiveAt, Identity } = await client.send(new sdk.GetConnectionCommand({ ConnectionId }))
    const { SourceIp: sourceIp, UserAgent: userAgent } = Identity ?? {}
    const text = (value: string | undefined) => value ?? undefined // the gateway says null for a client without one
    return {
      state: 'open',
      ...defined({ lastActiveAt: LastActiveAt?.getTime(), sourceIp: text(sourceIp), userAgent: text(userAgent) }),
    }
  } catch (thrown) {
    const status = (thrown as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode
    return { state: status === 410 ? 'lost' : 'open' }
  } finally {
    client.destroy()
  }
}
