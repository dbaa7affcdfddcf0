// More than 200 lines: the laws of one port are in one file.
import { defined } from '@trunkline/protocol'
import type { Store } from '../store.ts'
import type { Subscriber } from '../subscribers.ts'
import { equal, ok } from './assertions.ts'
import { expires, fresh, past, subscriber } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of the topics' rows of subscriptions. */
export function subscriberLaws({ describe, test }: SuiteRunner): void {
  describe('subscribers', () => {
    test('puts a row and reads back every member', async (store) => {
      const bare = subscriber(fresh('t'), { id: '"x#y"' })
      const whole = subscriber(fresh('t'), {
        input: '{"room":"a"}',
        authExp: 1_800_000_000_000,
        extensions: false,
        shard: 7,
        part: '2/4',
        piped: {
          sessionId: 'p',
          session: 's',
          principal: null,
          claims: '{}',
          hasParams: true,
          rechecked: 'only',
          connectionParams: 'null',
        },
      })
      for (const row of [bare, whole]) {
        equal(await readRow(store, row), undefined)
        equal(await store.putSubscriber(row), 'put')
        equal(await readRow(store, row), row)
      }
    })
    test('replaces a row of a lower ref entirely and keeps one of a higher ref', async (store) => {
      const row = subscriber(fresh('t'), { ref: 2, input: '1' })
      await store.putSubscriber(row)
      const { input: _, ...newer } = { ...row, ref: 3, path: 'other' }
      equal(await store.putSubscriber(newer), 'put')
      equal(await store.putSubscriber(row), 'newer')
      equal(await readRow(store, row), newer)
    })
    test('takes a row of the same ref that is on for its own and a stopped one for newer', async (store) => {
      const row = subscriber(fresh('t'))
      await store.putSubscriber(row)
      equal(await store.putSubscriber({ ...row, path: 'not written' }), 'put')
      equal(await readRow(store, row), row)
      await store.stopSubscriber(row)
      equal(await store.putSubscriber(row), 'newer')
    })
    test('stops a row and creates a stopped one where none exists', async (store) => {
      const row = subscriber(fresh('t'), { ref: 2 })
      equal(await store.stopSubscriber(row), 'stopped')
      equal(await store.stopSubscriber(row), 'stopped')
      equal(await readRow(store, row), { ...row, on: false, path: '', extensions: false })
      equal(await store.putSubscriber(row), 'newer')
      equal(await store.putSubscriber({ ...row, ref: 3 }), 'put')
      equal(await store.stopSubscriber({ ...row, expires: expires + 1 }), 'newer')
      equal(await readRow(store, row), { ...row, ref: 3 })
    })
    test('removes input and context of a stopped row and keeps all else', async (store) => {
      const piped = { sessionId: 'p', principal: 'ann', claims: '{}', connectionParams: 'null' }
      const row = subscriber(fresh('t'), { ref: 2, input: '{"room":"a"}', piped, authExp: 5 })
      const { input: _, piped: __, ...rest } = row
      await store.putSubscriber(row)
      equal(await store.stopSubscriber({ ...row, ref: 1 }), 'newer')
      equal(await readRow(store, row), row)
      equal(await store.stopSubscriber(row), 'stopped')
      equal(await readRow(store, row), { ...rest, on: false })
    })
    test('reads the rows of one connection in one shard that are on', async (store) => {
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
      const readOf = (at = { topic, shard: 0, connectionId }) => store.readSubscribersOf(at)
      equal(await readOf(), [])
      for (const row of [...own, ...others]) await store.putSubscriber(row)
      equal(byId(await readOf()), byId(own))
      for (const row of own.slice(1)) await store.stopSubscriber(row)
      equal(await readOf(), own.slice(0, 1))
    })
    test('reads all rows of one connection, in as many requests as that takes', async (store) => {
      const topic = fresh('t')
      const connectionId = fresh('c')
      const rows = Array.from({ length: 12 }, (_, id) =>
        subscriber(topic, { connectionId, id: String(id), input: 'x'.repeat(200_000) }),
      )
      await Promise.all(rows.map((row) => store.putSubscriber(row)))
      equal((await store.readSubscribersOf({ topic, shard: 0, connectionId })).length, rows.length)
    })
    test('deletes a row whose ref is not higher', async (store) => {
      const row = subscriber(fresh('t'), { ref: 2 })
      await store.putSubscriber(row)
      await store.deleteSubscriber({ ...row, ref: 1 })
      equal(await readRow(store, row), row)
      await store.deleteSubscriber(row)
      await store.deleteSubscriber(row)
      equal(await readRow(store, row), undefined)
      await store.putSubscriber(row)
      await store.deleteSubscriber({ ...row, ref: 3 })
      equal(await readRow(store, row), undefined)
    })
    test('raises the end of the authority on a row of exactly that ref', async (store) => {
      const row = subscriber(fresh('t'), { ref: 2, authExp: 4 })
      await store.setSubscriberAuthExp({ ...row, authExp: 5 })
      equal(await readRow(store, row), undefined)
      await store.putSubscriber(row)
      await store.setSubscriberAuthExp({ ...row, authExp: 5 })
      for (const [ref, authExp] of [
        [2, 3],
        [1, 6],
        [3, 6],
      ] as const)
        await store.setSubscriberAuthExp({ ...row, ref, authExp })
      equal(await readRow(store, row), { ...row, authExp: 5 })
      const lasting = subscriber(fresh('t'))
      await store.putSubscriber(lasting)
      await store.setSubscriberAuthExp({ ...lasting, authExp: 5 })
      equal(await readRow(store, lasting), lasting)
    })
    test('replaces claims by later ones, on a row of exactly that ref that holds a context', async (store) => {
      const piped = { sessionId: 'p', principal: 'ann', claims: '1' }
      const row = subscriber(fresh('t'), { ref: 2, piped })
      await store.setSubscriberClaims({ ...row, claims: '2', renewedAt: 5 })
      equal(await readRow(store, row), undefined)
      await store.putSubscriber(row)
      await store.setSubscriberClaims({ ...row, claims: '2', renewedAt: 5 })
      for (const [ref, renewedAt] of [
        [2, 4],
        [2, 5],
        [1, 6],
        [3, 6],
      ] as const)
        await store.setSubscriberClaims({ ...row, ref, claims: '3', renewedAt })
      equal(await readRow(store, row), { ...row, piped: { ...piped, claims: '2', renewedAt: 5 } })
      const bare = subscriber(fresh('t'))
      await store.putSubscriber(bare)
      await store.setSubscriberClaims({ ...bare, claims: '2', renewedAt: 5 })
      equal(await readRow(store, bare), bare)
    })
  })
  describe('the lock of a stock client’s subscription', () => {
    const [mine, others] = [
      { by: 'me', until: 1_800_000_000_000 },
      { by: 'other', until: 1_800_000_000_001 },
    ]
    async function put(store: Store, rest: Partial<Subscriber> = {}): Promise<Subscriber> {
      const row = subscriber(fresh('t'), { extensions: false, ...rest })
      await store.putSubscriber(row)
      return row
    }

    test('is put with its holder, and a row of another holder is newer [TL-CHAIN-1]', async (store) => {
      const row = await put(store, { lock: mine, at: '0.e:4', want: 5 })
      equal(await readRow(store, row), row)
      equal(await store.putSubscriber(row), 'put')
      equal(await store.putSubscriber({ ...row, lock: others }), 'newer')
    })
    test('is acquired by one holder, also when that holder repeats it', async (store) => {
      const row = await put(store, { at: '0.e:4' })
      const locked = { ...row, lock: mine }
      equal(await store.acquireDeliveryLock(row, mine), { status: 'locked', row: locked })
      equal(await store.acquireDeliveryLock(row, { ...mine, until: 1 }), { status: 'locked', row: locked })
      equal(await store.acquireDeliveryLock(row, others), { status: 'held', row: locked })
      equal(await readRow(store, row), locked)
    })
    test('cannot be acquired where no row exists, one of another attempt or a stopped one', async (store) => {
      equal(await store.acquireDeliveryLock(subscriber(fresh('t')), mine), { status: 'off' })
      const row = await put(store, { ref: 2 })
      equal(await store.acquireDeliveryLock({ ...row, ref: 1 }, mine), { status: 'off' })
      await store.stopSubscriber(row)
      equal(await store.acquireDeliveryLock(row, mine), { status: 'off' })
      equal(await store.requestOffset(row, 1), 'off')
    })
    test('records the highest offset that was requested while it is held, and none while it is free', async (store) => {
      const row = await put(store)
      equal(await store.requestOffset(row, 3), 'free')
      await store.acquireDeliveryLock(row, mine)
      for (const offset of [3, 5, 4]) equal(await store.requestOffset(row, offset), 'requested')
      equal(await readRow(store, row), { ...row, lock: mine, want: 5 })
    })
    test('is released with a cursor by its holder only', async (store) => {
      const row = await put(store, { at: '0.e:4', lock: mine })
      equal(await store.releaseDeliveryLock(row, { by: 'other', at: '0.e:5' }), 'lost')
      equal(await store.releaseDeliveryLock({ ...row, ref: 2 }, { by: 'me', at: '0.e:5' }), 'lost')
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:5' }), 'freed')
      const { lock: _, ...free } = row
      equal(await readRow(store, row), { ...free, at: '0.e:5' })
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:5' }), 'freed')
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:6' }), 'lost')
    })
    test('stays held when a higher offset was requested, unless it is released unconditionally', async (store) => {
      const row = await put(store, { lock: mine })
      await store.requestOffset(row, 6)
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:5', unless: 5 }), 'requested')
      equal(await readRow(store, row), { ...row, want: 6 })
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:6', unless: 6 }), 'freed')
      await store.acquireDeliveryLock(row, others)
      await store.requestOffset(row, 9)
      equal(await store.releaseDeliveryLock(row, { by: 'other', at: undefined }), 'freed')
      const { lock: _, ...free } = row
      equal(await readRow(store, row), { ...free, at: '0.e:6' })
    })
    test('is released also when the subscription was stopped meanwhile', async (store) => {
      const row = await put(store, { lock: mine })
      await store.stopSubscriber(row)
      equal(await store.releaseDeliveryLock(row, { by: 'me', at: '0.e:5', unless: 5 }), 'freed')
    })
  })
  describe('pages of subscribers', () => {
    async function allPages(store: Store, topic: string, limit: number | undefined) {
      const pages: Awaited<ReturnType<Store['readSubscribers']>>[] = []
      for (let from: string | undefined, more = true; more; more = from !== undefined) {
        const bounds = defined({ limit, from })
        const page = await store.readSubscribers(topic, 0, bounds)
        pages.push(page)
        from = page.next
      }
      return pages
    }
    async function topicWith(store: Store, count: number, rest: Partial<Subscriber> = {}) {
      const topic = fresh('t')
      const rows = Array.from({ length: count }, () => subscriber(topic, rest))
      await Promise.all(rows.map((row) => store.putSubscriber(row)))
      return { topic, rows: rows.sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1)) }
    }

    test('return one shard and no rows for a new topic', async (store) => {
      equal(await store.readSubscribers(fresh('t'), 0), { subscribers: [], shards: 1 })
      equal(await store.readSubscribers(fresh('t'), 1), { subscribers: [] })
    })
    for (const limit of [1, 2, 3, 7, 8, 100])
      test(`return each row once in pages of at most ${limit}`, async (store) => {
        for (const grown of [false, true]) {
          const { topic, rows } = await topicWith(store, 7)
          if (grown) await store.growShards(topic, 1, 2)
          const pages = await allPages(store, topic, limit)
          ok(Math.max(...pages.map(({ subscribers }) => subscribers.length)) <= limit)
          equal(
            pages.flatMap(({ subscribers }) => subscribers),
            rows,
          )
          equal(
            pages.map(({ shards }) => shards),
            pages.map((_, i) => (i === 0 ? (grown ? 2 : 1) : undefined)),
          )
        }
      })
    test('return a whole shard in one page without a limit', async (store) => {
      const { topic, rows } = await topicWith(store, 30)
      equal(await store.readSubscribers(topic, 0), { subscribers: rows, shards: 1 })
    })
    test('have no next when the shard has fewer rows than the limit', async (store) => {
      const { topic, rows } = await topicWith(store, 3)
      equal(await store.readSubscribers(topic, 0, { limit: 4 }), { subscribers: rows, shards: 1 })
    })
    test('leave out rows that are stopped and return those that are expired', async (store) => {
      const { topic, rows } = await topicWith(store, 6, { expires: past })
      const stopped = rows.filter((_, index) => index % 2 === 0)
      await Promise.all(stopped.map((row) => store.stopSubscriber(row)))
      const left = rows.filter((row) => !stopped.includes(row))
      for (const limit of [undefined, 2]) {
        const pages = await allPages(store, topic, limit)
        equal(
          pages.flatMap(({ subscribers }) => subscribers),
          left,
        )
      }
    })
    test('keep shards apart and return the shard count with shard 0 only', async (store) => {
      const { topic, rows } = await topicWith(store, 2, { shard: 1 })
      equal(await store.readSubscribers(topic, 1), { subscribers: rows })
      equal(await store.readSubscribers(topic, 0), { subscribers: [], shards: 1 })
      equal(await store.readSubscribers(`${topic}#1`, 0), { subscribers: [], shards: 1 })
    })
    test('return a shard count that only grows', async (store) => {
      const topic = fresh('t')
      const count = async () => (await store.readSubscribers(topic, 0)).shards
      await store.growShards(topic, 2, 4)
      equal(await count(), 1)
      await Promise.all([store.growShards(topic, 1, 2), store.growShards(topic, 1, 2)])
      equal(await count(), 2)
      await store.growShards(topic, 1, 2)
      await store.growShards(topic, 2, 1)
      await store.growShards(topic, 2, 4)
      equal(await count(), 4)
    })
  })
}

const readRow = (store: Store, { topic, shard, connectionId, id }: Subscriber) =>
  store.readSubscriber({ topic, shard, connectionId, id })

const byId = (rows: readonly Subscriber[]) => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
