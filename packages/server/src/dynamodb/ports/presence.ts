import { defined } from '@trunkline/protocol'
import type { PresenceStore } from '../../ports/presence.ts'
import { fromPresenceItem, fromPresenceSessionItem, toPresenceItem, toPresenceSessionItem } from '../requests/items.ts'
import { memberPrefix, presenceKey, presenceSessionKey, sessionPrefix } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of presence in the table. */
export function presenceOperations({ get, put, remove, query }: Requests): PresenceStore {
  return {
    async putPresence(row, over) {
      const condition = over === undefined ? 'attribute_not_exists(#pk)' : '#mark = :over'
      const write = await put(toPresenceItem(row), condition, { over })
      if (write.written) return { status: 'put' }
      const item = await write.find()
      if (item?.mark === row.mark) return { status: 'put' }
      return { status: 'conflict', row: item && fromPresenceItem(row.topic, item) }
    },
    async deletePresence({ topic, member, mark }) {
      const write = await remove(presenceKey(topic, member), 'attribute_not_exists(#pk) OR #mark = :mark', { mark })
      const item = write.written ? undefined : await write.find()
      return item === undefined ? { status: 'deleted' } : { status: 'conflict', row: fromPresenceItem(topic, item) }
    },
    async readPresence(topic, member) {
      const item = await get(presenceKey(topic, member))
      return item && fromPresenceItem(topic, item)
    },
    async readPresences(topic, { limit, from } = {}) {
      const { pk } = presenceKey(topic, '')
      const { items, last } = await query(
        '#pk = :pk AND begins_with(#sk, :prefix)',
        { pk, prefix: memberPrefix },
        {
          ...defined({
            Limit: limit,
            ExclusiveStartKey: from === undefined ? undefined : presenceKey(topic, from),
          }),
        },
      )
      const next = last?.sk.slice(memberPrefix.length)
      return { rows: items.map((item) => fromPresenceItem(topic, item)), ...defined({ next }) }
    },

    async putPresenceSession(row) {
      await put(toPresenceSessionItem(row), 'attribute_not_exists(#pk) OR #ref <= :ref', { ref: row.ref })
    },
    async deletePresenceSession({ topic, entry, member, ref }) {
      await remove(presenceSessionKey(topic, entry), '#member = :member AND #ref <= :ref', { member, ref })
    },
    async readPresenceSessions(topic, prefix, limit) {
      const { pk } = presenceSessionKey(topic, '')
      const { items } = await query(
        '#pk = :pk AND begins_with(#sk, :prefix)',
        { pk, prefix: sessionPrefix + prefix },
        { Limit: limit },
      )
      return items.map((item) => fromPresenceSessionItem(topic, item))
    },
  }
}
