import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInspectorHttp } from '../inspector/http.ts'
import { serveInspector } from './serve-inspector.ts'
import { type InspectedStage, startInspectedStage, topic } from './stage.suite.ts'
import { StageSource } from './stage-source.ts'

const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
const more = ['--disable-component-update', '--disable-sync', '--no-first-run']
describe.skipIf(!existsSync(executablePath))('the page of a stage', () => {
  let browser: Browser
  let inspected: InspectedStage
  let served: Awaited<ReturnType<typeof serveInspector>>
  beforeAll(async () => {
    inspected = await startInspectedStage()
    const { stage } = inspected
    served = await serveInspector(createInspectorHttp(new StageSource({ stage, store: (await stage.backend()).store })))
    browser = await chromium.launch({ executablePath, args: [...flags, ...more] })
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await inspected?.[Symbol.asyncDispose]()
  })

  it('opens by its address, finds what is searched, and offers no action', async () => {
    const now = Date.now()
    const lines = ['START RequestId: r-1', '{"path":"post","code":"CONFLICT","level":"WARN"}', report]
    const toEvent = (message: string) => ({ timestamp: now - 60_000, message, logStreamName: 's' })
    inspected.account.logs.set('/aws/lambda/shop-prod-websocket', lines.map(toEvent))
    const page = await (await browser.newContext({ viewport: { width: 1_280, height: 800 } })).newPage()
    const broken: string[] = []
    page.on('pageerror', (error) => broken.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
    const search = async (tab: string, text: string) => {
      await page.getByRole('tab', { name: tab }).click()
      await page.getByRole('searchbox').first().fill(text)
    }
    const row = (text: string) => page.getByRole('row').filter({ hasText: text }).first()

    await page.goto(served.address)
    await page.locator('#status[data-status=live]').waitFor()
    expect(page.url()).not.toContain('token')
    await row('CONFLICT').click()
    await page.getByText('"level":"WARN"').waitFor()
    await search('Connections', 'ann')
    await row('ann').click()
    await page.getByText('ann@example.com').waitFor()
    await search('Topics', topic)
    await row('chat.messages').click()
    await page.getByText('message 60').first().waitFor()
    expect(await page.getByText(/hunter2|secret-token/).count()).toBe(0)
    for (const action of ['Publish', 'Kick', 'Cut', 'Call', 'Add a fault'])
      expect([action, await page.getByRole('button', { name: action }).count()]).toEqual([action, 0])
    expect(broken).toEqual([])
  })
})

const report = 'REPORT RequestId: r-1\tDuration: 5.00 ms\tBilled Duration: 5 ms\t'
