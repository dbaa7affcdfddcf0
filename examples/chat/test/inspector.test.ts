import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDev, startDev } from './dev-line.ts'
import { launchChromium, say } from './stage.ts'

const artefacts = join(import.meta.dirname, '../artefacts')
const desktop = { width: 1_280, height: 800 }
const phone = { width: 360, height: 740 }
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

async function inspect(options: { readonly viewport?: typeof desktop; readonly colorScheme?: 'light' | 'dark' } = {}) {
  const page = await (await browser.newContext({ locale: 'en-GB', viewport: desktop, ...options })).newPage()
  const broken: string[] = []
  page.on('pageerror', (error) => broken.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
  await page.goto(line.inspector)
  await page.locator('#status[data-status=live]').waitFor()
  return { page, broken }
}

describe('the inspector of the chat', () => {
  it('shows two people talking while they talk, in light and dark, on a desk and on a phone', async () => {
    const { page, broken } = await inspect()
    const [ann, bob] = [await chat('ann'), await chat('bob')]
    await expect.poll(() => page.locator('#connections tr:has-text("ours")').count(), patience).toBe(2)
    await say(ann, 'hello bob')
    await bob.getByText('hello bob').waitFor()
    await page.locator('summary', { hasText: 'messages.post' }).first().waitFor()
    await page.locator('#topics tr', { hasText: 'general' }).first().waitFor()
    await page.locator('#runs tr', { hasText: 'websocket' }).first().waitFor()
    await expect.poll(() => page.locator('#per-hour').innerText(), patience).not.toMatch(/–|\$0\.000000/)
    await page.screenshot({ path: join(artefacts, 'inspector-light.png') })
    await page.locator('summary', { hasText: 'mutation' }).first().press('Enter')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.screenshot({ path: join(artefacts, 'inspector-dark.png') })
    await page.setViewportSize(phone)
    await page.screenshot({ path: join(artefacts, 'inspector-phone-dark.png') })
    await page.emulateMedia({ colorScheme: 'light' })
    await page.screenshot({ path: join(artefacts, 'inspector-phone-light.png'), fullPage: true })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(phone.width)
    expect(broken).toEqual([])
  })

  it('opens a frame by keyboard, shows its JSON, and filters and holds the log', async () => {
    const { page } = await inspect()
    const ann = await chat('carol')
    await say(ann, 'find me')
    const row = page.locator('details[data-search*=mutation][data-search*="find me"]')
    await row.waitFor()
    await row.locator('summary').focus()
    await page.keyboard.press('Enter')
    await row.locator('pre', { hasText: '"path": "messages.post"' }).waitFor()
    await page.getByLabel('Show only frames').fill('nothing has this')
    await row.waitFor({ state: 'hidden' })
    await page.getByLabel('Show only frames').fill('messages.post')
    await row.waitFor()
    await page.getByRole('button', { name: 'Pause' }).press('Enter')
    const before = await page.locator('details').count()
    await say(ann, 'held back')
    await ann.getByText('held back').waitFor()
    expect(await page.locator('details').count()).toBe(before)
    await page.getByRole('button', { name: 'Pause' }).press('Enter')
    await page.getByLabel('Show only frames').fill('held back')
    await page.locator('details:visible').first().waitFor()
  })

  it('cuts the sockets of the chat, which comes back, and slows its answers', async () => {
    const { page } = await inspect()
    const ann = await chat('dan')
    const ids = () =>
      page.locator('#connections .code[title]').evaluateAll((cells) => cells.map((one) => one.getAttribute('title')))
    await expect.poll(async () => (await ids()).length, patience).toBeGreaterThan(0)
    const before = await ids()
    await page.getByRole('button', { name: 'Cut all sockets' }).click()
    await expect
      .poll(async () => (await ids()).filter((id) => !before.includes(id)).length, patience)
      .toBeGreaterThan(0)
    await ann.locator('.badge[data-status=open]').waitFor()
    await page.getByRole('button', { name: 'Delay answers' }).click()
    await page.locator('#delay[aria-pressed=true]').waitFor()
    await page.getByRole('button', { name: 'Delay answers' }).click()
    await page.locator('#delay[aria-pressed=false]').waitFor()
    await say(ann, 'still here')
    await ann.locator('.message[data-state=sent]', { hasText: 'still here' }).waitFor()
  })
})
