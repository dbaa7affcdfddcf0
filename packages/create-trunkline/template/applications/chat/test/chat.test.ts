import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorize, createContext } from '../src/server/auth.ts'
import { line, messages } from '../src/server/line.ts'
import { type AppRouter, appRouter } from '../src/server/router.ts'
import { joinChat } from '../src/web/join-chat.ts'

/** Where days pass, a page tries to connect once a day, and not every 30 s. */
const rareRetries = { minMs: 80_000_000, maxMs: 86_400_000 }

const startLine = () => startLocalLine({ router: appRouter, line, authorize, createContext })

let local: LocalLine<AppRouter>
beforeAll(async () => {
  local = await startLine()
})
afterAll(() => local.close())

/** A page of one person, without a browser. */
async function open(room: string, name: string, on = local) {
  const { client, connection } = on.connect({ token: () => name, ...(on !== local && { backoff: rareRetries }) })
  const chat = joinChat(client, room, name)
  const state = () => chat.state.get()
  await expect.poll(state).toMatchObject({ rows: expect.any(Array), members: expect.arrayContaining([name]) })
  const texts = () => state().rows?.map((row) => (row.kind === 'gap' ? '(gap)' : `${row.author}: ${row.text}`))
  return { ...chat, connection, texts, members: () => state().members, typists: () => state().typists, state }
}

const publish = (room: string, text: string, on = local) =>
  on.run(() => messages.publish({ room }, { id: crypto.randomUUID(), author: 'script', text, at: Date.now() }))

test('a message has its author, and its draft ends when it arrives', async () => {
  const [ann, bob] = [await open('talk', 'Ann'), await open('talk', 'Zoë')]
  ann.post('Hello')
  expect(ann.state().drafts).toMatchObject([{ text: 'Hello', problem: null }])
  for (const page of [ann, bob]) await expect.poll(page.texts).toEqual(['Ann: Hello'])
  expect(ann.state().drafts).toEqual([])
})

test('the members of a room are its people, once each, and one who leaves is gone', async () => {
  const ann = await open('people', 'Ann')
  const [bob, second] = [await open('people', 'Bob'), await open('people', 'Bob')]
  await expect.poll(ann.members).toEqual(['Ann', 'Bob'])
  await bob.connection.close()
  await second.connection.close()
  await local.clock.advance('1m')
  await expect.poll(ann.members).toEqual(['Ann'])
})

test('others see who is typing, until the message arrives', async () => {
  const [ann, bob] = [await open('typing', 'Ann'), await open('typing', 'Bob')]
  await expect
    .poll(() => {
      ann.announceTyping()
      return bob.typists()
    })
    .toEqual(['Ann'])
  ann.post('Done')
  await expect.poll(bob.typists).toEqual([])
})

test('older messages are loaded before the first one', async () => {
  for (let n = 1; n <= 35; n++) await publish('history', `${n}`)
  const ann = await open('history', 'Ann')
  expect(ann.texts()?.[0]).toBe('script: 6')
  await ann.loadOlder()
  expect(ann.texts()).toHaveLength(35)
  expect(ann.texts()?.[0]).toBe('script: 1')
  expect(ann.state().older).toBeNull()
})

test('a page whose connection was lost has each message once', async () => {
  const ann = await open('lost', 'Ann')
  await publish('lost', 'one')
  await expect.poll(ann.texts).toEqual(['script: one'])
  local.faults.cut(ann.connection)
  await publish('lost', 'two')
  await expect.poll(ann.texts).toEqual(['script: one', 'script: two'])
})

test('a page shows a gap where messages expired before it was back', async () => {
  await using own = await startLine() // its clock is put forward by days
  const ann = await open('gap', 'Ann', own)
  await publish('gap', 'seen', own)
  await expect.poll(ann.texts).toEqual(['script: seen'])
  {
    using _offline = own.faults.on('connect', 'fail')
    own.faults.cut(ann.connection)
    await publish('gap', 'missed', own)
    await own.clock.advance('8d') // a message is kept for seven
    await publish('gap', 'later', own)
  }
  ann.connection.retryNow()
  await expect.poll(ann.texts).toEqual(['script: seen', '(gap)', 'script: later'])
})

test('a caller without a name is refused', async () => {
  const { client } = local.connect({ token: () => ' ' })
  await expect(client.typing.mutate({ room: 'x' })).rejects.toThrow('Choose a name')
})
