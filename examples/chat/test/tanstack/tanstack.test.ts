import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Issuer, startIssuer } from '../../src/issuer/issuer.ts'
import { createAuthorize, createContext } from '../../src/server/auth.ts'
import { line, messages } from '../../src/server/channels.ts'
import { type AppRouter, appRouter } from '../../src/server/router.ts'
import { type PageServer, servePage } from '../page-server.ts'
import { launchChromium } from '../stage.ts'

const patience = { timeout: 20_000 }

let folder: string
let pages: PageServer
let issuer: Issuer
let local: LocalLine<AppRouter>
let browser: Browser
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-tanstack-'))
  const config = { configFile: join(import.meta.dirname, '../../vite.config.ts'), root: import.meta.dirname }
  await build({ ...config, logLevel: 'error', build: { outDir: folder } })
  issuer = await startIssuer()
  pages = await servePage(folder, {
    'line.json': () => ({ url: local.url }),
    'issuer.json': () => ({ url: issuer.url }),
  })
  const authorize = createAuthorize({ issuer: issuer.url })
  local = await startLocalLine({ router: appRouter, line, authorize, createContext, origins: [pages.origin] })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await local.close()
  await pages.close()
  await issuer[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function openPage(): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(pages.origin)
  return page
}

const publish = (text: string) => {
  const message = { id: crypto.randomUUID(), author: 'announcer', text, at: Date.now() }
  return local.run(() => messages.publish({ room: 'tanstack' }, { type: 'posted', message }))
}
const outcome = (page: Page, text: string) => page.locator('form p', { hasText: text }).waitFor()
const stateOf = (page: Page) => page.locator('form p').innerText()
const textsOn = (page: Page) => page.locator('li').allInnerTexts()
async function post(page: Page, text: string): Promise<void> {
  await page.getByLabel('Text').fill(text)
  await page.keyboard.press('Enter')
}

it('a component that suspends shows its fallback until the line has answered, then the answer', async () => {
  await publish('said before')
  using slow = local.faults.on('frame', { delayMs: 1_500 }, { path: 'messages.older', times: 1 })
  const page = await openPage()
  await page.getByText('Waiting for the line').waitFor()
  expect(await textsOn(page)).toEqual([])
  await expect.poll(() => textsOn(page), patience).toEqual(['said before'])
  expect(await page.getByText('Waiting for the line').count()).toBe(0)
  expect(slow.hits).toBe(1)
})

it('a mutation is shown before its response, and removed when it is rejected', async () => {
  const page = await openPage()
  await expect.poll(() => textsOn(page), patience).toEqual(['said before'])
  {
    using _slow = local.faults.on('frame', { delayMs: 1_500 }, { path: 'messages.post', times: 1 })
    await post(page, 'kept')
    await expect.poll(() => textsOn(page), patience).toEqual(['said before', 'kept'])
    expect(await stateOf(page)).toBe('pending')
    await outcome(page, 'success')
  }
  using _slow = local.faults.on('frame', { delayMs: 1_500 }, { path: 'messages.post', times: 1 })
  const tooLong = 'x'.repeat(4_001)
  await post(page, tooLong)
  await expect.poll(() => textsOn(page), patience).toEqual(['said before', 'kept', tooLong])
  expect(await stateOf(page)).toBe('pending')
  await outcome(page, 'BAD_REQUEST')
  await expect.poll(() => textsOn(page), patience).toEqual(['said before', 'kept'])
})

it('useSubscription reports that it is live and what is published, before and after a lost socket', async () => {
  const page = await openPage()
  const received = () => page.locator('output').innerText()
  await expect.poll(received, patience).toBe('pending') // tRPC's word for a subscription that lives
  await publish('first')
  await expect.poll(received, patience).toBe('first')
  {
    using _away = local.faults.on('connect', 'fail')
    local.faults.cut()
    await publish('while it was away')
  }
  await expect.poll(received, patience).toBe('while it was away')
})
