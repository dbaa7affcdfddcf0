import type { ErasableRow, ErasureStore } from '../erasure.ts'
import type { Store } from '../store.ts'
import { equal } from './assertions.ts'
import { connection, expires, fresh, keyClaim, subscriber } from './rows.ts'
import type { TestRunner } from './runner.ts'

/** The port of erasures that the suite tests, with the store whose rows it erases. */
export interface ErasureUnderTest {
  /** Names the adapter in the titles of the tests. */
  readonly name: string
  /** Called once, with the first test. */
  readonly createStores: () => Stores | Promise<Stores>
}

interface Stores {
  readonly store: Store
  readonly erasure: ErasureStore
}

/** Declares the tests of the laws of the port of erasures, by the `describe` and `it` of any test runner. */
export function erasureSuite({ describe, it }: TestRunner, { name, createStores }: ErasureUnderTest): void {
  let created: Promise<Stores> | undefined
  const test = (title: string, body: (stores: Stores) => Promise<void>) =>
    it(title, async () => {
      created ??= Promise.resolve(createStores())
      await body(await created)
    })
  describe(`the port of erasures on ${name}`, () => {
    test('a walk finds the rows of one principal, over more than one page', async (stores) => {
      const who = { principal: fresh('ann'), owner: fresh('o') }
      const mine = await putRowsOf(stores.store, who)
      await putRowsOf(stores.store, { principal: fresh('bob'), owner: fresh('o') })
      await putRowsOf(stores.store, { principal: who.principal.slice(0, -1), owner: who.owner.slice(0, -1) })
      for (let n = 0; n < 250; n++) await stores.store.putConnection(connection({ principal: fresh('other') }))
      const found = await walk(stores.erasure, who)
      equal(sorted(found.rows.filter(({ kind }) => kind !== 'upload' && kind !== 'part')), sorted(mine))
    })
    test('a walk finds the rows of large messages of every connection', async ({ store, erasure }) => {
      const rows = await putMessage(store, fresh('c'))
      const found = (await walk(erasure, { principal: 'nobody', owner: 'none' })).rows.map((row) => JSON.stringify(row))
      for (const row of rows) equal(found.includes(JSON.stringify(row)), true)
    })
    test('counts about as many rows as a walk examines', async ({ store, erasure }) => {
      await store.putConnection(connection())
      const { examined } = await walk(erasure, { principal: 'nobody', owner: 'none' })
      equal((await erasure.countRows()) > 0 && examined > 0, true)
    })
    test('an erased connection is CLOSED for good and holds nothing else', async ({ store, erasure }) => {
      const row = connection({ principal: 'ann', claims: '{"a":1}', authExp: 5, connectionParams: '{}' })
      await store.putConnection(row)
      const { connectionId } = row
      for (let times = 0; times < 2; times++)
        equal(await erasure.eraseRow({ kind: 'connection', connectionId }), 'erased')
      const empty = { connectionId, session: '', principal: null, extensions: false, state: 'CLOSED', expires }
      equal(await store.readConnection(connectionId), empty)
      equal(await store.putConnection(row), 'exists')
      equal(await erasure.eraseRow({ kind: 'connection', connectionId: fresh('c') }), 'absent')
    })
    test('an erased key is UNKNOWN without an outcome, and one that runs stays as it is', async ({
      store,
      erasure,
    }) => {
      const claim = keyClaim()
      const { key, owner } = claim
      equal(await erasure.eraseRow({ kind: 'key', key }), 'absent')
      await store.claimKey(claim)
      equal(await erasure.eraseRow({ kind: 'key', key }), 'running')
      await store.settleKey({ key, owner, state: 'DONE', outcome: '"secret"' })
      for (const result of ['erased', 'absent']) equal(await erasure.eraseRow({ kind: 'key', key }), result)
      equal(await store.readKey(key), { ...claim, state: 'UNKNOWN', bases: {} })
      equal((await store.claimKey({ ...claim, owner: fresh('o') })).status, 'conflict')
    })
    test('deletes every other row, and says whether it existed', async ({ store, erasure }) => {
      const who = { principal: fresh('ann'), owner: fresh('o') }
      const rows = [...(await putRowsOf(store, who)), ...(await putMessage(store, fresh('c')))]
      for (const row of rows.filter(({ kind }) => kind !== 'connection' && kind !== 'key')) {
        equal([row.kind, await erasure.eraseRow(row)], [row.kind, 'erased'])
        equal([row.kind, await erasure.eraseRow(row)], [row.kind, 'absent'])
      }
      const left = (await walk(erasure, who)).rows.map(({ kind }) => kind).filter((kind) => /^[ck]/.test(kind))
      equal(left.sort(), ['connection', 'key'])
    })
  })
}

async function walk(erasure: ErasureStore, who: Parameters<ErasureStore['findRows']>[0]) {
  const rows: ErasableRow[] = []
  let examined = 0
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await erasure.findRows(who, from)
    rows.push(...page.rows)
    examined += page.examined
    from = page.next
  }
  return { rows, examined }
}

/** One row of each kind about a principal. */
async function putRowsOf(
  store: Store,
  { principal, owner }: { readonly principal: string; readonly owner: string },
): Promise<readonly ErasableRow[]> {
  const { connectionId } = connection()
  await store.putConnection(connection({ connectionId, principal }))
  const row = subscriber(fresh('t#?'), { id: '"a#b"', shard: 2, piped: { sessionId: 'p', principal } })
  await store.putSubscriber(row)
  const key = `${owner}#${fresh('k')}`
  await store.claimKey(keyClaim({ key }))
  await store.stopSubscription({ connectionId: key, id: 'call', ref: 1, expires })
  const run = { owner, run: 'r', lease: 1, max: 1, over: [], expires }
  await store.takeRunPlace(run)
  const rate = { owner, what: 'call a#b', window: 7 }
  await store.addToRate({ ...rate, amount: 1, expires })
  return [
    { kind: 'connection', connectionId },
    { kind: 'subscriber', topic: row.topic, shard: 2, connectionId: row.connectionId, id: row.id },
    { kind: 'key', key },
    { kind: 'subscription', connectionId: key, id: 'call' },
    { kind: 'runs', owner },
    { kind: 'rate', ...rate },
  ]
}

async function putMessage(store: Store, connectionId: string): Promise<readonly ErasableRow[]> {
  const message = fresh('m#')
  await store.putPart({ connectionId, message, part: 1, text: 'x', expires })
  await store.notePart({ connectionId, message, part: 1, of: 2, bytes: 9, expires })
  return [
    { kind: 'upload', connectionId, message },
    { kind: 'part', connectionId, message, part: 1 },
  ]
}

const sorted = (rows: readonly ErasableRow[]) => [...rows].sort((a, b) => (a.kind < b.kind ? -1 : 1))
