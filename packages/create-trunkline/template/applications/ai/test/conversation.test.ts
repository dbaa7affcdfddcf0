import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { line } from '../src/server/line.ts'
import { type AppRouter, appRouter } from '../src/server/router.ts'
import { followConversation } from '../src/web/follow-conversation.ts'

let local: LocalLine<AppRouter>
beforeAll(async () => {
  local = await startLocalLine({ router: appRouter, line })
})
afterAll(() => local.close())

/** A page of a conversation, without a browser. */
function open(name: string) {
  const { client, connection } = local.connect()
  const conversation = followConversation(client, name)
  return { ...conversation, connection, exchanges: () => conversation.state.get().exchanges }
}

const complete = { question: 'Why?', answer: expect.stringMatching(/^Because .+ stops nothing\.$/), isWriting: false }
const begun = { question: 'Why?', answer: expect.stringMatching(/^Because /), isWriting: true }

test('an answer is on every page, and on one that is opened later', async () => {
  const [ann, tab] = [open('all'), open('all')]
  ann.ask('Why?')
  for (const page of [ann, tab]) await expect.poll(page.exchanges).toMatchObject([begun])
  for (const page of [ann, tab]) await expect.poll(page.exchanges).toMatchObject([complete])
  const late = open('all')
  await expect.poll(late.exchanges).toMatchObject([complete])
})

test('an answer goes on when the page that asked is closed, and a reload shows it from its first word', async () => {
  const ann = open('reload')
  ann.ask('Why?')
  await expect.poll(ann.exchanges).toMatchObject([begun])
  await ann.connection.close()
  const reloaded = open('reload')
  await expect.poll(reloaded.exchanges).toMatchObject([complete])
})

test('Stop on one page ends the answer on all, and keeps its words', async () => {
  const [ann, tab] = [open('stop'), open('stop')]
  ann.ask('Why?')
  await expect.poll(tab.exchanges).toMatchObject([begun])
  tab.stop(tab.exchanges()?.[0]?.id ?? '')
  for (const page of [ann, tab])
    await expect
      .poll(page.exchanges)
      .toMatchObject([
        { answer: expect.stringMatching(/^Because /), isWriting: false, problem: 'This answer was stopped.' },
      ])
})
