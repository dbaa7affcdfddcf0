// More than 200 lines: the failures of one adapter share a proxy.
import { createServer } from 'node:http'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { parseCursor } from '@trunkline/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Store, StoreError } from '../ports/store.ts'
import { erasureSuite, storeSuite } from '../ports/testing/index.ts'
import { connection, keyClaim, presence, slot, subscriber } from '../ports/testing/rows.ts'
import { access, close, type Exchange, listen, openTable, proxy } from './endpoint.suite.ts'
import { createDynamoErasure, createDynamoStore } from './store.ts'

let table: Awaited<ReturnType<typeof openTable>>
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table.end())

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

storeSuite({ describe, it }, { name: 'dynamodb', createStore: () => createDynamoStore(table.options) })
erasureSuite(
  { describe, it },
  {
    name: 'dynamodb',
    createStores: () => ({ store: createDynamoStore(table.options), erasure: createDynamoErasure(table.options) }),
  },
)

/** A store behind a proxy. */
async function storeBehind(handle: (exchange: Exchange) => Promise<void>): Promise<Store> {
  const { endpoint, end } = await proxy(table.options.endpoint, handle)
  ends.push(end)
  return createDynamoStore({ ...table.options, endpoint })
}

/** Forwards all requests, and loses the first response. */
function losingTheFirstAnswer(): (exchange: Exchange) => Promise<void> {
  let lost = false
  return async (exchange) => {
    const { status, body } = await exchange.forward()
    if (lost) return exchange.answer(status, body)
    lost = true
    exchange.cut()
  }
}

const isConditionFailure = (body: string) => body.includes('ConditionalCheckFailed')

/** Leaves out the item that failed a condition, as dynalite does. */
async function withoutItems(exchange: Exchange): Promise<void> {
  const { status, body } = await exchange.forward()
  if (!isConditionFailure(body)) return exchange.answer(status, body)
  const { Item: _, ...rest } = JSON.parse(body)
  exchange.answer(status, JSON.stringify(rest))
}

/** Returns the item that failed a condition, as DynamoDB does. */
async function bringingItems(exchange: Exchange): Promise<void> {
  const { status, body } = await exchange.forward()
  const asked = JSON.parse(exchange.body)
  if (!isConditionFailure(body) || asked.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD')
    return exchange.answer(status, body)
  const { TableName, Item, Key = { pk: Item.pk, sk: Item.sk } } = asked
  const read = await exchange.forward(JSON.stringify({ TableName, Key, ConsistentRead: true }), 'GetItem')
  exchange.answer(status, JSON.stringify({ ...JSON.parse(body), ...JSON.parse(read.body) }))
}

const renewal = { authExp: 5, claims: '{}', renewedAt: 4, follows: undefined, claimsPending: false }

describe('a failed condition', () => {
  const operations: string[] = []
  const counted = (handle: (exchange: Exchange) => Promise<void>) => async (exchange: Exchange) => {
    operations.push(exchange.operation)
    await handle(exchange)
  }
  it.each([
    { how: 'brought at once', handle: bringingItems, reads: [] },
    { how: 'read when not brought', handle: withoutItems, reads: ['GetItem'] },
  ])('shows the item, $how', async ({ handle, reads }) => {
    const store = await storeBehind(counted(handle))
    const existing = slot(1, { inline: 5 })
    const topic = existing.publishId
    const row = subscriber(topic, { ref: 2, piped: { sessionId: 's', principal: null } })
    const claim = { connectionId: row.connectionId, id: '1', ref: 2, topic, shard: 4, expires: 9 }
    await store.putSlot(topic, existing)
    await store.claimSubscription(claim)
    await store.putSubscriber(row)
    operations.length = 0

    expect(await store.putSlot(topic, slot(1))).toEqual({ status: 'taken', slot: existing })
    expect(operations.splice(0)).toEqual(['PutItem', ...reads])
    expect(await store.claimSubscription({ ...claim, ref: 1 })).toEqual({
      status: 'refused',
      row: { ...claim, on: true },
    })
    expect(operations.splice(0)).toEqual(['UpdateItem', ...reads])
    expect(await store.putSubscriber({ ...row, ref: 1 })).toBe('newer')
    expect(operations.splice(0)).toEqual(['PutItem', ...reads])

    const key = { ...keyClaim(), owner: 'o1' }
    const held = { ...key, state: 'RUNNING', bases: {} }
    await store.claimKey(key)
    operations.length = 0
    expect(await store.claimKey({ ...key, owner: 'o2' })).toEqual({ status: 'conflict', row: held })
    expect(operations.splice(0)).toEqual(['PutItem', ...reads])
    expect(await store.settleKey({ key: key.key, owner: 'o2', state: 'UNKNOWN' })).toEqual({
      ...{ status: 'conflict', row: held },
    })
    expect(operations.splice(0)).toEqual(['UpdateItem', ...reads])
  })
})

describe('a lost answer', () => {
  it('of a slot returns the writer’s own slot', async () => {
    const store = await storeBehind(losingTheFirstAnswer())
    const own = slot(1)
    expect(await store.putSlot(own.publishId, own)).toEqual({ status: 'taken', slot: own })
  })
  it('of a connection is a first success', async () => {
    const store = await storeBehind(losingTheFirstAnswer())
    expect(await store.putConnection(connection())).toBe('put')
  })
  it('of a claim is a first success and no repetition', async () => {
    const store = await storeBehind(losingTheFirstAnswer())
    const { connectionId } = connection()
    const claim = { connectionId, id: '1', ref: 1, topic: 'a', shard: 4, expires: 9 }
    const own = { status: 'claimed', shard: 4, repeated: false, wasLive: false }
    expect(await store.claimSubscription(claim)).toEqual(own)
  })
  it('of a run’s claim, and of its passing on, is a first success', async () => {
    const { connectionId } = connection()
    const claim = { connectionId, id: '1', ref: 1, run: 'r1', lease: 5, expires: 9 }
    expect(await (await storeBehind(losingTheFirstAnswer())).claimRun(claim)).toMatchObject({ status: 'claimed' })
    const pass = { connectionId, id: '1', ref: 1, from: 'r1', run: 'r2', lease: 9 }
    expect(await (await storeBehind(losingTheFirstAnswer())).passRun(pass)).toMatchObject({ status: 'passed' })
  })
  it('of a run’s place is a first success, and its release frees one place', async () => {
    const place = { owner: slot(1).publishId, run: 'r1', lease: 5, expires: 9 }
    const take = { ...place, max: 1, over: [] }
    expect(await (await storeBehind(losingTheFirstAnswer())).takeRunPlace(take)).toEqual({ status: 'taken' })
    const other = { ...take, run: 'r2' }
    const full = { status: 'refused', places: [{ run: 'r1', lease: 5 }] }
    expect(await createDynamoStore(table.options).takeRunPlace(other)).toEqual(full)
    await (await storeBehind(losingTheFirstAnswer())).releaseRunPlace(place)
    expect(await createDynamoStore(table.options).takeRunPlace(other)).toEqual({ status: 'taken' })
    expect(await createDynamoStore(table.options).takeRunPlace(take)).toMatchObject({ status: 'refused' })
  })
  it('of a count is counted once, also when it falls', async () => {
    const { connectionId } = connection()
    const change = { name: 'subscriptions', add: 2, max: 3, mark: 'm1', expires: 9 } as const
    const added = await (await storeBehind(losingTheFirstAnswer())).addToCount(connectionId, change)
    expect(added).toEqual({ status: 'added', count: 2 })
    const fall = { ...change, add: -1, mark: 'm2' }
    const fallen = await (await storeBehind(losingTheFirstAnswer())).addToCount(connectionId, fall)
    expect(fallen).toEqual({ status: 'added', count: 1 })
  })
  it('of an open message is a first success', async () => {
    const open = {
      ...{ connectionId: connection().connectionId, message: 'm', until: 5, expires: 9 },
      max: 1,
      over: [],
    }
    const opened = await (await storeBehind(losingTheFirstAnswer())).openUpload(open)
    expect(opened).toEqual({ status: 'opened' })
  })
  it('of connection parameters is a first success', async () => {
    const row = connection()
    await createDynamoStore(table.options).putConnection(row)
    const store = await storeBehind(losingTheFirstAnswer())
    expect(await store.putConnectionParams(row.connectionId, { connectionParams: '{}' })).toBe('stored')
  })
  it('of a subscriber, its stop and its deletion is a first success', async () => {
    const row = subscriber(slot(1).publishId)
    expect(await (await storeBehind(losingTheFirstAnswer())).putSubscriber(row)).toBe('put')
    expect(await (await storeBehind(losingTheFirstAnswer())).stopSubscriber(row)).toBe('stopped')
    await (await storeBehind(losingTheFirstAnswer())).deleteSubscriber(row)
    const { topic, shard, connectionId, id } = row
    expect(await createDynamoStore(table.options).readSubscriber({ topic, shard, connectionId, id })).toBeUndefined()
  })
  it('of a renewal is a first success', async () => {
    const row = connection()
    await createDynamoStore(table.options).putConnection(row)
    const store = await storeBehind(losingTheFirstAnswer())
    expect(await store.renewConnection(row.connectionId, renewal)).toBe('renewed')
  })
  it('of a key’s claim, take-over, base and outcome is a first success', async () => {
    const losing = () => storeBehind(losingTheFirstAnswer())
    const claim = keyClaim()
    const row = { ...claim, state: 'RUNNING', bases: {} }
    expect(await (await losing()).claimKey(claim)).toEqual({ status: 'claimed', row })
    const own = { key: claim.key, owner: 'o2' }
    const take = { ...own, lease: 5, from: claim }
    expect(await (await losing()).takeKey(take)).toEqual({ status: 'taken', row: { ...row, owner: 'o2', lease: 5 } })
    const record = { ...own, publishId: 'p1', base: 7, expires: 9 }
    expect(await (await losing()).recordBase(record)).toEqual({ status: 'recorded', base: 7 })
    const settled = { ...row, owner: 'o2', lease: 5, bases: { p1: 7 }, state: 'DONE', outcome: '1' }
    expect(await (await losing()).settleKey({ ...own, state: 'DONE', outcome: '1' })).toEqual({
      ...{ status: 'settled', row: settled },
    })
  })
  it('of a key’s settlement as unknown is a first success', async () => {
    const claim = keyClaim()
    await createDynamoStore(table.options).claimKey(claim)
    const store = await storeBehind(losingTheFirstAnswer())
    expect(await store.settleKey({ ...claim, state: 'UNKNOWN' })).toMatchObject({ status: 'settled' })
  })
  it('of the base of a publish’s own key is a first success', async () => {
    const store = await storeBehind(losingTheFirstAnswer())
    const { key } = keyClaim()
    const record = { key, publishId: 'p1', base: 7, expires: 9 }
    expect(await store.recordBase(record)).toEqual({ status: 'recorded', base: 7 })
  })
  it('of a growth of shards grows once', async () => {
    const topic = slot(1).publishId
    const store = await storeBehind(losingTheFirstAnswer())
    await store.growShards(topic, 1, 2)
    expect((await store.readSubscribers(topic, 0)).shards).toBe(2)
  })
})

describe('requests', () => {
  it('are one for each operation, and strongly consistent if they read', async () => {
    const operations: string[] = []
    const weak: string[] = [] // an emulator reads strongly whatever it is asked
    const store = await storeBehind(async (exchange) => {
      operations.push(exchange.operation)
      const isRead = /Get|Query/.test(exchange.operation)
      if (isRead && !exchange.body.includes('"ConsistentRead":true')) weak.push(exchange.operation)
      const { status, body } = await exchange.forward()
      exchange.answer(status, body)
    })
    const one = slot(1)
    const topic = one.publishId
    const row = subscriber(topic)
    const { connectionId, id } = row
    const claim = keyClaim()
    const { key, owner, lease } = claim
    const own = { key, owner: 'o2' }
    const upload = { connectionId, message: 'm', expires: 5 }
    const member = presence(topic)
    const leading = { principal: 'ann', connectionId, session: 's', openedAt: 5, expires: 5 }
    const restriction = { principal: 'ann', kind: 'kick', reason: 'x', expires: 5 } as const
    const count = { name: 'subscriptions', add: 1, max: 1, mark: 'm', expires: 5 } as const
    const place = { owner: topic, run: 'r1', lease: 5, expires: 5 }
    const calls: readonly [string, () => Promise<unknown>][] = [
      ['PutItem', () => store.putSlot(topic, one)],
      [
        'PutItem',
        () =>
          store.putShardLease(
            { topic, shard: 0, version: 'm', epoch: 'e1', from: 1, through: 1, expires: 5 },
            undefined,
          ),
      ],
      ['GetItem', () => store.readShardLease(topic, 0)],
      ['Query', () => store.readSlots(topic, 0, 10)],
      ['Query', () => store.readSlotsBefore(topic, undefined, 10)],
      ['UpdateItem', () => store.extendSlot(topic, 1, 5)],
      ['UpdateItem', () => store.extendSlot(topic, 2, 5)], // absent: nothing is read
      ['UpdateItem', () => store.eraseSlot(topic, 1, 5)],
      ['UpdateItem', () => store.eraseSlot(topic, 2, 5)], // absent: nothing is read
      ['PutItem', () => store.putConnection(connection({ connectionId }))],
      ['GetItem', () => store.readConnection(connectionId)],
      ['BatchGetItem', () => store.readConnectionAndShards(connectionId, topic)],
      ['UpdateItem', () => store.putConnectionParams(connectionId, { connectionParams: '{}' })],
      ['UpdateItem', () => store.renewConnection(connectionId, renewal)],
      ['UpdateItem', () => store.settleClaims(connectionId, 4)],
      ['UpdateItem', () => store.settleClaims(connectionId, 5)], // of another renewal: nothing is read
      ['UpdateItem', () => store.closeConnection(connectionId, 5)],
      ['UpdateItem', () => store.addToCount(connectionId, count)],
      ['UpdateItem', () => store.claimSubscription({ ...row, connectionId, id, ref: 1, expires: 5 })],
      ['GetItem', () => store.readSubscription(connectionId, id)],
      ['Query', () => store.readSubscriptions(connectionId)],
      ['UpdateItem', () => store.claimRun({ connectionId, id: '2', ref: 1, run: 'r1', lease: 5, expires: 5 })],
      ['UpdateItem', () => store.passRun({ connectionId, id: '2', ref: 1, from: 'r1', run: 'r2', lease: 5 })],
      ['UpdateItem', () => store.stopSubscription({ connectionId, id, ref: 1, expires: 5 })],
      ['PutItem', () => store.putSubscriber(row)],
      ['GetItem', () => store.readSubscriber({ topic, shard: 0, connectionId, id })],
      ['Query', () => store.readSubscribers(topic, 0)],
      ['Query', () => store.readSubscribersOf({ topic, shard: 0, connectionId })],
      ['UpdateItem', () => store.growShards(topic, 1, 2)],
      ['UpdateItem', () => store.growShards(topic, 1, 2)], // too late: nothing is read
      ['UpdateItem', () => store.setSubscriberAuthExp({ ...row, authExp: 5 })],
      ['UpdateItem', () => store.setSubscriberClaims({ ...row, claims: '{}', renewedAt: 5 })],
      ['UpdateItem', () => store.acquireDeliveryLock(row, { by: 'h', until: 9 })],
      ['UpdateItem', () => store.requestOffset(row, 1)],
      ['UpdateItem', () => store.releaseDeliveryLock(row, { by: 'h', at: '0.e1:1', unless: 1 })],
      ['UpdateItem', () => store.stopSubscriber({ ...row, ref: 0 })], // newer: nothing is read
      ['DeleteItem', () => store.deleteSubscriber(row)],
      ['BatchGetItem', () => store.readSyncStates([1, 1, 2].map((offset) => ({ ...row, offset })))],
      ['PutItem', () => store.claimKey(claim)],
      ['UpdateItem', () => store.takeKey({ ...own, lease: 9, from: { owner, lease } })],
      ['UpdateItem', () => store.recordBase({ ...own, publishId: 'p1', base: 7, expires: 9 })],
      ['UpdateItem', () => store.recordBase({ key, owner, publishId: 'p1', base: 8, expires: 9 })], // lost: nothing is read
      ['UpdateItem', () => store.recordBase({ key: `${key}x`, publishId: 'p1', base: 8, expires: 9 })],
      ['DeleteItem', () => store.releaseKey({ key, owner: 'other' })], // of another: nothing is read
      ['UpdateItem', () => store.settleKey({ ...own, state: 'DONE', outcome: '1' })],
      ['GetItem', () => store.readKey(key)],
      ['UpdateItem', () => store.openUpload({ ...upload, until: 5, max: 1, over: [] })],
      ['UpdateItem', () => store.closeUpload(upload)],
      ['UpdateItem', () => store.closeUpload(upload)], // not open: nothing is read
      ['PutItem', () => store.putPart({ ...upload, part: 0, text: 'x' })],
      ['PutItem', () => store.putPart({ ...upload, part: 0, text: 'y' })], // differs: nothing is read
      ['UpdateItem', () => store.notePart({ ...upload, part: 0, of: 2, bytes: 2 })],
      ['UpdateItem', () => store.claimUpload({ ...upload, owner })],
      ['UpdateItem', () => store.claimUpload({ ...upload, owner: 'o2' })], // taken: nothing is read
      ['BatchGetItem', () => store.readParts(connectionId, upload.message, 2)],
      ['PutItem', () => store.putPresence(member, undefined)],
      ['GetItem', () => store.readPresence(topic, member.member)],
      ['Query', () => store.readPresences(topic)],
      ['DeleteItem', () => store.deletePresence(member)],
      ['PutItem', () => store.putPresenceSession({ topic, entry: 's.1', member: 'ann', ref: 2, expires: 5 })],
      ['PutItem', () => store.putPresenceSession({ topic, entry: 's.1', member: 'ann', ref: 1, expires: 5 })], // older: nothing is read
      ['Query', () => store.readPresenceSessions(topic, 's.', 9)],
      ['DeleteItem', () => store.deletePresenceSession({ topic, entry: 's.1', member: 'bob', ref: 2 })],
      ['GetItem', () => store.readSweep(topic)],
      ['UpdateItem', () => store.moveSweep(topic, { from: 0, to: 5, expires: 5 })],
      ['UpdateItem', () => store.takeRunPlace({ ...place, max: 1, over: [] })],
      ['UpdateItem', () => store.renewRunPlace(place)],
      ['UpdateItem', () => store.releaseRunPlace(place)],
      ['UpdateItem', () => store.releaseRunPlace(place)], // absent: nothing is read
      ['PutItem', () => store.putStreamInput({ topic, digest: 'd', input: '{}', expires: 5 })],
      ['GetItem', () => store.readStreamInput(topic, 'd')],
      ['PutItem', () => store.putStreamSign({ topic, claim: 'c', alive: 5, expires: 5 })],
      ['GetItem', () => store.readStreamSign(topic, 'c')],
      ['UpdateItem', () => store.takeStreamPoke({ topic, at: 5, before: 4, expires: 5 })],
      ['UpdateItem', () => store.takeStreamPoke({ topic, at: 6, before: 4, expires: 5 })], // recent: nothing is read
      ['Query', () => store.deleteStreamRows(`${topic}x`)], // it has none
      ['UpdateItem', () => store.addToRate({ owner, what: 'calls', window: 5, amount: 1, expires: 9 })],
      ['PutItem', () => store.putPrincipalConnection(leading)],
      ['Query', () => store.readPrincipalConnections('ann')],
      ['DeleteItem', () => store.deletePrincipalConnection(leading)],
      ['PutItem', () => store.putRestriction({ ...restriction, at: 6 })],
      ['PutItem', () => store.putRestriction({ ...restriction, at: 5 })], // lower: nothing is read
      ['Query', () => store.readRestrictions('ann')],
      ['PutItem', () => store.putReceipt(topic, 1, 5)],
      ['BatchGetItem', () => store.hasReceipts([{ topic, offset: 1 }])],
    ]
    for (const [operation, call] of calls) {
      await call()
      expect(operations.splice(0)).toEqual([operation])
    }
    expect(weak).toEqual([])
    expect(new Set(calls.map(([, call]) => /store\.(\w+)/.exec(String(call))?.[1])).size).toBe(
      Object.keys(store).length - 1,
    )
  })
  it('are a query and one for each row when the rows of a stream are deleted', async () => {
    const operations: string[] = []
    const store = await storeBehind(async (exchange) => {
      operations.push(exchange.operation)
      const { status, body } = await exchange.forward()
      exchange.answer(status, body)
    })
    const topic = slot(1).publishId
    await store.putStreamInput({ topic, digest: 'd', input: '{}', expires: 5 })
    await store.putStreamSign({ topic, claim: 'c', alive: 5, expires: 5 })
    await store.takeStreamPoke({ topic, at: 5, before: 4, expires: 5 })
    operations.splice(0)
    await store.deleteStreamRows(topic)
    expect(operations).toEqual(['Query', 'DeleteItem', 'DeleteItem', 'DeleteItem'])
  })
  it('follow the pages of a connection’s subscriptions to the end', async () => {
    const store = createDynamoStore(table.options)
    const { connectionId } = connection()
    const topic = 'x'.repeat(300_000) // four of these are more than one page
    for (const id of ['1', '2', '3', '4', '5'])
      await store.claimSubscription({ connectionId, id, ref: 1, topic, shard: 0, expires: 5 })
    const rows = await store.readSubscriptions(connectionId)
    expect(rows.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5'])
  })
  it('report that more slots exist when a page is full before the limit', async () => {
    const store = createDynamoStore(table.options)
    const topic = slot(1).publishId
    const data = JSON.stringify('x'.repeat(300_000))
    for (const offset of [1, 2, 3, 4, 5]) await store.putSlot(topic, slot(offset, { data }))
    const first = await store.readSlots(topic, 0, 100)
    expect(first.more).toBe(true)
    const rest = await store.readSlots(topic, first.slots.at(-1)?.offset ?? 0, 100)
    expect([...first.slots, ...rest.slots].map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5])
  })
  it('read the states of 33 subscriptions at once, and of 34 in two', async () => {
    const sizes: number[] = []
    const store = await storeBehind(async (exchange) => {
      const { RequestItems } = JSON.parse(exchange.body)
      sizes.push(...Object.values(RequestItems as Record<string, { Keys: [] }>).map(({ Keys }) => Keys.length))
      const { status, body } = await exchange.forward()
      exchange.answer(status, body)
    })
    const asked = Array.from({ length: 34 }, () => ({ ...subscriber(slot(1).publishId), offset: 1 }))
    await store.readSyncStates(asked.slice(0, 33))
    expect(sizes.splice(0)).toEqual([99])
    await store.readSyncStates(asked)
    expect(sizes.splice(0).sort()).toEqual([100, 2])
    const shared = asked.map((one) => ({ ...one, topic: 't' }))
    await store.readSyncStates(shared)
    expect(sizes.splice(0)).toEqual([36])
    for (const needs of ['slots', 'after'] as const) await store.readSyncStates(asked.map((one) => ({ ...one, needs })))
    expect(sizes.splice(0)).toEqual([68, 34])
  })
  it('fail at the deadline when the table leaves keys unprocessed until then', async () => {
    const { endpoint, end } = await proxy(table.options.endpoint, async (exchange) => {
      exchange.answer(200, JSON.stringify({ Responses: {}, UnprocessedKeys: JSON.parse(exchange.body).RequestItems }))
    })
    ends.push(end)
    const store = createDynamoStore({ ...table.options, endpoint, requestTimeoutMs: 100 })
    await expect(store.readSyncStates([{ ...subscriber('t'), offset: 1 }])).rejects.toMatchObject({
      ...{ name: 'StoreError', operation: 'readSyncStates', cause: { name: 'DeadlineError' } },
    })
  })
  it('skip rows of a log that are not slots, and correct the others', async () => {
    const logged: unknown[] = []
    const store = createDynamoStore({ ...table.options, log: (entry) => logged.push(entry) })
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({ ...access, endpoint: table.options.endpoint }))
    const topic = slot(1).publishId
    const rows = [
      ...[{ sk: '12' }, { sk: 'meta' }, { sk: '~' }],
      { sk: '0000000000000001', epoch: 'My Epoch', data: '{}', time: 'x', expires: 'y' },
      { sk: '0000000000000002', epoch: 'My Epoch', publishId: 'p', data: '{}', time: 1, expires: 10n ** 20n },
    ]
    for (const row of rows)
      await client.send(new PutCommand({ TableName: table.options.table, Item: { pk: `LOG#${topic}`, ...row } }))
    client.destroy()
    const newest = await store.readSlotsBefore(topic, undefined, 1)
    expect(newest.slots).toMatchObject([{ offset: 2, publishId: 'p', expires: 1e20 }])
    const epoch = newest.slots[0]?.epoch ?? ''
    expect(parseCursor(`0.${epoch}:2`)).toBeDefined()
    const { slots } = await store.readSlots(topic, 0, 10)
    expect(slots.map(({ offset }) => offset)).toEqual([1, 2])
    expect(slots[0]).toEqual({ offset: 1, epoch, publishId: '', data: '{}', time: 0, expires: 0 })
    expect(await store.putSlot(topic, slot(1))).toEqual({ status: 'taken', slot: slots[0] })
    expect(await store.readSyncStates([{ ...subscriber(topic), offset: 1 }])).toEqual([
      { at: slots[0], after: slots[1] },
    ])
    expect(logged).toMatchObject([{ level: 'WARN', facts: { pk: `LOG#${topic}` } }]) // once a topic
  })
  it('request again the keys that the table left unprocessed', async () => {
    const topic = slot(1).publishId
    let asked = 0
    const store = await storeBehind(async (exchange) => {
      const { status, body } = await exchange.forward()
      asked += exchange.operation === 'BatchGetItem' ? 1 : 0
      if (asked !== 1) return exchange.answer(status, body)
      exchange.answer(200, JSON.stringify({ Responses: {}, UnprocessedKeys: JSON.parse(exchange.body).RequestItems }))
    })
    await store.putReceipt(topic, 2, 5)
    const events = [1, 2].map((offset) => ({ topic, offset }))
    expect(await store.hasReceipts(events)).toEqual([false, true])
    expect(asked).toBe(2)
  })
  it('leave out the shard count of a topic when the table left it unprocessed', async () => {
    const row = connection()
    let asked = 0
    const store = await storeBehind(async (exchange) => {
      const { status, body } = await exchange.forward()
      if (exchange.operation !== 'BatchGetItem') return exchange.answer(status, body)
      asked += 1
      const [[table, { Keys }] = ['', { Keys: [] }]] = Object.entries<{ Keys: readonly { pk: { S: string } }[] }>(
        JSON.parse(exchange.body).RequestItems,
      )
      const undone = Keys.filter(({ pk }) => pk.S.startsWith('SUBS#'))
      exchange.answer(200, JSON.stringify({ ...JSON.parse(body), UnprocessedKeys: { [table]: { Keys: undone } } }))
    })
    await store.putConnection(row)
    await store.growShards('busy', 1, 2)
    const found = await store.readConnectionAndShards(row.connectionId, 'busy')
    expect(found).toEqual({ connection: row })
    expect(asked).toBe(1)
  })
})

describe('a failure', () => {
  const failure = async (promise: Promise<unknown>): Promise<StoreError> => {
    const error: unknown = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(StoreError)
    return error as StoreError
  }

  const throttled = 'ProvisionedThroughputExceededException'
  const requestLimit = 'RequestLimitExceeded'
  it('of a write that was refused at once says that it did not happen', async () => {
    const store = createDynamoStore({ ...table.options, table: 'no-such-table' })
    const error = await failure(store.putSlot('t', slot(1)))
    expect(error).toMatchObject({ operation: 'putSlot', mayHaveHappened: false })
    expect(error.cause).toMatchObject({ name: 'ResourceNotFoundException' })
  })
  it('says that the table refused the content, and whether it is too large', async () => {
    const store = createDynamoStore(table.options)
    const topic = slot(1).publishId
    const connectionId = `c-${topic}`
    const row = subscriber(topic, { connectionId })
    const large = 'x'.repeat(410_000)
    const writes: readonly (() => Promise<unknown>)[] = [
      () => store.putSlot(topic, slot(1, { data: large })),
      () => store.putSubscriber({ ...row, input: large }),
      () => store.putConnection(connection({ claims: large })),
      () => store.putReceipt('t'.repeat(2_100), 1, 5),
      () => store.putSubscriber({ ...row, id: 'i'.repeat(1_100) }),
    ]
    for (const write of writes)
      expect(await failure(write())).toMatchObject({ refused: 'too-large', mayHaveHappened: false })
    expect(await failure(store.readSlots(topic, 0, 0))).toMatchObject({ refused: 'invalid' })
  })
  it('says that the table does not exist, and not that it refused the content', async () => {
    const elsewhere = createDynamoStore({ ...table.options, table: 'no-such-table' })
    const error = await failure(elsewhere.putSlot('t', slot(1)))
    expect(error).toMatchObject({ refused: 'no-table', mayHaveHappened: false })
    expect(error.message).toBe('The store operation putSlot failed.')
  })
  it('of a write whose responses are lost three times says that it may have happened', async () => {
    const topic = slot(1).publishId
    let tries = 0
    const store = await storeBehind(async (exchange) => {
      await exchange.forward()
      tries += 1
      exchange.cut()
    })
    expect(await failure(store.putSlot(topic, slot(1)))).toMatchObject({ mayHaveHappened: true })
    expect(tries).toBe(3)
    expect((await createDynamoStore(table.options).readSlots(topic, 0, 1)).slots).toHaveLength(1)
    expect(await failure(store.readSlots(topic, 0, 1))).toMatchObject({ mayHaveHappened: false })
  })
  it.each([
    ['each try was throttled', [throttled, throttled, throttled], false],
    ['the limit of requests was met', [requestLimit, requestLimit, requestLimit], false],
    ['the answer of a throttled write’s first try was lost', ['lost', throttled, throttled], true],
    ['the answer of a throttled write’s second try was lost', [throttled, 'lost', throttled], true],
    ['a throttled write’s second try met a fault of the service', [throttled, 'fault', throttled], true],
  ])('of a write says whether it may have happened: %s', async (_, answers, expected) => {
    const tries = [...answers]
    const store = await storeBehind(async (exchange) => {
      const answer = tries.shift()
      if (answer === 'lost') {
        await exchange.forward()
        exchange.cutAnswer()
      } else if (answer === 'fault') exchange.answer(500, '{"__type":"InternalServerError"}')
      else exchange.answer(400, JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${answer}`, message: 'x' }))
    })
    const topic = slot(1).publishId
    const claim = expected ? undefined : await failure(store.claimKey(keyClaim()))
    if (claim !== undefined) tries.push(...answers)
    expect(await failure(store.putSlot(topic, slot(1)))).toMatchObject({ mayHaveHappened: expected })
    expect(claim?.mayHaveHappened ?? expected).toBe(expected)
    expect(tries).toEqual([])
  })
  it('comes within the deadline when an endpoint hangs, in the headers or in the body', async () => {
    for (const headers of [false, true]) {
      const server = createServer((_, response) => {
        if (headers) response.writeHead(200, { 'content-length': 100 }).write('{')
      })
      const endpoint = await listen(server)
      ends.push(() => close(server))
      const store = createDynamoStore({ ...access, table: 'line', endpoint, requestTimeoutMs: 40 })
      const begun = performance.now()
      expect(await failure(store.putReceipt('t', 1, 5))).toMatchObject({ mayHaveHappened: true })
      expect(performance.now() - begun).toBeLessThan(2_000)
    }
  })
  it('names AWS_REGION when no region is known', async () => {
    const kept = { ...process.env }
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
    process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
    const { credentials } = access
    const store = createDynamoStore({ table: 'line', endpoint: table.options.endpoint, credentials })
    const error = await failure(store.putReceipt('t', 1, 5)).finally(() => {
      process.env = kept
    })
    expect(error.mayHaveHappened).toBe(false)
    expect(String(error.cause)).toBe('NotSentError: No AWS region is known: set AWS_REGION or pass `region`.')
  })
})
