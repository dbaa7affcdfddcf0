import { describe, expect, it } from 'vitest'
import { createSlotReader, type EventRow, parseLogKey } from './event-row.ts'

type Facts = Readonly<Record<string, unknown>>

const row = {
  ...{ pk: 'LOG#room#a', sk: '0000000000000007' },
  ...{ epoch: 'e1', publishId: 'p', time: 1_700_000_000_000, expires: 1_700_200_000, data: '{"n":1}' },
}
const slot = {
  offset: 7,
  epoch: 'e1',
  publishId: 'p',
  time: 1_700_000_000_000,
  expires: 1_700_200_000,
  data: '{"n":1}',
}

const readOf = (rest: Record<string, unknown>) => {
  const warnings: Facts[] = []
  const { time: _, ...read } = {
    time: 0,
    ...createSlotReader(({ facts }) => warnings.push(facts))({ ...row, ...rest }),
  }
  return { read, unreadable: warnings.flatMap(({ unreadable }) => unreadable) }
}

it('returns topic and offset of an event row’s key, and of no other key', () => {
  expect(parseLogKey(row)).toEqual({ topic: 'room#a', offset: 7 })
  for (const sk of ['12', '#', '0000000000000000', '9999999999999999', '000000000000007x'])
    expect(parseLogKey({ ...row, sk })).toBeUndefined()
  expect(parseLogKey({ ...row, pk: 'SENT#t' })).toBeUndefined()
})

describe('a reader of event rows', () => {
  it('returns rows of the public shape without a warning [TL-ROW-1]', () => {
    const warnings: Facts[] = []
    const read = createSlotReader(({ facts }) => warnings.push(facts))
    expect(read(row)).toEqual(slot)
    expect(read({ ...row, inline: 5, 'aws:rep:updatetime': 5 })).toEqual({ ...slot, inline: 5 })
    const { data: _, ...birth } = row
    expect(read(birth)).not.toHaveProperty('data')
    expect(warnings).toEqual([])
  })
  it.each(['E1', 'room 7', 'é', '', 'x'.repeat(61), undefined, null, { a: 1 }, true])(
    'gives the epoch %j a name that a cursor can hold, always the same',
    (epoch) => {
      const { read, unreadable } = readOf({ epoch })
      expect(read.epoch).toMatch(/^x\.[0-9a-f]{16}$/)
      expect(readOf({ epoch }).read.epoch).toBe(read.epoch)
      expect(readOf({ epoch: read.epoch })).toMatchObject({ read: { epoch: read.epoch }, unreadable: [] })
      expect(unreadable).toEqual(['epoch'])
    },
  )
  it('gives different epochs different names', () => {
    const names = ['E1', 'E2', 'e 1', 'x'.repeat(61), 'x'.repeat(62), '']
    expect(new Set(names.map((epoch) => readOf({ epoch }).read.epoch)).size).toBe(names.length)
  })
  it('accepts a number for a text, and a text for a number', () => {
    const read = createSlotReader(() => {})
    const { time, expires } = row
    expect(read({ ...row, epoch: 5, time: String(time), expires: String(expires) })).toEqual({ ...slot, epoch: '5' })
  })
  it.each([undefined, 'yesterday', '', Number.NaN, Number.POSITIVE_INFINITY, null])(
    'does without the times %j',
    (wrong) => {
      const read = createSlotReader(() => {})
      expect(read({ ...row, time: wrong })).toEqual({ ...slot, time: (1_700_200_000 - 48 * 3_600) * 1_000 })
      expect(read({ ...row, expires: wrong })).toEqual({ ...slot, expires: 0 }) // no anchor
      expect(read({ ...row, expires: wrong, time: wrong })).toEqual({ ...slot, expires: 0, time: 0 })
      expect(read({ ...row, inline: wrong })).toEqual(slot)
    },
  )
  it('leaves out data that is not text', () => {
    expect(readOf({ data: { n: 1 } })).toMatchObject({ read: { offset: 7 }, unreadable: ['data'] })
    expect(readOf({ data: { n: 1 } }).read).not.toHaveProperty('data')
    expect(readOf({ publishId: undefined })).toMatchObject({ read: { publishId: '' }, unreadable: ['publishId'] })
  })
  it('returns no slot for a row without an offset', () => {
    const warnings: Facts[] = []
    const read = createSlotReader(({ facts }) => warnings.push(facts))
    expect(read({ ...row, sk: '12' })).toBeUndefined()
    expect(warnings).toEqual([{ pk: row.pk, sk: '12', unreadable: ['sk'] }])
  })
  it('warns once for each topic', () => {
    const warnings: Facts[] = []
    const read = createSlotReader(({ facts }) => warnings.push(facts))
    const rows: readonly EventRow[] = [
      row,
      { ...row, epoch: 'E' },
      { ...row, time: 'x' },
      { ...row, pk: 'LOG#b', epoch: 'E' },
    ]
    for (const each of rows) read(each)
    expect(warnings.map(({ pk }) => pk)).toEqual(['LOG#room#a', 'LOG#b'])
  })
})
