import { describe, expect, test } from 'vitest'
import type { Item, StreamRecord } from '../../emulators/dynamodb/dynamo.ts'
import { Topics } from './topics.ts'

type Change = Pick<StreamRecord, 'eventName' | 'dynamodb'>

function change(eventName: Change['eventName'], pk: string, sk: string, image: Item = {}): Change {
  const Keys = { pk: { S: pk }, sk: { S: sk } }
  const record = { Keys, NewImage: image, ApproximateCreationDateTime: 0, SequenceNumber: '1', SizeBytes: 1 }
  return { eventName, dynamodb: { ...record, StreamViewType: 'NEW_AND_OLD_IMAGES' } }
}
const on = { on: { BOOL: true }, path: { S: 'onMessage' } }

describe('the topics', () => {
  test('have the highest offset that was written, and no lower one when an old row expires', () => {
    const topics = new Topics()
    topics.read(change('INSERT', 'LOG#rooms#1', '0000000000000007'))
    topics.read(change('INSERT', 'LOG#rooms#1', '0000000000000006'))
    topics.read(change('REMOVE', 'LOG#rooms#1', '0000000000000008'))
    expect(topics.rows()).toEqual([{ id: 'rooms#1', channel: 'rooms#1', head: 7, subscribers: 0 }])
  })

  test('count subscribers until they stop or their connection ends', () => {
    const topics = new Topics()
    topics.read(change('INSERT', 'SUBS#rooms#3', 'abc=#1', on))
    topics.read(change('INSERT', 'SUBS#rooms#3', 'abc=#"2"', on))
    topics.read(change('INSERT', 'SUBS#rooms#0', 'def=#1', on))
    topics.read(change('INSERT', 'SUBS#rooms#0', '#'))
    expect(topics.rows()).toEqual([{ id: 'rooms', channel: 'rooms', subscribers: 3 }])
    const own = { topic: 'rooms', path: 'onMessage', connectionId: 'abc=' }
    expect(topics.of('abc=')).toMatchObject([own, own])
    expect(topics.subscribersOf('rooms', 2)).toMatchObject([own, own])
    topics.read(change('MODIFY', 'SUBS#rooms#3', 'abc=#1', { on: { BOOL: false } }))
    topics.remove('def=')
    expect(topics.rows()).toEqual([{ id: 'rooms', channel: 'rooms', subscribers: 1 }])
  })

  test('are limited to ten thousand: the least recently changed topic is dropped', () => {
    const topics = new Topics()
    for (let n = 1; n <= 10_001; n++) topics.read(change('INSERT', `LOG#t${n}`, '1'))
    expect(topics.rows()).toHaveLength(10_000)
    expect(topics.rows().at(-1)?.id).toBe('t2')
  })
})
