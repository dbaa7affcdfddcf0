import type { ShardLeaseRow } from '../../ports/leases.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { ConnectionRow, ConnectionSubscription, KeyRow, Slot, Subscriber, UploadRow } from '../../ports/store.ts'
import {
  connectionKey,
  type Key,
  keyRowKey,
  logKey,
  memberPrefix,
  parseSubscriberSortKey,
  presenceKey,
  shardLeaseKey,
  subscriberKey,
  subscriptionPrefix,
} from './keys.ts'

/** An item as the document client gives and takes it. Members that are undefined are not written. */
export type Item = Readonly<Record<string, unknown>>

/** An event of a log in the table. Public: whoever writes such items publishes. Its topic and offset are its key. It is read by `createSlotReader` of `ports/event-row.ts`, which makes good what a script got wrong. [TL-ROW-1] */
export interface LogItem extends Key, Omit<Slot, 'offset'> {}

/** The item of a slot. */
export function toLogItem(topic: string, { offset, ...slot }: Slot): LogItem {
  return { ...logKey(topic, offset), ...slot }
}

/** The item of a connection. An absent principal is an anonymous caller's. */
export function toConnectionItem({ connectionId, principal, ...row }: ConnectionRow): Item {
  return { ...connectionKey(connectionId), ...row, ...(principal !== null && { principal }) }
}

/** The connection of an item. One that was closed before it was put holds only its state and expiry. */
export function fromConnectionItem(connectionId: string, item: Item): ConnectionRow {
  const empty = { connectionId, session: '', principal: null, extensions: false }
  return members<ConnectionRow>(item, empty, [
    'state',
    'session',
    'principal',
    'claims',
    'authExp',
    'extensions',
    'expectsParams',
    'connectionParams',
    'expires',
  ])
}

/** The connection's own row of a subscription, of an item. */
export function fromSubscriptionItem(connectionId: string, item: Item): ConnectionSubscription {
  const id = String(item.sk).slice(subscriptionPrefix.length)
  return members<ConnectionSubscription>(item, { connectionId, id }, [
    'ref',
    'on',
    'topic',
    'shard',
    'seat',
    'run',
    'lease',
    'expires',
  ])
}

/** The item of a topic's row of a subscription. */
export function toSubscriberItem({ topic, shard, connectionId, id, ...row }: Subscriber): Item {
  return { ...subscriberKey(topic, shard, connectionId, id), ...row }
}

/** The topic's row of a subscription, of an item. A tombstone holds only ref, state and expiry. */
export function fromSubscriberItem(topic: string, shard: number, item: Item): Subscriber {
  const empty = { topic, shard, ...parseSubscriberSortKey(String(item.sk)), path: '', extensions: false }
  return members<Subscriber>(item, empty, [
    'ref',
    'on',
    'path',
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

/** The attribute that holds where a publish began. One for each at the top of the item, so that it can be set once without a map to set it in. */
export const baseAttribute = (publishId: string) => basePrefix + publishId

/** The item of a key that a call claims. */
export function toKeyItem({ key, ...row }: Omit<KeyRow, 'bases'>): Item & Key {
  return { ...keyRowKey(key), ...row }
}

/** What stands under a key, of an item. A publish's own holds only state, bases and expiry. */
export function fromKeyItem(key: string, item: Item): KeyRow {
  const bases = Object.entries(item).filter(([name]) => name.startsWith(basePrefix))
  const named = Object.fromEntries(bases.map(([name, base]) => [name.slice(basePrefix.length), base]))
  const empty = { key, owner: '', lease: 0, fingerprint: '', bases: named }
  return members<KeyRow>(item, empty, ['state', 'owner', 'lease', 'fingerprint', 'outcome', 'expires'])
}

const notedPrefix = 'part:'

/** The attribute that notes a part of a message, set once however often it is noted. */
export const notedAttribute = (part: number) => `${notedPrefix}${part}`

/** A message that comes in chunks, of its item. */
export function fromUploadItem(connectionId: string, message: string, item: Item): UploadRow {
  const noted = Object.keys(item).filter((name) => name.startsWith(notedPrefix)).length
  return members<UploadRow>(item, { connectionId, message, noted }, ['of', 'bytes', 'owner', 'expires'])
}

/** The item of a member of a presence topic. `pending` stands only while it is true: the stream's filter goes by it. */
export function toPresenceItem({ topic, member, pending, ...row }: PresenceRow): Item & Key {
  return { ...presenceKey(topic, member), ...row, ...(pending && { pending }) }
}

/** The member of an item. */
export function fromPresenceItem(topic: string, item: Item): PresenceRow {
  const member = String(item.sk).slice(memberPrefix.length)
  const base = { topic, member, pending: item.pending === true }
  return members<PresenceRow>(item, base, ['v', 'mark', 'sessions', 'said', 'epoch', 'expires'])
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
    ...(item.again !== undefined && { nextOffset: item.again }),
    ...(holder && {
      holder: { jobId: holder.by, leaseId: holder.taking, expiresAt: holder.until, start: holder.start },
    }),
  }
  return members<ShardLeaseRow>(item, renamed, ['epoch', 'from', 'through', 'expires'])
}

/** `base` and those members of the row that the item holds. Nobody but this module's writers puts such items, so their types are taken as read. */
function members<Row>(item: Item, base: Partial<Record<keyof Row, unknown>>, names: readonly (keyof Row & string)[]) {
  const held = names.filter((name) => item[name] !== undefined).map((name) => [name, item[name]])
  return { ...base, ...Object.fromEntries(held) } as Row
}
