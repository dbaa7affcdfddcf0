import type { ConnectionRow } from '../ports/connections.ts'
import type { ErasableRow, ErasedPrincipal, ErasureStore } from '../ports/erasure.ts'
import type { KeyRow } from '../ports/idempotency.ts'
import type { Subscriber } from '../ports/subscribers.ts'
import type { ConnectionSubscription } from '../ports/subscriptions.ts'
import { rateName } from './rates.ts'
import { nameOf } from './uploads.ts'

const pageRows = 100 // small, so that tests meet second pages

/** The rows of the other ports. */
interface Tables {
  readonly connections: { readonly rows: Map<string, ConnectionRow> }
  readonly subscriptions: { readonly connections: Map<string, Map<string, ConnectionSubscription>> }
  readonly subscribers: { readonly shards: Map<string, Map<string, Subscriber>> }
  readonly idempotency: { readonly rows: Map<string, KeyRow> }
  readonly leases: { readonly owners: Map<string, unknown> }
  readonly rates: { readonly rows: Map<string, unknown> }
  readonly uploads: { readonly uploads: Map<string, unknown>; readonly texts: Map<string, unknown> }
}

/** A row, and whether a walk returns it. */
interface Examined {
  readonly row: ErasableRow
  readonly isFound: (who: ErasedPrincipal) => boolean
}

/** The port of erasures in memory. A walk goes over the rows that an erasure can remove, in the order of their names. */
export function createErasure(tables: Tables): ErasureStore {
  return {
    countRows: async () => examine(tables).length,
    async findRows(who, from = '') {
      const named = examine(tables).map((each) => ({ ...each, name: JSON.stringify(Object.values(each.row)) }))
      const rest = named.filter(({ name }) => name > from).sort((a, b) => (a.name < b.name ? -1 : 1))
      const page = rest.slice(0, pageRows)
      const next = page.at(-1)?.name
      return {
        rows: page.filter(({ isFound }) => isFound(who)).map(({ row }) => row),
        examined: page.length,
        ...(next !== undefined && rest.length > pageRows && { next }),
      }
    },
    eraseRow: async (row) => eraseRow(tables, row),
  }
}

function examine(tables: Tables): readonly Examined[] {
  const { connections, subscriptions, subscribers, idempotency, leases, uploads } = tables
  const shards = [...subscribers.shards.values()].flatMap((rows) => [...rows.values()])
  const calls = [...subscriptions.connections.values()].flatMap((rows) => [...rows.values()])
  const messages = [...uploads.uploads.keys(), ...uploads.texts.keys()].map((name) => JSON.parse(name))
  return [
    ...[...connections.rows.values()].map(({ connectionId, principal }) => ({
      row: { kind: 'connection' as const, connectionId },
      isFound: (who: ErasedPrincipal) => principal === who.principal,
    })),
    ...calls.map(({ connectionId, id }) => ({
      row: { kind: 'subscription' as const, connectionId, id },
      isFound: ({ owner }: ErasedPrincipal) => connectionId.startsWith(`${owner}#`),
    })),
    ...shards.map(({ topic, shard, connectionId, id, piped }) => ({
      row: { kind: 'subscriber' as const, topic, shard, connectionId, id },
      isFound: (who: ErasedPrincipal) => piped?.principal === who.principal,
    })),
    ...[...idempotency.rows.keys()].map((key) => ({
      row: { kind: 'key' as const, key },
      isFound: ({ owner }: ErasedPrincipal) => key.startsWith(`${owner}#`),
    })),
    ...[...leases.owners.keys()].map((owner) => ({
      row: { kind: 'runs' as const, owner },
      isFound: (who: ErasedPrincipal) => owner === who.owner,
    })),
    ...[...tables.rates.rows.keys()].map((name) => {
      const [owner, what, window] = JSON.parse(name) as [string, string, number]
      return {
        row: { kind: 'rate' as const, owner, window, what },
        isFound: (who: ErasedPrincipal) => owner === who.owner,
      }
    }),
    ...messages.map(([connectionId, message, part]: [string, string, number | null]) => ({
      row:
        part === null
          ? { kind: 'upload' as const, connectionId, message }
          : { kind: 'part' as const, connectionId, message, part },
      isFound: () => true,
    })),
  ]
}

function eraseConnection({ connections: { rows } }: Tables, connectionId: string): 'erased' | 'absent' {
  const row = rows.get(connectionId)
  if (row === undefined) return 'absent'
  const empty = { connectionId, session: '', principal: null, extensions: false }
  rows.set(connectionId, { ...empty, state: 'CLOSED', expires: row.expires })
  return 'erased'
}

function eraseKey({ idempotency: { rows } }: Tables, key: string): 'erased' | 'absent' | 'running' {
  const row = rows.get(key)
  if (row?.state !== 'DONE') return row?.state === 'RUNNING' ? 'running' : 'absent'
  const { outcome: _, ...rest } = row
  rows.set(key, { ...rest, state: 'UNKNOWN' })
  return 'erased'
}

function eraseRow(tables: Tables, row: ErasableRow): 'erased' | 'absent' | 'running' {
  const { subscriptions, subscribers, leases, uploads } = tables
  const toResult = (isDeleted: boolean | undefined) => (isDeleted === true ? 'erased' : 'absent')
  switch (row.kind) {
    case 'connection':
      return eraseConnection(tables, row.connectionId)
    case 'key':
      return eraseKey(tables, row.key)
    case 'subscription':
      return toResult(subscriptions.connections.get(row.connectionId)?.delete(row.id))
    case 'subscriber':
      return toResult(subscribers.shards.get(`${row.topic}#${row.shard}`)?.delete(`${row.connectionId}#${row.id}`))
    case 'runs':
      return toResult(leases.owners.delete(row.owner))
    case 'rate':
      return toResult(tables.rates.rows.delete(rateName(row)))
    case 'upload':
      return toResult(uploads.uploads.delete(nameOf(row.connectionId, row.message)))
    case 'part':
      return toResult(uploads.texts.delete(nameOf(row.connectionId, row.message, row.part)))
  }
}
