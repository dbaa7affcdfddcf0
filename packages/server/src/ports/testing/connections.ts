import type { CountChange } from '../connections.ts'
import { equal } from './assertions.ts'
import { connection, expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of connections. */
export function connectionLaws({ describe, test }: SuiteRunner): void {
  describe('connections', () => {
    test('puts a row and reads back every member', async (store) => {
      const bare = connection()
      const whole = connection({
        principal: 'u1',
        claims: '{"role":"admin"}',
        authExp: 1_800_000_000_000,
        extensions: false,
        expectsParams: true,
        connectionParams: '{"a":"b"}',
        openedAt: 1_700_000_000_000,
        issuedAt: 1_600_000_000_000,
      })
      const polling = connection({ via: 'http' })
      for (const row of [bare, whole, polling]) {
        equal(await store.putConnection(row), 'put')
        equal(await store.readConnection(row.connectionId), row)
      }
      equal(await store.readConnection(fresh('c')), undefined)
    })
    test('reads a connection with the shard count of a topic, whichever of the two exists', async (store) => {
      const [row, topic] = [connection(), fresh('t')]
      const read = () => store.readConnectionAndShards(row.connectionId, topic)
      equal(await read(), { shards: 1 })
      await store.putConnection(row)
      equal(await read(), { connection: row, shards: 1 })
      await store.growShards(topic, 1, 2)
      equal(await read(), { connection: row, shards: 2 })
      equal(await store.readConnectionAndShards(fresh('c'), topic), { shards: 2 })
    })
    test('takes an open row of the same session for its own and no other row', async (store) => {
      const row = connection()
      await store.putConnection(row)
      equal(await store.putConnection(row), 'put')
      equal(await store.putConnection({ ...row, session: 's2' }), 'exists')
      equal(await store.readConnection(row.connectionId), row)
    })
    test('refuses a connection whose disconnect came before its connect', async (store) => {
      const row = connection()
      await store.closeConnection(row.connectionId, expires)
      equal(await store.putConnection(row), 'exists')
      const tombstone = { session: '', principal: null, extensions: false }
      equal(await store.readConnection(row.connectionId), {
        ...{ connectionId: row.connectionId, state: 'CLOSED', expires },
        ...tombstone,
      })
    })
    test('closes a connection for good and keeps its identity', async (store) => {
      const row = connection({ principal: 'u1' })
      await store.putConnection(row)
      await store.closeConnection(row.connectionId, expires + 1)
      await store.closeConnection(row.connectionId, expires + 1)
      equal(await store.putConnection(row), 'exists')
      const closed = { ...row, state: 'CLOSED', expires: expires + 1 }
      equal(await store.readConnection(row.connectionId), closed)
    })
    test('returns the row as it was before it was closed', async (store) => {
      const row = connection({ principal: 'u1' })
      equal(await store.closeConnection(fresh('c'), expires), undefined)
      await store.putConnection(row)
      equal(await store.closeConnection(row.connectionId, expires + 1), row)
      const closed = { ...row, state: 'CLOSED', expires: expires + 1 }
      equal(await store.closeConnection(row.connectionId, expires), closed)
    })
    test('keeps why the server ended a connection, also when it is closed again', async (store) => {
      const row = connection()
      const kicked = { reason: 'spam', until: 1_800_000_000_000 }
      await store.putConnection(row)
      await store.closeConnection(row.connectionId, expires, kicked)
      equal(await store.readConnection(row.connectionId), { ...row, state: 'CLOSED', kicked })
      await store.closeConnection(row.connectionId, expires)
      equal(await store.readConnection(row.connectionId), { ...row, state: 'CLOSED', kicked })
      const later = { reason: 'again', refused: true } as const
      await store.closeConnection(row.connectionId, expires, later)
      equal(await store.readConnection(row.connectionId), { ...row, state: 'CLOSED', kicked: later })
    })
    test('stores connection parameters once', async (store) => {
      const row = connection({ expectsParams: true })
      await store.putConnection(row)
      const own = { connectionParams: '{"a":"1"}' }
      equal(await store.putConnectionParams(row.connectionId, own), 'stored')
      equal(await store.putConnectionParams(row.connectionId, own), 'stored')
      equal(await store.putConnectionParams(row.connectionId, { connectionParams: '{"a":"2"}' }), 'exists')
      equal(await store.putConnectionParams(row.connectionId, { refused: 'no' }), 'exists')
      equal(await store.readConnection(row.connectionId), { ...row, ...own })
    })
    test('settles the principal with the parameters, in one write and once', async (store) => {
      const row = connection({ expectsParams: true })
      await store.putConnection(row)
      const ann = { connectionParams: '{"a":"1"}', principal: 'ann', claims: '{"role":"admin"}', authExp: 9 }
      for (let times = 0; times < 2; times += 1) equal(await store.putConnectionParams(row.connectionId, ann), 'stored')
      for (const other of [{ principal: 'bob' }, { claims: '{}' }, { authExp: 8 }, { connectionParams: '{}' }])
        equal(await store.putConnectionParams(row.connectionId, { ...ann, ...other }), 'exists')
      equal(await store.readConnection(row.connectionId), { ...row, ...ann })
    })
    test('settles no principal where the handshake had one, but stores parameters alone', async (store) => {
      const row = connection({ principal: 'ann', claims: '{}', authExp: 9, expectsParams: true })
      await store.putConnection(row)
      const bob = { connectionParams: '{}', principal: 'bob', claims: '{}', authExp: 9 }
      equal(await store.putConnectionParams(row.connectionId, bob), 'exists')
      equal(await store.readConnection(row.connectionId), row)
      equal(await store.putConnectionParams(row.connectionId, { connectionParams: '{}' }), 'stored')
      equal(await store.readConnection(row.connectionId), { ...row, connectionParams: '{}' })
    })
    test('stores the refusal of parameters once and without the parameters', async (store) => {
      const row = connection({ expectsParams: true })
      await store.putConnection(row)
      for (let times = 0; times < 2; times += 1)
        equal(await store.putConnectionParams(row.connectionId, { refused: 'no' }), 'stored')
      equal(await store.putConnectionParams(row.connectionId, { refused: 'never' }), 'exists')
      equal(await store.putConnectionParams(row.connectionId, { connectionParams: '{}' }), 'exists')
      equal(await store.readConnection(row.connectionId), { ...row, refused: 'no' })
    })
    test('renews the authority of an open connection and changes nothing else', async (store) => {
      const row = connection({ principal: 'u1', connectionParams: '{}' })
      await store.putConnection(row)
      const authority = { authExp: 1_800_000_000_000, claims: '{"role":"admin"}', renewedAt: 5 }
      const first = { ...authority, follows: undefined, claimsPending: false }
      equal(await store.renewConnection(row.connectionId, first), 'renewed')
      equal(await store.renewConnection(row.connectionId, first), 'renewed')
      equal(await store.readConnection(row.connectionId), { ...row, ...authority })
      const later = { authExp: 1_900_000_000_000, claims: '{}', renewedAt: 6, issuedAt: 4 }
      equal(await store.renewConnection(row.connectionId, { ...later, follows: 5, claimsPending: true }), 'renewed')
      equal(await store.readConnection(row.connectionId), { ...row, ...later, claimsPending: true })
    })
    test('renews no authority that another renewal has changed', async (store) => {
      const row = connection()
      await store.putConnection(row)
      const renewal = { authExp: 9, claims: '{}', renewedAt: 5, follows: undefined, claimsPending: false }
      await store.renewConnection(row.connectionId, renewal)
      for (const other of [{ renewedAt: 6 }, { authExp: 8 }, { claims: '1' }, { renewedAt: 6, follows: 4 }])
        equal(await store.renewConnection(row.connectionId, { ...renewal, ...other }), 'changed')
      const { follows: _, claimsPending: __, ...authority } = renewal
      equal(await store.readConnection(row.connectionId), { ...row, ...authority })
    })
    test('settles the claims of exactly the last renewal', async (store) => {
      const row = connection()
      const authority = { authExp: 9, claims: '{}', renewedAt: 5 }
      await store.putConnection(row)
      await store.renewConnection(row.connectionId, { ...authority, follows: undefined, claimsPending: true })
      await store.settleClaims(row.connectionId, 4)
      equal(await store.readConnection(row.connectionId), { ...row, ...authority, claimsPending: true })
      for (let times = 0; times < 2; times += 1) {
        await store.settleClaims(row.connectionId, 5)
        equal(await store.readConnection(row.connectionId), { ...row, ...authority })
      }
      const unknown = fresh('c')
      await store.settleClaims(unknown, 5)
      equal(await store.readConnection(unknown), undefined)
    })
    test('renews no connection that is closed or unknown', async (store) => {
      const row = connection()
      const authority = { authExp: 5, claims: '{}', renewedAt: 5, follows: undefined, claimsPending: false }
      equal(await store.renewConnection(row.connectionId, authority), 'absent')
      equal(await store.readConnection(row.connectionId), undefined)
      await store.putConnection(row)
      await store.closeConnection(row.connectionId, expires)
      equal(await store.renewConnection(row.connectionId, authority), 'absent')
      equal(await store.readConnection(row.connectionId), { ...row, state: 'CLOSED' })
    })
    const counted = { name: 'subscriptions', max: 5, expires } as const
    test('counts up to a bound and down without one, for each connection and name [TL-SUB-17]', async (store) => {
      const connectionId = fresh('c')
      const add = (by: number, rest: Partial<CountChange> = {}) =>
        store.addToCount(connectionId, { ...counted, add: by, mark: fresh('m'), ...rest })
      equal(await add(3), { status: 'added', count: 3 })
      equal(await add(3), { status: 'full', count: 3 })
      equal(await add(2), { status: 'added', count: 5 })
      equal(await add(1, { name: 'unknownStops' }), { status: 'added', count: 1 })
      equal(await add(-7), { status: 'added', count: -2 })
      equal(await add(8), { status: 'full', count: -2 })
      equal(await add(7), { status: 'added', count: 5 })
      const other = { ...counted, add: 6, mark: fresh('m') }
      equal(await store.addToCount(fresh('c'), other), { status: 'full', count: 0 })
      equal(await store.readConnection(connectionId), undefined)
    })
    test('counts a change once that is made again [LAW-SLOT-PUT]', async (store) => {
      const connectionId = fresh('c')
      const change = { ...counted, add: 5, mark: fresh('m') }
      equal(await store.addToCount(connectionId, change), { status: 'added', count: 5 })
      equal(await store.addToCount(connectionId, change), { status: 'added', count: 5 })
      const fall = { ...change, add: -1, mark: fresh('m') }
      for (let times = 0; times < 2; times++)
        equal(await store.addToCount(connectionId, fall), { status: 'added', count: 4 })
    })
    test('counts no more than the bound, however many writers add', async (store) => {
      const connectionId = fresh('c')
      const adds = Array.from({ length: 8 }, (_, n) =>
        store.addToCount(connectionId, { ...counted, add: 2, mark: `m${n}` }),
      )
      equal((await Promise.all(adds)).filter(({ status }) => status === 'added').length, 2)
    })
    test('stores no parameters of a connection that is closed or unknown', async (store) => {
      const { connectionId } = connection()
      equal(await store.putConnectionParams(connectionId, { connectionParams: '{}' }), 'absent')
      await store.closeConnection(connectionId, expires)
      equal(await store.putConnectionParams(connectionId, { connectionParams: '{}' }), 'absent')
    })
  })
}
