import type { RateAddition, RateStore } from '../ports/rates.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

/** The name of a counter. */
export const rateName = ({ owner, what, window }: Pick<RateAddition, 'owner' | 'what' | 'window'>) =>
  JSON.stringify([owner, what, window])

/** The port of rates in memory. */
export function createRates() {
  const rows = new Map<string, { readonly total: number; readonly expires: number }>()
  const operations: Operations<keyof RateStore> = {
    addToRate({ owner, what, window, amount, expires }) {
      const name = rateName({ owner, what, window })
      const total = (rows.get(name)?.total ?? 0) + amount
      rows.set(name, { total, expires })
      return total
    },
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpired([rows], isDue)
  return { operations, rows, deleteExpired: dropExpired }
}
