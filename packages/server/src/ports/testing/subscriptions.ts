import type { ConnectionSubscription } from '../subscriptions.ts'
import { equal, includes } from './assertions.ts'
import { connection, expires, fresh, past, slot, subscriber } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of the connections' rows of subscriptions. */
export function subscriptionLaws({ describe, test }: SuiteRunner): void {
  describe('subscriptions', () => {
    const claimOf = (
      rest: Partial<Pick<ConnectionSubscription, 'ref' | 'topic' | 'shard' | 'connectionId' | 'id' | 'polled'>> = {},
    ) => ({
      ...{ connectionId: fresh('c'), id: '1', ref: 1, topic: 'a', shard: 0, expires },
      ...rest,
    })

    const runOf = () => ({ connectionId: fresh('c'), id: '1', ref: 1, run: 'r1', lease: 5, expires })

    test('claims where no row exists and reports a claim that is made again as repeated', async (store) => {
      const claim = claimOf({ shard: 3 })
      const claimed = { status: 'claimed', shard: 3 }
      equal(await store.claimSubscription(claim), { ...claimed, repeated: false, wasLive: false })
      equal(await store.claimSubscription(claim), { ...claimed, repeated: true, wasLive: true })
      equal(await store.readSubscription(claim.connectionId, claim.id), { ...claim, on: true })
    })
    test('keeps the first shard in every later claim', async (store) => {
      const claim = claimOf({ shard: 3 })
      await store.claimSubscription(claim)
      const again = { ...claim, ref: 2, shard: 7 }
      includes(await store.claimSubscription(again), { status: 'claimed', shard: 3, repeated: false })
      includes(await store.claimSubscription(again), { status: 'claimed', shard: 3, repeated: true })
    })
    test('says of a claim whether its row was live before, whatever its ref [TL-SUB-17]', async (store) => {
      const claim = claimOf({ ref: 2 })
      const wasLive = async (ref: number) => {
        const claimed = await store.claimSubscription({ ...claim, ref })
        return claimed.status === 'claimed' ? claimed.wasLive : claimed.status
      }
      await store.stopSubscription({ ...keyOf(claim), ref: 1, expires })
      equal([await wasLive(2), await wasLive(2), await wasLive(3)], [false, true, true])
      await store.stopSubscription({ ...keyOf(claim), ref: 3, expires })
      equal([await wasLive(3), await wasLive(4)], ['refused', false])
      const run = runOf()
      await store.claimRun(run)
      includes(await store.claimSubscription({ ...claim, ...keyOf(run), ref: 2 }), { wasLive: false })
    })
    test('says of one stop of a live row that it was live, and of no other [TL-SUB-17]', async (store) => {
      const claim = claimOf()
      await store.claimSubscription(claim)
      const stops = [1, 1, 2, 3].map((ref) => store.stopSubscription({ ...keyOf(claim), ref, expires }))
      const ended = (await Promise.all(stops)).filter((stop) => stop.status === 'stopped' && stop.wasLive)
      equal(ended.length, 1)
      const run = runOf()
      await store.claimRun(run)
      includes(await store.stopSubscription({ ...keyOf(run), ref: 1, expires }), { status: 'stopped', wasLive: false })
    })
    test('stops a row only if it exists, where that is asked [TL-STOP-5]', async (store) => {
      const claim = claimOf({ ref: 2 })
      const stop = { ...keyOf(claim), ref: 2, expires, ifExists: true }
      equal(await store.stopSubscription(stop), { status: 'absent' })
      equal(await store.readSubscription(claim.connectionId, claim.id), undefined)
      await store.claimSubscription(claim)
      includes(await store.stopSubscription(stop), { status: 'stopped', wasLive: true, row: { on: false, topic: 'a' } })
      includes(await store.stopSubscription({ ...stop, ref: 1 }), { status: 'newer', row: { ref: 2 } })
      equal(await store.readSubscription(claim.connectionId, claim.id), { ...claim, on: false })
    })
    test('notes whether the topic’s row holds claims, by the last claim', async (store) => {
      const claim = claimOf()
      await store.claimSubscription({ ...claim, claims: true })
      equal(await store.readSubscription(claim.connectionId, claim.id), { ...claim, on: true, claims: true })
      await store.claimSubscription({ ...claim, ref: 2 })
      equal(await store.readSubscription(claim.connectionId, claim.id), { ...claim, ref: 2, on: true })
    })
    test('refuses a lower ref and another topic under the same id', async (store) => {
      const claim = claimOf({ ref: 5 })
      await store.claimSubscription(claim)
      const row = { ...claim, on: true }
      equal(await store.claimSubscription({ ...claim, ref: 4 }), { status: 'refused', row })
      equal(await store.claimSubscription({ ...claim, ref: 6, topic: 'b' }), { status: 'refused', row })
      equal(await store.claimSubscription({ ...claim, topic: 'b' }), { status: 'refused', row })
    })
    test('stops a row, keeps its topic and shard, and refuses the stopped ref from then on', async (store) => {
      const claim = claimOf({ ref: 2, shard: 1 })
      await store.claimSubscription(claim)
      const row = { ...claim, on: false, expires: expires + 9 }
      const stop = { ...keyOf(claim), ref: 2, expires: expires + 9 }
      equal(await store.stopSubscription(stop), { status: 'stopped', row, wasLive: true })
      equal(await store.stopSubscription(stop), { status: 'stopped', row, wasLive: false })
      equal(await store.claimSubscription(claim), { status: 'refused', row })
      includes(await store.claimSubscription({ ...claim, ref: 3 }), { status: 'claimed', shard: 1 })
    })
    test('creates a stopped row when the stop comes first', async (store) => {
      const claim = claimOf({ ref: 2 })
      const row = { ...keyOf(claim), ref: 2, on: false, expires }
      const stopped = { status: 'stopped', row, wasLive: false }
      equal(await store.stopSubscription({ ...keyOf(claim), ref: 2, expires }), stopped)
      equal(await store.readSubscription(claim.connectionId, claim.id), row)
      equal(await store.claimSubscription(claim), { status: 'refused', row })
      includes(await store.claimSubscription({ ...claim, ref: 3 }), { status: 'claimed' })
    })
    test('claims a row for a run once and reports the claim again to its own run', async (store) => {
      const claim = runOf()
      const row = { ...claim, on: true }
      equal(await store.claimRun(claim), { status: 'claimed', row })
      equal(await store.claimRun(claim), { status: 'claimed', row })
      equal(await store.claimRun({ ...claim, run: 'other' }), { status: 'refused', row })
      equal(await store.readSubscription(claim.connectionId, claim.id), row)
      includes(await store.claimRun({ ...claim, ref: 2, run: 'newer' }), { status: 'claimed' })
    })
    test('refuses a run a row that was stopped or has a topic', async (store) => {
      const claim = runOf()
      await store.stopSubscription({ ...keyOf(claim), ref: 1, expires })
      includes(await store.claimRun(claim), { status: 'refused', row: { on: false } })
      const topical = claimOf()
      await store.claimSubscription(topical)
      const taken = await store.claimRun({ ...runOf(), ...keyOf(topical), ref: 9 })
      equal(taken, { status: 'refused', row: { ...topical, on: true } })
    })
    test('passes the claim of a run on once and renews it', async (store) => {
      const claim = runOf()
      const { connectionId, id, ref } = claim
      await store.claimRun(claim)
      const pass = { connectionId, id, ref, from: 'r1', run: 'r2', lease: 9 }
      const row = { ...claim, on: true, run: 'r2', lease: 9 }
      equal(await store.passRun(pass), { status: 'passed', row })
      equal(await store.passRun(pass), { status: 'passed', row })
      equal(await store.passRun({ ...pass, run: 'r3' }), { status: 'refused', row })
      const renewed = { ...row, lease: 20 }
      equal(await store.passRun({ ...pass, from: 'r2', lease: 20 }), { status: 'passed', row: renewed })
    })
    test('refuses to pass on a claim that was stopped, is of another ref or does not exist', async (store) => {
      const claim = runOf()
      const { connectionId, id, ref } = claim
      const pass = { connectionId, id, ref, from: 'r1', run: 'r2', lease: 9 }
      equal(await store.passRun(pass), { status: 'refused', row: undefined })
      await store.claimRun(claim)
      includes(await store.passRun({ ...pass, ref: 2 }), { status: 'refused', row: { run: 'r1' } })
      await store.stopSubscription({ ...keyOf(claim), ref, expires })
      includes(await store.passRun(pass), { status: 'refused', row: { on: false, run: 'r1' } })
    })
    test('keeps what a poll needs with the latest claim, and removes it by a stop', async (store) => {
      const polled = { path: 'live', part: '2/4', input: '{}', piped: true, view: 'members' } as const
      const claim = claimOf({ polled })
      await store.claimSubscription(claim)
      equal(await store.readSubscriptions(claim.connectionId), [{ ...claim, on: true }])
      const { polled: _, ...next } = { ...claim, ref: claim.ref + 1 }
      await store.claimSubscription(next)
      equal(await store.readSubscription(claim.connectionId, claim.id), { ...next, on: true })
      await store.claimSubscription({ ...claim, ref: claim.ref + 2 })
      const stop = await store.stopSubscription({ ...keyOf(claim), ref: claim.ref + 2, expires })
      equal(stop, { status: 'stopped', wasLive: true, row: { ...next, ref: claim.ref + 2, on: false } })
    })
    test('does not stop a newer claim', async (store) => {
      const claim = claimOf({ ref: 5 })
      await store.claimSubscription(claim)
      const stop = await store.stopSubscription({ ...keyOf(claim), ref: 4, expires })
      equal(stop, { status: 'newer', row: { ...claim, on: true } })
    })
    test('keeps the highest ref of many concurrent claims', async (store) => {
      const claim = claimOf()
      const refs = [4, 2, 9, 1, 7, 3, 8, 5, 6]
      await Promise.all(refs.map((ref) => store.claimSubscription({ ...claim, ref, shard: ref })))
      includes(await store.readSubscription(claim.connectionId, claim.id), { ref: 9, on: true })
    })
    test('reads all rows of a connection and none of others, and distinguishes 1 from "1"', async (store) => {
      const claim = claimOf()
      for (const id of ['1', '"1"', '"a#b"']) await store.claimSubscription({ ...claim, id })
      await store.stopSubscription({ connectionId: claim.connectionId, id: '"a#b"', ref: 1, expires })
      await store.putConnection(connection({ connectionId: claim.connectionId }))
      await store.claimSubscription({ ...claim, connectionId: `${claim.connectionId}x` })
      const rows = await store.readSubscriptions(claim.connectionId)
      equal(Object.fromEntries(rows.map(({ id, on }) => [id, on])), {
        '1': true,
        '"1"': true,
        '"a#b"': false,
      })
      equal(await store.readSubscriptions(fresh('c')), [])
      equal(await store.readSubscription(claim.connectionId, '2'), undefined)
    })
    const keyOf = ({ connectionId, id }: { connectionId: string; id: string }) => ({ connectionId, id })
  })
  describe('sync states', () => {
    test('have the row and the slots at and after the position, whichever of them exist', async (store) => {
      const topic = fresh('t')
      const row = subscriber(topic, { shard: 3, id: '"a#b"', piped: { session: 's', principal: null } })
      const [one, two] = [slot(1), slot(2, { expires: past })]
      await store.putSubscriber(row)
      for (const each of [one, two]) await store.putSlot(topic, each)
      const at = (offset: number, rest = {}) => ({ ...row, offset, ...rest })
      const asked = [at(0), at(1), at(2), at(3), at(1, { shard: 0 }), at(1, { id: '1' }), at(1, { topic: fresh('t') })]
      equal(await store.readSyncStates(asked), [
        { subscriber: row, after: one },
        { subscriber: row, at: one, after: two },
        { subscriber: row, at: two },
        { subscriber: row },
        { at: one, after: two },
        { at: one, after: two },
        {},
      ])
      equal(await store.readSyncStates([]), [])
    })
    test('leave out what is not needed', async (store) => {
      const topic = fresh('t')
      const row = subscriber(topic)
      const [one, two] = [slot(1), slot(2)]
      await store.putSubscriber(row)
      for (const each of [one, two]) await store.putSlot(topic, each)
      const states = await store.readSyncStates([
        { ...row, offset: 1, needs: 'slots' },
        { ...row, offset: 1, needs: 'after' },
        { ...row, offset: 2, needs: 'after' },
        { ...row, offset: 1, needs: 'all' },
      ])
      equal(states, [{ at: one, after: two }, { after: two }, {}, { subscriber: row, at: one, after: two }])
    })
    test('have a stopped row as it is', async (store) => {
      const row = subscriber(fresh('t'))
      await store.putSubscriber(row)
      await store.stopSubscriber(row)
      equal(await store.readSyncStates([{ ...row, offset: 1 }]), [{ subscriber: { ...row, on: false } }])
    })
    test('are in the order asked, for many subscriptions of shared and of separate topics', async (store) => {
      const [shared, own] = [fresh('t'), fresh('t')]
      const rows = Array.from({ length: 120 }, (_, index) =>
        subscriber(index % 2 === 0 ? shared : `${own}-${index}`, { id: String(index) }),
      )
      await Promise.all(rows.map((row) => store.putSubscriber(row)))
      const head = slot(5)
      await store.putSlot(shared, head)
      const states = await store.readSyncStates(rows.map((row) => ({ ...row, offset: 5 })))
      equal(
        states,
        rows.map((row) => ({ subscriber: row, ...(row.topic === shared && { at: head }) })),
      )
    })
  })
}
