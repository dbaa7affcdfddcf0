import type { KeyRow } from '../idempotency.ts'
import type { Store } from '../store.ts'
import { equal, includes, ok, rejects } from './assertions.ts'
import { expires, fresh, keyClaim, past } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of idempotency keys. */
export function idempotencyLaws({ describe, test }: SuiteRunner): void {
  describe('idempotency keys', () => {
    const done = (claim: { readonly key: string; readonly owner: string }, outcome = '{"ok":1}') =>
      ({ key: claim.key, owner: claim.owner, state: 'DONE', outcome }) as const
    const takeOf = ({ key, owner, lease }: Pick<KeyRow, 'key' | 'owner' | 'lease'>) => ({
      ...{ key, owner: fresh('o'), lease: lease + 60_000 },
      from: { owner, lease },
    })
    const claimed = async (store: Store) => {
      const claim = keyClaim()
      await store.claimKey(claim)
      return { claim, row: { ...claim, state: 'RUNNING' as const, bases: {} } }
    }

    test('claims a key that does not exist and reads back every member', async (store) => {
      const claim = keyClaim()
      equal(await store.readKey(claim.key), undefined)
      const row = { ...claim, state: 'RUNNING', bases: {} }
      equal(await store.claimKey(claim), { status: 'claimed', row })
      equal(await store.readKey(claim.key), row)
    })
    test('returns the existing claim to every other owner and as claimed to its own', async (store) => {
      const { claim, row } = await claimed(store)
      equal(await store.claimKey({ ...claim, lease: 1, expires: 1 }), { status: 'claimed', row })
      equal(await store.claimKey({ ...claim, owner: 'other' }), { status: 'conflict', row })
      const settled = await store.settleKey(done(claim))
      equal(await store.claimKey(claim), { status: 'conflict', row: settled.row })
    })
    test('lets exactly one of 20 concurrent claims succeed and returns its row to all others', async (store) => {
      const { key } = keyClaim()
      const claims = Array.from({ length: 20 }, () => keyClaim({ key }))
      const outcomes = await Promise.all(claims.map((claim) => store.claimKey(claim)))
      const winners = claims.filter((_, index) => outcomes[index]?.status === 'claimed')
      equal(winners.length, 1)
      const row = { ...winners[0], state: 'RUNNING', bases: {} }
      equal(
        outcomes.map((outcome) => outcome.row),
        Array(20).fill(row),
      )
    })
    test('keeps a claim whose row or lease has expired', async (store) => {
      const claim = { ...keyClaim({ lease: 5 }), expires: past }
      await store.claimKey(claim)
      const row = { ...claim, state: 'RUNNING', bases: {} }
      equal(await store.claimKey(keyClaim({ key: claim.key })), { status: 'conflict', row })
      equal(await store.readKey(claim.key), row)
    })
    test('takes a claim over from exactly one owner and lease and keeps its bases', async (store) => {
      const { claim, row } = await claimed(store)
      await store.recordBase({ ...claim, publishId: 'p1', base: 7 })
      const take = takeOf(claim)
      const taken = { ...row, owner: take.owner, lease: take.lease, bases: { p1: 7 } }
      includes(await store.takeKey({ ...take, from: { ...take.from, lease: 1 } }), { status: 'conflict' })
      includes(await store.takeKey({ ...take, from: { ...take.from, owner: 'x' } }), {
        status: 'conflict',
      })
      equal(await store.takeKey(take), { status: 'taken', row: taken })
      equal(await store.takeKey(take), { status: 'taken', row: taken })
      equal(await store.takeKey({ ...takeOf(claim), owner: 'late' }), { status: 'conflict', row: taken })
      equal(await store.readKey(claim.key), taken)
    })
    test('lets exactly one of 20 concurrent take-overs succeed', async (store) => {
      const { claim } = await claimed(store)
      const takes = Array.from({ length: 20 }, () => takeOf(claim))
      const outcomes = await Promise.all(takes.map((take) => store.takeKey(take)))
      const winners = takes.filter((_, index) => outcomes[index]?.status === 'taken')
      equal(winners.length, 1)
      equal([...new Set(outcomes.map(({ row }) => row.owner))], [winners[0]?.owner])
    })
    test('settles a key under its owner once and for all', async (store) => {
      const { claim, row } = await claimed(store)
      const settled = { ...row, state: 'DONE', outcome: '{"ok":1}' }
      equal(await store.settleKey({ ...done(claim), owner: 'other' }), { status: 'conflict', row })
      equal(await store.settleKey(done(claim)), { status: 'settled', row: settled })
      equal(await store.settleKey(done(claim)), { status: 'settled', row: settled })
      const zombie = { ...done(claim), owner: 'other' }
      for (const other of [zombie, done(claim, '{"ok":2}'), { ...claim, state: 'UNKNOWN' } as const])
        equal(await store.settleKey(other), { status: 'conflict', row: settled })
      equal(await store.takeKey(takeOf(claim)), { status: 'conflict', row: settled })
      equal(await store.readKey(claim.key), settled)
    })
    test('releases a claim under its owner alone, and then the key is as new', async (store) => {
      const { claim, row } = await claimed(store)
      await store.releaseKey({ key: claim.key, owner: 'other' })
      equal(await store.readKey(claim.key), row)
      await store.releaseKey(claim)
      await store.releaseKey(claim)
      equal(await store.readKey(claim.key), undefined)
      const next = { ...keyClaim({ key: claim.key }), fingerprint: 'f2' }
      equal(await store.claimKey(next), { status: 'claimed', row: { ...next, state: 'RUNNING', bases: {} } })
      await store.releaseKey(claim)
      const settled = await store.settleKey(done(next))
      await store.releaseKey(next)
      equal(await store.readKey(claim.key), settled.row)
    })
    test('settles a key as unknown for good', async (store) => {
      const { claim, row } = await claimed(store)
      const unknown = { key: claim.key, owner: claim.owner, state: 'UNKNOWN' } as const
      const settled = { ...row, state: 'UNKNOWN' }
      equal(await store.settleKey(unknown), { status: 'settled', row: settled })
      equal(await store.settleKey(unknown), { status: 'settled', row: settled })
      equal(await store.settleKey(done(claim)), { status: 'conflict', row: settled })
    })
    test('refuses an owner whose claim was taken over', async (store) => {
      const { claim } = await claimed(store)
      const { row } = await store.takeKey(takeOf(claim))
      equal(await store.settleKey(done(claim)), { status: 'conflict', row })
      equal(await store.recordBase({ ...claim, publishId: 'p1', base: 7 }), { status: 'lost' })
      equal(await store.readKey(claim.key), row)
    })
    test('rejects a take-over and a settlement of a key that does not exist', async (store) => {
      const claim = keyClaim()
      await rejects(store.takeKey(takeOf(claim)))
      await rejects(store.settleKey(done(claim)))
      equal(await store.readKey(claim.key), undefined)
    })
    test('records a base once for each publish of a claim', async (store) => {
      const { claim, row } = await claimed(store)
      const record = (publishId: string, base: number) => store.recordBase({ ...claim, publishId, base })
      equal(await record('p1', 7), { status: 'recorded', base: 7 })
      equal(await record('p1', 9), { status: 'recorded', base: 7 })
      equal(await record('p:2.x', 0), { status: 'recorded', base: 0 })
      equal(await store.readKey(claim.key), { ...row, bases: { p1: 7, 'p:2.x': 0 } })
    })
    test('records no base for a claim that is settled, belongs to another owner or does not exist', async (store) => {
      const { claim } = await claimed(store)
      const record = { ...claim, publishId: 'p1', base: 7 }
      equal(await store.recordBase({ ...record, owner: 'other' }), { status: 'lost' })
      await store.settleKey(done(claim))
      equal(await store.recordBase(record), { status: 'lost' })
      const { key } = keyClaim()
      equal(await store.recordBase({ ...record, key }), { status: 'lost' })
      equal(await store.readKey(key), undefined)
    })
    test('creates the row of the key of a publish and keeps its expiry', async (store) => {
      const { key } = keyClaim()
      const record = { key, publishId: 'p1', base: 7, expires }
      equal(await store.recordBase(record), { status: 'recorded', base: 7 })
      const later = { ...record, base: 9, expires: expires + 5 }
      equal(await store.recordBase(later), { status: 'recorded', base: 7 })
      const row = { key, state: 'PUBLISH', owner: '', lease: 0, fingerprint: '', bases: { p1: 7 }, expires }
      equal(await store.readKey(key), row)
      equal(await store.claimKey(keyClaim({ key })), { status: 'conflict', row })
    })
    test('records a base without an owner in a claim and changes nothing else of it', async (store) => {
      const { claim, row } = await claimed(store)
      const record = { key: claim.key, publishId: 'p1', base: 7, expires: 1 }
      equal(await store.recordBase(record), { status: 'recorded', base: 7 })
      equal(await store.readKey(claim.key), { ...row, bases: { p1: 7 } })
    })
    for (const whose of ['a claim', 'a publish'])
      test(`gives 20 concurrent records of ${whose} one base`, async (store) => {
        const claim = keyClaim()
        if (whose === 'a claim') await store.claimKey(claim)
        const { key, owner } = claim
        const rest = { ...{ key, publishId: 'p1', expires }, ...(whose === 'a claim' && { owner }) }
        const bases = Array.from({ length: 20 }, (_, base) => base)
        const outcomes = await Promise.all(bases.map((base) => store.recordBase({ ...rest, base })))
        const recorded = (await store.readKey(key))?.bases.p1
        ok(recorded !== undefined && bases.includes(recorded))
        equal(outcomes, Array(20).fill({ status: 'recorded', base: recorded }))
      })
  })
}
