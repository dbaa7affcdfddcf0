import { describe, expect, it } from 'vitest'
import { toRows } from './rows.ts'

const noon = new Date(2026, 0, 5, 12).getTime()
const minute = 60_000
const said = (author: string, at: number) => ({
  message: { id: `${author}${at}`, author, text: 'x', at },
  edited: false,
})

describe('toRows', () => {
  it('shows an author’s name once for consecutive messages', () => {
    const rows = toRows([said('ann', noon), said('ann', noon + minute), said('bob', noon + 2 * minute)])
    expect(rows.map((row) => row.leads)).toEqual([true, false, true])
  })

  it('shows the name again after a pause', () => {
    expect(toRows([said('ann', noon), said('ann', noon + 6 * minute)]).map((row) => row.leads)).toEqual([true, true])
  })

  it('marks the first message of each day', () => {
    const rows = toRows([said('ann', noon), said('bob', noon), said('bob', noon + 24 * 60 * minute)])
    expect(rows.map((row) => row.startsDay)).toEqual([true, false, true])
  })
})
