import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDev, startDev } from './dev-line.ts'
import { launchChromium, say } from './stage.ts'

const artefacts = join(import.meta.dirname, '../artefacts')
const desktop = { width: 1_280, height: 800 }
const phone = { width: 390, height: 844 }
const patience = { timeout: 20_000 }

let line: RunningDev
let browser: Browser
beforeAll(async () => {
  line = await startDev()
  browser = await launchChromium()
  await mkdir(artefacts, { recursive: true })
})
afterAll(async () => {
  await browser.close()
  await line[Symbol.asyncDispose]()
})

async function chat(name: string): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'en-GB' })).newPage()
  await page.goto(`${line.page}/#general`)
  await page.getByLabel('Your name').fill(name)
  await page.keyboard.press('Enter')
  await page.locator('.badge[data-status=open]').waitFor()
  return page
}

async function inspect() {
  const page = await (await browser.newContext({ locale: 'en-GB', viewport: desktop })).newPage()
  const broken: string[] = []
  page.on('pageerror', (error) => broken.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
  await page.goto(line.inspector)
  await page.locator('#status[data-status=live]').waitFor()
  return { page, broken }
}

const rows = (page: Page, text: string) => page.locator('#list-panel .space .row', { hasText: text })

async function show(page: Page, list: string, search = ''): Promise<void> {
  await page.getByRole('tab', { name: new RegExp(`^${list}`) }).click()
  if (search !== '') await page.getByLabel(`Search ${list.toLowerCase()}`).fill(search)
}

describe('the inspector of the chat', () => {
  it('shows two people talking, in light and dark, on a desk and on a phone', async () => {
    const { page, broken } = await inspect()
    const [ann, bob] = [await chat('ann'), await chat('bob')]
    await show(page, 'Connections')
    await expect.poll(() => rows(page, 'Trunkline').count(), patience).toBe(2)
    await say(ann, 'hello bob')
    await bob.getByText('hello bob').waitFor()
    await show(page, 'Presence')
    await rows(page, 'general').first().click()
    await page.locator('#item').getByText('ann').first().waitFor()
    await show(page, 'Topics')
    await rows(page, 'general').first().click()
    await page.locator('#item pre', { hasText: 'hello bob' }).waitFor()
    await expect.poll(() => page.locator('#per-hour').innerText(), patience).not.toMatch(/–|\$0\.000000/)
    await show(page, 'Frames', 'messages.post')
    await rows(page, 'mutation').first().click()
    await page.getByRole('heading', { name: 'Runs of the call' }).waitFor()
    await page.screenshot({ path: join(artefacts, 'inspector-light.png') })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.screenshot({ path: join(artefacts, 'inspector-dark.png') })
    await page.setViewportSize(phone)
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByLabel('Search frames').fill('')
    await rows(page, 'hello').first().waitFor()
    await page.screenshot({ path: join(artefacts, 'inspector-phone-dark.png') })
    await page.emulateMedia({ colorScheme: 'light' })
    await page.screenshot({ path: join(artefacts, 'inspector-phone-light.png') })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(phone.width)
    expect(broken).toEqual([])
  })

  it('leads from a call to its run, and back', async () => {
    const { page, broken } = await inspect()
    const carol = await chat('carol')
    await say(carol, 'find me')
    await show(page, 'Frames', 'mutation "find me"')
    await rows(page, 'messages.post').first().click()
    await page.locator('#item pre', { hasText: '"path": "messages.post"' }).waitFor()
    await page
      .getByRole('button', { name: /^Run \d+$/ })
      .first()
      .click()
    await page.getByRole('heading', { name: 'Run of websocket' }).waitFor()
    await page
      .getByRole('button', { name: /^Frame \d+$/ })
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('heading', { name: /^Frame \d+$/ }).waitFor()
    expect(broken).toEqual([])
  })

  it('calls a procedure as a person who is connected', async () => {
    const { page } = await inspect()
    const erin = await chat('erin')
    await show(page, 'Procedures', 'messages.post')
    await rows(page, 'messages.post').first().click()
    await page.getByLabel('Call as').selectOption({ label: await optionOf(page, 'erin') })
    await page.getByLabel('room', { exact: true }).fill('general')
    await page.getByLabel('id', { exact: true }).fill(crypto.randomUUID())
    await page.getByLabel('text', { exact: true }).fill('from the inspector')
    await page.getByRole('button', { name: 'Run the mutation' }).click()
    await page.getByText('Answered.').first().waitFor()
    await erin.getByText('from the inspector').first().waitFor()
  })

  it('cuts the sockets of the chat, which comes back, and delays its answers', async () => {
    const { page } = await inspect()
    const dan = await chat('dan')
    await show(page, 'Connections', 'dan')
    const id = () => rows(page, 'dan').first().locator('[title]').first().getAttribute('title')
    await rows(page, 'dan').first().waitFor()
    const before = await id()
    await show(page, 'Faults')
    await page.getByRole('button', { name: 'Cut all sockets' }).click()
    await show(page, 'Connections')
    await expect.poll(id, patience).not.toBe(before)
    await dan.locator('.badge[data-status=open]').waitFor()
    await show(page, 'Faults')
    await page.getByRole('button', { name: 'Delay answers 2 s' }).click()
    await page.getByRole('button', { name: /^Remove answer: delay/ }).click()
    await page.getByText('The fault is removed.').first().waitFor()
    await say(dan, 'still here')
    await dan.locator('.message[data-state=sent]', { hasText: 'still here' }).waitFor()
  })
})

/** The label of the option that calls as this person. */
async function optionOf(page: Page, name: string): Promise<string> {
  const option = page.getByLabel('Call as').locator('option', { hasText: `${name}, as connection` })
  await option.first().waitFor({ state: 'attached' })
  return option.first().innerText()
}
