import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { UIMessageChunk } from 'ai'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { ready, type Stage, setStage } from './stage.ts'

const model = vi.hoisted(() => ({ allowed: 0, fails: false }))

/** The model, which yields as many words and results as the test allows. */
vi.mock('../src/server/model.ts', async (original) => {
  const { answer } = await original<typeof import('../src/server/model.ts')>()
  return {
    async *answer(question: string, signal: AbortSignal): AsyncGenerator<UIMessageChunk> {
      let n = 0
      for await (const chunk of answer(question, signal)) {
        if (chunk.type === 'text-delta' || chunk.type === 'tool-output-available') n += 1
        while (n > model.allowed && !model.fails && !signal.aborted) await new Promise((next) => setTimeout(next, 10))
        if (model.fails) throw new Error('The model is overloaded')
        if (signal.aborted) return
        yield chunk
      }
    },
  }
})

const artefacts = join(import.meta.dirname, '../artefacts')
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }
const patience = { timeout: 20_000 }
const whole =
  'Because the answer is a stream of its own. A function writes it into a log, and each page reads the log from ' +
  'its first word. So a reload loses nothing, another device shows the same, and a closed tab stops nothing.'
const words = (count: number) =>
  whole
    .split(/(?<=\s)/)
    .slice(0, count)
    .join('')

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await mkdir(artefacts, { recursive: true })
})
beforeEach(() => {
  model.allowed = 0
  model.fails = false
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Your question').fill(question)
  await page.keyboard.press('Enter')
}
const answers = (page: Page) => page.locator('.message[data-role=assistant]')
const expectAnswer = (page: Page, text: string) =>
  expect.poll(() => answers(page).locator('.text').allTextContents(), patience).toEqual([text])
const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })

it('continues an answer after two reloads and in a second tab, each word once', async () => {
  const ann = await stage.open('reload')
  const tab = await stage.open('reload', { colorScheme: 'dark', ...phone }) // open before the question
  await ask(ann, 'Why does an answer survive a reload?')
  for (const count of [3, 9]) {
    model.allowed = count
    await expectAnswer(ann, words(count))
    await ann.reload()
    await ready(ann)
    await expectAnswer(ann, words(count))
  }
  model.allowed = 20
  for (const page of [ann, tab]) await expectAnswer(page, words(20))
  await picture(ann, 'writing-light')
  await picture(tab, 'writing-phone-dark')
  model.allowed = Number.POSITIVE_INFINITY
  for (const page of [ann, tab]) await expectAnswer(page, whole)
  const late = await stage.open('reload')
  for (const page of [ann, tab, late]) {
    await page.locator('.message[data-state=complete]').waitFor()
    expect(await page.locator('.message').count()).toBe(2)
  }
  await expectAnswer(late, whole)
})

it('stops from the other tab, and both keep the words so far, also after a reload', async () => {
  const [ann, tab] = await Promise.all([stage.open('stop'), stage.open('stop')])
  await ask(ann, 'Why?')
  model.allowed = 3
  for (const page of [ann, tab]) await expectAnswer(page, words(3))
  await tab.getByRole('button', { name: 'Stop' }).click()
  for (const page of [ann, tab]) await page.getByText('This answer was not completed.').waitFor()
  await ann.reload()
  await ready(ann)
  for (const page of [ann, tab]) {
    await expectAnswer(page, words(3))
    expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0)
  }
  const status = await stage.local.run(async () => {
    const { answers: streams, turns } = await import('../src/server/chats.ts')
    const { events } = await turns.read({ chat: 'stop' })
    return streams.status({ chat: 'stop', turn: events[0]?.data.id ?? '' })
  })
  expect(status).toMatchObject({ state: 'closed', outcome: { type: 'stopped' } })
})

it('writes on when the tab that asked is closed', async () => {
  const [ann, tab] = await Promise.all([stage.open('closed'), stage.open('closed')])
  await ask(ann, 'Why?')
  model.allowed = 3
  await expectAnswer(tab, words(3))
  await ann.context().close()
  model.allowed = Number.POSITIVE_INFINITY
  await expectAnswer(tab, whole)
})

it('shows the use of a tool, while it runs and with its result, also after a reload', async () => {
  const ann = await stage.open('tool', { colorScheme: 'dark' })
  await ask(ann, 'What is the weather in Paris?')
  await ann.locator('.tool[data-state=input-available]').waitFor()
  expect(await ann.locator('.tool').innerText()).toMatch(/weather\s+{"city":"Paris"}\s+running…/)
  await ann.reload()
  await ready(ann)
  await ann.locator('.tool[data-state=input-available]').waitFor()
  model.allowed = Number.POSITIVE_INFINITY
  await ann.locator('.tool[data-state=output-available]').waitFor()
  expect(await ann.locator('.tool').innerText()).toMatch(/weather\s+{"city":"Paris"}\s+{"degrees":17}/)
  await ann.locator('.message[data-state=complete]').waitFor()
  await picture(ann, 'tool-dark')
  const small = await stage.open('tool', phone)
  await small.locator('.message[data-state=complete]').waitFor()
  expect(await small.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  await picture(small, 'tool-phone-light')
})

it('says in plain words that an answer failed or was cut off', async () => {
  const ann = await stage.open('failed')
  await ask(ann, 'Why?')
  model.allowed = 3
  await expectAnswer(ann, words(3))
  model.fails = true
  await ann.getByText('It failed: The model is overloaded.').waitFor()
  await ann.getByText('This answer was not completed.').waitFor()
  await picture(ann, 'failed')
  model.fails = false
  const bob = await stage.open('lost')
  await ask(bob, 'Why?')
  await expectAnswer(bob, words(3))
  stage.local.faults.kill('worker')
  await stage.local.clock.advance('2m')
  await bob.getByText('The answer was cut off, because the function that wrote it was lost.').waitFor(patience)
})
