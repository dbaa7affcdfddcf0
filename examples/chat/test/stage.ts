import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { type Issuer, startIssuer } from '../src/issuer/issuer.ts'
import { createAuthorize, createContext } from '../src/server/auth.ts'
import { line } from '../src/server/channels.ts'
import { type AppRouter, appRouter } from '../src/server/router.ts'
import { type Distribution, type PageServer, servePage } from './page-server.ts'

const example = join(import.meta.dirname, '..')

/** The options that a Chromium in a container needs. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** A Chromium: the one that TRUNKLINE_CHROMIUM names, else Debian's. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium', args: flags })
}

export interface OpenOptions extends BrowserContextOptions {
  readonly room: string
  /** Null reads along. */
  readonly name: string | null
  /** Whether the test moves the clock of the page. */
  readonly movesClock?: boolean
}

/** The addresses of a line, or of a proxy in front of it. */
export interface LineAddresses {
  readonly url: string
  readonly httpUrl: string
}

export interface StageOptions {
  readonly lifetimeSeconds?: number
  /** Puts a proxy in front of the line, and returns the addresses that pages use. */
  readonly proxy?: (line: LineAddresses) => Promise<LineAddresses>
  /** Serves the page as a deployment does. It gets the addresses of the line and of the issuer. */
  readonly distribution?: (addresses: () => { readonly url: string; readonly issuer: string }) => Distribution
}

/** A line, the built page, and a Chromium to open it in. */
export interface Stage extends AsyncDisposable {
  readonly local: LocalLine<AppRouter>
  readonly issuer: Issuer
  /** A page in a browser profile of its own, open and connected. */
  open(options: OpenOptions): Promise<Page>
  /** The origin of the page. */
  readonly origin: string
  closePages(): Promise<void>
}

const stayMs = 12 * 60 * 60_000 // 12 h: tests move the clock by minutes

export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const { lifetimeSeconds = stayMs / 1_000, proxy, distribution } = options
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-chat-'))
  await build({
    configFile: join(example, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder },
  })
  let addresses: Partial<LineAddresses> = {}
  let local: LocalLine<AppRouter> | undefined
  const clock = { now: () => local?.clock.now() ?? Date.now() }
  const issuer = await startIssuer({ lifetimeSeconds, now: clock.now })
  const files = { 'line.json': () => addresses, 'issuer.json': () => ({ url: issuer.url }) }
  const known = () => ({ url: addresses.url ?? '', issuer: issuer.url })
  const pages = await servePage(folder, files, distribution?.(known))
  const authorize = createAuthorize({ issuer: issuer.url, clock })
  local = await startLocalLine({ router: appRouter, line, authorize, createContext, origins: [pages.origin] })
  const { url, httpUrl } = local
  addresses = (await proxy?.({ url, httpUrl })) ?? { url } // without a proxy, pages have sockets only
  const browser = await launchChromium()
  return {
    local,
    issuer,
    origin: pages.origin,
    open: (options) => openPage(browser, pages, options),
    async closePages() {
      await Promise.all(browser.contexts().map((context) => context.close()))
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await local.close()
      await pages.close()
      await issuer[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function openPage(browser: Browser, pages: PageServer, open: OpenOptions): Promise<Page> {
  const { room, name, movesClock = false, ...options } = open
  const context = await browser.newContext({ viewport: { width: 1_100, height: 700 }, locale: 'en-GB', ...options })
  const page = await context.newPage()
  if (movesClock) await page.clock.install()
  await page.goto(`${pages.origin}/#${room}`)
  if (name === null) await page.getByRole('button', { name: 'Just read along' }).click()
  else {
    await page.getByLabel('Your name').fill(name)
    await page.keyboard.press('Enter')
  }
  await page.locator('.badge[data-status=open]').waitFor()
  return page
}

/** Types a message and sends it, by keyboard alone. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message to').fill(text)
  await page.keyboard.press('Enter')
}

/** The texts on the page that the server has taken, in order. */
export async function textsOn(page: Page): Promise<readonly string[]> {
  return await page.locator('.message[data-state=sent] .text').allInnerTexts()
}
