import type { LeaseStore } from '../../ports/leases.ts'
import { fromShardLeaseItem, placePrefix, toShardLeaseItem } from '../requests/items.ts'
import { runPlacesKey, shardLeaseKey, sweepKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'
import { releasePlace, takePlace } from './places.ts'

/** The port of leases in the table. */
export function leaseOperations(requests: Requests): LeaseStore {
  const { get, put, update } = requests
  return {
    async readShardLease(topic, shard) {
      const item = await get(shardLeaseKey(topic, shard))
      return item && fromShardLeaseItem(topic, shard, item)
    },
    async putShardLease(row, over) {
      const condition = over === undefined ? 'attribute_not_exists(#pk)' : '#mark = :over'
      const write = await put(toShardLeaseItem(row), condition, { over })
      if (write.written) return { status: 'put' }
      const item = await write.find()
      if (item?.mark === row.version) return { status: 'put' }
      return { status: 'conflict', row: item && fromShardLeaseItem(row.topic, row.shard, item) }
    },
    async readSweep(topic) {
      return Number((await get(sweepKey(topic)))?.at ?? 0)
    },
    async moveSweep(topic, { from, to, expires }) {
      const write = await update(sweepKey(topic), {
        expression: 'SET #at = :to, #expires = :expires',
        condition: from === 0 ? 'attribute_not_exists(#pk) OR #at = :from' : '#at = :from',
        values: { from, to, expires },
      })
      return write.written ? 'moved' : 'conflict'
    },
    async takeRunPlace({ owner, run, lease, over, ...take }) {
      const result = await takePlace(requests, runPlaces(owner), {
        ...{ ...take, name: run, until: lease },
        over: over.map((dead) => ({ name: dead.run, until: dead.lease })),
      })
      if (result.status === 'taken') return result
      return { ...result, places: result.places.map(({ name, until }) => ({ run: name, lease: until })) }
    },
    async renewRunPlace({ owner, run, lease, expires }) {
      const write = await update(runPlacesKey(owner), {
        expression: 'SET #place = :lease, #expires = :expires',
        condition: 'attribute_exists(#place)',
        values: { lease, expires },
        attributes: { place: placePrefix + run },
      })
      return write.written ? 'renewed' : 'absent'
    },
    releaseRunPlace: ({ owner, run }) => releasePlace(requests, runPlaces(owner), run),
  }
}

function runPlaces(owner: string) {
  return { key: runPlacesKey(owner), prefix: placePrefix, count: 'count' }
}
