import type { ErasableRow, ErasedPrincipal, ErasureStore } from '../../ports/erasure.ts'
import type { Item } from '../requests/items.ts'
import {
  connectionKey,
  type Key,
  keyRowKey,
  parseSubscriberSortKey,
  partKey,
  rateKey,
  runPlacesKey,
  subscriberKey,
  subscriptionKey,
  subscriptionPrefix,
  uploadKey,
} from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'
import type { Scan } from '../requests/scan.ts'

const isPrincipal = '#principal = :principal OR #piped.#principal = :principal'
const isOwned = 'begins_with(#pk, :keys) OR begins_with(#pk, :calls) OR #pk = :runs OR #pk = :rates'
const none = { window: 0, what: '' }
const isUpload = 'begins_with(#pk, :uploads) OR begins_with(#pk, :parts)'

/** The port of erasures in the table. A page of the walk is one page of a scan: at most 1 MB of rows. */
export function erasureOperations({ get, put, update, remove }: Requests, { scan, countItems }: Scan): ErasureStore {
  async function eraseConnection(connectionId: string) {
    const key = connectionKey(connectionId)
    const expires = (await get(key))?.expires
    if (expires === undefined) return 'absent'
    const item = { ...key, state: 'CLOSED', expires }
    const write = await put(item, 'attribute_exists(#pk)')
    return write.written ? 'erased' : 'absent'
  }
  async function eraseKey(key: string) {
    const write = await update(keyRowKey(key), {
      expression: 'SET #state = :unknown REMOVE #outcome',
      condition: '#state = :done',
      values: { done: 'DONE', unknown: 'UNKNOWN' },
    })
    if (write.written) return 'erased'
    return (await write.find())?.state === 'RUNNING' ? 'running' : 'absent'
  }
  async function deleteRow(key: Key) {
    const write = await remove(key, 'attribute_exists(#pk)', {})
    return write.written ? 'erased' : 'absent'
  }
  return {
    countRows: countItems,
    async findRows(who, from) {
      const { items, examined, last } = await scan({
        filter: `${isPrincipal} OR ${isOwned} OR ${isUpload}`,
        values: {
          ...{
            principal: who.principal,
            keys: keyRowKey(`${who.owner}#`).pk,
            calls: connectionKey(`${who.owner}#`).pk,
          },
          ...{
            runs: runPlacesKey(who.owner).pk,
            rates: rateKey({ ...none, owner: who.owner }).pk,
            uploads: 'UPLOAD#',
            parts: 'PART#',
          },
        },
        from: from === undefined ? undefined : (JSON.parse(from) as Key),
      })
      const next = last && { next: JSON.stringify(last) }
      return { rows: items.flatMap((item) => toErasableRow(item, who) ?? []), examined, ...next }
    },
    async eraseRow(row) {
      switch (row.kind) {
        case 'connection':
          return eraseConnection(row.connectionId)
        case 'key':
          return eraseKey(row.key)
        case 'subscription':
          return deleteRow(subscriptionKey(row.connectionId, row.id))
        case 'subscriber':
          return deleteRow(subscriberKey(row))
        case 'runs':
          return deleteRow(runPlacesKey(row.owner))
        case 'rate':
          return deleteRow(rateKey(row))
        case 'upload':
          return deleteRow(uploadKey(row.connectionId, row.message))
        case 'part':
          return deleteRow(partKey(row.connectionId, row.message, row.part))
      }
    },
  }
}

/** Undefined for a row of another kind whose attributes have the same names, such as an event of a script. */
function toErasableRow({ pk, sk }: Item, { owner }: ErasedPrincipal): ErasableRow | undefined {
  const [kind = '', ...names] = String(pk).split('#')
  const rest = names.join('#')
  switch (kind) {
    case 'CONN':
      return toConnectionRow(rest, String(sk), owner)
    case 'SUBS': {
      const [, topic = '', shard = ''] = /^(.*)#(\d+)$/s.exec(rest) ?? []
      return sk === '#'
        ? undefined
        : { kind: 'subscriber', topic, shard: Number(shard), ...parseSubscriberSortKey(String(sk)) }
    }
    case 'IDEM':
      return { kind: 'key', key: rest }
    case 'RUNS':
      return { kind: 'runs', owner: rest }
    case 'RATE': {
      const [window = '', ...what] = String(sk).split('#')
      return { kind: 'rate', owner: rest, window: Number(window), what: what.join('#') }
    }
    case 'UPLOAD':
      return { kind: 'upload', ...toMessage(rest) }
    case 'PART': {
      const [part = '', ...message] = names
      return { kind: 'part', ...toMessage(message.join('#')), part: Number(part) }
    }
    default:
      return undefined
  }
}

/** The connection, or the row of a long call with a key, whose `connectionId` is the name of the key's row. */
function toConnectionRow(connectionId: string, sk: string, owner: string): ErasableRow | undefined {
  if (sk === '#') return { kind: 'connection', connectionId }
  if (!connectionId.startsWith(`${owner}#`)) return undefined
  return { kind: 'subscription', connectionId, id: sk.slice(subscriptionPrefix.length) }
}

/** A connection id has no `#`; the name of a message may have some. */
function toMessage(name: string): { readonly connectionId: string; readonly message: string } {
  const end = name.indexOf('#')
  return { connectionId: name.slice(0, end), message: name.slice(end + 1) }
}
