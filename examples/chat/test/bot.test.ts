import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const model = vi.hoisted(() => ({ allowed: 0, fails: false }))

/** The bot's model, which writes as many words as the test allows. */
vi.mock('../src/server/answer-tokens.ts', async (original) => {
  const { answerTokens } = await original<typeof import('../src/server/answer-tokens.ts')>()
  return {
    async *answerTokens(prompt: string, signal: AbortSignal) {
      let n = 0
      for await (const token of answerTokens(prompt, signal)) {
        while (n >= model.allowed && !model.fails && !signal.aborted) await new Promise((next) => setTimeout(next, 10))
        if (model.fails) throw new Error('The model is overloaded.')
        n += 1
        yield token
      }
    },
  }
})

const artefacts = join(import.meta.dirname, '../artefacts')
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }
const patience = { timeout: 20_000 }
const whole =
  'Because a push is only a hint. The log of the room has every message, and a client that missed a push reads ' +
  'the log. A lost push costs a moment and never a message.'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await mkdir(artefacts, { recursive: true })
})
beforeEach(() => {
  model.allowed = 3
  model.fails = false
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })
const annAndBob = (room: string) =>
  Promise.all([stage.open({ room, name: 'ann' }), stage.open({ room, name: 'bob' })] as const)
const answering = (page: Page) => page.locator('.message[data-state=answering] .text')
/** Waits until the page shows exactly so many words of an answer that is being written. */
const expectWords = (page: Page, count: number) =>
  expect.poll(() => answering(page).allInnerTexts(), patience).toEqual([wordsOf(whole).slice(0, count).join('')])
const wordsOf = (text: string) => text.split(/(?<=\s)/)

it('writes its answer for everybody in the room, and a page that reloads twice meanwhile shows each word once', async () => {
  const [ann, bob] = await annAndBob('ask')
  await say(bob, 'Something was slow this morning.')
  await say(ann, '/ask why is no message lost')
  for (const count of [3, 9]) {
    model.allowed = count
    await expectWords(bob, count)
    await bob.reload()
    await expectWords(bob, count)
  }
  model.allowed = 20
  for (const page of [ann, bob]) await expectWords(page, 20)
  await picture(ann, 'answering')
  await picture(bob, 'answering-others')
  model.allowed = Number.POSITIVE_INFINITY
  for (const page of [ann, bob]) {
    await expect.poll(async () => (await textsOn(page)).at(-1), patience).toBe(whole)
    expect(await textsOn(page)).toHaveLength(3)
    expect(await page.locator('.message').count()).toBe(3)
  }
  await bob.reload()
  await expect.poll(async () => (await textsOn(bob)).at(-1), patience).toBe(whole)
  await picture(ann, 'answered')
})

it('continues its answer for a person who leaves, and shows it on a second device', async () => {
  const [ann, bob] = await annAndBob('leave')
  await say(ann, '/ask why')
  await expectWords(bob, 3)
  await ann.context().close()
  const device = await stage.open({ room: 'leave', name: 'ann', colorScheme: 'dark', ...phone })
  model.allowed = 14
  await expectWords(device, 14)
  await picture(device, 'answering-phone-dark')
  model.allowed = Number.POSITIVE_INFINITY
  await expect.poll(async () => (await textsOn(device)).at(-1), patience).toBe(whole)
  await expect.poll(async () => (await textsOn(bob)).at(-1), patience).toBe(whole)
})

it('stops from another device of the person who asked, and everybody keeps the words so far', async () => {
  const [ann, bob] = await annAndBob('stop')
  await say(ann, '/ask why')
  await expectWords(bob, 3)
  expect(await bob.getByRole('button', { name: 'Stop' }).count()).toBe(0)
  const device = await stage.open({ room: 'stop', name: 'ann', ...phone })
  await expectWords(device, 3)
  await device.getByRole('button', { name: 'Stop' }).tap()
  const stopped = (page: Page) => page.locator('.message[data-state=stopped] .text')
  for (const page of [ann, bob, device]) await stopped(page).waitFor()
  await bob.reload()
  await stopped(bob).waitFor()
  for (const page of [ann, bob, device]) expect(await stopped(page).innerText()).toBe('Because a push (stopped)')
  expect(await ann.locator('.message[data-state=answering]').count()).toBe(0)
  await picture(ann, 'stopped')
})

it('says in plain words that its answer failed, and answers again on demand', async () => {
  const [ann, bob] = await annAndBob('fails')
  await say(ann, '/ask why')
  for (const page of [ann, bob]) await expectWords(page, 3)
  model.fails = true
  for (const page of [ann, bob]) await page.getByText('The answer ends here: the model is overloaded.').waitFor()
  expect(await bob.getByRole('button', { name: 'Ask again' }).count()).toBe(0)
  expect(await bob.locator('.message[data-state=failed] .text').innerText()).toBe('Because a push')
  await picture(ann, 'answer-failed')
  await ann.getByRole('button', { name: 'Ask again' }).click()
  await bob.getByText('No answer: the model is overloaded.').waitFor()
})

it('says that it was interrupted when its function was lost', async () => {
  const [ann, bob] = await annAndBob('lost')
  await say(ann, '/ask why')
  await expectWords(ann, 3)
  stage.local.faults.kill('worker')
  await stage.local.clock.advance('2m')
  for (const page of [ann, bob])
    await page.getByText('The answer ends here: the bot was interrupted.').waitFor(patience)
  await picture(bob, 'answer-lost')
})

it('shows each word once after the sockets were lost half-way', async () => {
  const [ann] = await annAndBob('again')
  await say(ann, '/ask why')
  await expectWords(ann, 3)
  stage.local.faults.cut()
  model.allowed = Number.POSITIVE_INFINITY
  await expect.poll(async () => (await textsOn(ann)).at(-1), patience).toBe(whole)
  expect(await textsOn(ann)).toHaveLength(2)
})
