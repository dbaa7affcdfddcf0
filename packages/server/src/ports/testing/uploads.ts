import { equal, includes } from './assertions.ts'
import { expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of large messages. */
export function uploadLaws({ describe, test }: SuiteRunner): void {
  describe('large messages', () => {
    const named = () => ({ connectionId: fresh('c'), message: fresh('m') })
    const declared = { of: 3, bytes: 9_000, expires }
    test('puts a part once and takes the same text again for its own [TL-CHUNK-6]', async (store) => {
      const part = { ...named(), part: 0, text: 'ünï"🦊', expires }
      equal(await store.putPart(part), 'put')
      equal(await store.putPart(part), 'put')
      equal(await store.putPart({ ...part, text: 'other' }), 'differs')
      equal(await store.readParts(part.connectionId, part.message, 1), [part.text])
    })
    test('reads parts in their order, with undefined for holes', async (store) => {
      const { connectionId, message } = named()
      for (const part of [2, 0]) await store.putPart({ connectionId, message, part, text: `t${part}`, expires })
      equal(await store.readParts(connectionId, message, 4), ['t0', undefined, 't2', undefined])
    })
    test('reads more parts of 30 KB than one request can return', async (store) => {
      const { connectionId, message } = named()
      const texts = Array.from({ length: 130 }, (_, part) => String(part).padEnd(30_000, 'x'))
      await Promise.all(texts.map((text, part) => store.putPart({ connectionId, message, part, text, expires })))
      equal(await store.readParts(connectionId, message, 130), texts)
    })
    test('keeps the parts of two connections and of two messages apart [TL-CHUNK-7]', async (store) => {
      const [one, other] = [named(), named()]
      await store.putPart({ ...one, part: 0, text: 'one', expires })
      await store.notePart({ ...one, ...declared, part: 0 })
      equal(await store.readParts(other.connectionId, one.message, 1), [undefined])
      equal(await store.readParts(one.connectionId, other.message, 1), [undefined])
      const { row } = await store.notePart({ ...one, connectionId: other.connectionId, ...declared, part: 1 })
      equal(row.noted, 1)
    })
    test('notes each part once in any order and keeps what the first one declared', async (store) => {
      const name = named()
      const note = (part: number, rest = {}) => store.notePart({ ...name, ...declared, ...rest, part })
      equal(await note(2), { status: 'noted', row: { ...name, ...declared, noted: 1 } })
      equal(await note(0, { expires: expires + 9 }), {
        status: 'noted',
        row: { ...name, ...declared, noted: 2 },
      })
      equal((await note(2)).row.noted, 2)
      equal((await note(1)).row.noted, 3)
    })
    test('refuses a note that declares another count or other bytes [TL-CHUNK-6]', async (store) => {
      const name = named()
      await store.notePart({ ...name, ...declared, part: 0 })
      const refused = { status: 'refused', row: { ...name, ...declared, noted: 1 } }
      equal(await store.notePart({ ...name, ...declared, of: 2, part: 1 }), refused)
      equal(await store.notePart({ ...name, ...declared, bytes: 9_001, part: 1 }), refused)
    })
    const open = { until: 5, expires, max: 2, over: [] }
    test('opens as many messages of a connection as may be, and each once [TL-CHUNK-12]', async (store) => {
      const connectionId = fresh('c')
      const opens = (message: string, rest = {}) => store.openUpload({ connectionId, message, ...open, ...rest })
      equal(await opens('a'), { status: 'opened' })
      equal(await opens('a', { until: 9 }), { status: 'refused', open: [{ message: 'a', until: 5 }] })
      equal(await opens('b "ü#1'), { status: 'opened' })
      const both = [
        { message: 'a', until: 5 },
        { message: 'b "ü#1', until: 5 },
      ]
      equal(await opens('c'), { status: 'refused', open: both })
      equal(await store.openUpload({ connectionId: fresh('c'), message: 'c', ...open }), { status: 'opened' })
      await store.closeUpload({ connectionId, message: 'a' })
      await store.closeUpload({ connectionId, message: 'a' })
      equal(await opens('c'), { status: 'opened' })
      equal((await opens('d')).status, 'refused')
    })
    test('gives the last places of open messages to as many of several writers as there are', async (store) => {
      const connectionId = fresh('c')
      const opens = Array.from({ length: 8 }, (_, n) => store.openUpload({ connectionId, message: `m${n}`, ...open }))
      equal((await Promise.all(opens)).filter(({ status }) => status === 'opened').length, 2)
    })
    test('removes overdue messages only with the times that were read', async (store) => {
      const connectionId = fresh('c')
      for (const message of ['a', 'b']) await store.openUpload({ connectionId, message, ...open })
      const overdue = (until: number) => ['a', 'b'].map((message) => ({ message, until }))
      const late = { connectionId, message: 'a', ...open, until: 9 }
      equal(await store.openUpload({ ...late, over: overdue(4) }), { status: 'refused', open: overdue(5) })
      equal(await store.openUpload({ ...late, over: overdue(5) }), { status: 'opened' })
      const refused = await store.openUpload({ ...late, message: 'a' })
      equal(refused, { status: 'refused', open: [{ message: 'a', until: 9 }] })
    })
    test('lets one owner claim a message, also again [TL-CHUNK-5]', async (store) => {
      const name = named()
      equal(await store.claimUpload({ ...name, owner: 'a' }), 'taken') // no row exists
      await store.notePart({ ...name, ...declared, part: 0 })
      const owners = Array.from({ length: 8 }, (_, n) => `o${n}`)
      const claims = await Promise.all(owners.map((owner) => store.claimUpload({ ...name, owner })))
      equal(claims.filter((claim) => claim === 'claimed').length, 1)
      const owner = owners[claims.indexOf('claimed')] ?? ''
      equal(await store.claimUpload({ ...name, owner }), 'claimed')
      includes((await store.notePart({ ...name, ...declared, part: 1 })).row, { owner, noted: 2 })
    })
  })
}
