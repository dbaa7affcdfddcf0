// More than 200 lines: the arguments of every operation are declared here.
import { defined } from '@trunkline/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createMemoryStore } from '../memory/store.ts'
import type { Slot } from '../ports/log.ts'
import type { PresenceRow } from '../ports/presence.ts'
import { type Store, StoreError } from '../ports/store.ts'
import type { Subscriber } from '../ports/subscribers.ts'
import { openTable } from './endpoint.suite.ts'
import { createDynamoStore } from './store.ts'

let table: Awaited<ReturnType<typeof openTable>>
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table.end())

/** An operation and its arguments. In names `~` is replaced by the name of the run, so that runs share no rows. */
type Call = readonly [operation: Exclude<keyof Store, 'kind'>, ...args: unknown[]]

const small = fc.integer({ min: 1, max: 3 })
const id = fc.constantFrom('1', '"a#b"')
const topic = fc.constantFrom('~a', '~a#0')
const connectionId = fc.constantFrom('c~1', 'c~2')
const text = fc.constantFrom('{}', '{"n":1}')
const epoch = fc.constantFrom('e1', 'e2')
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })

const slot = fc.record(
  {
    offset: small,
    epoch,
    publishId: text,
    time: small,
    expires: small,
    data: text,
    schema: text,
    inline: small,
    erased: small,
  },
  { requiredKeys: ['offset', 'epoch', 'publishId', 'time', 'expires'] },
)
const connection = fc.record(
  {
    connectionId,
    state: fc.constant('OPEN'),
    session: fc.constantFrom('s1', 's2'),
    principal: fc.constantFrom(null, 'u1'),
    extensions: fc.boolean(),
    authExp: small,
    expires: small,
  },
  { requiredKeys: ['connectionId', 'state', 'session', 'principal', 'extensions', 'expires'] },
)
const shard = fc.integer({ min: 0, max: 1 })
const polled = fc.record({ path: fc.constantFrom('p', 'q'), input: text }, { requiredKeys: ['path'] })
const claim = fc.record(
  { connectionId, id, ref: small, topic, shard, expires: small, polled },
  { requiredKeys: ['connectionId', 'id', 'ref', 'topic', 'shard', 'expires'] },
)
const holder = fc.constantFrom('h1', 'h2')
const subscriber = fc.record(
  {
    ...{ topic, shard, connectionId, id, ref: small, on: fc.constant(true), expires: small },
    path: fc.constantFrom('p', 'q'),
    input: text,
    extensions: fc.boolean(),
    authExp: small,
    piped: fc.record({ sessionId: fc.constant('s1'), principal: fc.constantFrom(null, 'u1') }),
    lock: fc.record({ by: holder, until: small }),
  },
  {
    requiredKeys: ['topic', 'shard', 'connectionId', 'id', 'ref', 'on', 'expires', 'path', 'extensions'],
  },
)
const chain = fc.record({ topic, shard, connectionId, id, ref: small })
const key = fc.constantFrom('~k', '~k#1')
const owner = fc.constantFrom('o1', 'o2')
const publishId = fc.constantFrom('p1', 'p:2')
const needs = fc.constantFrom('all' as const, 'slots' as const, 'after' as const)
const asked = fc.record({ topic, shard, connectionId, id, offset: fc.integer({ min: 0, max: 3 }), needs })
const message = fc.constantFrom('~m', '~m#1')
const part = fc.integer({ min: 0, max: 2 })
const settled = fc.oneof(
  fc.record({ key, owner, state: fc.constant('DONE'), outcome: text }),
  fc.record({ key, owner, state: fc.constant('UNKNOWN') }),
)
const page = fc.record({ limit: fc.integer({ min: 1, max: 4 }) }, { requiredKeys: [] })
const event = fc.record({ topic, offset: small })

const member = fc.constantFrom('ann', 'M#b')
const mark = fc.constantFrom('m1', 'm2', 'm3')
const entry = fc.constantFrom('s.1', 's.2', 't.1')
const session = fc.record({
  ...{ ref: small, connectionId, leaving: fc.boolean(), lease: small },
  ...{ joined: text, data: text, since: small },
})
const presence = fc.record(
  {
    ...{ topic, member, mark, v: small, pending: fc.boolean(), expires: small, epoch },
    sessions: fc.dictionary(fc.constantFrom('s1', 's.2'), session),
    said: fc.record(
      { id: mark, base: small, type: fc.constantFrom('join', 'update', 'leave'), data: text },
      { requiredKeys: ['id', 'base', 'type'] },
    ),
  },
  { requiredKeys: ['topic', 'member', 'mark', 'v', 'pending', 'expires', 'sessions', 'said'] },
)

const shardLease = fc.record(
  {
    ...{ topic, shard, version: mark, epoch, from: small, through: small, expires: small, nextOffset: small },
    holder: fc.record({ jobId: owner, leaseId: owner, expiresAt: small, start: small }),
  },
  { requiredKeys: ['topic', 'shard', 'version', 'epoch', 'from', 'through', 'expires'] },
)

const digest = fc.constantFrom('d1', '#')
const placeOwner = fc.constant('~o')
const run = fc.constantFrom('r1', 'r2', 'r:3', 'r4')
const places = fc.uniqueArray(fc.record({ run, lease: small }), { maxLength: 3, selector: (place) => place.run })

const kicked = fc.record({ reason: text, until: small }, { requiredKeys: ['reason'] })
const principal = fc.constantFrom('~ann', '#~b#an')
const restriction = fc.record(
  {
    ...{ principal, at: small, reason: text, expires: small },
    session: fc.constantFrom('s1', 's2'),
    kind: fc.constantFrom('ban', 'revoke', 'kick'),
  },
  { requiredKeys: ['principal', 'at', 'reason', 'expires', 'kind'] },
)

const openUploads = fc.uniqueArray(fc.record({ message: message, until: small }), {
  ...{ maxLength: 3, selector: (open) => open.message },
})

/** The arguments of each operation. The type is exhaustive, so that a new operation is drawn too. */
const given: Record<Call[0], fc.Arbitrary<readonly unknown[]>> = {
  putSlot: fc.tuple(topic, slot),
  readSlots: fc.tuple(topic, fc.integer({ min: 0, max: 3 }), small),
  readSlotsBefore: fc.tuple(topic, maybe(small), small),
  extendSlot: fc.tuple(topic, small, small),
  eraseSlot: fc.tuple(topic, small, small),
  putStreamInput: fc.tuple(fc.record({ topic, digest, input: text, expires: small })),
  readStreamInput: fc.tuple(topic, digest),
  putStreamSign: fc.tuple(fc.record({ topic, claim: digest, alive: small, expires: small })),
  readStreamSign: fc.tuple(topic, digest),
  takeStreamPoke: fc.tuple(fc.record({ topic, at: small, before: small, expires: small })),
  deleteStreamRows: fc.tuple(topic),
  putConnection: fc.tuple(connection),
  readConnection: fc.tuple(connectionId),
  readConnectionAndShards: fc.tuple(connectionId, topic),
  closeConnection: fc.tuple(connectionId, small, maybe(kicked)),
  putConnectionParams: fc.tuple(
    connectionId,
    fc.oneof(
      fc.record({ connectionParams: text }),
      fc.record({ refused: text }),
      fc.record({ connectionParams: text, principal: text, claims: text, authExp: small }),
    ),
  ),
  renewConnection: fc.tuple(
    connectionId,
    fc.record(
      {
        ...{ authExp: small, claims: text, renewedAt: small, issuedAt: small },
        ...{ follows: maybe(small), claimsPending: fc.boolean() },
      },
      { requiredKeys: ['authExp', 'claims', 'renewedAt', 'follows', 'claimsPending'] },
    ),
  ),
  settleClaims: fc.tuple(connectionId, small),
  claimSubscription: fc.tuple(claim),
  stopSubscription: fc.tuple(
    fc.record(
      { connectionId, id, ref: small, expires: small, ifExists: fc.boolean() },
      { requiredKeys: ['connectionId', 'id', 'ref', 'expires'] },
    ),
  ),
  claimRun: fc.tuple(fc.record({ connectionId, id, ref: small, run: owner, lease: small, expires: small })),
  passRun: fc.tuple(fc.record({ connectionId, id, ref: small, from: owner, run: owner, lease: small })),
  readSubscription: fc.tuple(connectionId, id),
  readSubscriptions: fc.tuple(connectionId),
  putSubscriber: fc.tuple(subscriber),
  readSubscriber: fc.tuple(topic, shard, connectionId, id),
  readSubscribersOf: fc.tuple(fc.record({ topic, shard, connectionId })),
  stopSubscriber: fc.tuple(claim),
  deleteSubscriber: fc.tuple(claim),
  setSubscriberAuthExp: fc.tuple(fc.record({ topic, shard, connectionId, id, ref: small, authExp: small })),
  setSubscriberClaims: fc.tuple(
    fc.record({ topic, shard, connectionId, id, ref: small, claims: text, renewedAt: small }),
  ),
  acquireDeliveryLock: fc.tuple(chain, fc.record({ by: holder, until: small })),
  requestOffset: fc.tuple(chain, small),
  releaseDeliveryLock: fc.tuple(
    chain,
    fc.record(
      { by: holder, at: maybe(fc.constantFrom('0.e1:1', '0.e1:2')), unless: small },
      { requiredKeys: ['by', 'at'] },
    ),
  ),
  readSubscribers: fc.tuple(topic, shard, page),
  growShards: fc.tuple(topic, small, fc.integer({ min: 1, max: 4 })),
  readSyncStates: fc.tuple(fc.array(asked, { maxLength: 4 })),
  claimKey: fc.tuple(fc.record({ key, owner, lease: small, fingerprint: text, expires: small })),
  takeKey: fc.tuple(fc.record({ key, owner, lease: small, from: fc.record({ owner, lease: small }) })),
  settleKey: fc.tuple(settled),
  releaseKey: fc.tuple(fc.record({ key, owner })),
  recordBase: fc.tuple(
    fc.record(
      { key, owner, publishId, base: fc.integer({ min: 0, max: 3 }), expires: small },
      { requiredKeys: ['key', 'publishId', 'base', 'expires'] },
    ),
  ),
  readKey: fc.tuple(key),
  putPart: fc.tuple(fc.record({ connectionId, message, part, text, expires: small })),
  notePart: fc.tuple(fc.record({ connectionId, message, part, of: small, bytes: small, expires: small })),
  claimUpload: fc.tuple(fc.record({ connectionId, message, owner })),
  readParts: fc.tuple(connectionId, message, small),
  putPresence: fc.tuple(presence, maybe(mark)),
  deletePresence: fc.tuple(fc.record({ topic, member, mark })),
  readPresence: fc.tuple(topic, member),
  readPresences: fc.tuple(topic, page),
  putPresenceSession: fc.tuple(fc.record({ topic, entry, member, ref: small, expires: small })),
  deletePresenceSession: fc.tuple(fc.record({ topic, entry, member, ref: small })),
  readPresenceSessions: fc.tuple(topic, fc.constantFrom('', 's.'), small),
  readSweep: fc.tuple(topic),
  moveSweep: fc.tuple(topic, fc.record({ from: fc.integer({ min: 0, max: 3 }), to: small, expires: small })),
  readShardLease: fc.tuple(topic, shard),
  putShardLease: fc.tuple(shardLease, maybe(mark)),
  addToCount: fc.tuple(
    connectionId,
    fc.record({
      name: fc.constantFrom('subscriptions', 'unknownStops'),
      add: fc.integer({ min: -2, max: 3 }),
      ...{ max: small, mark, expires: small },
    }),
  ),
  openUpload: fc.tuple(
    fc.record({ connectionId, message, until: small, max: small, expires: small, over: openUploads }),
  ),
  closeUpload: fc.tuple(fc.record({ connectionId, message })),
  takeRunPlace: fc.tuple(
    fc.record({ ...{ owner: placeOwner, run, lease: small, expires: small, max: small }, over: places }),
  ),
  renewRunPlace: fc.tuple(fc.record({ owner: placeOwner, run, lease: small, expires: small })),
  releaseRunPlace: fc.tuple(fc.record({ owner: placeOwner, run })),
  addToRate: fc.tuple(fc.record({ owner: placeOwner, what: run, window: small, amount: small, expires: small })),
  putPrincipalConnection: fc.tuple(
    fc.record({ principal, connectionId, session: owner, openedAt: small, expires: small }),
  ),
  deletePrincipalConnection: fc.tuple(fc.record({ principal, connectionId })),
  readPrincipalConnections: fc.tuple(principal),
  putRestriction: fc.tuple(restriction),
  readRestrictions: fc.tuple(principal),
  putReceipt: fc.tuple(topic, small, small),
  hasReceipts: fc.tuple(fc.array(event, { maxLength: 4 })),
}
const call: fc.Arbitrary<Call> = fc.oneof(
  ...Object.entries(given).map(([operation, args]) => args.map((values) => [operation as Call[0], ...values] as const)),
)

/** The result, without what the port leaves open: where pages end, whether a full page was the last, and the order of rows. */
async function answer(store: Store, [operation, ...args]: Call): Promise<unknown> {
  if (operation === 'readSubscribers') return allSubscribers(store, ...(args as Parameters<Store['readSubscribers']>))
  if (operation === 'readPresences') return allPresences(store, ...(args as Parameters<Store['readPresences']>))
  const value = await (store[operation] as (...args: unknown[]) => Promise<unknown>)(...args).catch(failedOperation)
  if (operation === 'readSlots' || operation === 'readSlotsBefore') return (value as { slots: Slot[] }).slots
  if (inAnyOrder.has(operation)) return new Set(value as unknown[])
  return value
}

const inAnyOrder = new Set(['readSubscriptions', 'readSubscribersOf', 'readPrincipalConnections', 'readRestrictions'])

/** A key that does not exist cannot be taken over or settled. */
function failedOperation(error: unknown): string {
  if (error instanceof StoreError && /^(take|settle)Key$/.test(error.operation)) return error.operation
  throw error
}

async function allSubscribers(store: Store, ...[topic, shard, bounds]: Parameters<Store['readSubscribers']>) {
  const first = await store.readSubscribers(topic, shard, bounds)
  const rows: Subscriber[] = [...first.subscribers]
  for (let { next } = first; next !== undefined; ) {
    const more = await store.readSubscribers(topic, shard, { ...bounds, from: next })
    expect(more.subscribers.length).toBeLessThanOrEqual(bounds?.limit ?? Number.POSITIVE_INFINITY)
    rows.push(...more.subscribers)
    next = more.next
  }
  return { rows, shards: first.shards }
}

async function allPresences(store: Store, ...[topic, bounds]: Parameters<Store['readPresences']>) {
  const rows: PresenceRow[] = []
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await store.readPresences(topic, { ...bounds, ...defined({ from }) })
    expect(page.rows.length).toBeLessThanOrEqual(bounds?.limit ?? Number.POSITIVE_INFINITY)
    rows.push(...page.rows)
    from = page.next
  }
  return rows
}

function rename<T>(value: T, run: string): T
function rename(value: unknown, run: string): unknown {
  if (typeof value === 'string') return value.replaceAll('~', run)
  if (Array.isArray(value)) return value.map((one) => rename(one, run))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, rename(one, run)]))
}

it('returns the results of the reference store for every sequence of operations', async () => {
  const dynamo = createDynamoStore(table.options)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 30, size: 'max' }), async (calls) => {
      const memory = createMemoryStore()
      const run = `r${runs++}`
      for (const one of rename(calls, run)) {
        expect({ call: one, answer: await answer(dynamo, one) }).toEqual({
          call: one,
          answer: await answer(memory, one),
        })
      }
    }),
    { numRuns: 30, interruptAfterTimeLimit: 5_000 },
  )
})
