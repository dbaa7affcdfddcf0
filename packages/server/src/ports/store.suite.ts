import { beforeAll, describe, expect, it } from 'vitest'
import type { ShardLeaseRow } from './leases.ts'
import type { PresenceRow } from './presence.ts'
import { type ConnectionRow } from './connections.ts'
import { type KeyRow } from './idempotency.ts'
import { type Slot } from './log.ts'
import { type Store, StoreError } from './store.ts'
import { type Subscriber } from './subscribers.ts'

const expires = 2_000_000_000 // epoch seconds, far ahead
const past = Math.floor(Date.now() / 1_000) - 60

let names = 0
/** A name that no other test of this run uses, so that all may share one store. */
const fresh = (kind: string) => `${kind}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** A slot that differs from every other by its `publishId`. */
export function slot(offset: number, rest: Partial<Slot> = {}): Slot {
  return { offset, epoch: 'e1', publishId: fresh('p'), time: 1_700_000_000_000, expires, data: '{"n":1}', ...rest }
}

/** An open connection. */
export function connection(rest: Partial<ConnectionRow> = {}): ConnectionRow {
  const connectionId = fresh('c')
  return { connectionId, state: 'OPEN', session: 's1', principal: null, extensions: true, expires, ...rest }
}

/** A topic's row of a subscription that is on. */
export function subscriber(topic: string, rest: Partial<Subscriber> = {}): Subscriber {
  const row = { connectionId: fresh('c'), id: '1', ref: 1, on: true, path: 'room.messages', extensions: true }
  return { topic, shard: 0, ...row, expires, ...rest }
}

/** What claims a key that nobody has. */
export function keyClaim(rest: Partial<Pick<KeyRow, 'key' | 'owner' | 'lease'>> = {}) {
  return { key: fresh('k'), owner: fresh('o'), lease: 1_700_000_060_000, fingerprint: 'f1', expires, ...rest }
}

/** The laws of the Store port. Every adapter runs them; `create` is called once. */
export function storeSuite(name: string, create: () => Promise<Store>): void {
  describe(`the store port on ${name}`, () => {
    let store: Store
    beforeAll(async () => {
      store = await create()
    })
    logLaws(() => store)
    connectionLaws(() => store)
    subscriptionLaws(() => store)
    subscriberLaws(() => store)
    chainLaws(() => store)
    pageLaws(() => store)
    syncStateLaws(() => store)
    keyLaws(() => store)
    uploadLaws(() => store)
    receiptLaws(() => store)
    presenceLaws(() => store)
    turnLaws(() => store)
  })
}

type Given = () => Store

function logLaws(store: Given): void {
  describe('the log', () => {
    it('puts a slot where none stands and gives back every member [TL-ROW-2]', async () => {
      const topic = fresh('t')
      const whole = slot(1, { data: JSON.stringify({ text: 'ünïcode 🎉' }), schema: 's1', inline: 1_700_000_002_000 })
      expect(await store().putSlot(topic, whole)).toEqual({ status: 'put' })
      const { data: _, ...bare } = slot(2)
      expect(await store().putSlot(topic, bare)).toEqual({ status: 'put' })
      expect(await store().readSlots(topic, 0, 10)).toEqual({ slots: [whole, bare], more: false })
    })
    it('answers a conflict with the slot that stands, also when it is one’s own', async () => {
      const topic = fresh('t')
      const first = slot(1)
      await store().putSlot(topic, first)
      expect(await store().putSlot(topic, slot(1))).toEqual({ status: 'taken', slot: first })
      expect(await store().putSlot(topic, first)).toEqual({ status: 'taken', slot: first })
    })
    it('lets exactly one of 50 concurrent puts of an offset win, and shows all others the winner', async () => {
      const topic = fresh('t')
      const slots = Array.from({ length: 50 }, () => slot(1))
      const outcomes = await Promise.all(slots.map((one) => store().putSlot(topic, one)))
      const winners = slots.filter((_, index) => outcomes[index]?.status === 'put')
      expect(winners).toHaveLength(1)
      const lost = outcomes.filter(({ status }) => status !== 'put')
      expect(lost).toEqual(Array(49).fill({ status: 'taken', slot: winners[0] }))
    })
    it('reads ascending above an offset, and does not hide holes', async () => {
      const topic = await topicOf([1, 2, 9, 10, 11, 100])
      expect(offsets(await store().readSlots(topic, 0, 100))).toEqual([1, 2, 9, 10, 11, 100])
      expect(offsets(await store().readSlots(topic, 9, 100))).toEqual([10, 11, 100])
      expect(offsets(await store().readSlots(topic, 5, 2))).toEqual([9, 10])
      expect(await store().readSlots(topic, 100, 100)).toEqual({ slots: [], more: false })
    })
    it('reads descending below an offset, or from the end', async () => {
      const topic = await topicOf([1, 2, 9, 10, 100])
      expect(offsets(await store().readSlotsBefore(topic, undefined, 2))).toEqual([100, 10])
      expect(offsets(await store().readSlotsBefore(topic, 10, 100))).toEqual([9, 2, 1])
      expect(offsets(await store().readSlotsBefore(topic, 1, 100))).toEqual([])
    })
    it('says that there is more when it stopped at its limit', async () => {
      const topic = await topicOf([1, 2, 3])
      expect(await store().readSlots(topic, 0, 2)).toMatchObject({ more: true })
      expect(await store().readSlots(topic, 0, 4)).toMatchObject({ more: false })
      expect(await store().readSlotsBefore(topic, undefined, 2)).toMatchObject({ more: true })
      expect(await store().readSlotsBefore(topic, 3, 3)).toMatchObject({ more: false })
    })
    it('keeps topics apart, and the largest offset there is', async () => {
      const [one, other] = [fresh('t'), fresh('t')]
      await store().putSlot(one, slot(Number.MAX_SAFE_INTEGER))
      expect(offsets(await store().readSlots(one, Number.MAX_SAFE_INTEGER - 1, 1))).toEqual([Number.MAX_SAFE_INTEGER])
      expect(await store().readSlots(other, 0, 1)).toEqual({ slots: [], more: false })
    })
    it('still returns expired slots', async () => {
      const topic = fresh('t')
      const old = slot(1, { expires: past })
      await store().putSlot(topic, old)
      expect((await store().readSlots(topic, 0, 1)).slots).toEqual([old])
    })
    it('extends a slot that stands, touching nothing else, and creates none', async () => {
      const topic = fresh('t')
      const one = slot(1)
      await store().putSlot(topic, one)
      expect(await store().extendSlot(topic, 1, expires + 5)).toBe('extended')
      expect(await store().extendSlot(topic, 2, expires + 5)).toBe('absent')
      expect((await store().readSlots(topic, 0, 9)).slots).toEqual([{ ...one, expires: expires + 5 }])
    })
    it('erases the data of a slot that holds some, again with the same answer, and nothing else', async () => {
      const topic = fresh('t')
      const one = slot(1, { data: '"private"', inline: 1_700_000_002_000 })
      const { data: _, ...bare } = slot(2)
      for (const each of [one, bare, slot(3)]) await store().putSlot(topic, each)
      expect(await store().eraseSlot(topic, 1, 5)).toBe('erased')
      expect(await store().eraseSlot(topic, 1, 6)).toBe('erased')
      expect([await store().eraseSlot(topic, 2, 5), await store().eraseSlot(topic, 4, 5)]).toEqual(['absent', 'absent'])
      const { data: __, ...rest } = one
      const { slots } = await store().readSlots(topic, 0, 9)
      expect(slots.slice(0, 2)).toEqual([{ ...rest, erased: 6 }, bare])
      expect(offsets({ slots })).toEqual([1, 2, 3])
      expect(await store().putSlot(topic, slot(1))).toEqual({ status: 'taken', slot: { ...rest, erased: 6 } })
    })

    async function topicOf(some: readonly number[]): Promise<string> {
      const topic = fresh('t')
      for (const offset of some) await store().putSlot(topic, slot(offset))
      return topic
    }
    const offsets = ({ slots }: { slots: readonly Slot[] }) => slots.map(({ offset }) => offset)
  })
}

function connectionLaws(store: Given): void {
  describe('connections', () => {
    it('puts a row and gives back every member', async () => {
      const bare = connection()
      const whole = connection({
        principal: 'u1',
        claims: '{"role":"admin"}',
        authExp: 1_800_000_000_000,
        extensions: false,
        expectsParams: true,
        connectionParams: '{"a":"b"}',
      })
      for (const row of [bare, whole]) {
        expect(await store().putConnection(row)).toBe('put')
        expect(await store().readConnection(row.connectionId)).toEqual(row)
      }
      expect(await store().readConnection(fresh('c'))).toBeUndefined()
    })
    it('are read with a topic’s K beside them, whichever of the two stands', async () => {
      const [row, topic] = [connection(), fresh('t')]
      const read = () => store().readConnectionAndShards(row.connectionId, topic)
      expect(await read()).toEqual({ shards: 1 })
      await store().putConnection(row)
      expect(await read()).toEqual({ connection: row, shards: 1 })
      await store().growShards(topic, 1, 2)
      expect(await read()).toEqual({ connection: row, shards: 2 })
      expect(await store().readConnectionAndShards(fresh('c'), topic)).toEqual({ shards: 2 })
    })
    it('takes an open row of the same session for its own, and no other', async () => {
      const row = connection()
      await store().putConnection(row)
      expect(await store().putConnection(row)).toBe('put')
      expect(await store().putConnection({ ...row, session: 's2' })).toBe('exists')
      expect(await store().readConnection(row.connectionId)).toEqual(row)
    })
    it('lets a disconnect that came before the connect win', async () => {
      const row = connection()
      await store().closeConnection(row.connectionId, expires)
      expect(await store().putConnection(row)).toBe('exists')
      const tombstone = { session: '', principal: null, extensions: false }
      expect(await store().readConnection(row.connectionId)).toEqual({
        ...{ connectionId: row.connectionId, state: 'CLOSED', expires },
        ...tombstone,
      })
    })
    it('closes for good, keeping who it was', async () => {
      const row = connection({ principal: 'u1' })
      await store().putConnection(row)
      await store().closeConnection(row.connectionId, expires + 1)
      await store().closeConnection(row.connectionId, expires + 1)
      expect(await store().putConnection(row)).toBe('exists')
      const closed = { ...row, state: 'CLOSED', expires: expires + 1 }
      expect(await store().readConnection(row.connectionId)).toEqual(closed)
    })
    it('stores connection parameters once', async () => {
      const row = connection({ expectsParams: true })
      await store().putConnection(row)
      expect(await store().putConnectionParams(row.connectionId, '{"a":"1"}')).toBe('stored')
      expect(await store().putConnectionParams(row.connectionId, '{"a":"1"}')).toBe('stored')
      expect(await store().putConnectionParams(row.connectionId, '{"a":"2"}')).toBe('exists')
      expect(await store().readConnection(row.connectionId)).toEqual({ ...row, connectionParams: '{"a":"1"}' })
    })
    it('renews the authority of an open connection and touches nothing else', async () => {
      const row = connection({ principal: 'u1', connectionParams: '{}' })
      await store().putConnection(row)
      const authority = { authExp: 1_800_000_000_000, claims: '{"role":"admin"}' }
      expect(await store().renewConnection(row.connectionId, authority)).toBe('renewed')
      expect(await store().renewConnection(row.connectionId, authority)).toBe('renewed')
      expect(await store().readConnection(row.connectionId)).toEqual({ ...row, ...authority })
      const later = { authExp: 1_900_000_000_000, claims: '{}' }
      await store().renewConnection(row.connectionId, later)
      expect(await store().readConnection(row.connectionId)).toEqual({ ...row, ...later })
    })
    it('renews no connection that is closed or unknown', async () => {
      const row = connection()
      const authority = { authExp: 5, claims: '{}' }
      expect(await store().renewConnection(row.connectionId, authority)).toBe('absent')
      expect(await store().readConnection(row.connectionId)).toBeUndefined()
      await store().putConnection(row)
      await store().closeConnection(row.connectionId, expires)
      expect(await store().renewConnection(row.connectionId, authority)).toBe('absent')
      expect(await store().readConnection(row.connectionId)).toEqual({ ...row, state: 'CLOSED' })
    })
    it('stores no parameters of a connection that is closed or unknown', async () => {
      const { connectionId } = connection()
      expect(await store().putConnectionParams(connectionId, '{}')).toBe('absent')
      await store().closeConnection(connectionId, expires)
      expect(await store().putConnectionParams(connectionId, '{}')).toBe('absent')
    })
  })
}

function subscriptionLaws(store: Given): void {
  describe('a connection’s own rows of subscriptions', () => {
    const claimOf = (
      rest: { ref?: number; topic?: string; shard?: number; connectionId?: string; id?: string } = {},
    ) => ({
      ...{ connectionId: fresh('c'), id: '1', ref: 1, topic: 'a', shard: 0, expires },
      ...rest,
    })

    const runOf = () => ({ connectionId: fresh('c'), id: '1', ref: 1, run: 'r1', lease: 5, expires })

    it('claims where no row stands, and shows a claim made again as repeated', async () => {
      const claim = claimOf({ shard: 3 })
      expect(await store().claimSubscription(claim)).toEqual({ status: 'claimed', shard: 3, repeated: false })
      expect(await store().claimSubscription(claim)).toEqual({ status: 'claimed', shard: 3, repeated: true })
      expect(await store().readSubscription(claim.connectionId, claim.id)).toEqual({ ...claim, on: true })
    })
    it('keeps the first shard through every later claim', async () => {
      const claim = claimOf({ shard: 3 })
      await store().claimSubscription(claim)
      const again = { ...claim, ref: 2, shard: 7 }
      expect(await store().claimSubscription(again)).toEqual({ status: 'claimed', shard: 3, repeated: false })
      expect(await store().claimSubscription(again)).toEqual({ status: 'claimed', shard: 3, repeated: true })
    })
    it('refuses a lower ref, and another topic under the same id', async () => {
      const claim = claimOf({ ref: 5 })
      await store().claimSubscription(claim)
      const row = { ...claim, on: true }
      expect(await store().claimSubscription({ ...claim, ref: 4 })).toEqual({ status: 'refused', row })
      expect(await store().claimSubscription({ ...claim, ref: 6, topic: 'b' })).toEqual({ status: 'refused', row })
      expect(await store().claimSubscription({ ...claim, topic: 'b' })).toEqual({ status: 'refused', row })
    })
    it('stops, keeping topic and shard, and refuses the stopped ref from then on', async () => {
      const claim = claimOf({ ref: 2, shard: 1 })
      await store().claimSubscription(claim)
      const row = { ...claim, on: false, expires: expires + 9 }
      const stop = { ...keyOf(claim), ref: 2, expires: expires + 9 }
      expect(await store().stopSubscription(stop)).toEqual({ status: 'stopped', row })
      expect(await store().stopSubscription(stop)).toEqual({ status: 'stopped', row })
      expect(await store().claimSubscription(claim)).toEqual({ status: 'refused', row })
      expect(await store().claimSubscription({ ...claim, ref: 3 })).toMatchObject({ status: 'claimed', shard: 1 })
    })
    it('leaves a tombstone when the stop comes first', async () => {
      const claim = claimOf({ ref: 2 })
      const row = { ...keyOf(claim), ref: 2, on: false, expires }
      expect(await store().stopSubscription({ ...keyOf(claim), ref: 2, expires })).toEqual({ status: 'stopped', row })
      expect(await store().readSubscription(claim.connectionId, claim.id)).toEqual(row)
      expect(await store().claimSubscription(claim)).toEqual({ status: 'refused', row })
      expect(await store().claimSubscription({ ...claim, ref: 3 })).toMatchObject({ status: 'claimed' })
    })
    it('claims a row for a run once, and shows the writer its own claim as claimed', async () => {
      const claim = runOf()
      const row = { ...claim, on: true }
      expect(await store().claimRun(claim)).toEqual({ status: 'claimed', row })
      expect(await store().claimRun(claim)).toEqual({ status: 'claimed', row })
      expect(await store().claimRun({ ...claim, run: 'other' })).toEqual({ status: 'refused', row })
      expect(await store().readSubscription(claim.connectionId, claim.id)).toEqual(row)
      expect(await store().claimRun({ ...claim, ref: 2, run: 'newer' })).toMatchObject({ status: 'claimed' })
    })
    it('claims for a run neither what was stopped nor what has a topic', async () => {
      const claim = runOf()
      await store().stopSubscription({ ...keyOf(claim), ref: 1, expires })
      expect(await store().claimRun(claim)).toMatchObject({ status: 'refused', row: { on: false } })
      const topical = claimOf()
      await store().claimSubscription(topical)
      const taken = await store().claimRun({ ...runOf(), ...keyOf(topical), ref: 9 })
      expect(taken).toEqual({ status: 'refused', row: { ...topical, on: true } })
    })
    it('passes a run’s claim on once, and renews it', async () => {
      const claim = runOf()
      const { connectionId, id, ref } = claim
      await store().claimRun(claim)
      const pass = { connectionId, id, ref, from: 'r1', run: 'r2', lease: 9 }
      const row = { ...claim, on: true, run: 'r2', lease: 9 }
      expect(await store().passRun(pass)).toEqual({ status: 'passed', row })
      expect(await store().passRun(pass)).toEqual({ status: 'passed', row })
      expect(await store().passRun({ ...pass, run: 'r3' })).toEqual({ status: 'refused', row })
      const renewed = { ...row, lease: 20 }
      expect(await store().passRun({ ...pass, from: 'r2', lease: 20 })).toEqual({ status: 'passed', row: renewed })
    })
    it('passes no claim that was stopped, is of another ref, or does not stand', async () => {
      const claim = runOf()
      const { connectionId, id, ref } = claim
      const pass = { connectionId, id, ref, from: 'r1', run: 'r2', lease: 9 }
      expect(await store().passRun(pass)).toEqual({ status: 'refused', row: undefined })
      await store().claimRun(claim)
      expect(await store().passRun({ ...pass, ref: 2 })).toMatchObject({ status: 'refused', row: { run: 'r1' } })
      await store().stopSubscription({ ...keyOf(claim), ref, expires })
      expect(await store().passRun(pass)).toMatchObject({ status: 'refused', row: { on: false, run: 'r1' } })
    })
    it('does not stop a newer claim', async () => {
      const claim = claimOf({ ref: 5 })
      await store().claimSubscription(claim)
      const stop = await store().stopSubscription({ ...keyOf(claim), ref: 4, expires })
      expect(stop).toEqual({ status: 'newer', row: { ...claim, on: true } })
    })
    it('gives one of many concurrent claims of different refs the last word: the highest', async () => {
      const claim = claimOf()
      const refs = [4, 2, 9, 1, 7, 3, 8, 5, 6]
      await Promise.all(refs.map((ref) => store().claimSubscription({ ...claim, ref, shard: ref })))
      expect(await store().readSubscription(claim.connectionId, claim.id)).toMatchObject({ ref: 9, on: true })
    })
    it('reads all rows of a connection and nothing of others, telling 1 from "1"', async () => {
      const claim = claimOf()
      for (const id of ['1', '"1"', '"a#b"']) await store().claimSubscription({ ...claim, id })
      await store().stopSubscription({ connectionId: claim.connectionId, id: '"a#b"', ref: 1, expires })
      await store().putConnection(connection({ connectionId: claim.connectionId }))
      await store().claimSubscription({ ...claim, connectionId: `${claim.connectionId}x` })
      const rows = await store().readSubscriptions(claim.connectionId)
      expect(Object.fromEntries(rows.map(({ id, on }) => [id, on]))).toEqual({
        '1': true,
        '"1"': true,
        '"a#b"': false,
      })
      expect(await store().readSubscriptions(fresh('c'))).toEqual([])
      expect(await store().readSubscription(claim.connectionId, '2')).toBeUndefined()
    })
    const keyOf = ({ connectionId, id }: { connectionId: string; id: string }) => ({ connectionId, id })
  })
}

function subscriberLaws(store: Given): void {
  describe('a topic’s rows of subscriptions', () => {
    const read = ({ topic, shard, connectionId, id }: Subscriber) =>
      store().readSubscriber(topic, shard, connectionId, id)

    it('puts a row and gives back every member', async () => {
      const bare = subscriber(fresh('t'), { id: '"x#y"' })
      const whole = subscriber(fresh('t'), {
        input: '{"room":"a"}',
        authExp: 1_800_000_000_000,
        extensions: false,
        shard: 7,
        piped: { session: 's', principal: null, claims: '{}', connectionParams: 'null' },
      })
      for (const row of [bare, whole]) {
        expect(await read(row)).toBeUndefined()
        expect(await store().putSubscriber(row)).toBe('put')
        expect(await read(row)).toEqual(row)
      }
    })
    it('replaces a lower ref whole, and is not replaced by one', async () => {
      const row = subscriber(fresh('t'), { ref: 2, input: '1' })
      await store().putSubscriber(row)
      const { input: _, ...newer } = { ...row, ref: 3, path: 'other' }
      expect(await store().putSubscriber(newer)).toBe('put')
      expect(await store().putSubscriber(row)).toBe('newer')
      expect(await read(row)).toEqual(newer)
    })
    it('takes a row of the same ref that is on for its own, and a stopped one for newer', async () => {
      const row = subscriber(fresh('t'))
      await store().putSubscriber(row)
      expect(await store().putSubscriber({ ...row, path: 'not written' })).toBe('put')
      expect(await read(row)).toEqual(row)
      await store().stopSubscriber(row)
      expect(await store().putSubscriber(row)).toBe('newer')
    })
    it('stops a row and leaves a tombstone where none stood', async () => {
      const row = subscriber(fresh('t'), { ref: 2 })
      expect(await store().stopSubscriber(row)).toBe('stopped')
      expect(await store().stopSubscriber(row)).toBe('stopped')
      expect(await read(row)).toEqual({ ...row, on: false, path: '', extensions: false })
      expect(await store().putSubscriber(row)).toBe('newer')
      expect(await store().putSubscriber({ ...row, ref: 3 })).toBe('put')
      expect(await store().stopSubscriber({ ...row, expires: expires + 1 })).toBe('newer')
      expect(await read(row)).toEqual({ ...row, ref: 3 })
    })
    it('takes input and context out of a stopped row, and leaves its name', async () => {
      const piped = { session: 's', principal: 'ann', claims: '{}', connectionParams: 'null' }
      const row = subscriber(fresh('t'), { ref: 2, input: '{"room":"a"}', piped, authExp: 5 })
      const { input: _, piped: __, ...rest } = row
      await store().putSubscriber(row)
      expect(await store().stopSubscriber({ ...row, ref: 1 })).toBe('newer')
      expect(await read(row)).toEqual(row)
      expect(await store().stopSubscriber(row)).toBe('stopped')
      expect(await read(row)).toEqual({ ...rest, on: false })
    })
    it('gives the rows of one connection in one shard, those alone that are on', async () => {
      const topic = fresh('t')
      const connectionId = fresh('c')
      const own = ['"a"', '"a#b"', '1', '2'].map((id) => subscriber(topic, { connectionId, id, input: 'x' }))
      const others = [
        subscriber(topic),
        subscriber(topic, { connectionId: `${connectionId}x` }),
        subscriber(topic, { connectionId: connectionId.slice(0, -1) }),
        subscriber(topic, { connectionId, shard: 1 }),
        subscriber(fresh('t'), { connectionId }),
      ]
      const read = (at = { topic, shard: 0, connectionId }) => store().readSubscribersOf(at)
      expect(await read()).toEqual([])
      for (const row of [...own, ...others]) await store().putSubscriber(row)
      expect(new Set(await read())).toEqual(new Set(own))
      for (const row of own.slice(1)) await store().stopSubscriber(row)
      expect(await read()).toEqual(own.slice(0, 1))
    })
    it('gives all rows of one connection, however many requests that takes', async () => {
      const topic = fresh('t')
      const connectionId = fresh('c')
      const rows = Array.from({ length: 12 }, (_, id) =>
        subscriber(topic, { connectionId, id: String(id), input: 'x'.repeat(200_000) }),
      )
      await Promise.all(rows.map((row) => store().putSubscriber(row)))
      expect(await store().readSubscribersOf({ topic, shard: 0, connectionId })).toHaveLength(rows.length)
    })
    it('deletes a row whose ref is not higher', async () => {
      const row = subscriber(fresh('t'), { ref: 2 })
      await store().putSubscriber(row)
      await store().deleteSubscriber({ ...row, ref: 1 })
      expect(await read(row)).toEqual(row)
      await store().deleteSubscriber(row)
      await store().deleteSubscriber(row)
      expect(await read(row)).toBeUndefined()
      await store().putSubscriber(row)
      await store().deleteSubscriber({ ...row, ref: 3 })
      expect(await read(row)).toBeUndefined()
    })
    it('sets and removes the authority’s end on a row of exactly that ref', async () => {
      const row = subscriber(fresh('t'), { ref: 2 })
      await store().setSubscriberAuthExp({ ...row, authExp: 5 })
      expect(await read(row)).toBeUndefined()
      await store().putSubscriber(row)
      await store().setSubscriberAuthExp({ ...row, authExp: 5 })
      expect(await read(row)).toEqual({ ...row, authExp: 5 })
      await store().setSubscriberAuthExp({ ...row, ref: 1, authExp: 6 })
      expect(await read(row)).toEqual({ ...row, authExp: 5 })
      await store().setSubscriberAuthExp({ ...row, authExp: undefined })
      expect(await read(row)).toEqual(row)
    })
  })
}

function chainLaws(store: Given): void {
  describe('the chain of a stock client’s subscription', () => {
    const read = ({ topic, shard, connectionId, id }: Subscriber) =>
      store().readSubscriber(topic, shard, connectionId, id)
    const [mine, others] = [
      { by: 'me', until: 1_800_000_000_000 },
      { by: 'other', until: 1_800_000_000_001 },
    ]
    async function put(rest: Partial<Subscriber> = {}): Promise<Subscriber> {
      const row = subscriber(fresh('t'), { extensions: false, ...rest })
      await store().putSubscriber(row)
      return row
    }

    it('is put with its holder, and a row of the same ref under another holder is newer [TL-CHAIN-1]', async () => {
      const row = await put({ lock: mine, at: '0.e:4', want: 5 })
      expect(await read(row)).toEqual(row)
      expect(await store().putSubscriber(row)).toBe('put')
      expect(await store().putSubscriber({ ...row, lock: others })).toBe('newer')
    })
    it('is taken by one, whose repetition is its own', async () => {
      const row = await put({ at: '0.e:4' })
      const locked = { ...row, lock: mine }
      expect(await store().lockChain(row, mine)).toEqual({ status: 'locked', row: locked })
      expect(await store().lockChain(row, { ...mine, until: 1 })).toEqual({ status: 'locked', row: locked })
      expect(await store().lockChain(row, others)).toEqual({ status: 'held', row: locked })
      expect(await read(row)).toEqual(locked)
    })
    it('is nobody’s to take where no row stands, one of another attempt, or a stopped one', async () => {
      expect(await store().lockChain(subscriber(fresh('t')), mine)).toEqual({ status: 'off' })
      const row = await put({ ref: 2 })
      expect(await store().lockChain({ ...row, ref: 1 }, mine)).toEqual({ status: 'off' })
      await store().stopSubscriber(row)
      expect(await store().lockChain(row, mine)).toEqual({ status: 'off' })
      expect(await store().requestOffset(row, 1)).toBe('off')
    })
    it('remembers the highest offset that is wanted while it is held, and nothing while it is free', async () => {
      const row = await put()
      expect(await store().requestOffset(row, 3)).toBe('free')
      await store().lockChain(row, mine)
      for (const offset of [3, 5, 4]) expect(await store().requestOffset(row, offset)).toBe('wanted')
      expect(await read(row)).toEqual({ ...row, lock: mine, want: 5 })
    })
    it('is given back with its cursor by its holder alone', async () => {
      const row = await put({ at: '0.e:4', lock: mine })
      expect(await store().freeChain(row, { by: 'other', at: '0.e:5' })).toBe('lost')
      expect(await store().freeChain({ ...row, ref: 2 }, { by: 'me', at: '0.e:5' })).toBe('lost')
      expect(await store().freeChain(row, { by: 'me', at: '0.e:5' })).toBe('freed')
      const { lock: _, ...free } = row
      expect(await read(row)).toEqual({ ...free, at: '0.e:5' })
      expect(await store().freeChain(row, { by: 'me', at: '0.e:5' })).toBe('freed')
      expect(await store().freeChain(row, { by: 'me', at: '0.e:6' })).toBe('lost')
    })
    it('is held on where more is wanted, unless it is given back whatever is wanted', async () => {
      const row = await put({ lock: mine })
      await store().requestOffset(row, 6)
      expect(await store().freeChain(row, { by: 'me', at: '0.e:5', unless: 5 })).toBe('wanted')
      expect(await read(row)).toEqual({ ...row, want: 6 })
      expect(await store().freeChain(row, { by: 'me', at: '0.e:6', unless: 6 })).toBe('freed')
      await store().lockChain(row, others)
      await store().requestOffset(row, 9)
      expect(await store().freeChain(row, { by: 'other', at: undefined })).toBe('freed')
      const { lock: _, ...free } = row
      expect(await read(row)).toEqual({ ...free, at: '0.e:6' })
    })
    it('is given back where the subscription was stopped meanwhile', async () => {
      const row = await put({ lock: mine })
      await store().stopSubscriber(row)
      expect(await store().freeChain(row, { by: 'me', at: '0.e:5', unless: 5 })).toBe('freed')
    })
  })
}

function pageLaws(store: Given): void {
  describe('pages of subscribers', () => {
    async function allPages(topic: string, shard: number, limit?: number) {
      const pages: Awaited<ReturnType<Store['readSubscribers']>>[] = []
      for (let from: string | undefined, more = true; more; more = from !== undefined) {
        const bounds = { ...(limit !== undefined && { limit }), ...(from !== undefined && { from }) }
        const page = await store().readSubscribers(topic, shard, bounds)
        pages.push(page)
        from = page.next
      }
      return pages
    }
    async function topicWith(count: number, rest: Partial<Subscriber> = {}) {
      const topic = fresh('t')
      const rows = Array.from({ length: count }, () => subscriber(topic, rest))
      await Promise.all(rows.map((row) => store().putSubscriber(row)))
      return { topic, rows: rows.sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1)) }
    }

    it('has one shard and no rows at first', async () => {
      expect(await store().readSubscribers(fresh('t'), 0)).toEqual({ subscribers: [], shards: 1 })
      expect(await store().readSubscribers(fresh('t'), 1)).toEqual({ subscribers: [] })
    })
    it.each([1, 2, 3, 7, 8, 100])('brings each row once in pages of at most %i', async (limit) => {
      for (const grown of [false, true]) {
        const { topic, rows } = await topicWith(7)
        if (grown) await store().growShards(topic, 1, 2)
        const pages = await allPages(topic, 0, limit)
        expect(Math.max(...pages.map(({ subscribers }) => subscribers.length))).toBeLessThanOrEqual(limit)
        expect(pages.flatMap(({ subscribers }) => subscribers)).toEqual(rows)
        expect(pages.map(({ shards }) => shards)).toEqual(pages.map((_, i) => (i === 0 ? (grown ? 2 : 1) : undefined)))
      }
    })
    it('brings a whole shard in one page when no limit is named', async () => {
      const { topic, rows } = await topicWith(30)
      expect(await store().readSubscribers(topic, 0)).toEqual({ subscribers: rows, shards: 1 })
    })
    it('has no next when fewer rows stand than the limit', async () => {
      const { topic, rows } = await topicWith(3)
      expect(await store().readSubscribers(topic, 0, { limit: 4 })).toEqual({ subscribers: rows, shards: 1 })
    })
    it('leaves out rows that are stopped, and keeps those that are expired', async () => {
      const { topic, rows } = await topicWith(6, { expires: past })
      const stopped = rows.filter((_, index) => index % 2 === 0)
      await Promise.all(stopped.map((row) => store().stopSubscriber(row)))
      const left = rows.filter((row) => !stopped.includes(row))
      for (const limit of [undefined, 2]) {
        const pages = await allPages(topic, 0, limit)
        expect(pages.flatMap(({ subscribers }) => subscribers)).toEqual(left)
      }
    })
    it('keeps shards apart and tells K with shard 0 only', async () => {
      const { topic, rows } = await topicWith(2, { shard: 1 })
      expect(await store().readSubscribers(topic, 1)).toEqual({ subscribers: rows })
      expect(await store().readSubscribers(topic, 0)).toEqual({ subscribers: [], shards: 1 })
      expect(await store().readSubscribers(`${topic}#1`, 0)).toEqual({ subscribers: [], shards: 1 })
    })
    it('grows K from what it is, and only grows it', async () => {
      const topic = fresh('t')
      const count = async () => (await store().readSubscribers(topic, 0)).shards
      await store().growShards(topic, 2, 4)
      expect(await count()).toBe(1)
      await Promise.all([store().growShards(topic, 1, 2), store().growShards(topic, 1, 2)])
      expect(await count()).toBe(2)
      await store().growShards(topic, 1, 2)
      await store().growShards(topic, 2, 1)
      await store().growShards(topic, 2, 4)
      expect(await count()).toBe(4)
    })
  })
}

function syncStateLaws(store: Given): void {
  describe('states of syncs', () => {
    it('bring the row and the slots at the position and after it, whichever of them stand', async () => {
      const topic = fresh('t')
      const row = subscriber(topic, { shard: 3, id: '"a#b"', piped: { session: 's', principal: null } })
      const [one, two] = [slot(1), slot(2, { expires: past })]
      await store().putSubscriber(row)
      for (const each of [one, two]) await store().putSlot(topic, each)
      const at = (offset: number, rest = {}) => ({ ...row, offset, ...rest })
      const asked = [at(0), at(1), at(2), at(3), at(1, { shard: 0 }), at(1, { id: '1' }), at(1, { topic: fresh('t') })]
      expect(await store().readSyncStates(asked)).toEqual([
        { subscriber: row, after: one },
        { subscriber: row, at: one, after: two },
        { subscriber: row, at: two },
        { subscriber: row },
        { at: one, after: two },
        { at: one, after: two },
        {},
      ])
      expect(await store().readSyncStates([])).toEqual([])
    })
    it('bring a stopped row as it stands', async () => {
      const row = subscriber(fresh('t'))
      await store().putSubscriber(row)
      await store().stopSubscriber(row)
      expect(await store().readSyncStates([{ ...row, offset: 1 }])).toEqual([{ subscriber: { ...row, on: false } }])
    })
    it('come in the order asked, for many subscriptions of shared and of own topics', async () => {
      const [shared, own] = [fresh('t'), fresh('t')]
      const rows = Array.from({ length: 120 }, (_, index) =>
        subscriber(index % 2 === 0 ? shared : `${own}-${index}`, { id: String(index) }),
      )
      await Promise.all(rows.map((row) => store().putSubscriber(row)))
      const head = slot(5)
      await store().putSlot(shared, head)
      const states = await store().readSyncStates(rows.map((row) => ({ ...row, offset: 5 })))
      expect(states).toEqual(rows.map((row) => ({ subscriber: row, ...(row.topic === shared && { at: head }) })))
    })
  })
}

function keyLaws(store: Given): void {
  describe('keys', () => {
    const done = (claim: { readonly key: string; readonly owner: string }, outcome = '{"ok":1}') =>
      ({ key: claim.key, owner: claim.owner, state: 'DONE', outcome }) as const
    const takeOf = ({ key, owner, lease }: Pick<KeyRow, 'key' | 'owner' | 'lease'>) => ({
      ...{ key, owner: fresh('o'), lease: lease + 60_000 },
      from: { owner, lease },
    })
    const claimed = async () => {
      const claim = keyClaim()
      await store().claimKey(claim)
      return { claim, row: { ...claim, state: 'RUNNING' as const, bases: {} } }
    }

    it('claims a key that nobody has, and gives back every member', async () => {
      const claim = keyClaim()
      expect(await store().readKey(claim.key)).toBeUndefined()
      const row = { ...claim, state: 'RUNNING', bases: {} }
      expect(await store().claimKey(claim)).toEqual({ status: 'claimed', row })
      expect(await store().readKey(claim.key)).toEqual(row)
    })
    it('takes a running claim of the same owner for its own, and shows every other the one that stands', async () => {
      const { claim, row } = await claimed()
      expect(await store().claimKey({ ...claim, lease: 1, expires: 1 })).toEqual({ status: 'claimed', row })
      expect(await store().claimKey({ ...claim, owner: 'other' })).toEqual({ status: 'standing', row })
      const settled = await store().settleKey(done(claim))
      expect(await store().claimKey(claim)).toEqual({ status: 'standing', row: settled.row })
    })
    it('lets exactly one of 20 concurrent claims win, and shows all others the winner', async () => {
      const { key } = keyClaim()
      const claims = Array.from({ length: 20 }, () => keyClaim({ key }))
      const outcomes = await Promise.all(claims.map((claim) => store().claimKey(claim)))
      const winners = claims.filter((_, index) => outcomes[index]?.status === 'claimed')
      expect(winners).toHaveLength(1)
      const row = { ...winners[0], state: 'RUNNING', bases: {} }
      expect(outcomes.map((outcome) => outcome.row)).toEqual(Array(20).fill(row))
    })
    it('keeps a claim whose row or lease is over: the caller judges', async () => {
      const claim = { ...keyClaim({ lease: 5 }), expires: past }
      await store().claimKey(claim)
      const row = { ...claim, state: 'RUNNING', bases: {} }
      expect(await store().claimKey(keyClaim({ key: claim.key }))).toEqual({ status: 'standing', row })
      expect(await store().readKey(claim.key)).toEqual(row)
    })
    it('takes a claim over from exactly that owner and lease, bases and all', async () => {
      const { claim, row } = await claimed()
      await store().recordBase({ ...claim, publishId: 'p1', base: 7 })
      const take = takeOf(claim)
      const taken = { ...row, owner: take.owner, lease: take.lease, bases: { p1: 7 } }
      expect(await store().takeKey({ ...take, from: { ...take.from, lease: 1 } })).toMatchObject({ status: 'standing' })
      expect(await store().takeKey({ ...take, from: { ...take.from, owner: 'x' } })).toMatchObject({
        status: 'standing',
      })
      expect(await store().takeKey(take)).toEqual({ status: 'taken', row: taken })
      expect(await store().takeKey(take)).toEqual({ status: 'taken', row: taken })
      expect(await store().takeKey({ ...takeOf(claim), owner: 'late' })).toEqual({ status: 'standing', row: taken })
      expect(await store().readKey(claim.key)).toEqual(taken)
    })
    it('lets exactly one of 20 concurrent take-overs win', async () => {
      const { claim } = await claimed()
      const takes = Array.from({ length: 20 }, () => takeOf(claim))
      const outcomes = await Promise.all(takes.map((take) => store().takeKey(take)))
      const winners = takes.filter((_, index) => outcomes[index]?.status === 'taken')
      expect(winners).toHaveLength(1)
      expect(new Set(outcomes.map(({ row }) => row.owner))).toEqual(new Set([winners[0]?.owner]))
    })
    it('settles under its owner, once and for all', async () => {
      const { claim, row } = await claimed()
      const settled = { ...row, state: 'DONE', outcome: '{"ok":1}' }
      expect(await store().settleKey({ ...done(claim), owner: 'other' })).toEqual({ status: 'standing', row })
      expect(await store().settleKey(done(claim))).toEqual({ status: 'settled', row: settled })
      expect(await store().settleKey(done(claim))).toEqual({ status: 'settled', row: settled })
      const zombie = { ...done(claim), owner: 'other' }
      for (const other of [zombie, done(claim, '{"ok":2}'), { ...claim, state: 'UNKNOWN' } as const])
        expect(await store().settleKey(other)).toEqual({ status: 'standing', row: settled })
      expect(await store().takeKey(takeOf(claim))).toEqual({ status: 'standing', row: settled })
      expect(await store().readKey(claim.key)).toEqual(settled)
    })
    it('settles as unknown for good', async () => {
      const { claim, row } = await claimed()
      const unknown = { key: claim.key, owner: claim.owner, state: 'UNKNOWN' } as const
      const settled = { ...row, state: 'UNKNOWN' }
      expect(await store().settleKey(unknown)).toEqual({ status: 'settled', row: settled })
      expect(await store().settleKey(unknown)).toEqual({ status: 'settled', row: settled })
      expect(await store().settleKey(done(claim))).toEqual({ status: 'standing', row: settled })
    })
    it('shows a zombie whose claim was taken over what stands', async () => {
      const { claim } = await claimed()
      const { row } = await store().takeKey(takeOf(claim))
      expect(await store().settleKey(done(claim))).toEqual({ status: 'standing', row })
      expect(await store().recordBase({ ...claim, publishId: 'p1', base: 7 })).toEqual({ status: 'lost' })
      expect(await store().readKey(claim.key)).toEqual(row)
    })
    it('takes over and settles no key of which no row stands', async () => {
      const claim = keyClaim()
      await expect(store().takeKey(takeOf(claim))).rejects.toThrow(StoreError)
      await expect(store().settleKey(done(claim))).rejects.toThrow(StoreError)
      expect(await store().readKey(claim.key)).toBeUndefined()
    })
    it('records a base once for each publish of a claim', async () => {
      const { claim, row } = await claimed()
      const record = (publishId: string, base: number) => store().recordBase({ ...claim, publishId, base })
      expect(await record('p1', 7)).toEqual({ status: 'recorded', base: 7 })
      expect(await record('p1', 9)).toEqual({ status: 'recorded', base: 7 })
      expect(await record('p:2.x', 0)).toEqual({ status: 'recorded', base: 0 })
      expect(await store().readKey(claim.key)).toEqual({ ...row, bases: { p1: 7, 'p:2.x': 0 } })
    })
    it('records no base of a claim that is settled, another’s, or none', async () => {
      const { claim } = await claimed()
      const record = { ...claim, publishId: 'p1', base: 7 }
      expect(await store().recordBase({ ...record, owner: 'other' })).toEqual({ status: 'lost' })
      await store().settleKey(done(claim))
      expect(await store().recordBase(record)).toEqual({ status: 'lost' })
      const { key } = keyClaim()
      expect(await store().recordBase({ ...record, key })).toEqual({ status: 'lost' })
      expect(await store().readKey(key)).toBeUndefined()
    })
    it('makes the row of a publish’s own key, and keeps its expiry', async () => {
      const { key } = keyClaim()
      const record = { key, publishId: 'p1', base: 7, expires }
      expect(await store().recordBase(record)).toEqual({ status: 'recorded', base: 7 })
      const later = { ...record, base: 9, expires: expires + 5 }
      expect(await store().recordBase(later)).toEqual({ status: 'recorded', base: 7 })
      const row = { key, state: 'PUBLISH', owner: '', lease: 0, fingerprint: '', bases: { p1: 7 }, expires }
      expect(await store().readKey(key)).toEqual(row)
      expect(await store().claimKey(keyClaim({ key }))).toEqual({ status: 'standing', row })
    })
    it('records a base without an owner beside a claim, and leaves the claim as it is', async () => {
      const { claim, row } = await claimed()
      const record = { key: claim.key, publishId: 'p1', base: 7, expires: 1 }
      expect(await store().recordBase(record)).toEqual({ status: 'recorded', base: 7 })
      expect(await store().readKey(claim.key)).toEqual({ ...row, bases: { p1: 7 } })
    })
    it.each(['a claim', 'a publish'])('gives 20 concurrent records of %s one base', async (whose) => {
      const claim = keyClaim()
      if (whose === 'a claim') await store().claimKey(claim)
      const { key, owner } = claim
      const rest = { ...{ key, publishId: 'p1', expires }, ...(whose === 'a claim' && { owner }) }
      const bases = Array.from({ length: 20 }, (_, base) => base)
      const outcomes = await Promise.all(bases.map((base) => store().recordBase({ ...rest, base })))
      const stands = (await store().readKey(key))?.bases.p1
      expect(bases).toContain(stands)
      expect(outcomes).toEqual(Array(20).fill({ status: 'recorded', base: stands }))
    })
  })
}

function uploadLaws(store: Given): void {
  describe('messages in chunks', () => {
    const named = () => ({ connectionId: fresh('c'), message: fresh('m') })
    const declared = { of: 3, bytes: 9_000, expires }
    it('puts a part once, and takes the same text again for its own [TL-CHUNK-6]', async () => {
      const part = { ...named(), part: 0, text: 'ünï"🦊', expires }
      expect(await store().putPart(part)).toBe('put')
      expect(await store().putPart(part)).toBe('put')
      expect(await store().putPart({ ...part, text: 'other' })).toBe('differs')
      expect(await store().readParts(part.connectionId, part.message, 1)).toEqual([part.text])
    })
    it('reads parts in their order, holes as holes', async () => {
      const { connectionId, message } = named()
      for (const part of [2, 0]) await store().putPart({ connectionId, message, part, text: `t${part}`, expires })
      expect(await store().readParts(connectionId, message, 4)).toEqual(['t0', undefined, 't2', undefined])
    })
    it('reads more parts than one request asks for, of 32 KB each', async () => {
      const { connectionId, message } = named()
      const texts = Array.from({ length: 130 }, (_, part) => String(part).padEnd(30_000, 'x'))
      await Promise.all(texts.map((text, part) => store().putPart({ connectionId, message, part, text, expires })))
      expect(await store().readParts(connectionId, message, 130)).toEqual(texts)
    })
    it('keeps the parts of two connections and two names apart [TL-CHUNK-7]', async () => {
      const [one, other] = [named(), named()]
      await store().putPart({ ...one, part: 0, text: 'one', expires })
      await store().notePart({ ...one, ...declared, part: 0 })
      expect(await store().readParts(other.connectionId, one.message, 1)).toEqual([undefined])
      expect(await store().readParts(one.connectionId, other.message, 1)).toEqual([undefined])
      const { row } = await store().notePart({ ...one, connectionId: other.connectionId, ...declared, part: 1 })
      expect(row.noted).toBe(1)
    })
    it('notes each part once, whatever the order, and keeps what the first one declared', async () => {
      const name = named()
      const note = (part: number, rest = {}) => store().notePart({ ...name, ...declared, ...rest, part })
      expect(await note(2)).toEqual({ status: 'noted', row: { ...name, ...declared, noted: 1 } })
      expect(await note(0, { expires: expires + 9 })).toEqual({
        status: 'noted',
        row: { ...name, ...declared, noted: 2 },
      })
      expect((await note(2)).row.noted).toBe(2)
      expect((await note(1)).row.noted).toBe(3)
    })
    it('refuses a note that declares another count or other bytes [TL-CHUNK-6]', async () => {
      const name = named()
      await store().notePart({ ...name, ...declared, part: 0 })
      const refused = { status: 'refused', row: { ...name, ...declared, noted: 1 } }
      expect(await store().notePart({ ...name, ...declared, of: 2, part: 1 })).toEqual(refused)
      expect(await store().notePart({ ...name, ...declared, bytes: 9_001, part: 1 })).toEqual(refused)
    })
    it('lets one owner claim a message, who may claim it again [TL-CHUNK-5]', async () => {
      const name = named()
      expect(await store().claimUpload({ ...name, owner: 'a' })).toBe('taken') // nothing stands
      await store().notePart({ ...name, ...declared, part: 0 })
      const owners = Array.from({ length: 8 }, (_, n) => `o${n}`)
      const claims = await Promise.all(owners.map((owner) => store().claimUpload({ ...name, owner })))
      expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1)
      const owner = owners[claims.indexOf('claimed')] ?? ''
      expect(await store().claimUpload({ ...name, owner })).toBe('claimed')
      expect((await store().notePart({ ...name, ...declared, part: 1 })).row).toMatchObject({ owner, noted: 2 })
    })
  })
}

function receiptLaws(store: Given): void {
  describe('receipts', () => {
    it('tells which events were receipted, in the order asked, duplicates and all', async () => {
      const [a, b] = [fresh('t'), fresh('t')]
      await store().putReceipt(a, 1, expires)
      await store().putReceipt(a, 1, expires)
      await store().putReceipt(b, 2, past)
      const asked = [
        { topic: b, offset: 2 },
        { topic: a, offset: 2 },
        { topic: a, offset: 1 },
        { topic: b, offset: 2 },
      ]
      expect(await store().hasReceipts(asked)).toEqual([true, false, true, true])
      expect(await store().hasReceipts([])).toEqual([])
    })
    it('answers for a hundred events at once', async () => {
      const topic = fresh('t')
      await store().putReceipt(topic, 77, expires)
      const asked = Array.from({ length: 100 }, (_, index) => ({ topic, offset: index + 1 }))
      expect((await store().hasReceipts(asked)).indexOf(true)).toBe(76)
    })
  })
}

/** A member of whom something is said. */
export function presence(topic: string, rest: Partial<PresenceRow> = {}): PresenceRow {
  const session = { ref: 1, connectionId: 'c', leaving: false, lease: 1, joined: '{}', data: '{}', since: 1 }
  const mark = fresh('m')
  const said = { id: mark, base: 0, type: 'join' as const, data: '{}' }
  return { topic, member: 'ann', v: 1, mark, sessions: { 's.1': session }, said, pending: true, expires, ...rest }
}

function presenceLaws(store: Given): void {
  describe('who is here', () => {
    it('puts a member where none stands, once, and gives back every member of the row', async () => {
      const topic = fresh('t')
      const first = presence(topic)
      expect(await store().putPresence(first, undefined)).toEqual({ status: 'put' })
      expect(await store().readPresence(topic, 'ann')).toEqual(first)
      expect(await store().putPresence(presence(topic), undefined)).toEqual({ status: 'standing', row: first })
    })
    it('takes a put whose answer was lost for done', async () => {
      const topic = fresh('t')
      const first = presence(topic)
      await store().putPresence(first, undefined)
      expect(await store().putPresence(first, undefined)).toEqual({ status: 'put' })
    })
    it('puts a member over the write that it follows, and over no other', async () => {
      const topic = fresh('t')
      const first = presence(topic)
      const second = presence(topic, { v: 2, pending: false, epoch: 'e1' })
      await store().putPresence(first, undefined)
      expect(await store().putPresence(second, first.mark)).toEqual({ status: 'put' })
      expect(await store().putPresence(presence(topic, { v: 2 }), first.mark)).toEqual({
        status: 'standing',
        row: second,
      })
      expect(await store().readPresence(topic, 'ann')).toEqual(second)
    })
    it('puts nothing over a row that is gone', async () => {
      expect(await store().putPresence(presence(fresh('t')), 'gone')).toEqual({ status: 'standing', row: undefined })
    })
    it('deletes the row of one write and leaves that of another', async () => {
      const topic = fresh('t')
      const row = presence(topic)
      await store().putPresence(row, undefined)
      expect(await store().deletePresence({ ...row, mark: 'other' })).toEqual({ status: 'standing', row })
      expect(await store().deletePresence(row)).toEqual({ status: 'deleted' })
      expect(await store().deletePresence(row)).toEqual({ status: 'deleted' })
      expect(await store().readPresence(topic, 'ann')).toBeUndefined()
    })
    it('pages through the members of one topic', async () => {
      const topic = fresh('t')
      const members = ['ann', 'bob', 'cy', '#', 'M#x']
      for (const member of members) await store().putPresence(presence(topic, { member }), undefined)
      await store().putPresence(presence(`${topic}2`, { member: 'dee' }), undefined)
      await store().moveSweep(topic, { from: 0, to: 5, expires })
      const seen: string[] = []
      for (let from: string | undefined, more = true; more; more = from !== undefined) {
        const page = await store().readPresences(topic, { limit: 2, ...(from === undefined ? {} : { from }) })
        expect(page.rows.length).toBeLessThanOrEqual(2)
        seen.push(...page.rows.map(({ member }) => member))
        from = page.next
      }
      expect(seen.sort()).toEqual(members.sort())
    })
    it('moves the instant of a sweep from what was seen', async () => {
      const topic = fresh('t')
      expect(await store().readSweep(topic)).toBe(0)
      expect(await store().moveSweep(topic, { from: 0, to: 7, expires })).toBe('moved')
      expect(await store().moveSweep(topic, { from: 0, to: 8, expires })).toBe('standing')
      expect(await store().readSweep(topic)).toBe(7)
    })
  })
}

function turnLaws(store: Given): void {
  const turn = (topic: string, rest: Partial<ShardLeaseRow> = {}): ShardLeaseRow => ({
    ...{ topic, shard: 0, version: fresh('m'), epoch: 'e1', from: 1, through: 2, expires },
    holder: { jobId: 'a', leaseId: 't', expiresAt: 5, start: 1 },
    ...rest,
  })
  describe('whose turn it is to deliver', () => {
    it('puts a turn where none stands, once, and gives back every member of the row', async () => {
      const first = turn(fresh('t'), { nextOffset: 7 })
      expect(await store().putShardLease(first, undefined)).toEqual({ status: 'put' })
      expect(await store().readShardLease(first.topic, 0)).toEqual(first)
      expect(await store().readShardLease(first.topic, 1)).toBeUndefined()
      expect(await store().putShardLease(turn(first.topic), undefined)).toEqual({ status: 'standing', row: first })
      expect(await store().putShardLease(first, undefined)).toEqual({ status: 'put' }) // whose answer was lost
    })
    it('puts a turn over the write that it follows, and over no other', async () => {
      const first = turn(fresh('t'))
      await store().putShardLease(first, undefined)
      const { holder: _, ...ended } = turn(first.topic, { through: 9 })
      expect(await store().putShardLease(ended, first.version)).toEqual({ status: 'put' })
      expect(await store().putShardLease(turn(first.topic), first.version)).toEqual({ status: 'standing', row: ended })
      expect(await store().putShardLease(turn(fresh('t')), 'gone')).toEqual({ status: 'standing', row: undefined })
    })
  })
}
