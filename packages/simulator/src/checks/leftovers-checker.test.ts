import { expect, it } from 'vitest'
import { topicOf } from '../records/application.ts'
import { createWorld } from '../world/create-world.ts'
import { checkNothingLeft, checkRows } from './leftovers-checker.ts'
import { rulesOf } from './published-world.suite.ts'

it('finds a row without a subscription', () => {
  const world = createWorld({ seed: 1, allowed: [] })
  const { operations } = world.table
  const expires = world.kernel.now / 1_000 + 8_000
  const row = { topic: topicOf('a'), shard: 0, connectionId: 'c', id: '1', ref: 1, on: true, path: 'live' }
  operations.putSubscriber({ ...row, extensions: true, expires })
  checkRows(world, [topicOf('a')])
  expect(rulesOf(world)).toEqual(['H14'])
})

it('finds the open sockets, timers and connection of a closed device', async () => {
  const world = createWorld({ seed: 1, allowed: [] })
  world.addDevice().subscribe('live', 'a')
  await world.kernel.run(5_000)
  checkNothingLeft(world)
  expect(new Set(rulesOf(world))).toEqual(new Set(['H14']))
  expect(world.report.violations.map(({ text }) => text.replaceAll(/\d+/g, 'n'))).toEqual([
    'dn closed and kept n sockets',
    'dn closed and kept n timers',
    'dn did not close',
    'cn= is still open',
  ])
})
