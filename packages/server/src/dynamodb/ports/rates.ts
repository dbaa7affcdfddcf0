import type { RateStore } from '../../ports/rates.ts'
import { rateKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of rates in the table. */
export function rateOperations({ update }: Pick<Requests, 'update'>): RateStore {
  return {
    async addToRate({ owner, what, window, amount, expires }) {
      const write = await update(rateKey({ owner, what, window }), {
        expression: 'SET #expires = :expires ADD #count :amount',
        values: { amount, expires },
        returnsItem: true,
      })
      return Number(write.written ? write.item.count : 0) // a write without a condition is written
    },
  }
}
