import { defined } from '@trunkline/protocol'
import { equal, ok } from './assertions.ts'
import { expires, fresh, presence } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of presence. */
export function presenceLaws({ describe, test }: SuiteRunner): void {
  describe('presence', () => {
    test('puts a member once where none exists and reads back the whole row', async (store) => {
      const topic = fresh('t')
      const first = presence(topic)
      equal(await store.putPresence(first, undefined), { status: 'put' })
      equal(await store.readPresence(topic, 'ann'), first)
      equal(await store.putPresence(presence(topic), undefined), { status: 'conflict', row: first })
    })
    test('reports a put that is repeated after a lost answer as put', async (store) => {
      const topic = fresh('t')
      const first = presence(topic)
      await store.putPresence(first, undefined)
      equal(await store.putPresence(first, undefined), { status: 'put' })
    })
    test('puts a member over the write that it replaces and over no other', async (store) => {
      const topic = fresh('t')
      const first = presence(topic)
      const second = presence(topic, { v: 2, pending: false, epoch: 'e1' })
      await store.putPresence(first, undefined)
      equal(await store.putPresence(second, first.mark), { status: 'put' })
      equal(await store.putPresence(presence(topic, { v: 2 }), first.mark), {
        status: 'conflict',
        row: second,
      })
      equal(await store.readPresence(topic, 'ann'), second)
    })
    test('puts nothing over a row that does not exist', async (store) => {
      equal(await store.putPresence(presence(fresh('t')), 'gone'), { status: 'conflict', row: undefined })
    })
    test('deletes the row of one write and keeps that of another', async (store) => {
      const topic = fresh('t')
      const row = presence(topic)
      await store.putPresence(row, undefined)
      equal(await store.deletePresence({ ...row, mark: 'other' }), { status: 'conflict', row })
      equal(await store.deletePresence(row), { status: 'deleted' })
      equal(await store.deletePresence(row), { status: 'deleted' })
      equal(await store.readPresence(topic, 'ann'), undefined)
    })
    test('reads the members of one topic page by page', async (store) => {
      const topic = fresh('t')
      const members = ['ann', 'bob', 'cy', '#', 'M#x']
      for (const member of members) await store.putPresence(presence(topic, { member }), undefined)
      await store.putPresence(presence(`${topic}2`, { member: 'dee' }), undefined)
      await store.moveSweep(topic, { from: 0, to: 5, expires })
      const seen: string[] = []
      for (let from: string | undefined, more = true; more; more = from !== undefined) {
        const page = await store.readPresences(topic, defined({ limit: 2, from }))
        ok(page.rows.length <= 2)
        seen.push(...page.rows.map(({ member }) => member))
        from = page.next
      }
      equal(seen.sort(), members.sort())
    })
    test('puts the row of a session over one of a ref that is not higher, and over no other', async (store) => {
      const row = { topic: fresh('t'), entry: 's.1', member: 'ann', ref: 2, expires }
      await store.putPresenceSession(row)
      await store.putPresenceSession(row)
      await store.putPresenceSession({ ...row, ref: 1, member: 'bob' })
      equal(await store.readPresenceSessions(row.topic, 's.', 9), [row])
      await store.putPresenceSession({ ...row, ref: 3, member: 'bob' })
      equal(await store.readPresenceSessions(row.topic, 's.', 9), [{ ...row, ref: 3, member: 'bob' }])
    })
    test('deletes the row of a session of the same member whose ref is not higher, and no other', async (store) => {
      const row = { topic: fresh('t'), entry: 's.1', member: 'ann', ref: 2 }
      const put = { ...row, expires }
      await store.putPresenceSession(put)
      await store.deletePresenceSession({ ...row, ref: 1 })
      await store.deletePresenceSession({ ...row, member: 'bob', ref: 3 })
      equal(await store.readPresenceSessions(row.topic, 's.', 9), [put])
      await store.deletePresenceSession(row)
      await store.deletePresenceSession(row)
      equal(await store.readPresenceSessions(row.topic, 's.', 9), [])
    })
    test('reads the rows of sessions by the beginning of their names, at most as many as asked', async (store) => {
      const row = { topic: fresh('t'), entry: 's.1', member: 'ann', ref: 1, expires }
      const rows = ['s.1', 's.2', 's.3'].map((entry) => ({ ...row, entry }))
      for (const each of [...rows, { ...row, entry: 't.1' }]) await store.putPresenceSession(each)
      await store.putPresence(presence(row.topic, { member: 's.9' }), undefined)
      equal(await store.readPresenceSessions(row.topic, 's.', 9), rows)
      equal(await store.readPresenceSessions(row.topic, 's.', 2), rows.slice(0, 2))
    })
  })
}
