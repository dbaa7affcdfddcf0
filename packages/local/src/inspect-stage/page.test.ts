import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInspectorHttp } from '../inspector/http.ts'
import { serveInspector } from './serve-inspector.ts'
import { type InspectedStage, startInspectedStage } from './stage.suite.ts'
import { StageSource } from './stage-source.ts'

const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
const more = ['--disable-component-update', '--disable-sync', '--no-first-run']
const topic = 'chat.messages?room=s:7'

describe.skipIf(!existsSync(executablePath))('the page of a stage', () => {
  let browser: Browser
  let inspected: InspectedStage
  let served: Awaited<ReturnType<typeof serveInspector>>
  beforeAll(async () => {
    inspected = await startInspectedStage()
    const { stage } = inspected
    served = await serveInspector(createInspectorHttp(new StageSource({ stage, store: (await stage.backend()).store })))
    browser = await chromium.launch({ executablePath, args: [...flags, ...more] })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await inspected?.[Symbol.asyncDispose]()
  })

  it('opens by its address, searches and opens rows, and offers no action', async () => {
    const page = await (await browser.newContext({ viewport: { width: 1_280, height: 800 } })).newPage()
    const broken: string[] = []
    page.on('pageerror', (error) => broken.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
    await page.goto(served.address)
    await page
      .locator('#status[data-status=live]')
      .waitFor({ timeout: 8000 })
      .catch((e) => console.log(broken, e))
    console.log(page.url(), await page.locator('body').innerText())
    await page.screenshot({ path: '/tmp/inspect-1.png' })
    await page.getByRole('tab', { name: /connections/i }).click()
    await page.getByRole('searchbox').first().fill('ann')
    await page.getByText('ann', { exact: true }).first().waitFor()
    await page.screenshot({ path: '/tmp/inspect-2.png' })
    await page.getByText('ann', { exact: true }).first().click()
    await page.getByText('ann@example.com').waitFor()
    await page.screenshot({ path: '/tmp/inspect-3.png' })
    await page.getByRole('tab', { name: /topics/i }).click()
    await page.getByRole('searchbox').first().fill(topic)
    await page.getByText(topic).first().click()
    await page.getByText('message 60').first().waitFor()
    await page.screenshot({ path: '/tmp/inspect-4.png' })
    console.log(await page.getByRole('button').allInnerTexts())
    expect(broken).toEqual([])
  }, 60_000)
})
