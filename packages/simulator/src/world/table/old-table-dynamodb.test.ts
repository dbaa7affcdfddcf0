import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openTable } from '../../../../server/src/dynamodb/endpoint.suite.ts'
import { createDynamoStore } from '../../../../server/src/dynamodb/index.ts'
import type { Operations } from '../../../../server/src/memory/operations.ts'
import type { Store, Subscriber } from '../../../../server/src/ports/store.ts'
import { createReport } from '../../kernel/report.ts'
import { hereOf, topicOf } from '../../records/application.ts'
import { loadOldTable, oldTable } from './old-table.ts'
import { createTable } from './table.ts'

let place: Awaited<ReturnType<typeof openTable>>
let store: Store
let reference: Operations
beforeEach(async () => {
  place = await openTable()
  const { table, ...access } = place.options
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(access))
  for (let from = 0; from < oldTable.items.length; from += 25) {
    const puts = oldTable.items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }))
    await client.send(new BatchWriteCommand({ RequestItems: { [table]: puts } }))
  }
  client.destroy()
  store = createDynamoStore(place.options)
  reference = createTable(() => oldTable.now, createReport()).operations
  loadOldTable(reference)
})
afterEach(() => place.end())

type Call = readonly [operation: Exclude<keyof Store, 'kind'>, ...args: unknown[]]

/** The result of an operation, with rows sorted where they have no order. */
async function outcomeOf(run: () => unknown): Promise<unknown> {
  try {
    return JSON.parse(JSON.stringify((await run()) ?? null))
  } catch (thrown) {
    return String(thrown)
  }
}
async function compare(calls: readonly Call[]): Promise<void> {
  for (const [operation, ...args] of calls) {
    const of = (target: unknown) => (target as Record<string, (...args: unknown[]) => unknown>)[operation]?.(...args)
    const [real, expected] = [await outcomeOf(() => of(store)), await outcomeOf(() => of(reference))]
    expect([operation, args, real]).toEqual([operation, args, expected])
  }
}

const topics = [topicOf('a'), topicOf('b'), hereOf('a'), hereOf('b')]
const expires = Math.ceil(oldTable.now / 1_000) + 7_200
const until = oldTable.now + 60_000

it('the DynamoDB adapter reads the rows of the previous version as the reference store does', {
  timeout: 60_000,
}, async () => {
  const connections = oldTable.items.filter(({ pk }) => String(pk).startsWith('CONN#'))
  const keys = oldTable.items.flatMap(({ pk }) => (String(pk).startsWith('IDEM#') ? [String(pk).slice(5)] : []))
  expect(keys.length).toBeGreaterThan(5)
  await compare([
    ...topics.flatMap((topic): readonly Call[] => [
      ['readSlots', topic, 0, 100],
      ['readSlotsBefore', topic, undefined, 100],
      ['readSubscribers', topic, 0, {}],
      ['readSubscribers', topic, 1, {}],
      ['readPresences', topic, {}],
      ['readSweep', topic],
      ['readShardLease', topic, 0],
      ['readShardLease', topic, 1],
      ['hasReceipts', Array.from({ length: 20 }, (_, offset) => ({ topic, offset: offset + 1 }))],
    ]),
    ...connections.flatMap(({ pk, sk }): readonly Call[] => {
      const connectionId = String(pk).slice(5)
      if (sk === '#') return [['readConnection', connectionId]]
      return [['readSubscription', connectionId, String(sk).slice(4)]]
    }),
    ...keys.map((key): Call => ['readKey', key]),
  ])
})

it('the conditional writes of this version accept the rows of the previous version', async () => {
  const rows = topics.flatMap((topic) => reference.readSubscribers(topic, 0, {}).subscribers)
  const locked = rows.find(({ at }) => at !== undefined) as Subscriber
  const running = oldTable.items.find(({ state }) => state === 'RUNNING')
  const runningKey = String(running?.['pk']).slice(5)
  const from = { owner: running?.['owner'], lease: running?.['lease'] }
  const members = reference.readPresences(hereOf('a'), {}).rows
  const generator = oldTable.items.find(({ run }) => run !== undefined)
  const run = { connectionId: String(generator?.['pk']).slice(5), id: '1', ref: Number(generator?.['ref']) }
  const lease = reference.readShardLease(topicOf('b'), 0)
  const upload = { connectionId: 'c1=', message: 'old-message' }
  const { bytes } = oldTable.items.find(({ pk }) => String(pk).startsWith('UPLOAD#')) ?? {}
  await compare([
    ...rows.flatMap(({ connectionId, id, topic, shard, ref }): readonly Call[] => [
      ['claimSubscription', { connectionId, id, ref, topic, shard, expires }], // the same attempt again
      ['claimSubscription', { connectionId, id, ref: ref + 1, topic, shard, expires }],
      ['readSubscription', connectionId, id],
    ]),
    ['acquireDeliveryLock', locked, { by: 'one', until }],
    ['acquireDeliveryLock', locked, { by: 'other', until }],
    ['requestOffset', locked, 99],
    ['releaseDeliveryLock', locked, { by: 'one', at: '0.e:98', unless: 98 }],
    ['releaseDeliveryLock', locked, { by: 'one', at: '0.e:99' }],
    ...rows.slice(0, 2).map((row): Call => ['setSubscriberAuthExp', { ...row, authExp: until }]),
    ...rows.map((row): Call => ['setSubscriberClaims', { ...row, claims: '{}', renewedAt: 5 }]),
    ...rows.map((row): Call => ['putSubscriber', { ...row, ref: row.ref + 1 }]),
    ['readSubscribers', topicOf('a'), 0, {}],
    ...rows.map(({ connectionId, id, ref }): Call => ['stopSubscription', { connectionId, id, ref: ref + 1, expires }]),
    ...rows.map((row): Call => ['stopSubscriber', { ...row, ref: row.ref + 1, expires }]),
    ...rows.map((row): Call => ['deleteSubscriber', { ...row, ref: row.ref + 1 }]),
    ['growShards', topicOf('b'), 2, 4],
    ['readSubscribers', topicOf('b'), 0, {}],
    ['passRun', { ...run, from: 'nobody', run: 'r1', lease: until }],
    ['passRun', { ...run, from: generator?.['run'], run: 'r1', lease: until }],
    ['takeKey', { key: runningKey, owner: 'other', lease: until, from: { owner: 'nobody', lease: 0 } }],
    ['takeKey', { key: runningKey, owner: 'other', lease: until, from }],
    ['recordBase', { key: runningKey, owner: 'other', publishId: 'p', base: 3, expires }],
    ['settleKey', { key: runningKey, owner: 'other', state: 'DONE', outcome: '{}' }],
    ['readKey', runningKey],
    ['extendSlot', topicOf('a'), 16, expires],
    ['putSlot', topicOf('a'), { offset: 16, epoch: 'e', publishId: 'p', time: 1, expires }],
    ['renewConnection', 'c3=', { authExp: until, claims: '{}', renewedAt: 5, follows: undefined, claimsPending: true }],
    ['settleClaims', 'c3=', 5],
    ['closeConnection', 'c3=', expires],
    ['readConnection', 'c3='],
    ...members.flatMap((row): readonly Call[] => [
      ['putPresence', { ...row, mark: 'next', v: row.v + 1 }, 'another'],
      ['putPresence', { ...row, mark: 'next', v: row.v + 1 }, row.mark],
      ['deletePresence', { ...row, mark: 'next' }],
    ]),
    ['moveSweep', hereOf('a'), { from: reference.readSweep(hereOf('a')), to: until, expires }],
    ['putShardLease', { ...lease, version: 'next' }, 'another'],
    ['putShardLease', { ...lease, version: 'next' }, lease?.version],
    ['readShardLease', topicOf('b'), 0],
    ['notePart', { ...upload, of: 2, bytes, expires, part: 1 }],
    ['claimUpload', { ...upload, owner: 'one' }],
    ['claimUpload', { ...upload, owner: 'other' }],
    ['readParts', upload.connectionId, upload.message, 2],
  ])
})
