import { defined } from '@trunkline/protocol'
import type { ConnectionStore } from '../../ports/connections.ts'
import { fromConnectionItem, toConnectionItem } from '../requests/items.ts'
import { connectionKey, countsKey, shardsKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of connections in the table. */
export function connectionOperations({ get, getMany, put, update }: Requests): ConnectionStore {
  return {
    async putConnection(row) {
      const item = { ...toConnectionItem(row), ...connectionKey(row.connectionId) }
      const write = await put(item, 'attribute_not_exists(#pk)')
      if (write.written) return 'put'
      // A connection id is never used twice, so an open row of the same session is this writer's own.
      const existing = fromConnectionItem(row.connectionId, await write.existing())
      return existing.state === 'OPEN' && existing.session === row.session ? 'put' : 'exists'
    },
    async readConnection(connectionId) {
      const item = await get(connectionKey(connectionId))
      return item && fromConnectionItem(connectionId, item)
    },
    async readConnectionAndShards(connectionId, topic) {
      const [own, hint] = [connectionKey(connectionId), shardsKey(topic)]
      const found = await getMany([own, hint], { hint })
      const item = found.get(own)
      return {
        ...defined({
          connection: item && fromConnectionItem(connectionId, item),
          shards: found.isUnprocessed(hint) ? undefined : Number(found.get(hint)?.shards ?? 1),
        }),
      }
    },
    async closeConnection(connectionId, expires, kicked) {
      const write = await update(connectionKey(connectionId), {
        expression: `SET #state = :closed, #expires = :expires${kicked === undefined ? '' : ', #kicked = :kicked'}`,
        values: { closed: 'CLOSED', expires, kicked },
        returnsItem: 'before',
      })
      const existed = write.written && write.item.state !== undefined // the update has no condition
      return existed ? fromConnectionItem(connectionId, write.item) : undefined
    },
    async putConnectionParams(connectionId, settled) {
      const members = Object.entries(settled)
      const unset = ['connectionParams', 'refused', ...('principal' in settled ? ['principal'] : [])]
      const write = await update(connectionKey(connectionId), {
        expression: `SET ${members.map(([name]) => `#${name} = :${name}`).join(', ')}`,
        condition: ['#state = :open', ...unset.map((name) => `attribute_not_exists(#${name})`)].join(' AND '),
        values: { open: 'OPEN', ...settled },
      })
      if (write.written) return 'stored'
      const item = await write.find()
      if (item?.state !== 'OPEN') return 'absent'
      // An earlier try whose answer was lost.
      return members.every(([name, value]) => item[name] === value) ? 'stored' : 'exists'
    },
    async renewConnection(connectionId, { authExp, claims, renewedAt, issuedAt, follows, claimsPending }) {
      const pending = claimsPending ? ', #claimsPending = :pending' : ' REMOVE #claimsPending'
      const issued = issuedAt === undefined ? '' : ', #issuedAt = :issuedAt'
      const last = follows === undefined ? 'attribute_not_exists(#renewedAt)' : '#renewedAt = :follows'
      const write = await update(connectionKey(connectionId), {
        expression: `SET #authExp = :authExp, #claims = :claims, #renewedAt = :renewedAt${issued}${pending}`,
        condition: `#state = :open AND ${last}`,
        values: { authExp, claims, renewedAt, issuedAt, follows, pending: true, open: 'OPEN' },
      })
      if (write.written) return 'renewed'
      const item = await write.find()
      if (item?.state !== 'OPEN') return 'absent'
      // An earlier try whose answer was lost.
      const own = item.renewedAt === renewedAt && item.authExp === authExp && item.claims === claims
      return own ? 'renewed' : 'changed'
    },
    async settleClaims(connectionId, renewedAt) {
      await update(connectionKey(connectionId), {
        expression: 'REMOVE #claimsPending',
        condition: '#renewedAt = :renewedAt',
        values: { renewedAt },
      })
    },
    async addToCount(connectionId, { name, add, max, mark, expires }) {
      const isNew = '(attribute_not_exists(#mark) OR #mark <> :mark)'
      const fits = add > max ? '#count <= :room' : '(attribute_not_exists(#count) OR #count <= :room)'
      const write = await update(countsKey(connectionId), {
        expression: 'SET #mark = :mark, #expires = :expires ADD #count :add',
        condition: add > 0 ? `${isNew} AND ${fits}` : isNew,
        values: { mark, expires, add, room: max - add },
        attributes: { count: name },
        returnsItem: true,
      })
      const item = write.written ? write.item : await write.find()
      // A failed condition that shows the mark is this writer's own change.
      const isAdded = write.written || item?.mark === mark
      return { status: isAdded ? 'added' : 'full', count: Number(item?.[name] ?? 0) }
    },
  }
}
