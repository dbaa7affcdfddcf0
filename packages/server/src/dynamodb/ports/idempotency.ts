import type { IdempotencyStore, KeyRow } from '../../ports/idempotency.ts'
import { baseAttribute, fromKeyItem, toKeyItem } from '../requests/items.ts'
import { keyRowKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/**
 * The port of idempotency keys in the table. A failed condition that shows the writer's own mark is a success
 * [LAW-SLOT-PUT].
 */
export function idempotencyOperations({ get, put, update, remove }: Requests): IdempotencyStore {
  return {
    async claimKey(claim) {
      const write = await put(toKeyItem({ ...claim, state: 'RUNNING' }), 'attribute_not_exists(#pk)')
      if (write.written) return { status: 'claimed', row: { ...claim, state: 'RUNNING', bases: {} } }
      const row = fromKeyItem(claim.key, await write.existing())
      return { status: isRunningUnder(row, claim.owner) ? 'claimed' : 'conflict', row }
    },
    async takeKey({ key, owner, lease, from }) {
      const write = await update(keyRowKey(key), {
        expression: 'SET #owner = :owner, #lease = :lease',
        condition: '#state = :running AND #owner = :fromOwner AND #lease = :fromLease',
        values: { owner, lease, running: 'RUNNING', fromOwner: from.owner, fromLease: from.lease },
        returnsItem: true,
      })
      const row = fromKeyItem(key, write.written ? write.item : await write.existing())
      return { status: isRunningUnder(row, owner) ? 'taken' : 'conflict', row }
    },
    async settleKey({ key, owner, ...settled }) {
      const outcome = settled.state === 'DONE' ? settled.outcome : undefined
      const write = await update(keyRowKey(key), {
        expression: `SET #state = :state${outcome === undefined ? '' : ', #outcome = :outcome'}`,
        condition: '#state = :running AND #owner = :owner',
        values: { state: settled.state, outcome, running: 'RUNNING', owner },
        returnsItem: true,
      })
      const row = fromKeyItem(key, write.written ? write.item : await write.existing())
      const own = row.owner === owner && row.state === settled.state && row.outcome === outcome
      return { status: own ? 'settled' : 'conflict', row }
    },
    async releaseKey({ key, owner }) {
      const condition = '#state = :running AND #owner = :owner'
      await remove(keyRowKey(key), condition, { running: 'RUNNING', owner })
    },
    async recordBase({ key, owner, publishId, base, expires }) {
      const named = baseAttribute(publishId)
      const record = 'SET #base = if_not_exists(#base, :base)'
      const write = await update(keyRowKey(key), {
        ...(owner === undefined
          ? {
              expression: `${record}, #state = if_not_exists(#state, :publish), #expires = if_not_exists(#expires, :expires)`,
            }
          : { expression: record, condition: '#state = :running AND #owner = :owner' }),
        values: { base, owner, running: 'RUNNING', publish: 'PUBLISH', expires },
        attributes: { base: named },
        returnsItem: true,
      })
      return write.written ? { status: 'recorded', base: Number(write.item[named]) } : { status: 'lost' }
    },
    async readKey(key) {
      const item = await get(keyRowKey(key))
      return item && fromKeyItem(key, item)
    },
  }
}

const isRunningUnder = (row: KeyRow, owner: string) => row.state === 'RUNNING' && row.owner === owner
