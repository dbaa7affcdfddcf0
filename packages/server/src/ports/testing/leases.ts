import type { ShardLeaseRow } from '../leases.ts'
import { equal } from './assertions.ts'
import { expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of leases. */
export function leaseLaws({ describe, test }: SuiteRunner): void {
  const lease = (topic: string, rest: Partial<ShardLeaseRow> = {}): ShardLeaseRow => ({
    ...{ topic, shard: 0, version: fresh('m'), epoch: 'e1', from: 1, through: 2, expires },
    holder: { jobId: 'a', leaseId: 't', expiresAt: 5, start: 1 },
    ...rest,
  })
  describe('leases', () => {
    test('puts a lease once where none exists and reads back the whole row', async (store) => {
      const first = lease(fresh('t'), { nextOffset: 7 })
      equal(await store.putShardLease(first, undefined), { status: 'put' })
      equal(await store.readShardLease(first.topic, 0), first)
      equal(await store.readShardLease(first.topic, 1), undefined)
      equal(await store.putShardLease(lease(first.topic), undefined), { status: 'conflict', row: first })
      equal(await store.putShardLease(first, undefined), { status: 'put' }) // a repeat after a lost answer
    })
    test('puts a lease over the write that it replaces and over no other', async (store) => {
      const first = lease(fresh('t'))
      await store.putShardLease(first, undefined)
      const { holder: _, ...completed } = lease(first.topic, { through: 9 })
      equal(await store.putShardLease(completed, first.version), { status: 'put' })
      equal(await store.putShardLease(lease(first.topic), first.version), { status: 'conflict', row: completed })
      equal(await store.putShardLease(lease(fresh('t')), 'gone'), { status: 'conflict', row: undefined })
    })
    test('moves the time of a sweep only from the time that was read', async (store) => {
      const topic = fresh('t')
      equal(await store.readSweep(topic), 0)
      equal(await store.moveSweep(topic, { from: 0, to: 7, expires }), 'moved')
      equal(await store.moveSweep(topic, { from: 0, to: 8, expires }), 'conflict')
      equal(await store.readSweep(topic), 7)
    })
  })
}
