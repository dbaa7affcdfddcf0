import type { LeaseStore } from '../../ports/leases.ts'
import { fromRunPlacesItem, fromShardLeaseItem, placeAttribute, toShardLeaseItem } from '../requests/items.ts'
import { runPlacesKey, shardLeaseKey, sweepKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of leases in the table. */
export function leaseOperations({ get, put, update }: Requests): LeaseStore {
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
    async takeRunPlace({ owner, run, lease, max, over, expires }) {
      const own = over.find((dead) => dead.run === run)
      const dead = over.filter((place) => place !== own).map((place, at) => ({ ...place, word: `dead${at}` }))
      const removes = dead.length === 0 ? '' : ` REMOVE ${dead.map(({ word }) => `#${word}`).join(', ')}`
      const write = await update(runPlacesKey(owner), {
        expression: `SET #place = :lease, #expires = :expires ADD #count :added${removes}`,
        condition: [
          '(attribute_not_exists(#count) OR #count < :most)',
          own === undefined ? 'attribute_not_exists(#place)' : '#place = :own',
          ...dead.map(({ word }) => `#${word} = :${word}`),
        ].join(' AND '),
        values: {
          ...{ lease, expires, own: own?.lease, added: 1 - over.length, most: max + over.length },
          ...Object.fromEntries(dead.map((place) => [place.word, place.lease])),
        },
        attributes: {
          place: placeAttribute(run),
          ...Object.fromEntries(dead.map((place) => [place.word, placeAttribute(place.run)])),
        },
      })
      if (write.written) return { status: 'taken' }
      const places = fromRunPlacesItem(await write.find())
      const isOwn = write.tries > 1 && places.some((place) => place.run === run && place.lease === lease)
      return isOwn ? { status: 'taken' } : { status: 'refused', places }
    },
    async renewRunPlace({ owner, run, lease, expires }) {
      const write = await update(runPlacesKey(owner), {
        expression: 'SET #place = :lease, #expires = :expires',
        condition: 'attribute_exists(#place)',
        values: { lease, expires },
        attributes: { place: placeAttribute(run) },
      })
      return write.written ? 'renewed' : 'absent'
    },
    async releaseRunPlace({ owner, run }) {
      await update(runPlacesKey(owner), {
        expression: 'ADD #count :removed REMOVE #place',
        condition: 'attribute_exists(#place)',
        values: { removed: -1 },
        attributes: { place: placeAttribute(run) },
      })
    },
  }
}
