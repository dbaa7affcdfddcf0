import { expect, test } from 'vitest'
import type { ChannelDefinition } from '../../define/definition.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { KnownCount } from '../context/shard-hints.ts'
import { countToPublish, countToSync } from './partition-count.ts'

const channel = { name: 'chat' } as ChannelDefinition

test('a slow read of the number of partitions takes nothing back that is known [LAW-PARTITIONS]', async () => {
  const answers: ((written: number) => void)[] = []
  const readSlotsBefore = () =>
    new Promise((resolve) => answers.push((written) => resolve({ slots: [{ offset: written }], more: false })))
  const partitionCounts = new Map<string, KnownCount>()
  const context = { partitionCounts, clock: { now: () => 0 }, store: { readSlotsBefore } } as unknown as RuntimeContext
  const slow = countToSync(context, channel)
  const publish = countToPublish(context, channel)
  answers[1]?.(4)
  expect(await publish).toBe(4)
  answers[0]?.(2)
  expect(await slow).toBe(4)
  expect(await countToPublish(context, channel)).toBe(4) // without a further read
  expect(answers).toHaveLength(2)
})
