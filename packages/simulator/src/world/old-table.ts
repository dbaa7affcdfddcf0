import {
  fromConnectionItem,
  fromKeyItem,
  fromPresenceItem,
  fromShardLeaseItem,
  fromSubscriberItem,
  fromSubscriptionItem,
  fromUploadItem,
  type Item,
} from '../../../server/src/dynamodb/requests/items.ts'
import { connectionKey, memberPrefix, subscriptionPrefix } from '../../../server/src/dynamodb/requests/keys.ts'
import type { Operations } from '../../../server/src/memory/operations.ts'
import { createSlotReader, parseLogKey } from '../../../server/src/ports/event-row.ts'
import table from '../../old-table/table-of-3e24d08.json' with { type: 'json' }
import type { CallRecord } from '../records/history.ts'

/** A table that an older version filled: its items, and what its devices knew when all of its functions ended. */
export interface OldTable {
  /** Virtual epoch milliseconds of the last write. */
  readonly now: number
  readonly items: readonly Item[]
  /** Sockets that are open still. */
  readonly connections: readonly OldConnection[]
  /** Calls with keys of their own, and their answers. */
  readonly calls: readonly CallRecord[]
  /** Effects outside the line, by the number of their call. */
  readonly charges: Readonly<Record<string, number>>
  /** The part that a message in chunks lacks. */
  readonly rest: string
  /** Where each subscription was. */
  readonly subscriptions: readonly OldSubscription[]
}

export interface OldConnection {
  readonly connectionId: string
  readonly device: string
  readonly isStock: boolean
  readonly connectedAt: number
  readonly authorizer: Readonly<Record<string, string>>
  readonly authorityEnds?: number
  /** Refs of its subscriptions by the JSON text of their ids. */
  readonly wants: Readonly<Record<string, number>>
}

export interface OldSubscription {
  readonly device: string
  readonly path: string
  readonly room: string
  readonly ended?: string
  readonly at?: string
}

/** Made by the code at commit 3e24d08; see `old-table/README.md`. */
export const oldTable = table as unknown as OldTable

type Loader = (operations: Operations, rest: string, item: Item) => void

/** By what the partition keys of each kind of row begin with. */
const loaders: Readonly<Record<string, Loader>> = {
  CONN(operations, connectionId, item) {
    if (item['sk'] === connectionKey('').sk) {
      operations.putConnection(fromConnectionItem(connectionId, item))
      return
    }
    if (!String(item['sk']).startsWith(subscriptionPrefix)) throw unknown(item)
    const row = fromSubscriptionItem(connectionId, item)
    const { topic, shard, seat, run, lease = 0, ref, expires, id } = row
    const name = { connectionId, id, ref, expires }
    if (topic !== undefined && shard !== undefined)
      operations.claimSubscription({ ...name, topic, shard, ...(seat === undefined ? {} : { seat }) })
    if (run !== undefined) operations.claimRun({ ...name, run, lease })
    if (!row.on) operations.stopSubscription(name)
  },
  SUBS(operations, rest, item) {
    const [topic, shard] = partsOf(rest)
    if (item['shards'] !== undefined) operations.growShards(topic, 1, Number(item['shards']))
    else operations.putSubscriber(fromSubscriberItem(topic, shard, item))
  },
  LOG(operations, topic, item) {
    const slot = readSlot(item)
    if (slot === undefined) throw unknown(item)
    operations.putSlot(topic, slot)
  },
  SENT(operations, topic, item) {
    const event = parseLogKey({ ...item, pk: `LOG#${topic}` })
    if (event === undefined) throw unknown(item)
    operations.putReceipt(topic, event.offset, Number(item['expires']))
  },
  IDEM(operations, key, item) {
    const { bases, ...row } = fromKeyItem(key, item)
    const { state, owner, outcome = '', expires } = row
    const isPublish = state === 'PUBLISH'
    if (!isPublish) operations.claimKey(row)
    for (const [publishId, base] of Object.entries(bases))
      operations.recordBase({ key, publishId, base, expires, ...(isPublish ? {} : { owner }) })
    if (state === 'DONE') operations.settleKey({ key, owner, state, outcome })
    if (state === 'UNKNOWN') operations.settleKey({ key, owner, state })
  },
  PRES(operations, topic, item) {
    if (String(item['sk']).startsWith(memberPrefix)) operations.putPresence(fromPresenceItem(topic, item), undefined)
    else operations.moveSweep(topic, { from: 0, to: Number(item['at']), expires: Number(item['expires']) })
  },
  TURN(operations, rest, item) {
    operations.putShardLease(fromShardLeaseItem(...partsOf(rest), item), undefined)
  },
  UPLOAD(operations, rest, item) {
    const { connectionId, message, of, bytes, expires } = fromUploadItem(...uploadOf(rest), item)
    for (const name of Object.keys(item).filter((name) => name.startsWith('part:')))
      operations.notePart({ connectionId, message, of, bytes, expires, part: Number(name.slice('part:'.length)) })
  },
  PART(operations, rest, item) {
    const [part = '', ...others] = rest.split('#')
    const [connectionId, message] = uploadOf(others.join('#'))
    const [text, expires] = [String(item['text']), Number(item['expires'])]
    operations.putPart({ connectionId, message, part: Number(part), text, expires })
  },
}

/** Puts the items into a reference store, as the adapter of this version reads them. Throws for an item that no part of it knows. */
export function loadOldTable(operations: Operations, { items }: Pick<OldTable, 'items'> = oldTable): void {
  for (const item of items) {
    const [kind = '', ...rest] = String(item['pk']).split('#')
    const load = loaders[kind]
    if (load === undefined) throw unknown(item)
    load(operations, rest.join('#'), item)
  }
}

const readSlot = createSlotReader(({ message, facts }) => {
  throw new Error(`${message} ${JSON.stringify(facts)}`)
})

function partsOf(rest: string): [topic: string, shard: number] {
  const end = rest.lastIndexOf('#')
  return [rest.slice(0, end), Number(rest.slice(end + 1))]
}
function uploadOf(rest: string): [connectionId: string, message: string] {
  const end = rest.indexOf('#')
  return [rest.slice(0, end), rest.slice(end + 1)]
}
const unknown = (item: Item) => new Error(`No row of this version is ${JSON.stringify(item)}.`)
