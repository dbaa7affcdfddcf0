import type { RunPlaceLease, ShardLeaseRow } from '../leases.ts'
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
    const place = (owner: string, run: string, lease = 5) => ({ owner, run, lease, expires })
    const most = { max: 2, over: [] as readonly RunPlaceLease[] }
    test('gives an owner as many places as it may have, and each run one', async (store) => {
      const owner = fresh('o')
      equal(await store.takeRunPlace({ ...place(owner, 'a'), ...most }), { status: 'taken' })
      const held = [{ run: 'a', lease: 5 }]
      equal(await store.takeRunPlace({ ...place(owner, 'a', 9), ...most }), { status: 'refused', places: held })
      equal(await store.takeRunPlace({ ...place(owner, 'b'), ...most }), { status: 'taken' })
      const full = [...held, { run: 'b', lease: 5 }]
      equal(await store.takeRunPlace({ ...place(owner, 'c'), ...most }), { status: 'refused', places: full })
      equal(await store.takeRunPlace({ ...place(fresh('o'), 'c'), ...most }), { status: 'taken' })
    })
    test('gives the last places to as many of several concurrent writers as there are', async (store) => {
      const owner = fresh('o')
      const takes = Array.from({ length: 8 }, (_, n) => store.takeRunPlace({ ...place(owner, `r${n}`), ...most }))
      const taken = (await Promise.all(takes)).filter(({ status }) => status === 'taken')
      equal(taken.length, 2)
    })
    test('removes places over which one is taken, only with the leases that were read', async (store) => {
      const owner = fresh('o')
      for (const run of ['a', 'b']) await store.takeRunPlace({ ...place(owner, run), ...most })
      const dead = (lease: number) => ['a', 'b'].map((run) => ({ run, lease }))
      const refused = { status: 'refused', places: dead(5) }
      equal(await store.takeRunPlace({ ...place(owner, 'c'), ...most, over: dead(4) }), refused)
      equal(await store.takeRunPlace({ ...place(owner, 'c'), ...most, over: dead(5) }), { status: 'taken' })
      equal(await store.takeRunPlace({ ...place(owner, 'd'), ...most }), { status: 'taken' })
      const over = [{ run: 'd', lease: 5 }]
      equal(await store.takeRunPlace({ ...place(owner, 'd', 9), ...most, over }), { status: 'taken' })
      const full = [
        { run: 'c', lease: 5 },
        { run: 'd', lease: 9 },
      ]
      equal(await store.takeRunPlace({ ...place(owner, 'e'), ...most }), { status: 'refused', places: full })
    })
    test('renews a place that exists, and frees one that is released, once', async (store) => {
      const owner = fresh('o')
      equal(await store.renewRunPlace(place(owner, 'a')), 'absent')
      for (const run of ['a', 'b']) await store.takeRunPlace({ ...place(owner, run), ...most })
      equal(await store.renewRunPlace(place(owner, 'a', 7)), 'renewed')
      for (let n = 0; n < 2; n++) await store.releaseRunPlace({ owner, run: 'b' })
      await store.releaseRunPlace({ owner: fresh('o'), run: 'b' })
      equal(await store.takeRunPlace({ ...place(owner, 'c'), ...most }), { status: 'taken' })
      const full = [
        { run: 'a', lease: 7 },
        { run: 'c', lease: 5 },
      ]
      equal(await store.takeRunPlace({ ...place(owner, 'd'), ...most }), { status: 'refused', places: full })
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
