import { expect, test } from 'vitest'
import { channelOf, keyOf } from './topic-name.ts'

test.each([
  ['room?name=s:a%26b&size=n:7', 'room', { name: 'a&b', size: 7 }],
  ['a%2Fb?', 'a/b', {}],
  ['room?name=s:x/2', 'room', { name: 'x' }],
  ['room?name', 'room', undefined],
  ['room', 'room', undefined],
])('the topic %s has a channel and a key', (topic, channel, key) => {
  expect(channelOf(topic)).toBe(channel)
  expect(keyOf(topic)).toEqual(key)
})
