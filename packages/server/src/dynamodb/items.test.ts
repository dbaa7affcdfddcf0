import { describe, expect, it } from 'vitest'
import { createSlotReader, parseLogKey } from '../ports/event-row.ts'
import { connection, slot, subscriber } from '../ports/testing/rows.ts'
import {
  baseAttribute,
  fromConnectionItem,
  fromKeyItem,
  fromSubscriberItem,
  toConnectionItem,
  toKeyItem,
  toLogItem,
  toSubscriberItem,
} from './requests/items.ts'
import {
  connectionKey,
  formatOffset,
  keyRowKey,
  logKey,
  receiptKey,
  shardsKey,
  subscriberKey,
} from './requests/keys.ts'
import { fromAttributeValues } from './requests/write.ts'
import { lineTable } from './table.ts'

describe('keys', () => {
  it('order offsets as texts', () => {
    const offsets = [0, 1, 9, 10, 99, 2 ** 31, Number.MAX_SAFE_INTEGER]
    const texts = offsets.map(formatOffset)
    expect([...texts].sort()).toEqual(texts)
    expect(new Set(texts.map(({ length }) => length))).toEqual(new Set([16]))
  })
  it('name topic and offset of a log item, and of no other', () => {
    expect(logKey('room#a', 12)).toEqual({ pk: 'LOG#room#a', sk: '0000000000000012' })
    expect(parseLogKey({ ...logKey('room#a', 12) })).toEqual({ topic: 'room#a', offset: 12 })
    for (const other of [receiptKey('t', 1), connectionKey('c'), keyRowKey('k')])
      expect(parseLogKey({ ...other })).toBeUndefined()
  })
  it('put the row of the shards before every subscriber of shard 0', () => {
    const { pk, sk } = shardsKey('t')
    for (const first of ['+', '-', '/', '0', '9', '=', 'A', 'Z', '_', 'a', 'z']) {
      const key = subscriberKey({ topic: 't', shard: 0, connectionId: `${first}Jq=`, id: '1' })
      expect(key.pk).toBe(pk)
      expect(Buffer.compare(Buffer.from(sk), Buffer.from(key.sk))).toBe(-1)
    }
  })
})

describe('items', () => {
  it('have an event of a log in the public shape [TL-ROW-1]', () => {
    const { publishId, ...rest } = slot(7, { inline: 1_700_000_002_000 })
    expect(toLogItem('t', { publishId: 'p1', ...rest })).toEqual({
      pk: 'LOG#t',
      sk: '0000000000000007',
      epoch: 'e1',
      publishId: 'p1',
      time: 1_700_000_000_000,
      expires: 2_000_000_000,
      data: '{"n":1}',
      inline: 1_700_000_002_000,
    })
  })
  it('convert back to what they were made of', () => {
    const event = slot(7)
    expect(createSlotReader()({ ...toLogItem('t', event) })).toEqual(event)
    const socket = connection({ principal: null })
    expect(fromConnectionItem(socket.connectionId, toConnectionItem(socket))).toEqual(socket)
    const row = subscriber('t', { id: '"a#b"', shard: 3 })
    expect(fromSubscriberItem('t', 3, toSubscriberItem(row))).toEqual(row)
  })
  it('of a key have each base under a name of its own', () => {
    const claim = { key: 'u1#k', state: 'RUNNING', owner: 'o', lease: 5, fingerprint: 'f', expires: 9 } as const
    const bases = { p1: 4, 'p:2': 0 }
    const item = { ...toKeyItem(claim), [baseAttribute('p1')]: 4, [baseAttribute('p:2')]: 0 }
    expect(item).toMatchObject({ pk: 'IDEM#u1#k', sk: '#', 'base:p1': 4 })
    expect(fromKeyItem('u1#k', item)).toEqual({ ...claim, bases })
  })
  it('are converted from the attribute values of a stream', () => {
    const image = {
      ...{ s: { S: 'x' }, n: { N: '12' }, yes: { BOOL: true }, no: { BOOL: false }, nothing: { NULL: true } },
      map: { M: { principal: { NULL: true }, session: { S: '' } } },
    }
    expect(fromAttributeValues(image)).toEqual({
      ...{ s: 'x', n: 12, yes: true, no: false, nothing: null },
      map: { principal: null, session: '' },
    })
  })
})

it('creates a table that streams old and new images', () => {
  expect(lineTable('line')).toMatchObject({
    TableName: 'line',
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  })
})
