import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { servePage } from '../../chat/test/page-server.ts'
import { line } from '../src/server/chats.ts'
import { type AppRouter, appRouter } from '../src/server/router.ts'

const example = join(import.meta.dirname, '..')

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** A line, the built page, and a Chromium to open it in. */
export interface Stage extends AsyncDisposable {
  readonly local: LocalLine<AppRouter>
  /** A chat in a browser profile of its own, with what was said so far. */
  open(chat: string, options?: BrowserContextOptions): Promise<Page>
  closePages(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-ai-'))
  await build({ configFile: join(example, 'vite.config.ts'), logLevel: 'error', build: { outDir: folder } })
  let lineUrl = ''
  const pages = await servePage(folder, { 'line.json': () => ({ url: lineUrl }) })
  const local = await startLocalLine({ router: appRouter, line, origins: [pages.origin] })
  lineUrl = local.url
  const browser = await chromium.launch({
    executablePath: process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: flags,
  })
  return {
    local,
    async open(chat, options = {}) {
      const context = await browser.newContext({ viewport: { width: 900, height: 640 }, ...options })
      const page = await context.newPage()
      await page.goto(`${pages.origin}/#${chat}`)
      await ready(page)
      return page
    },
    async closePages() {
      await Promise.all(browser.contexts().map((context) => context.close()))
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await local.close()
      await pages.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until the page shows the chat so far. */
export const ready = (page: Page): Promise<void> => page.locator('.messages[aria-busy=false]').waitFor()
