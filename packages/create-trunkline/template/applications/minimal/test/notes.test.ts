import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { line } from '../src/server/line.ts'
import { type AppRouter, appRouter } from '../src/server/router.ts'
import { followNotes } from '../src/web/follow-notes.ts'

let local: LocalLine<AppRouter>
beforeAll(async () => {
  local = await startLocalLine({ router: appRouter, line })
})
afterAll(() => local.close())

/** A page in the room, without a browser. */
function open(room: string) {
  const { client, connection } = local.connect()
  const notes = followNotes(client, room)
  return { client, connection, texts: () => notes.get().notes?.map(({ text }) => text) }
}

test('a note reaches every page in its room, and no other', async () => {
  const [ann, bob, other] = [open('kitchen'), open('kitchen'), open('cellar')]
  await ann.client.post.mutate({ room: 'kitchen', text: 'The soup is ready' })
  for (const page of [ann, bob]) await expect.poll(page.texts).toEqual(['The soup is ready'])
  await expect.poll(other.texts).toEqual([])
})

test('a page that lost its connection has each note once', async () => {
  const [ann, bob] = [open('garden'), open('garden')]
  await ann.client.post.mutate({ room: 'garden', text: 'one' })
  await expect.poll(bob.texts).toEqual(['one'])
  local.faults.cut(bob.connection)
  await ann.client.post.mutate({ room: 'garden', text: 'two' })
  await expect.poll(bob.texts).toEqual(['one', 'two'])
})

test('an empty note is refused', async () => {
  await expect(open('attic').client.post.mutate({ room: 'attic', text: ' ' })).rejects.toThrow()
})
