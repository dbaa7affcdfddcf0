import type { PrincipalStore } from '../../ports/principals.ts'
import {
  fromPrincipalConnectionItem,
  fromRestrictionItem,
  toPrincipalConnectionItem,
  toRestrictionItem,
} from '../requests/items.ts'
import { principalConnectionKey, restrictionPrefix } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** Sorts after every restriction, and before every connection, whose id begins with a letter or a digit. */
const afterRestrictions = '$'

const partitionOf = (principal: string) => ({ pk: principalConnectionKey(principal, '').pk })

/** The port of principals in the table. */
export function principalOperations({ put, queryAll, remove }: Requests): PrincipalStore {
  return {
    async putPrincipalConnection(row) {
      await put(toPrincipalConnectionItem(row))
    },
    async deletePrincipalConnection({ principal, connectionId }) {
      await remove(principalConnectionKey(principal, connectionId))
    },
    async readPrincipalConnections(principal) {
      const values = { ...partitionOf(principal), from: afterRestrictions }
      const items = await queryAll('#pk = :pk AND #sk > :from', values)
      return items.map((item) => fromPrincipalConnectionItem(principal, item))
    },
    async putRestriction(restriction) {
      const condition = restriction.kind === 'ban' ? undefined : 'attribute_not_exists(#pk) OR #at <= :at'
      await put(toRestrictionItem(restriction), condition, { at: restriction.at })
    },
    async readRestrictions(principal) {
      const values = { ...partitionOf(principal), prefix: restrictionPrefix }
      const items = await queryAll('#pk = :pk AND begins_with(#sk, :prefix)', values)
      return items.map((item) => fromRestrictionItem(principal, item))
    },
  }
}
