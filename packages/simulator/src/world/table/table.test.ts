import { expect, it } from 'vitest'
import { createReport } from '../../kernel/report.ts'
import { createTable } from './table.ts'

const now = 1_800_000_000_000
const event = { time: now, expires: now / 1_000 + 200_000 }

/** A table whose log `room` has the offsets 1 to 5. */
function tableOfFive() {
  const report = createReport()
  const table = createTable(() => now, report)
  for (let offset = 1; offset <= 5; offset++)
    table.operations.putSlot('room', { ...event, offset, epoch: 'e', publishId: `p${offset}`, data: `{"n":${offset}}` })
  return { ...table, rules: () => report.violations.map(({ rule }) => rule) }
}

it('reports slots that are not contiguous or shortened, and epochs that start too early or return', () => {
  const { operations, rules } = tableOfFive()
  operations.putSlot('room', { ...event, publishId: 'p', offset: 7, epoch: 'e' })
  operations.putSlot('room', { ...event, publishId: 'p', offset: 8, epoch: 'f' })
  operations.putSlot('room', { ...event, publishId: 'p', offset: 9, epoch: 'e' })
  expect(rules()).toEqual(['H4', 'H4', 'H4', 'H2'])
  operations.extendSlot('room', 9, event.expires - 61)
  expect(rules().at(-1)).toBe('H3')
})

it('reports a partition with more writes per second than AWS allows', () => {
  const { operations, rules } = tableOfFive()
  for (let n = 0; n <= 1_000; n++) operations.putSlot('room', { ...event, publishId: 'p6', offset: 6, epoch: 'e' })
  expect(rules()).toEqual(['H16'])
})
