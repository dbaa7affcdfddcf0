import { defined } from '@trunkline/protocol'
import type { ConnectionRow } from '../../ports/connections.ts'
import type { KeyRow } from '../../ports/idempotency.ts'
import type { ShardLeaseRow } from '../../ports/leases.ts'
import type { Slot } from '../../ports/log.ts'
import type { PresenceRow, PresenceSessionRow } from '../../ports/presence.ts'
import type { PrincipalConnection, Restriction } from '../../ports/principals.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { UploadRow } from '../../ports/uploads.ts'
import {
  connectionKey,
  type Key,
  keyRowKey,
  logKey,
  memberPrefix,
  parseSubscriberSortKey,
  presenceKey,
  presenceSessionKey,
  principalConnectionKey,
  restrictionKey,
  restrictionPrefix,
  sessionPrefix,
  shardLeaseKey,
  subscriberKey,
  subscriptionPrefix,
} from './keys.ts'

/** An item as the document client reads and writes it. Members that are undefined are not written. */
export type Item = Readonly<Record<string, unknown>>

/**
 * The item of an event [TL-ROW-1]. It is public: a script that writes such an item publishes. `createSlotReader` of
 * `ports/event-row.ts` reads it, and corrects what a script wrote with errors.
 */
export interface LogItem extends Key, Omit<Slot, 'offset'> {}

/** The item of a slot. */
export function toLogItem(topic: string, { offset, ...slot }: Slot): LogItem {
  return { ...logKey(topic, offset), ...slot }
}

/** The item of a connection. It has no `principal` if the caller is anonymous. */
export function toConnectionItem({ connectionId, principal, ...row }: ConnectionRow): Item {
  return { ...connectionKey(connectionId), ...row, ...(principal !== null && { principal }) }
}

/** The connection of an item. A connection that was closed before it was put has only `state` and `expires`. */
export function fromConnectionItem(connectionId: string, item: Item): ConnectionRow {
  const empty = { connectionId, session: '', principal: null, extensions: false }
  return members<ConnectionRow>(item, empty, [
    'state',
    'via',
    'session',
    'principal',
    'claims',
    'authExp',
    'renewedAt',
    'claimsPending',
    'extensions',
    'expectsParams',
    'connectionParams',
    'refused',
    'openedAt',
    'issuedAt',
    'kicked',
    'expires',
  ])
}

/** The connection's row of a subscription, of an item. */
export function fromSubscriptionItem(connectionId: string, item: Item): ConnectionSubscription {
  const id = String(item.sk).slice(subscriptionPrefix.length)
  return members<ConnectionSubscription>(item, { connectionId, id }, [
    'ref',
    'on',
    'topic',
    'shard',
    'seat',
    'claims',
    'polled',
    'run',
    'lease',
    'expires',
  ])
}

/** The item of a topic's row of a subscription. */
export function toSubscriberItem({ topic, shard, connectionId, id, ...row }: Subscriber): Item {
  return { ...subscriberKey({ topic, shard, connectionId, id }), ...row }
}

/** The topic's row of a subscription, of an item. A row that a stop created has only `ref`, `on` and `expires`. */
export function fromSubscriberItem(topic: string, shard: number, item: Item): Subscriber {
  const empty = { topic, shard, ...parseSubscriberSortKey(String(item.sk)), path: '', extensions: false }
  return members<Subscriber>(item, empty, [
    'ref',
    'on',
    'path',
    'part',
    'input',
    'extensions',
    'piped',
    'presence',
    'authExp',
    'at',
    'lock',
    'want',
    'expires',
  ])
}

const basePrefix = 'base:'

/**
 * The attribute that holds the base of a publish. Each base is an attribute of the item itself, because an update
 * cannot set a member of a map that does not exist yet.
 */
export const baseAttribute = (publishId: string) => basePrefix + publishId

/** The item of an idempotency key. */
export function toKeyItem({ key, ...row }: Omit<KeyRow, 'bases'>): Item & Key {
  return { ...keyRowKey(key), ...row }
}

/** The idempotency key of an item. The key of a publish has only `state`, bases and `expires`. */
export function fromKeyItem(key: string, item: Item): KeyRow {
  const bases = Object.entries(item).filter(([name]) => name.startsWith(basePrefix))
  const named = Object.fromEntries(bases.map(([name, base]) => [name.slice(basePrefix.length), base]))
  const empty = { key, owner: '', lease: 0, fingerprint: '', bases: named }
  return members<KeyRow>(item, empty, ['state', 'owner', 'lease', 'fingerprint', 'outcome', 'expires'])
}

const notedPrefix = 'part:'

/** The attribute that notes a part of a message. Noting a part again sets the same attribute. */
export const notedAttribute = (part: number) => `${notedPrefix}${part}`

/** The large message of an item. */
export function fromUploadItem(connectionId: string, message: string, item: Item): UploadRow {
  const noted = Object.keys(item).filter((name) => name.startsWith(notedPrefix)).length
  return members<UploadRow>(item, { connectionId, message, noted }, ['of', 'bytes', 'owner', 'expires'])
}

/**
 * The item of a member. It has `pending` only while that is true, because the stream's filter tests for its presence.
 */
export function toPresenceItem({ topic, member, pending, ...row }: PresenceRow): Item & Key {
  return { ...presenceKey(topic, member), ...row, ...defined({ pending: pending || undefined }) }
}

/** The member of an item. */
export function fromPresenceItem(topic: string, item: Item): PresenceRow {
  const member = String(item.sk).slice(memberPrefix.length)
  const base = { topic, member, pending: item.pending === true }
  return members<PresenceRow>(item, base, ['v', 'mark', 'sessions', 'said', 'epoch', 'expires'])
}

/** The item of a session of a presence. */
export function toPresenceSessionItem({ topic, entry, ...row }: PresenceSessionRow): Item & Key {
  return { ...presenceSessionKey(topic, entry), ...row }
}

/** The session of an item. */
export function fromPresenceSessionItem(topic: string, item: Item): PresenceSessionRow {
  const entry = String(item.sk).slice(sessionPrefix.length)
  return members<PresenceSessionRow>(item, { topic, entry }, ['member', 'ref', 'expires'])
}

/** The item of a shard's lease. The attributes keep the names that version 0.1.0 wrote. */
export function toShardLeaseItem({ topic, shard, version, nextOffset, holder, ...row }: ShardLeaseRow): Item & Key {
  return {
    ...shardLeaseKey(topic, shard),
    ...row,
    mark: version,
    again: nextOffset,
    holder: holder && { by: holder.jobId, taking: holder.leaseId, until: holder.expiresAt, start: holder.start },
  }
}

/** The shard's lease of an item. */
export function fromShardLeaseItem(topic: string, shard: number, item: Item): ShardLeaseRow {
  const holder = item.holder as { by: string; taking: string; until: number; start: number } | undefined
  const renamed = {
    ...{ topic, shard, version: item.mark },
    ...defined({
      nextOffset: item.again,
      holder: holder && { jobId: holder.by, leaseId: holder.taking, expiresAt: holder.until, start: holder.start },
    }),
  }
  return members<ShardLeaseRow>(item, renamed, ['epoch', 'from', 'through', 'expires'])
}

/** The item that leads from a principal to a connection. */
export function toPrincipalConnectionItem({ principal, connectionId, ...row }: PrincipalConnection): Item & Key {
  return { ...principalConnectionKey(principal, connectionId), ...row }
}

/** The row that leads from a principal to a connection, of an item. */
export function fromPrincipalConnectionItem(principal: string, item: Item): PrincipalConnection {
  const base = { principal, connectionId: String(item.sk) }
  return members<PrincipalConnection>(item, base, ['session', 'openedAt', 'expires'])
}

/** The item of a restriction. */
export function toRestrictionItem({ principal, kind, session, ...row }: Restriction): Item & Key {
  return { ...restrictionKey(principal, kind, session), ...row }
}

/** The restriction of an item. */
export function fromRestrictionItem(principal: string, item: Item): Restriction {
  const [kind, session] = String(item.sk).slice(restrictionPrefix.length).split('#')
  return members<Restriction>(item, { principal, kind, ...defined({ session }) }, ['at', 'reason', 'expires'])
}

/** The attributes of the places of runs. */
export const placePrefix = 'run:'

/** The attributes of the open messages of a connection. */
export const openUploadPrefix = 'upload:'

/**
 * `base`, and those members that the item has. Only this module writes such items, so their types are not validated.
 */
function members<Row>(item: Item, base: Partial<Record<keyof Row, unknown>>, names: readonly (keyof Row & string)[]) {
  const held = names.filter((name) => item[name] !== undefined).map((name) => [name, item[name]])
  return { ...base, ...Object.fromEntries(held) } as Row
}
